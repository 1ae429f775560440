//! GPUs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::{ApiVersion, Cap};

/// A chip generation, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Generation {
    /// GTX 10.
    Pascal,
    /// GTX 16, RTX 20.
    Turing,
    /// RTX 30.
    Ampere,
    /// RTX 40.
    Ada,
    /// H100: no encoder.
    Hopper,
    /// RTX 50.
    Blackwell,
}

/// A codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    Hevc,
    /// AOMedia AV1.
    Av1,
}

impl Codec {
    /// All, in the order in which drivers list them.
    pub const ALL: [Self; 3] = [Self::H264, Self::Hevc, Self::Av1];

    /// The first API that has it.
    pub const fn since(self) -> ApiVersion {
        match self {
            Self::H264 | Self::Hevc => ApiVersion::new(11, 1),
            Self::Av1 => ApiVersion::new(12, 0),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
        })
    }
}

/// Memory layouts of pictures, by the names of `NV_ENC_BUFFER_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the API's own names")]
pub enum InputFormat {
    Nv12,
    Yv12,
    Iyuv,
    Yuv444,
    #[serde(rename = "YUV420_10BIT")]
    Yuv420Ten,
    #[serde(rename = "YUV444_10BIT")]
    Yuv444Ten,
    Argb,
    Argb10,
    Ayuv,
    Abgr,
    Abgr10,
    Nv16,
    P210,
}

impl InputFormat {
    /// The first API that has it.
    pub const fn since(self) -> ApiVersion {
        match self {
            Self::Nv16 | Self::P210 => ApiVersion::new(13, 0),
            _ => ApiVersion::new(11, 1),
        }
    }

    /// Its value in the API.
    pub const fn value(self) -> u32 {
        match self {
            Self::Nv12 => 0x1,
            Self::Yv12 => 0x10,
            Self::Iyuv => 0x100,
            Self::Yuv444 => 0x1000,
            Self::Yuv420Ten => 0x1_0000,
            Self::Yuv444Ten => 0x10_0000,
            Self::Argb => 0x100_0000,
            Self::Argb10 => 0x200_0000,
            Self::Ayuv => 0x400_0000,
            Self::Abgr => 0x1000_0000,
            Self::Abgr10 => 0x2000_0000,
            Self::Nv16 => 0x4000_0001,
            Self::P210 => 0x4000_0002,
        }
    }
}

/// What a GPU can do in one codec.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Coding {
    /// Profiles by the API's names, without `NV_ENC_<codec>_PROFILE_` and `_GUID`: `MAIN`, `HIGH_444`.
    pub profiles: Vec<String>,
    /// Pictures that it takes.
    pub formats: Vec<InputFormat>,
    /// Pictures of 1920x1080 a second that one engine encodes, for the presets P1 to P7 tuned for high
    /// quality.
    pub speed: [u32; 7],
    /// Capabilities; those that are not listed are 0.
    pub caps: BTreeMap<Cap, u32>,
    /// What later drivers report otherwise, oldest first.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// What drivers report otherwise from a branch on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Change {
    /// The first branch that does.
    pub from_driver: u32,
    /// What it reports.
    pub caps: BTreeMap<Cap, u32>,
}

impl Coding {
    /// A capability's value under a driver branch.
    pub fn cap(&self, cap: Cap, driver: u32) -> u32 {
        let changed = self.changes.iter().rev().filter(|change| change.from_driver <= driver);
        let mut values = changed.filter_map(|change| change.caps.get(&cap));
        values.next().or_else(|| self.caps.get(&cap)).copied().unwrap_or(0)
    }
}

/// A GPU.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Gpu {
    /// The profile's name, such as `rtx-3060`.
    pub id: String,
    /// What the driver calls it.
    pub name: String,
    /// The chip, such as `GA106`.
    pub chip: String,
    /// The chip's generation.
    pub generation: Generation,
    /// CUDA compute capability, major and minor.
    pub compute: (u32, u32),
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// Boost clock in MHz.
    pub clock_mhz: u32,
    /// Effective clock of the memory in MHz.
    pub memory_clock_mhz: u32,
    /// Width of the memory's bus in bits.
    pub memory_bus_bits: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Whether it is a GeForce, whose sessions the driver limits.
    pub geforce: bool,
    /// The first driver branch that knows it.
    pub first_driver: u32,
    /// The last one, where there is one.
    pub last_driver: Option<u32>,
    /// Where this is known from.
    pub source: Vec<String>,
    /// What it encodes. Empty where there is no encoder.
    #[serde(default)]
    pub codecs: BTreeMap<Codec, Coding>,
}

impl Gpu {
    /// Encoders on the chip.
    pub fn engines(&self) -> u32 {
        let engines = Cap::from_name("NUM_ENCODER_ENGINES");
        let counts = self.codecs.values().filter_map(|coding| coding.caps.get(&engines?).copied());
        counts.max().unwrap_or(0)
    }

    /// Its UUID: made from the profile's name, always the same.
    pub fn uuid(&self) -> [u8; 16] {
        // FNV-1a, twice from different starts.
        let hash = |start: u64| {
            let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            self.id.bytes().fold(start, step)
        };
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&hash(0xcbf2_9ce4_8422_2325).to_be_bytes());
        uuid[8..].copy_from_slice(&hash(0x8422_2325_cbf2_9ce4).to_be_bytes());
        uuid
    }
}
