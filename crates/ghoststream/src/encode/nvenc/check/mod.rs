//! Whether what is wanted can be done by a GPU of this machine.
//!
//! Pure: the driver's answers come in, a refusal with its remedy or a settled
//! session comes out. What was asked for by name is refused where it cannot be; what is only our own
//! default is left away.

mod on_gpu;

use on_gpu::OnGpu;

use super::abilities::{Abilities, GpuAbilities};
use super::choices::Choices;
use super::features::Features;
use crate::encode::backend::{Unmet, Wish};
use crate::{Chroma, Codec, EncoderPreset, RateControl, Size, SplitEncode};

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
