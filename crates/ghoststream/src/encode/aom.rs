//! AV1 in software: libaom, where SVT-AV1 is missing.

use super::backend::{Plan, Unmet, Wish};
use super::speed::Speed;
use crate::{EncoderPreset, PixelFormat, RateControl};

/// Pictures that libaom can look ahead.
const MOST_LOOKAHEAD: u32 = 48;

pub(super) static SPEED: Speed = [40.0, 40.0, 40.0, 19.0, 12.0];

pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    let config = wish.config;
    wish.refuse_b_frames()?;
    wish.refuse_lossless("in its real-time mode it has no lossless coding")?;
    let mut plan = Plan::new(wish.pick_format(&[PixelFormat::I420], &[PixelFormat::I010])?);
    plan.set("usage", "realtime");
    plan.set("cpu-used", cpu_used(wish.preset));
    plan.set("row-mt", 1);
    plan.set("threads", wish.threads);
    plan.set("g", wish.gop);
    plan.keys_every = Some(wish.gop);
    // Without it a forced or regular key frame waits for the lookahead.
    let lookahead = if config.low_latency { 0 } else { config.lookahead.unwrap_or(0) };
    if lookahead > MOST_LOOKAHEAD {
        return Err(Unmet::new(
            format!("it looks at most {MOST_LOOKAHEAD} pictures ahead"),
            format!("ask for a lookahead of {MOST_LOOKAHEAD} or less"),
        ));
    }
    plan.set("lag-in-frames", lookahead);
    match config.rate_control {
        RateControl::Crf => plan.set("crf", wish.quality),
        RateControl::Cqp => {
            plan.set("crf", wish.quality);
            plan.set("qmin", wish.quality);
            plan.set("qmax", wish.quality);
        }
        RateControl::Vbr => plan.set_bitrate(wish),
        RateControl::Cbr => {
            plan.set_constant(wish);
            plan.set("minrate", u64::from(wish.kbps) * 1000);
        }
    }
    Ok(plan)
}

/// At 8 it is a tenth faster than at 7, and leaves blocks of single pictures as they were in the one before, whatever
/// the bitrate: of the test card three to five pictures a minute cannot be read.
const fn cpu_used(preset: EncoderPreset) -> u32 {
    match preset {
        EncoderPreset::Fastest | EncoderPreset::Fast | EncoderPreset::Balanced => 7,
        EncoderPreset::Quality => 6,
        EncoderPreset::Best => 5,
    }
}
