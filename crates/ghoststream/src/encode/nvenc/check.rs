//! Whether what is wanted can be done: by this FFmpeg, and by a GPU of this machine.
//!
//! Pure: the answers of the driver and of libavcodec come in, a refusal with its remedy or a settled
//! session comes out. What was asked for by name is refused where it cannot be; what is only our own
//! default is left away.

use super::abilities::{Abilities, CodecAbilities, GpuAbilities};
use super::choices::{Choice, Choices};
use crate::av::EncoderInfo;
use crate::encode::wish::{Unmet, Wish};
use crate::{BReference, Chroma, Codec, EncoderPreset, Multipass, RateControl, Size, SplitEncode, Tune};

/// What is to be encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) codec: Codec,
    pub(super) size: Size,
    pub(super) fps: f64,
    pub(super) ten_bit: bool,
    pub(super) chroma: Chroma,
    pub(super) lossless: bool,
    pub(super) rate_control: RateControl,
    pub(super) preset: EncoderPreset,
    /// The GPU that was asked for.
    pub(super) gpu: Option<u32>,
}

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

/// A session that can be opened.
#[derive(Debug)]
pub(super) struct Settled {
    /// As CUDA counts them.
    pub(super) gpu: u32,
    pub(super) choices: Choices,
    /// Whether the bitrate may change while it runs.
    pub(super) dynamic_bitrate: bool,
    /// What was left away that a preset for quality would have.
    pub(super) notes: Vec<String>,
}

