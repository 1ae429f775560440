//! Wishes against made-up GPUs: what is refused, in which words, and what is left away.

mod gpus;
mod plan;
mod refusals;
mod split;

use super::abilities::{CodecAbilities, GpuAbilities};
use super::*;
use crate::av::EncoderInfo;
use crate::encode::{Request, table};
use crate::{
    BReference, Codec, EncoderChoice, EncoderConfig, EncoderPreset, Multipass, NvencConfig, RateControl,
    Size, SplitEncode, Tune,
};

const HD: Size = Size::new(1920, 1080);

/// What an Ampere card answers for HEVC.
fn hevc() -> CodecAbilities {
    CodecAbilities {
        codec: Codec::Hevc,
        min: Size::new(129, 33),
        max: Size::new(8192, 8192),
        max_macroblocks_a_second: Some(983_040),
        max_b_frames: 5,
        b_reference_each: true,
        b_reference_middle: true,
        ten_bit: true,
        yuv444: true,
        lossless: true,
        lookahead: true,
        temporal_aq: true,
        weighted_prediction: true,
        intra_refresh: true,
        multiple_references: true,
        dynamic_bitrate: true,
        engines: 1,
    }
}

fn h264() -> CodecAbilities {
    CodecAbilities {
        codec: Codec::H264,
        min: Size::new(145, 49),
        max: Size::new(4096, 4096),
        max_b_frames: 4,
        b_reference_each: false,
        ten_bit: false,
        ..hevc()
    }
}

fn av1() -> CodecAbilities {
    CodecAbilities {
        codec: Codec::AV1,
        min: Size::new(192, 128),
        max_b_frames: 7,
        yuv444: false,
        lossless: false,
        weighted_prediction: false,
        engines: 2,
        ..hevc()
    }
}

fn gpu(name: &str, compute: (u32, u32), codecs: &[CodecAbilities]) -> GpuAbilities {
    GpuAbilities { name: name.to_owned(), compute, codecs: codecs.to_vec(), ..GpuAbilities::default() }
}

fn ampere() -> GpuAbilities {
    gpu("NVIDIA GeForce RTX 3060", (8, 6), &[h264(), hevc()])
}

fn ada() -> GpuAbilities {
    let two = |it| CodecAbilities { engines: 2, ..it };
    gpu("NVIDIA GeForce RTX 4090", (8, 9), &[two(h264()), two(hevc()), av1()])
}

/// Neither B-frames in HEVC nor temporal AQ.
fn pascal() -> GpuAbilities {
    let hevc = CodecAbilities {
        max_b_frames: 0,
        b_reference_each: false,
        b_reference_middle: false,
        temporal_aq: false,
        weighted_prediction: false,
        intra_refresh: false,
        ..hevc()
    };
    let h264 = CodecAbilities { b_reference_middle: false, ..h264() };
    gpu("NVIDIA GeForce GTX 1050", (6, 1), &[h264, hevc])
}

/// No ten bits, no 4:4:4, no lossless, no lookahead.
fn maxwell() -> GpuAbilities {
    let poor = |it| CodecAbilities { ten_bit: false, yuv444: false, lossless: false, lookahead: false, ..it };
    gpu("GeForce GTX 960", (5, 2), &[poor(h264()), poor(hevc())])
}

fn hopper() -> GpuAbilities {
    let refusal = Some("this GPU has no encoder".to_owned());
    GpuAbilities { refusal, ..gpu("NVIDIA H100 PCIe", (9, 0), &[]) }
}

fn machine(gpus: &[GpuAbilities]) -> Abilities {
    Abilities { api: (12, 1), cuda: (12, 4), gpus: gpus.to_vec() }
}

/// An FFmpeg that passes everything on.
fn everything() -> Features {
    Features {
        ffmpeg: "7.1.5".to_owned(),
        presets: true,
        high10: true,
        ultra_high_quality: true,
        split: true,
        weighted_prediction: true,
        intra_refresh: true,
        temporal_aq: true,
    }
}

fn config(codec: Codec) -> EncoderConfig {
    EncoderConfig::default().with_codec(codec).with_encoder(EncoderChoice::Nvenc)
}

/// Runs `body` with the wish that a config becomes.
fn with_wish<T>(config: &EncoderConfig, size: Size, fps: f64, body: impl FnOnce(&Wish<'_>) -> T) -> T {
    config.validate().expect("a valid config");
    let row = table::TABLE
        .iter()
        .find(|row| row.codec == config.codec && row.kind == EncoderChoice::Nvenc)
        .expect("a row of NVENC");
    let info = EncoderInfo::find("hevc_nvenc").expect("an FFmpeg with NVENC");
    body(&Wish::new(&Request { config, size, fps, containers: &[] }, row, info))
}

fn settle_at(
    config: &EncoderConfig,
    (size, fps): (Size, f64),
    machine: &Abilities,
    features: &Features,
) -> Result<check::Settled, Unmet> {
    with_wish(config, size, fps, |wish| {
        let (job, choices) = (Job::of(wish), Choices::new(wish));
        super::features::check(&job, &choices, features)?;
        check::settle(&job, &choices, features, machine)
    })
}

fn settle(config: &EncoderConfig, gpu: GpuAbilities) -> Result<check::Settled, Unmet> {
    settle_at(config, (HD, 60.0), &machine(&[gpu]), &everything())
}

/// Asserts that a wish is refused in these words.
fn refused(config: &EncoderConfig, gpu: GpuAbilities, reason: &str, remedy: &str) {
    told(settle(config, gpu), reason, remedy);
}

fn told(result: Result<check::Settled, Unmet>, reason: &str, remedy: &str) {
    let unmet = result.map(|it| it.choices).expect_err(reason);
    assert_eq!((unmet.reason.as_str(), unmet.remedy.as_deref()), (reason, Some(remedy)));
}
