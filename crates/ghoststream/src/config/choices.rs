//! What can be chosen by a word: codec, rate control, filter and the like.

use super::{ConfigError, words};

words! {
    /// A video codec.
    Codec: "codec" {
        /// Picked by container, preset and what this machine can do in real time.
        Auto = "auto",
        /// ITU-T H.264.
        H264 = "h264",
        /// ITU-T H.265.
        Hevc = "hevc",
        /// AOMedia AV1.
        AV1 = "av1",
    }
}

words! {
    /// Which kind of encoder to use.
    EncoderChoice: "encoder" {
        /// Hardware first, then software; what was refused is in the report.
        Auto = "auto",
        /// NVIDIA's hardware encoder or an error.
        Nvenc = "nvenc",
        /// A software encoder.
        Software = "software",
    }
}

words! {
    /// The balance between speed and quality.
    EncoderPreset: "encoder-preset" {
        /// x264 `ultrafast`, NVENC `p1`.
        Fastest = "fastest",
        /// x264 `veryfast`, NVENC `p3`.
        Fast = "fast",
        /// x264 `fast`, NVENC `p4`.
        Balanced = "balanced",
        /// x264 `medium`, NVENC `p6`.
        Quality = "quality",
        /// x264 `slow`, NVENC `p7`.
        Best = "best",
    }
}

words! {
    /// How the encoder spends bits.
    RateControl: "rate-control" {
        /// The bitrate at every moment, for live streams.
        Cbr = "cbr",
        /// The bitrate on average, more where the picture needs it.
        Vbr = "vbr",
        /// A fixed quantiser; the bitrate follows.
        Cqp = "cqp",
        /// Constant quality; the bitrate follows.
        Crf = "crf",
    }
}

words! {
    /// How many of the colour differences are kept.
    Chroma: "chroma" {
        /// A quarter, 4:2:0: what every player takes.
        Yuv420 = "420",
        /// All, 4:4:4: sharp coloured text; few players decode it in hardware.
        Yuv444 = "444",
    }
}

words! {
    /// What becomes of a source in HDR.
    Hdr: "hdr" {
        /// It is mapped to SDR, which every player shows.
        Auto = "auto",
        /// It stays HDR: PQ or HLG, BT.2020, ten bits, HEVC or AV1.
        Keep = "keep",
    }
}

words! {
    /// How what is too bright for SDR is brought into its range.
    ToneCurve: "tone-curve" {
        /// Report ITU-R BT.2390: nothing changes below a knee, a smooth shoulder above.
        Bt2390 = "bt2390",
        /// John Hable's filmic curve: most detail in highlights, a darker middle.
        Hable = "hable",
        /// Straight up to a knee, highlights pressed together hard.
        Mobius = "mobius",
        /// What is brighter than white is white.
        Clip = "clip",
    }
}

impl From<ToneCurve> for ghoststream_picture::tone::ToneCurve {
    fn from(curve: ToneCurve) -> Self {
        match curve {
            ToneCurve::Bt2390 => Self::Bt2390,
            ToneCurve::Hable => Self::Hable,
            ToneCurve::Mobius => Self::Mobius,
            ToneCurve::Clip => Self::Clip,
        }
    }
}

words! {
    /// Whether output pictures come at a fixed rate.
    FrameRateMode: "frame-rate-mode" {
        /// A picture for every tick; what did not change is repeated.
        Constant = "constant",
        /// A picture whenever the source sends one, up to the rate.
        Variable = "variable",
    }
}

words! {
    /// The filter that scales.
    Scaler: "scaler" {
        /// Three-lobed Lanczos: sharpest, slowest.
        Lanczos = "lanczos",
        /// Linear interpolation, area-averaged when it shrinks.
        Bilinear = "bilinear",
        /// The nearest pixel: fastest, blocky.
        Nearest = "nearest",
    }
}

words! {
    /// What ticks show that the source has no picture for.
    Interpolate: "interpolate" {
        /// The picture before once more.
        Off = "off",
        /// A picture between those around it, made by the motion of what they show.
        On = "on",
    }
}

/// Who makes the pictures that the encoder takes from the captured ones: crops, scales, converts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Processing {
    /// The GPU where pictures come in its memory; else what a measurement before the recording finds better.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The best GPU that Vulkan knows; the CPU, and a note, where there is none.
    Gpu,
    /// The GPU with this in its name, or whose UUID begins so; else the CPU, and a note.
    Device(String),
}

impl std::str::FromStr for Processing {
    type Err = ConfigError;
    fn from_str(word: &str) -> Result<Self, ConfigError> {
        match word {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            _ => match word.strip_prefix("gpu:") {
                Some(name) if !name.trim().is_empty() => Ok(Self::Device(name.trim().to_owned())),
                _ => Err(ConfigError::new("processing", word, "auto, cpu, gpu or gpu:NAME")),
            },
        }
    }
}

impl std::fmt::Display for Processing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu => f.write_str("gpu"),
            Self::Device(name) => write!(f, "gpu:{name}"),
        }
    }
}
