//! H.264, HEVC and AV1 in hardware: NVIDIA's NVENC, through libavcodec's wrapper.
//!
//! What the wrapper offers depends on the headers that FFmpeg was built with, what the hardware
//! offers on the GPU: so options are set where this FFmpeg has them, and the encoder is opened for
//! real to see whether the GPU agrees. Its codes say little; [`explain`] reads its log lines.

#[allow(dead_code, reason = "the probe fills it and the checks read it")]
mod abilities;
pub(crate) mod probe;

use super::wish::{Plan, Unmet, Wish};
use crate::av::OpenFailure;
use crate::{Codec, EncoderPreset, PixelFormat, RateControl};

pub(super) fn plan(wish: &Wish<'_>) -> Result<Plan, Unmet> {
    let config = wish.config;
    check(wish)?;
    let mut plan = Plan::new(wish.pick_format(&[PixelFormat::Nv12], &[PixelFormat::P010])?);
    plan.set("preset", preset(wish.preset));
    plan.set("tune", if config.low_latency { "ull" } else { "hq" });
    plan.set("g", wish.gop);
    plan.set_if_known(wish, "forced-idr", 1);
    set_rate_control(&mut plan, wish);
    plan.follows_bitrate = config.rate_control.has_bitrate();
    if config.low_latency {
        plan.set("zerolatency", 1);
        // Its default holds pictures back until every surface is in use.
        plan.set("delay", 0);
        plan.set("bf", 0);
    } else if let Some(count) = config.b_frames {
        plan.set("bf", count);
    }
    if let Some(pictures) = config.lookahead {
        plan.set("rc-lookahead", pictures);
    }
    Ok(plan)
}

/// Wishes that this FFmpeg cannot pass on, whatever the GPU.
fn check(wish: &Wish<'_>) -> Result<(), Unmet> {
    if !wish.info.has_value("preset", "p4") {
        return Err(Unmet::new(
            format!("FFmpeg {} was built with NVENC headers older than 10", crate::av::version()),
            "use FFmpeg 4.4 or newer",
        ));
    }
    if wish.codec == Codec::AV1 {
        wish.refuse_b_frames()?;
    }
    if wish.config.ten_bit && wish.codec == Codec::H264 && !wish.info.has_value("profile", "high10") {
        return Err(Unmet::new(
            "H.264 in ten bits needs FFmpeg 8 with NVENC headers 13 and a GeForce RTX 50 or newer",
            "take codec hevc or av1 for ten bits",
        ));
    }
    Ok(())
}

fn set_rate_control(plan: &mut Plan, wish: &Wish<'_>) {
    match wish.config.rate_control {
        RateControl::Cqp => {
            plan.set("rc", "constqp");
            plan.set("qp", wish.quality);
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
    let passes = match wish.preset {
        EncoderPreset::Best => "fullres",
        EncoderPreset::Quality => "qres",
        _ => return,
    };
    if wish.config.rate_control.has_bitrate() && !wish.config.low_latency {
        plan.set_if_known(wish, "multipass", passes);
    }
}

const fn preset(preset: EncoderPreset) -> &'static str {
    match preset {
        EncoderPreset::Fastest => "p1",
        EncoderPreset::Fast => "p3",
        EncoderPreset::Balanced => "p4",
        EncoderPreset::Quality => "p6",
        EncoderPreset::Best => "p7",
    }
}

/// What the wrapper's lines mean, the first that is found, and what can be done.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "Cannot load libcuda",
        "libcuda.so.1 is not there: no NVIDIA driver is installed",
        "install NVIDIA's driver, 525 or newer, or use a software encoder",
    ),
    (
        "Cannot load libnvidia-encode",
        "libnvidia-encode.so.1 is not there: the NVIDIA driver was installed without its encoder library",
        "install it (Debian: libnvidia-encode1, Ubuntu: libnvidia-encode-VERSION, Fedora: xorg-x11-drv-nvidia-cuda-libs)",
    ),
    (
        "Driver does not support the required nvenc API version",
        "the NVIDIA driver is older than this FFmpeg's NVENC headers",
        "update NVIDIA's driver",
    ),
    (
        "Cannot load nvenc functions",
        "the NVIDIA driver's encoder library lacks a function that FFmpeg needs",
        "update NVIDIA's driver",
    ),
    (
        "Cannot load CUDA functions",
        "the NVIDIA driver's libcuda.so.1 lacks a function that FFmpeg needs",
        "update NVIDIA's driver",
    ),
    (
        "CUDA_ERROR_NO_DEVICE",
        "the NVIDIA driver is installed, but there is no NVIDIA GPU that it can use",
        "check that the GPU is there (nvidia-smi), and that this user or container may use it",
    ),
    (
        "cuInit(0) failed",
        "the NVIDIA driver does not start",
        "check it with nvidia-smi; after a driver update, restart the machine",
    ),
    (
        "unsupported device (2)",
        "this NVIDIA GPU has no encoder",
        "use a GPU with NVENC (GeForce GTX 10 or newer), or a software encoder",
    ),
    (
        "out of memory (10)",
        "the GPU has no encoder session or memory left",
        "end other recordings and streams, or update the driver: newer ones allow more sessions",
    ),
    (
        "incompatible client key (21)",
        "the GPU has no encoder session left",
        "end other recordings and streams, or update the driver: newer ones allow more sessions",
    ),
    (
        "Codec not supported",
        "this NVIDIA GPU does not make this codec",
        "take another codec: H.264 is made by every one, HEVC from GTX 900 on, AV1 from RTX 40 on",
    ),
    (
        "10 bit encode not supported",
        "this NVIDIA GPU does not encode ten bits in this codec",
        "leave ten-bit off, or use a GTX 10 or newer for HEVC and an RTX 40 or newer for AV1",
    ),
    (
        "Width ",
        "the picture is too wide for this NVIDIA GPU",
        "H.264 goes to 4096 pixels: take codec hevc or av1, or a smaller size",
    ),
    (
        "Height ",
        "the picture is too high for this NVIDIA GPU",
        "H.264 goes to 4096 pixels: take codec hevc or av1, or a smaller size",
    ),
    (
        "Max B-frames",
        "this NVIDIA GPU has not so many B-frames in this codec",
        "ask for fewer b-frames; 0 works everywhere",
    ),
    ("B-frames are not supported", "this NVIDIA GPU has no B-frames in this codec", "set b-frames to 0"),
    ("RC lookahead not supported", "this NVIDIA GPU does not look ahead", "leave lookahead away"),
];

