//! Whether what is wanted can be done by a GPU of this machine.
//!
//! Pure: the driver's answers come in, a refusal with its remedy or a settled
//! session comes out. What was asked for by name is refused where it cannot be; what is only our own
//! default is left away.

use super::abilities::{Abilities, CodecAbilities, GpuAbilities};
use super::choices::{Choice, Choices};
use super::features::Features;
use crate::encode::wish::{Unmet, Wish};
use crate::{BReference, Chroma, Codec, EncoderPreset, RateControl, Size, SplitEncode};

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
pub(super) const fn strips(mode: SplitEncode) -> u32 {
    match mode {
        SplitEncode::Auto | SplitEncode::Off => 0,
        SplitEncode::On | SplitEncode::Two => 2,
        SplitEncode::Three => 3,
    }
}

pub(super) fn unmet<T>(reason: impl Into<String>, remedy: impl Into<String>) -> Result<T, Unmet> {
    Err(Unmet::new(reason, remedy))
}

pub(super) const fn name(codec: Codec) -> &'static str {
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
