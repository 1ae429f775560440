//! What an NVIDIA driver says its GPUs can encode.

use serde::{Deserialize, Serialize};

use crate::{Codec, Size};

/// What the driver answered when it was asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Abilities {
    /// The newest NVENC API that the driver speaks, major and minor.
    pub(crate) api: (u32, u32),
    /// The newest CUDA that the driver speaks, major and minor.
    pub(crate) cuda: (u32, u32),
    /// The GPUs, in CUDA's order.
    pub(crate) gpus: Vec<GpuAbilities>,
}

/// What one GPU can encode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct GpuAbilities {
    /// Its marketing name.
    pub(crate) name: String,
    /// Where it sits, such as `0000:01:00.0`.
    pub(crate) address: String,
    /// What tells it from every other, in Vulkan too; `None` where the driver does not say.
    pub(crate) uuid: Option<[u8; 16]>,
    /// CUDA compute capability, major and minor.
    pub(crate) compute: (u32, u32),
    /// Why no encoder could be asked, in words; `codecs` is then empty.
    pub(crate) refusal: Option<String>,
    /// What it makes, a line for each codec.
    pub(crate) codecs: Vec<CodecAbilities>,
}

/// What one GPU can do in one codec: the capabilities of the same names in `NV_ENC_CAPS`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CodecAbilities {
    /// Never `Auto`.
    pub(crate) codec: Codec,
    /// The smallest picture.
    pub(crate) min: Size,
    /// The largest picture.
    pub(crate) max: Size,
    /// Macroblocks a second at the most, where the driver says.
    pub(crate) max_macroblocks_a_second: Option<u64>,
    /// The most B-frames in a row.
    pub(crate) max_b_frames: u32,
    /// B-frames as references: each of them, or the middle one of a row.
    pub(crate) b_reference_each: bool,
    /// See `b_reference_each`.
    pub(crate) b_reference_middle: bool,
    /// Ten bits a sample.
    pub(crate) ten_bit: bool,
    /// 4:4:4 chroma.
    pub(crate) yuv444: bool,
    /// Lossless coding.
    pub(crate) lossless: bool,
    /// Looking ahead.
    pub(crate) lookahead: bool,
    /// Adaptive quantisation over time.
    pub(crate) temporal_aq: bool,
    /// Weighted prediction.
    pub(crate) weighted_prediction: bool,
    /// Intra-refresh.
    pub(crate) intra_refresh: bool,
    /// More than one reference.
    pub(crate) multiple_references: bool,
    /// A bitrate that changes while it runs.
    pub(crate) dynamic_bitrate: bool,
    /// Encoders on the chip.
    pub(crate) engines: u32,
}