/// What a failure to open means, from what the wrapper logged.
pub(super) fn explain(failure: &OpenFailure) -> Unmet {
    let found = MEANINGS.iter().find(|(words, ..)| failure.said.iter().any(|line| line.contains(words)));
    let Some(&(_, reason, remedy)) = found else {
        let mut unmet = super::table::as_said(failure);
        unmet.remedy = Some("use a software encoder; nvidia-smi tells whether the driver works".to_owned());
        return unmet;
    };
    // The numbers, where the line has some: versions required and found, the GPU's limits.
    let detail = failure
        .said
        .iter()
        .find(|line| ["Required:", "minimum required", "exceed"].iter().any(|words| line.contains(words)));
    let reason = match detail {
        Some(line) => format!("{reason} ({})", line.trim_end_matches('.')),
        None => reason.to_owned(),
    };
    Unmet { reason, remedy: Some(remedy.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::AvError;

    fn meaning(said: &[&str]) -> Unmet {
        let said = said.iter().map(|&line| line.to_owned()).collect();
        explain(&OpenFailure { error: AvError(-libc::EPERM), said })
    }

    #[test]
    fn a_missing_driver_is_told_from_an_old_one() {
        let missing = meaning(&["Cannot load libcuda.so.1"]);
        assert_eq!(missing.reason, "libcuda.so.1 is not there: no NVIDIA driver is installed");
        let old = meaning(&[
            "Driver does not support the required nvenc API version. Required: 13.0 Found: 12.1",
            "The minimum required Nvidia driver for nvenc is 570.0 or newer",
        ]);
        assert!(old.reason.contains("Required: 13.0 Found: 12.1"), "{old:?}");
        assert_eq!(old.remedy.as_deref(), Some("update NVIDIA's driver"));
    }

    #[test]
    fn limits_of_the_gpu_keep_their_numbers() {
        let wide = meaning(&["Width 7680 exceeds 4096", "No capable devices found"]);
        assert!(wide.reason.contains("too wide") && wide.reason.contains("7680 exceeds 4096"), "{wide:?}");
        let sessions = meaning(&["OpenEncodeSessionEx failed: out of memory (10): (no details)"]);
        assert!(sessions.reason.contains("session"), "{sessions:?}");
        let none = meaning(&["OpenEncodeSessionEx failed: unsupported device (2): (no details)"]);
        assert!(none.reason.contains("no encoder"), "{none:?}");
    }

    #[test]
    fn what_is_not_known_keeps_its_own_words() {
        let other = meaning(&["something new"]);
        assert_eq!(other.reason, "something new");
        assert!(other.remedy.is_some());
        assert!(!meaning(&[]).reason.is_empty());
    }
}
