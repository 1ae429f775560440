//! AV1 in software: SVT-AV1.
//!
//! Two of its abilities are not taken. Its low-delay mode, which it needs for a constant bitrate
//! too, says of itself that it is unfinished: libaom does both. And its wrapper does not pass on a
//! wish for a key frame before FFmpeg 7: it is opened anew for one.

use super::backend::{Plan, Unmet, Wish};
use super::speed::Speed;
use crate::{EncoderPreset, PixelFormat, RateControl};

pub(super) static SPEED: Speed = [60.0, 34.0, 27.0, 11.0, 6.0];

pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    let config = wish.config;
    wish.refuse_b_frames()?;
    check(wish)?;
    let mut plan = Plan::new(wish.pick_format(&[PixelFormat::I420], &[PixelFormat::I010])?);
    plan.restart_for_key = true;
    // No `keys_every`: where pictures are dropped because the machine is too slow, to open it anew for each key frame
    // would make it slower still, so that its groups of pictures are longer in time there.
    plan.set("preset", preset(wish.preset, crate::av::codec_major() >= 61));
    plan.set("g", wish.gop);
    plan.set("flags", "+cgop");
    match config.rate_control {
        // Zero means "not set" to the wrapper; one is the best that it takes.
        RateControl::Cqp => plan.set("qp", wish.quality.max(1)),
        RateControl::Crf => plan.set("crf", wish.quality.max(1)),
        RateControl::Cbr | RateControl::Vbr => plan.set("b", u64::from(wish.kbps) * 1000),
    }
    plan.set("svtav1-params", parameters(wish).join(":"));
    Ok(plan)
}

fn check(wish: &Wish<'_>) -> Result<(), Unmet> {
    let config = wish.config;
    if !wish.info.has_option("svtav1-params") {
        return Err(Unmet::new(
            format!("FFmpeg {} cannot hand settings to it", crate::av::version()),
            "use FFmpeg 5.1 or newer",
        ));
    }
    wish.refuse_lossless("it has no lossless coding")?;
    if config.low_latency {
        return Err(Unmet::new(
            "it hands packets out several pictures late, even in its low-delay mode",
            "for low latency take libaom-av1, which needs an FFmpeg built with it, or codec h264",
        ));
    }
    if config.rate_control == RateControl::Cbr {
        return Err(Unmet::new(
            "it keeps a constant bitrate only in its low-delay mode, which is unfinished",
            "for a constant bitrate take libaom-av1, which needs an FFmpeg built with it, or rate control vbr",
        ));
    }
    if config.lookahead.is_some_and(|pictures| pictures > 120) {
        return Err(Unmet::new("it looks at most 120 pictures ahead", "ask for a lookahead of 120 or less"));
    }
    Ok(())
}

/// All five run in real time on some machine; SVT-AV1's slower ones are for files that wait.
///
/// In newer versions, 2.3 beside FFmpeg 7.1 and 4 beside FFmpeg 9 among them, its presets above 10 save a quarter of
/// the time and leave text that nobody can read: those are `coarse`.
fn preset(preset: EncoderPreset, coarse: bool) -> u32 {
    let preset = match preset {
        EncoderPreset::Fastest => 12,
        EncoderPreset::Fast => 11,
        EncoderPreset::Balanced => 10,
        EncoderPreset::Quality => 8,
        EncoderPreset::Best => 6,
    };
    if coarse { preset.min(10) } else { preset }
}

fn parameters(wish: &Wish<'_>) -> Vec<String> {
    let lookahead = wish.lookahead(60, 0.4);
    let mut all = vec![
        format!("lp={}", wish.threads),
        // Closed groups of pictures, whatever the wrapper's default.
        "irefresh-type=2".to_owned(),
        format!("lookahead={lookahead}"),
    ];
    // A pyramid that does not fit into the lookahead makes newer versions look further than they were told.
    match lookahead {
        0..20 => all.extend(["hierarchical-levels=2".to_owned(), "enable-tf=0".to_owned()]),
        20..42 => all.push("hierarchical-levels=3".to_owned()),
        _ => {}
    }
    all
}