impl Job {
    pub(super) fn of(wish: &Wish<'_>) -> Self {
        let config = wish.config;
        Self {
            codec: wish.codec,
            size: wish.size,
            fps: wish.fps,
            ten_bit: config.ten_bit,
            chroma: config.chroma,
            lossless: config.lossless,
            rate_control: config.rate_control,
            preset: wish.preset,
            gpu: config.nvenc.gpu,
        }
    }
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
pub(super) fn features(job: &Job, choices: &Choices, features: &Features) -> Result<(), Unmet> {
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

/// The first GPU that can do it, or the one that was asked for, and what it is to do.
///
/// # Errors
/// None can: what stands in the way on the first that has an encoder at all.
pub(super) fn settle(
    job: &Job,
    choices: &Choices,
    features: &Features,
    abilities: &Abilities,
) -> Result<Settled, Unmet> {
    let gpus = || (0u32..).zip(&abilities.gpus);
    if let Some(wanted) = job.gpu {
        let Some((index, gpu)) = gpus().find(|(index, _)| *index == wanted) else {
            let list: Vec<_> = gpus().map(|(index, gpu)| format!("{index} is {}", an(&gpu.name))).collect();
            let there = if list.is_empty() { "there is none".to_owned() } else { list.join(", ") };
            return unmet(
                format!("there is no NVIDIA GPU {wanted}: {there}"),
                "leave gpu away, or name another",
            );
        };
        return on_gpu(job, choices, features, abilities, index, gpu);
    }
    let mut first: Option<Unmet> = None;
    for (index, gpu) in gpus() {
        match on_gpu(job, choices, features, abilities, index, gpu) {
            Ok(settled) => return Ok(settled),
            Err(refusal) if first.is_none() || gpu_before_had_none(abilities, index) => first = Some(refusal),
            Err(_) => {}
        }
    }
    first.map_or_else(
        || {
            unmet(
                "the NVIDIA driver is installed, but there is no NVIDIA GPU that it can use",
                "check that the GPU is there (nvidia-smi), and that this user or container may use it",
            )
        },
        Err,
    )
}

/// Whether no GPU before this one has an encoder: its refusal tells more then.
fn gpu_before_had_none(abilities: &Abilities, index: u32) -> bool {
    abilities.gpus.iter().take(index as usize).all(|gpu| gpu.codecs.is_empty())
}

fn on_gpu(
    job: &Job,
    choices: &Choices,
    features: &Features,
    abilities: &Abilities,
    index: u32,
    gpu: &GpuAbilities,
) -> Result<Settled, Unmet> {
    if let Some(refusal) = &gpu.refusal {
        return unmet(
            format!("{}: {refusal}", gpu.name),
            "use a GPU with NVENC (GeForce GTX 10 or newer), or a software encoder",
        );
    }
    let Some(can) = gpu.codecs.iter().find(|it| it.codec == job.codec) else {
        return Err(no_codec(job.codec, gpu, abilities.api));
    };
    let mut on = OnGpu { job, gpu, can, left_away: vec![] };
    on.picture()?;
    let choices = on.settle(choices, features)?;
    let notes = on.notes();
    Ok(Settled { gpu: index, choices, dynamic_bitrate: can.dynamic_bitrate, notes })
}

/// Why a GPU does not make a codec.
fn no_codec(codec: Codec, gpu: &GpuAbilities, api: (u32, u32)) -> Unmet {
    // Ada is 8.9; 9.0 is Hopper, which has no encoder.
    let has_av1 = gpu.compute >= (8, 9) && gpu.compute != (9, 0);
    if codec == Codec::AV1 && has_av1 && api < (12, 0) {
        return Unmet::new(
            format!("AV1 needs a driver with NVENC 12.0; this one has {}.{}", api.0, api.1),
            "update NVIDIA's driver to 545 or newer",
        );
    }
    let needs = match codec {
        Codec::AV1 => "AV1 needs a GeForce RTX 40 or newer",
        Codec::Hevc => "HEVC needs a GeForce GTX 900 or newer",
        _ => "H.264 needs a GPU with NVENC",
    };
    let remedy = match codec {
        Codec::AV1 => "take codec hevc or h264, or encoder software",
        Codec::Hevc => "take codec h264, or encoder software",
        _ => "use encoder software",
    };
    Unmet::new(format!("{needs}; this is {}", an(&gpu.name)), remedy)
}

/// A job on one GPU.
struct OnGpu<'a> {
    job: &'a Job,
    gpu: &'a GpuAbilities,
    can: &'a CodecAbilities,
    /// Defaults that this GPU cannot follow.
    left_away: Vec<&'static str>,
}

impl OnGpu<'_> {
    /// What of the picture itself the GPU cannot encode.
    fn picture(&self) -> Result<(), Unmet> {
        let (job, can) = (self.job, self.can);
        let (codec, gpu, size) = (name(job.codec), &self.gpu.name, job.size);
        if size.width > can.max.width || size.height > can.max.height {
            let remedy = if job.codec == Codec::H264 {
                "take codec hevc or av1, or a smaller size"
            } else {
                "take a smaller size"
            };
            return unmet(format!("{codec} goes to {} on {}; this is {size}", can.max, the(gpu)), remedy);
        }
        if size.width < can.min.width || size.height < can.min.height {
            return unmet(
                format!("{codec} begins at {} on {}; this is {size}", can.min, the(gpu)),
                "take a larger size, or encoder software",
            );
        }
        if job.ten_bit && !can.ten_bit {
            let needs = match job.codec {
                Codec::H264 => "H.264 in ten bits needs a GeForce RTX 50 or newer",
                Codec::Hevc => "HEVC in ten bits needs a GeForce GTX 10 or newer",
                _ => "AV1 in ten bits needs a GeForce RTX 40 or newer",
            };
            let remedy = if job.codec == Codec::H264 {
                "take codec hevc or av1 for ten bits"
            } else {
                "leave ten-bit off"
            };
            return unmet(format!("{needs}; this is {}", an(gpu)), remedy);
        }
        if job.chroma == Chroma::Yuv444 && !can.yuv444 {
            return unmet(
                format!("{codec} in 4:4:4 needs a GeForce GTX 10 or newer; this is {}", an(gpu)),
                "take chroma 420, or encoder software",
            );
        }
        if job.lossless && !can.lossless {
            return unmet(
                format!("{} has no lossless {codec}", the(gpu)),
                "leave lossless off, or take encoder software",
            );
        }
        Ok(())
    }

    /// The choices as this GPU can follow them.
    fn settle(&mut self, choices: &Choices, features: &Features) -> Result<Choices, Unmet> {
        let can = self.can;
        let mut choices = choices.clone();
        self.settle_b_frames(&mut choices)?;
        self.settle_flag(
            &mut choices.temporal_aq,
            can.temporal_aq && features.temporal_aq,
            "temporal AQ",
            "temporal-aq",
        )?;
        self.settle_flag(
            &mut choices.weighted_prediction,
            can.weighted_prediction,
            "weighted prediction",
            "weighted-prediction",
        )?;
        self.settle_flag(&mut choices.intra_refresh, can.intra_refresh, "intra-refresh", "intra-refresh")?;
        if choices.lookahead.value > 0 && !can.lookahead {
            if choices.lookahead.asked {
                return Err(self.lacks("lookahead", "set lookahead to 0"));
            }
            choices.lookahead.value = 0;
            self.left_away.push("lookahead");
        }
        self.settle_split(&mut choices, features)?;
        Ok(choices)
    }

    fn settle_flag(
        &mut self,
        choice: &mut Choice<bool>,
        can: bool,
        what: &'static str,
        setting: &'static str,
    ) -> Result<(), Unmet> {
        if choice.value && !can {
            if choice.asked {
                return Err(self.lacks(what, &format!("leave {setting} off")));
            }
            choice.value = false;
            self.left_away.push(what);
        }
        Ok(())
    }

