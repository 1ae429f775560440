//! HEVC in software: libx265.

use super::backend::{Plan, Unmet, Wish};
use super::speed::Speed;
use crate::{Container, EncoderPreset, PixelFormat, RateControl};

pub(super) static SPEED: Speed = [45.0, 29.0, 24.0, 19.0, 16.0];

pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    let config = wish.config;
    let mut plan = Plan::new(wish.pick_format(&[PixelFormat::I420], &[PixelFormat::I010])?);
    plan.set("preset", preset(wish.preset).0);
    plan.set("g", wish.gop);
    plan.keys_every = Some(wish.gop);
    plan.set("forced-idr", 1);
    match config.rate_control {
        // A parameter says so.
        _ if config.lossless => {}
        RateControl::Cqp => plan.set("qp", wish.quality),
        RateControl::Crf => plan.set("crf", wish.quality),
        RateControl::Cbr | RateControl::Vbr => plan.set_bitrate(wish),
    }
    if config.low_latency {
        plan.set("tune", "zerolatency");
    }
    if let Some(count) = b_frames(wish) {
        plan.set("bf", count);
    }
    // To libx265's wrapper these are frame threads: each holds a picture back.
    plan.set("threads", if config.low_latency { 1 } else { wish.threads.min(3) });
    plan.set("x265-params", parameters(wish).join(":"));
    if config.rate_control == RateControl::Cbr
        && !config.lossless
        && wish.containers.contains(&Container::Mp4)
    {
        plan.note_no_filler();
    }
    Ok(plan)
}

/// Its word for a preset, and how far that looks ahead.
const fn preset(preset: EncoderPreset) -> (&'static str, u32) {
    match preset {
        EncoderPreset::Fastest => ("ultrafast", 5),
        EncoderPreset::Fast => ("superfast", 10),
        EncoderPreset::Balanced => ("veryfast", 15),
        EncoderPreset::Quality => ("fast", 15),
        EncoderPreset::Best => ("medium", 20),
    }
}

/// It sets no B-frames of its own where the tune does.
fn b_frames(wish: &Wish<'_>) -> Option<u32> {
    if wish.config.low_latency { None } else { wish.b_frames() }
}

/// What the wrapper has no options for.
fn parameters(wish: &Wish<'_>) -> Vec<String> {
    let config = wish.config;
    let mut all = vec![
        // It would print to stderr.
        "log-level=none".to_owned(),
        // Every key frame is one that playing can start from.
        "open-gop=0".to_owned(),
        format!("pools={}", wish.threads),
    ];
    if wish.is_live() {
        all.push("scenecut=0".to_owned());
    }
    if config.lossless {
        all.push("lossless=1".to_owned());
    } else if config.rate_control == RateControl::Cbr && !wish.containers.contains(&Container::Mp4) {
        all.push("hrd=1:strict-cbr=1".to_owned());
    }
    if !config.low_latency {
        // It refuses to look less far ahead than it has B-frames; by default that is four.
        let least = b_frames(wish).unwrap_or(4) + 1;
        all.push(format!("rc-lookahead={}", wish.lookahead(preset(wish.preset).1, 0.4).max(least)));
    }
    all
}
