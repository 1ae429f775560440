//! NVENC: what the driver says of its GPUs' encoders, and what this FFmpeg makes of it.

use serde::Serialize;

use crate::Size;
use crate::av::EncoderInfo;
use crate::doctor::tier::Tier;
use crate::encode::nvenc::abilities::{Abilities, CodecAbilities, GpuAbilities};
use crate::encode::nvenc::probe::{self, Activity, MemoryClock};

/// NVENC on this machine.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Nvenc {
    /// The newest NVENC interface that the driver speaks, such as `13.0`.
    pub driver_api: Option<String>,
    /// The newest CUDA that it speaks, such as `12.8`.
    pub cuda: Option<String>,
    /// The GPUs, in CUDA's order.
    pub gpus: Vec<NvencGpu>,
    /// What this FFmpeg was built with.
    pub ffmpeg: Wrapper,
    /// Why the driver tells nothing.
    pub error: Option<String>,
    /// What to do about that.
    pub remedy: Option<String>,
}

/// A GPU, as the driver describes it.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct NvencGpu {
    /// Its name.
    pub name: String,
    /// Where it sits, such as `0000:01:00.0`.
    pub address: String,
    /// What tells it from every other, in Vulkan too, as hexadecimal digits; `None` where the driver does not
    /// say.
    pub uuid: Option<String>,
    /// What it can be expected to do.
    pub tier: Option<Tier>,
    /// CUDA's compute capability, such as `8.6`.
    pub compute: String,
    /// Encoders on the chip.
    pub engines: u32,
    /// What it makes.
    pub codecs: Vec<NvencCodec>,
    /// Why it encodes nothing.
    pub refusal: Option<String>,
    /// Encoder sessions of all programs, where the driver says.
    pub sessions: Option<u32>,
    /// How busy its encoders are, of a hundred.
    pub encoder_percent: Option<u32>,
    /// The clock of its memory while CUDA works on it.
    pub memory_clock: Option<Clock>,
}

/// One codec of a GPU.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NvencCodec {
    /// Its word.
    pub codec: String,
    /// The smallest picture.
    pub min: String,
    /// The largest picture.
    pub max: String,
    /// The most B-frames in a row.
    pub b_frames: u32,
    /// What else it can do, in words.
    pub features: Vec<&'static str>,
}

/// The clock of a GPU's memory while CUDA works on it.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Clock {
    /// The highest that it has, in MHz.
    pub max_mhz: u32,
    /// The highest that it reached, in MHz.
    pub cuda_mhz: u32,
    /// The performance state of then: 0 is the fastest.
    pub state: u32,
    /// Whether CUDA keeps it down, and with it whatever else runs on the GPU.
    pub pinned: bool,
}

/// NVENC in this FFmpeg.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Wrapper {
    /// The encoders that it has.
    pub encoders: Vec<&'static str>,
    /// The oldest NVENC headers that have all of its options, such as `12.1`: what it was built with
    /// is at least that.
    pub headers: Option<&'static str>,
    /// The oldest driver for those.
    pub driver: Option<&'static str>,
    /// What its encoders can be asked for.
    pub options: Vec<&'static str>,
    /// What newer ones can be asked for, and these cannot.
    pub missing: Vec<&'static str>,
}

/// Options by which FFmpeg's builds differ: the encoder, its option, a value of it, and what it is.
const OPTIONS: &[(&str, &str, Option<&str>, &str)] = &[
    ("av1_nvenc", "preset", None, "AV1"),
    ("h264_nvenc", "preset", Some("p7"), "presets p1 to p7"),
    ("h264_nvenc", "multipass", None, "two passes"),
    ("h264_nvenc", "b_ref_mode", None, "B-frames as references"),
    ("h264_nvenc", "intra-refresh", None, "intra-refresh"),
    ("hevc_nvenc", "temporal-aq", None, "temporal AQ for HEVC"),
    ("hevc_nvenc", "split_encode_mode", None, "split encoding"),
    ("hevc_nvenc", "tune", Some("uhq"), "tune uhq"),
    ("hevc_nvenc", "tf_level", None, "temporal filter"),
    ("h264_nvenc", "profile", Some("high10"), "H.264 in ten bits"),
];

/// What came with which NVENC headers, newest first, and the oldest Linux driver for those.
///
/// Sources: the READMEs of nv-codec-headers' releases.
const HEADERS: &[(&str, &str, Option<&str>, &str, &str)] = &[
    ("h264_nvenc", "profile", Some("high10"), "13.0", "570.0"),
    ("hevc_nvenc", "tf_level", None, "12.2", "550.54.14"),
    ("hevc_nvenc", "split_encode_mode", None, "12.1", "530.41.03"),
    ("av1_nvenc", "preset", None, "12.0", "520.56.06"),
    ("h264_nvenc", "single-slice-intra-refresh", None, "11.1", "470.57.02"),
    ("h264_nvenc", "preset", Some("p7"), "10.0", "445.87"),
];

