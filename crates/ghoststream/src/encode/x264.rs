//! H.264 in software: libx264.

use super::wish::{Plan, Unmet, Wish};
use crate::{Container, EncoderPreset, PixelFormat, RateControl};

pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    use PixelFormat::{I010, I420, Nv12, P010};
    let config = wish.config;
    let mut plan = Plan::new(wish.pick_format(&[Nv12, I420], &[I010, P010])?);
    plan.set("preset", preset(wish.preset));
    plan.set("g", wish.gop);
    plan.set("forced-idr", 1);
    match config.rate_control {
        RateControl::Cqp => plan.set("qp", wish.quality),
        RateControl::Crf => plan.set("crf", wish.quality),
        RateControl::Cbr | RateControl::Vbr => plan.set_bitrate(wish),
    }
    if config.rate_control == RateControl::Cbr {
        set_cbr(&mut plan, wish);
    }
    if config.low_latency {
        plan.set("tune", "zerolatency");
        // Frame threads each hold a picture back; slices do not. libavcodec undoes the tune's own
        // choice unless it is told.
        plan.set("thread_type", "slice");
    }
    plan.set("threads", wish.threads());
    if let Some(count) = config.b_frames {
        plan.set("bf", count);
    }
    if let Some(pictures) = config.lookahead {
        plan.set("rc-lookahead", pictures);
    }
    Ok(plan)
}

const fn preset(preset: EncoderPreset) -> &'static str {
    match preset {
        EncoderPreset::Fastest => "ultrafast",
        EncoderPreset::Fast => "veryfast",
        EncoderPreset::Balanced => "fast",
        EncoderPreset::Quality => "medium",
        EncoderPreset::Best => "slow",
    }
}

/// A rate that is constant even where nothing moves needs filler, which MP4 does not allow
/// (ISO/IEC 14496-15, 5.3.2).
fn set_cbr(plan: &mut Plan, wish: &Wish<'_>) {
    if wish.containers.contains(&Container::Mp4) {
        plan.set("nal-hrd", "vbr");
        plan.notes.push(
            "MP4 allows no filler: where little moves, the bitrate falls below the constant one".to_owned(),
        );
    } else {
        plan.set("nal-hrd", "cbr");
    }
}
