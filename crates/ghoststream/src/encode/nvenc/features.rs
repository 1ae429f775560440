//! Whether what is wanted can be passed on by this FFmpeg, whatever the GPU.

use super::check::{Job, name, strips, unmet};
use super::choices::{Choice, Choices};
use crate::av::EncoderInfo;
use crate::encode::backend::Unmet;
use crate::{Chroma, Codec, Multipass, RateControl, Tune};

/// What this FFmpeg's encoder passes on to the driver.
#[derive(Clone, Debug)]
pub(super) struct Features {
    /// FFmpeg's version.
    pub(super) ffmpeg: String,
    /// Presets `p1` to `p7`.
    pub(super) presets: bool,
    /// H.264 with ten bits.
    pub(super) high10: bool,
    /// `tune uhq`.
    pub(super) ultra_high_quality: bool,
    /// Strips on several engines.
    pub(super) split: bool,
    /// Weighted prediction.
    pub(super) weighted_prediction: bool,
    /// Intra-refresh.
    pub(super) intra_refresh: bool,
    /// Temporal AQ.
    pub(super) temporal_aq: bool,
}

impl Features {
    pub(super) fn of(info: &EncoderInfo) -> Self {
        Self {
            ffmpeg: crate::av::version(),
            presets: info.has_value("preset", "p4"),
            high10: info.has_value("profile", "high10"),
            ultra_high_quality: info.has_value("tune", "uhq"),
            split: info.has_option("split_encode_mode"),
            weighted_prediction: info.has_option("weighted_pred"),
            intra_refresh: info.has_option("intra-refresh"),
            temporal_aq: info.has_option("temporal-aq"),
        }
    }
}

/// What cannot be on any GPU, with this FFmpeg.
///
/// # Errors
/// The first wish that cannot be passed on.
pub(super) fn check(job: &Job, choices: &Choices, features: &Features) -> Result<(), Unmet> {
    let ffmpeg = &features.ffmpeg;
    let codec = name(job.codec);
    let asked = |choice: Choice<bool>| choice.asked && choice.value;
    let fixed = job.lossless || job.rate_control == RateControl::Cqp;
    let mode = if job.lossless { "lossless" } else { "rate-control cqp" };
    if !features.presets {
        return unmet(
            format!("FFmpeg {ffmpeg} was built with NVENC headers older than 10"),
            "use FFmpeg 4.4 or newer",
        );
    }
    if job.ten_bit && job.codec == Codec::H264 && !features.high10 {
        return unmet(
            format!(
                "FFmpeg {ffmpeg} passes no H.264 in ten bits on: it needs FFmpeg 8 with NVENC headers 13, and a \
                 GeForce RTX 50 or newer"
            ),
            "take codec hevc or av1 for ten bits",
        );
    }
    if job.codec == Codec::AV1 && job.lossless {
        return unmet("NVENC has no lossless AV1", "take codec h264 or hevc for lossless");
    }
    if job.codec == Codec::AV1 && job.chroma == Chroma::Yuv444 {
        return unmet("NVENC has no AV1 in 4:4:4", "take codec h264 or hevc for 4:4:4");
    }
    if choices.tune.value == Tune::UltraHighQuality && !features.ultra_high_quality {
        return unmet(
            format!("FFmpeg {ffmpeg} has no tune uhq for {codec}"),
            "take tune hq, or codec hevc with NVENC headers 12.2 or newer",
        );
    }
    if asked(choices.weighted_prediction) && !features.weighted_prediction {
        return unmet(
            format!("{codec} has no weighted prediction in NVENC"),
            "leave weighted-prediction off",
        );
    }
    if asked(choices.intra_refresh) && !features.intra_refresh {
        return unmet(
            format!("FFmpeg {ffmpeg} has no intra-refresh for {codec}"),
            "leave intra-refresh off, or take codec h264 or hevc",
        );
    }
    if asked(choices.temporal_aq) && !features.temporal_aq {
        return unmet(
            format!("FFmpeg {ffmpeg} has no temporal AQ for {codec}"),
            "leave temporal-aq off, or take codec h264 or hevc",
        );
    }
    if fixed && (asked(choices.spatial_aq) || asked(choices.temporal_aq)) {
        return unmet(
            format!("adaptive quantisation has nothing to choose with {mode}"),
            "leave spatial-aq and temporal-aq off, or take rate-control vbr, cbr or crf",
        );
    }
    if fixed && choices.multipass.asked && choices.multipass.value != Multipass::Off {
        return unmet(
            format!("rate control looks at nothing twice with {mode}"),
            "leave multipass off, or take rate-control vbr, cbr or crf",
        );
    }
    lookahead_depth(choices)?;
    split_features(job, choices, features)
}

/// NVENC looks ahead at most 31 pictures, less the B-frames.
fn lookahead_depth(choices: &Choices) -> Result<(), Unmet> {
    let most = 31 - choices.b_frames.value.unwrap_or(0).min(31);
    if choices.lookahead.value <= most {
        return Ok(());
    }
    let asked = choices.lookahead.value;
    unmet(
        format!(
            "NVENC looks ahead 31 pictures at most, less the B-frames: {most} here, and {asked} are asked for"
        ),
        format!("set lookahead to {most} or less"),
    )
}

fn split_features(job: &Job, choices: &Choices, features: &Features) -> Result<(), Unmet> {
    if strips(choices.split.value) < 2 {
        return Ok(());
    }
    if job.codec == Codec::H264 {
        return unmet(
            "H.264 cannot be split over several encoders of a GPU",
            "leave split-encode away, or take codec hevc or av1",
        );
    }
    if !features.split {
        return unmet(
            format!(
                "this FFmpeg ({}) cannot split a picture over several encoders: 7.0 or newer can, built with NVENC \
                 headers 12.1 or newer",
                features.ffmpeg
            ),
            "leave split-encode away, or update FFmpeg",
        );
    }
    if choices.weighted_prediction.value {
        return unmet(
            "a picture cannot be split over several encoders with weighted prediction",
            "leave split-encode or weighted-prediction away",
        );
    }
    Ok(())
}