const ENCODERS: [&str; 3] = ["h264_nvenc", "hevc_nvenc", "av1_nvenc"];

/// Asks FFmpeg and the driver.
pub(super) fn examine() -> Nvenc {
    let (answer, activity) = probe::examine();
    let mut found = Nvenc { ffmpeg: wrapper(), ..Nvenc::default() };
    match answer {
        Ok(abilities) => describe(&mut found, &abilities, &activity),
        Err(failure) => {
            found.remedy = Some(failure.remedy().to_owned());
            found.error = Some(failure.to_string());
        }
    }
    found
}

fn describe(found: &mut Nvenc, abilities: &Abilities, activity: &[Activity]) {
    found.driver_api = Some(dotted(abilities.api));
    found.cuda = Some(dotted(abilities.cuda));
    let on = |it: &GpuAbilities| activity.iter().find(|other| other.address == it.address);
    found.gpus = abilities.gpus.iter().map(|it| gpu(it, on(it))).collect();
}

fn gpu(gpu: &GpuAbilities, activity: Option<&Activity>) -> NvencGpu {
    NvencGpu {
        name: gpu.name.clone(),
        address: gpu.address.clone(),
        uuid: gpu.uuid.map(|it| crate::processing::gpu::digits(&it)),
        tier: Tier::of(&gpu.name),
        compute: dotted(gpu.compute),
        engines: gpu.codecs.iter().map(|it| it.engines).max().unwrap_or(0),
        codecs: gpu.codecs.iter().map(codec).collect(),
        refusal: gpu.refusal.clone(),
        sessions: activity.and_then(|it| it.sessions),
        encoder_percent: activity.and_then(|it| it.encoder_percent),
        memory_clock: activity.and_then(|it| it.memory).map(clock),
    }
}

fn codec(abilities: &CodecAbilities) -> NvencCodec {
    let size = |it: Size| it.to_string();
    let b_references = abilities.b_reference_each || abilities.b_reference_middle;
    let features = [
        (abilities.ten_bit, "10 bit"),
        (abilities.yuv444, "4:4:4"),
        (abilities.lossless, "lossless"),
        (b_references, "B references"),
        (abilities.lookahead, "lookahead"),
        (abilities.temporal_aq, "temporal AQ"),
        (abilities.weighted_prediction, "weighted prediction"),
        (abilities.intra_refresh, "intra-refresh"),
    ];
    NvencCodec {
        codec: abilities.codec.to_string(),
        min: size(abilities.min),
        max: size(abilities.max),
        b_frames: abilities.max_b_frames,
        features: features.into_iter().filter(|(has, _)| *has).map(|(_, it)| it).collect(),
    }
}

fn clock(memory: MemoryClock) -> Clock {
    let MemoryClock { max_mhz, cuda_mhz, state } = memory;
    // A state below the fastest, and a clock that is more than rounding below the highest.
    let pinned = state > 0 && cuda_mhz < max_mhz - max_mhz / 50;
    Clock { max_mhz, cuda_mhz, state, pinned }
}

fn wrapper() -> Wrapper {
    let has = |encoder: &str, option: &str, value: Option<&str>| {
        EncoderInfo::find(encoder).is_some_and(|it| match value {
            Some(value) => it.has_value(option, value),
            None => it.has_option(option),
        })
    };
    let (known, unknown): (Vec<_>, Vec<_>) =
        OPTIONS.iter().partition(|(encoder, option, value, _)| has(encoder, option, *value));
    let headers = HEADERS.iter().find(|(encoder, option, value, ..)| has(encoder, option, *value));
    let words = |list: Vec<&(_, _, _, &'static str)>| list.into_iter().map(|it| it.3).collect();
    Wrapper {
        encoders: ENCODERS.into_iter().filter(|it| EncoderInfo::find(it).is_some()).collect(),
        headers: headers.map(|it| it.3),
        driver: headers.map(|it| it.4),
        options: words(known),
        missing: words(unknown),
    }
}

fn dotted((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_pinned_where_cuda_keeps_it_below_its_best() {
        let pinned = |max_mhz, cuda_mhz, state| clock(MemoryClock { max_mhz, cuda_mhz, state }).pinned;
        assert!(pinned(10501, 9251, 2), "a GeForce");
        assert!(pinned(10501, 10251, 2), "one that loses little");
        assert!(!pinned(10501, 10501, 0), "with the profile");
        assert!(!pinned(10501, 10500, 2), "this state is no slower");
        assert!(!pinned(2619, 2619, 0), "a data centre's");
        assert!(!pinned(10501, 405, 0), "idle, by itself");
    }

    #[test]
    fn what_this_ffmpeg_has_is_told_or_told_to_be_missing() {
        let wrapper = wrapper();
        assert_eq!(wrapper.options.len() + wrapper.missing.len(), OPTIONS.len());
        assert_eq!(wrapper.headers.is_some(), !wrapper.encoders.is_empty(), "{wrapper:?}");
    }
}
