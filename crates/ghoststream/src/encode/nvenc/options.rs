//! Choices in the words of libavcodec's wrapper.

use super::choices::Choices;
use crate::encode::backend::{Plan, Wish};
use crate::{BReference, Chroma, Codec, Multipass, PixelFormat, RateControl, SplitEncode, Tune};

/// The plan: what it is fed with, and every option.
pub(super) fn plan(wish: &Wish<'_>, choices: &Choices, format: PixelFormat, gpu: Option<u32>) -> Plan {
    let mut plan = Plan::new(format);
    plan.set("preset", choices.preset);
    plan.set("tune", if wish.config.lossless { "lossless" } else { tune(choices.tune.value) });
    set_profile(&mut plan, wish);
    set_rate_control(&mut plan, wish);
    plan.follows_bitrate = wish.config.rate_control.has_bitrate() && !wish.config.lossless;
    // It is told a rate and no durations: by that it shares out its bits.
    plan.counts_pictures = true;
    set_structure(&mut plan, wish, choices);
    set_quantisation(&mut plan, wish, choices);
    if let Some(mode) = split(choices.split.value) {
        plan.set_if_known(wish, "split_encode_mode", mode);
    }
    if let Some(gpu) = gpu {
        plan.set("gpu", gpu);
    }
    // Of which nothing is known, the wrapper finds the first that can: the memory would have to be its.
    plan.gpu = gpu.filter(|_| wish.config.nvenc.device_frames);
    plan
}

const fn tune(tune: Tune) -> &'static str {
    match tune {
        Tune::HighQuality => "hq",
        Tune::UltraHighQuality => "uhq",
        Tune::LowLatency => "ll",
        Tune::UltraLowLatency => "ull",
    }
}

/// H.264 alone would take `main` without its 8x8 transform; the others go by what they are fed with.
fn set_profile(plan: &mut Plan, wish: &Wish<'_>) {
    let config = wish.config;
    if wish.codec == Codec::H264 && !config.lossless && config.chroma == Chroma::Yuv420 {
        plan.set("profile", if config.ten_bit { "high10" } else { "high" });
    }
}

fn set_rate_control(plan: &mut Plan, wish: &Wish<'_>) {
    if wish.config.lossless {
        plan.set("b", 0);
        return;
    }
    match wish.config.rate_control {
        RateControl::Cqp => {
            plan.set("rc", "constqp");
            plan.set("qp", quantizer(wish));
            plan.set("b", 0);
        }
        // Zero means "automatic" to the wrapper.
        RateControl::Crf => {
            plan.set("rc", "vbr");
            plan.set("cq", wish.quality.max(1));
            plan.set("b", 0);
        }
        RateControl::Vbr => {
            plan.set("rc", "vbr");
            plan.set_bitrate(wish);
        }
        RateControl::Cbr => {
            plan.set("rc", "cbr");
            plan.set_bitrate(wish);
        }
    }
}

/// AV1's quantiser is an index of 0 to 255 here, four steps for each of the usual 0 to 63.
const fn quantizer(wish: &Wish<'_>) -> u32 {
    match (wish.codec, wish.quality) {
        (Codec::AV1, 63) => 255,
        (Codec::AV1, 62) => 249,
        (Codec::AV1, other) => other * 4,
        (_, other) => other,
    }
}

/// Key frames, B-frames and what waits inside.
fn set_structure(plan: &mut Plan, wish: &Wish<'_>, choices: &Choices) {
    plan.set("g", wish.gop);
    plan.keys_every = Some(wish.gop).filter(|_| !choices.intra_refresh.value);
    plan.set_if_known(wish, "forced-idr", 1);
    if wish.is_live() {
        plan.set_if_known(wish, "no-scenecut", 1);
    }
    if let Some(count) = choices.b_frames.value {
        plan.set("bf", count);
    }
    if let Some(reference) = choices.b_reference.value {
        plan.set_if_known(wish, "b_ref_mode", reference_mode(reference));
    }
    // Zero is the wrapper's word for "as the driver's preset has it", which on some drivers is a lookahead
    // in P6 and P7: it has none for "off".
    if choices.lookahead.value > 0 || choices.lookahead.asked {
        plan.set("rc-lookahead", choices.lookahead.value);
    }
    if choices.intra_refresh.value {
        plan.set("intra-refresh", 1);
        plan.notes.push(
            "intra-refresh: only the first picture is a key frame, so the recording can be played from its start \
             alone; leave intra-refresh off to seek in it"
                .to_owned(),
        );
    }
    if choices.weighted_prediction.value {
        plan.set("weighted_pred", 1);
    }
    if wish.config.low_latency {
        plan.set("zerolatency", 1);
    }
    if let Some(pictures) = delay(wish, choices) {
        plan.set("delay", pictures);
    }
}

const fn reference_mode(reference: BReference) -> &'static str {
    match reference {
        BReference::Off => "disabled",
        BReference::Middle => "middle",
        BReference::Each => "each",
    }
}

/// Pictures that the wrapper holds before it waits for the oldest. Its default is every surface it
/// has; a lookahead needs four more than its depth and a row of B-frames. Two more than such a row
/// keep every engine of the GPU busy; where pictures come slowly, a quarter of a second bounds it.
fn delay(wish: &Wish<'_>, choices: &Choices) -> Option<u32> {
    if wish.config.low_latency {
        return Some(0);
    }
    let row = choices.b_frames.value? + 1;
    Some(match choices.lookahead.value {
        0 if row == 1 => 3.min((wish.fps / 4.0) as u32),
        0 => row + 2,
        depth => depth + row + 4,
    })
}

fn set_quantisation(plan: &mut Plan, wish: &Wish<'_>, choices: &Choices) {
    plan.set_if_known(wish, "spatial-aq", u32::from(choices.spatial_aq.value));
    plan.set_if_known(wish, "temporal-aq", u32::from(choices.temporal_aq.value));
    let passes = match choices.multipass.value {
        Multipass::Off => "disabled",
        Multipass::Quarter => "qres",
        Multipass::Full => "fullres",
    };
    plan.set_if_known(wish, "multipass", passes);
}

const fn split(mode: SplitEncode) -> Option<&'static str> {
    match mode {
        SplitEncode::Auto => None,
        SplitEncode::Off => Some("disabled"),
        SplitEncode::On => Some("forced"),
        SplitEncode::Two => Some("2"),
        SplitEncode::Three => Some("3"),
    }
}
