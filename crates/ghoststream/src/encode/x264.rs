//! H.264 in software: libx264.

use super::backend::{Plan, Unmet, Wish};
use super::speed::Speed;
use crate::{Container, EncoderPreset, PixelFormat, RateControl};

pub(super) static SPEED: Speed = [250.0, 78.0, 44.0, 41.0, 25.0];

pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    use PixelFormat::{I010, I420, Nv12, P010};
    let config = wish.config;
    let mut plan = Plan::new(wish.pick_format(&[Nv12, I420], &[I010, P010])?);
    let (preset, usual_lookahead) = preset(wish.preset);
    plan.set("preset", preset);
    plan.set("g", wish.gop);
    plan.keys_every = Some(wish.gop);
    plan.set("forced-idr", 1);
    if wish.is_live() {
        plan.set("sc_threshold", 0);
    }
    match config.rate_control {
        // Its best quantiser is the one that loses nothing, at every depth.
        _ if config.lossless => plan.set("qp", 0),
        // Its quantiser grows by six a bit.
        RateControl::Cqp => plan.set("qp", wish.quality + if config.ten_bit { 12 } else { 0 }),
        RateControl::Crf => plan.set("crf", wish.quality),
        RateControl::Cbr | RateControl::Vbr => plan.set_bitrate(wish),
    }
    if config.rate_control == RateControl::Cbr && !config.lossless {
        set_cbr(&mut plan, wish);
    }
    // An average that it aims at over the whole stream stays what it was.
    plan.follows_bitrate = config.rate_control == RateControl::Cbr && !config.lossless;
    plan.set("threads", wish.threads);
    if config.low_latency {
        plan.set("tune", "zerolatency");
        // That tune knows no picture's end, which is the next one's time: each lasts as long as the rate says.
        plan.counts_pictures = true;
        // Frame threads each hold a picture back; slices do not. libavcodec undoes the tune's own
        // choice unless it is told.
        plan.set("thread_type", "slice");
        return Ok(plan);
    }
    if let Some(count) = wish.b_frames() {
        plan.set("bf", count);
    }
    // A recording begins and ends within a third of a second.
    plan.set("rc-lookahead", wish.lookahead(usual_lookahead, 0.1));
    Ok(plan)
}

/// Its word for a preset, and how far that looks ahead.
const fn preset(preset: EncoderPreset) -> (&'static str, u32) {
    match preset {
        EncoderPreset::Fastest => ("ultrafast", 0),
        EncoderPreset::Fast => ("veryfast", 10),
        EncoderPreset::Balanced => ("fast", 30),
        EncoderPreset::Quality => ("medium", 40),
        EncoderPreset::Best => ("slow", 50),
    }
}

/// A rate that is constant even where nothing moves needs filler. It is not asked for by way of
/// `nal-hrd`: the figures that this writes into the headers would forbid another bitrate later.
fn set_cbr(plan: &mut Plan, wish: &Wish<'_>) {
    if wish.containers.contains(&Container::Mp4) {
        plan.note_no_filler();
    } else {
        plan.set("x264-params", "filler=1");
        plan.fills = true;
    }
}
