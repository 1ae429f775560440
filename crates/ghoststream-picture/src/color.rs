//! What the code values of a picture mean.

/// The coefficients between RGB and YCbCr, and the primaries that go with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorSpace {
    /// ITU-R BT.601 (525 lines), SMPTE 170M.
    Bt601,
    /// ITU-R BT.709, what HD video and sRGB desktops use.
    #[default]
    Bt709,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
}

/// Which code values are black and white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorRange {
    /// 16 to 235 for luma, 16 to 240 for chroma, at 8 bits; what players expect of YUV.
    #[default]
    Limited,
    /// 0 to 255.
    Full,
}

/// How code values stand for light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transfer {
    /// A gamma curve, relative to the display's white: BT.709, sRGB. What is not HDR.
    #[default]
    Sdr,
    /// Perceptual quantizer, SMPTE ST 2084: absolute, up to 10 000 cd/m².
    Pq,
    /// Hybrid log-gamma, ITU-R BT.2100: relative, with headroom above white.
    Hlg,
    /// Light itself, 1.0 being 80 cd/m² (scRGB); half float only.
    Linear,
}

/// What the code values of a picture mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Color {
    /// Matrix and primaries.
    pub space: ColorSpace,
    /// Black and white levels. RGB is always full range.
    pub range: ColorRange,
    /// How they stand for light.
    pub transfer: Transfer,
}

impl Color {
    /// This matrix, these levels, no HDR.
    pub const fn new(space: ColorSpace, range: ColorRange) -> Self {
        Self { space, range, transfer: Transfer::Sdr }
    }

    /// The same, its code values standing for light in another way.
    #[must_use]
    pub const fn with_transfer(self, transfer: Transfer) -> Self {
        Self { transfer, ..self }
    }

    /// Whether whites may be brighter than a display's white.
    pub const fn is_hdr(self) -> bool {
        !matches!(self.transfer, Transfer::Sdr)
    }
}