    fn settle_b_frames(&mut self, choices: &mut Choices) -> Result<(), Unmet> {
        let most = self.can.max_b_frames;
        if let Some(wanted) = choices.b_frames.value
            && wanted > most
        {
            if choices.b_frames.asked {
                let (codec, gpu) = (name(self.job.codec), the(&self.gpu.name));
                return match most {
                    0 => unmet(format!("{gpu} has no B-frames in {codec}"), "set b-frames to 0"),
                    _ => unmet(
                        format!(
                            "{gpu} has {most} B-frames in a row at most in {codec}, and {wanted} are asked for"
                        ),
                        format!("set b-frames to {most} or less"),
                    ),
                };
            }
            choices.b_frames.value = Some(most);
            if most == 0 {
                self.left_away.push("B-frames");
            }
        }
        let (each, middle) = (self.can.b_reference_each, self.can.b_reference_middle);
        let rows = choices.b_frames.value.unwrap_or(0);
        let can = match choices.b_reference.value {
            Some(BReference::Middle) => middle && rows > 1,
            Some(BReference::Each) => each && rows > 0,
            Some(BReference::Off) | None => true,
        };
        if can {
            return Ok(());
        }
        if choices.b_reference.asked {
            let (remedy, other) = if middle && rows > 1 {
                ("set b-ref to middle", "each of the B-frames")
            } else {
                ("set b-ref to off", "B-frames")
            };
            let reason = match rows {
                0 => format!("there are no B-frames in {} to refer to", name(self.job.codec)),
                _ => format!("{} cannot refer to {other} in {}", the(&self.gpu.name), name(self.job.codec)),
            };
            return unmet(reason, remedy);
        }
        choices.b_reference.value = Some(BReference::Off);
        if rows > 1 {
            self.left_away.push("B-frames as references");
        }
        Ok(())
    }

    /// Two strips carry about a gigapixel a second each way; the driver's own choice does nothing
    /// for pictures of fewer than some 2100 lines.
    fn settle_split(&self, choices: &mut Choices, features: &Features) -> Result<(), Unmet> {
        let engines = self.can.engines;
        let strips = strips(choices.split.value);
        if strips > engines {
            return unmet(
                format!(
                    "split-encode {} needs {strips} encoders on the GPU; {} has {engines}",
                    choices.split.value,
                    the(&self.gpu.name)
                ),
                "leave split-encode away",
            );
        }
        let pixels = self.job.size.area() as f64 * self.job.fps;
        let may = features.split && self.job.codec != Codec::H264 && !choices.weighted_prediction.value;
        if choices.split.value == SplitEncode::Auto && may {
            choices.split.value = match engines {
                3.. if pixels > 2e9 => SplitEncode::Three,
                2.. if pixels > 1e9 => SplitEncode::Two,
                _ => SplitEncode::Auto,
            };
        }
        Ok(())
    }

    fn lacks(&self, what: &str, remedy: &str) -> Unmet {
        Unmet::new(format!("{} has no {what} in {}", the(&self.gpu.name), name(self.job.codec)), remedy)
    }

    /// What a preset for quality does without.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let job = self.job;
        if matches!(job.preset, EncoderPreset::Quality | EncoderPreset::Best) && !self.left_away.is_empty() {
            notes.push(format!(
                "encoder preset {} without {}: {} has none in {}",
                job.preset,
                self.left_away.join(", "),
                the(&self.gpu.name),
                name(job.codec),
            ));
        }
        notes
    }
}

/// Engines that a mode needs; 0 where it asks for none.
const fn strips(mode: SplitEncode) -> u32 {
    match mode {
        SplitEncode::Auto | SplitEncode::Off => 0,
        SplitEncode::On | SplitEncode::Two => 2,
        SplitEncode::Three => 3,
    }
}

fn unmet<T>(reason: impl Into<String>, remedy: impl Into<String>) -> Result<T, Unmet> {
    Err(Unmet::new(reason, remedy))
}

const fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 | Codec::Auto => "H.264",
        Codec::Hevc => "HEVC",
        Codec::AV1 => "AV1",
    }
}

/// "an NVIDIA GeForce RTX 3060".
fn an(gpu: &str) -> String {
    // The letter N is spoken with a vowel.
    let article = if gpu.starts_with('N') { "an" } else { "a" };
    format!("{article} {gpu}")
}

/// "this NVIDIA GeForce RTX 3060".
fn the(gpu: &str) -> String {
    format!("this {gpu}")
}
