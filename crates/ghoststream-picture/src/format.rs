//! How pixels lie in memory.

/// How the pixels of a picture lie in memory.
///
/// Packed RGB formats are named by the order of their bytes in memory, as PipeWire's
/// `SPA_VIDEO_FORMAT_*` are; the 10-bit kinds by the order of their bits in a little-endian 32-bit
/// word, high to low. `x` and `A` are not told apart: a desktop's picture is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum PixelFormat {
    Bgrx,
    Rgbx,
    Xrgb,
    Xbgr,
    Rgb24,
    Bgr24,
    /// `xRGB_210LE`: two bits unused, then red, green, blue.
    Xrgb2101010,
    /// `xBGR_210LE`.
    Xbgr2101010,
    /// `RGBx_102LE`: red, green, blue, then two bits unused.
    Rgbx1010102,
    /// `BGRx_102LE`.
    Bgrx1010102,
    /// `RGBA_F16`: red, green, blue and alpha as IEEE 754 halves, little-endian. Values below 0 and
    /// above 1 are colours too.
    Rgba16f,
    /// 4:2:0, a plane of luma and a plane of chroma pairs (Cb first).
    Nv12,
    /// 4:2:0 in three planes, also known as YUV420 and I420.
    I420,
    /// 4:2:2 in one plane: Y0 Cb Y1 Cr.
    Yuy2,
    /// NV12 with 16-bit samples, the ten significant bits on top.
    P010,
    /// I420 with 16-bit samples, the ten significant bits at the bottom; also known as
    /// `yuv420p10le`. What software encoders take for ten bits.
    I010,
    /// 4:4:4 in three planes, also known as YUV444.
    I444,
    /// I444 with 16-bit samples, the ten significant bits at the bottom; also known as
    /// `yuv444p10le`. What software encoders take for ten bits.
    I444P10,
    /// I444 with 16-bit samples, the ten significant bits on top. What NVENC takes.
    I444P16,
}

impl PixelFormat {
    /// Bytes of one pixel of a packed format; `None` for planar ones.
    pub const fn packed_bytes(self) -> Option<usize> {
        match self {
            Self::Bgrx
            | Self::Rgbx
            | Self::Xrgb
            | Self::Xbgr
            | Self::Xrgb2101010
            | Self::Xbgr2101010
            | Self::Rgbx1010102
            | Self::Bgrx1010102 => Some(4),
            Self::Rgb24 | Self::Bgr24 => Some(3),
            Self::Rgba16f => Some(8),
            Self::Yuy2 => Some(2),
            Self::Nv12
            | Self::I420
            | Self::P010
            | Self::I010
            | Self::I444
            | Self::I444P10
            | Self::I444P16 => None,
        }
    }

    /// Whether it carries luma and chroma rather than RGB.
    pub const fn is_yuv(self) -> bool {
        self.is_full_chroma()
            || matches!(self, Self::Nv12 | Self::I420 | Self::Yuy2 | Self::P010 | Self::I010)
    }

    /// Whether it is 4:4:4: colour differences of every pixel.
    pub const fn is_full_chroma(self) -> bool {
        matches!(self, Self::I444 | Self::I444P10 | Self::I444P16)
    }

    /// How far up in its 16 bits a sample of a planar format with ten bits is.
    pub const fn sample_shift(self) -> u32 {
        if matches!(self, Self::P010 | Self::I444P16) { 6 } else { 0 }
    }

    /// Significant bits of a sample; of half floats, the ten of their significand.
    pub const fn depth(self) -> u32 {
        match self {
            Self::Xrgb2101010
            | Self::Xbgr2101010
            | Self::Rgbx1010102
            | Self::Bgrx1010102
            | Self::Rgba16f
            | Self::P010
            | Self::I010
            | Self::I444P10
            | Self::I444P16 => 10,
            _ => 8,
        }
    }

    /// Number of planes.
    pub const fn planes(self) -> usize {
        match self {
            Self::Nv12 | Self::P010 => 2,
            Self::I420 | Self::I010 | Self::I444 | Self::I444P10 | Self::I444P16 => 3,
            _ => 1,
        }
    }

    /// Bytes of one row of `plane`, without padding, and the number of its rows.
    ///
    /// Odd sizes round the chroma up.
    pub const fn plane_layout(self, plane: usize, size: crate::Size) -> (usize, usize) {
        let (width, height) = (size.width as usize, size.height as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        match (self, plane) {
            (Self::Nv12, 0) | (Self::I420, 0) | (Self::I444, _) => (width, height),
            (Self::Nv12, _) => (half_width * 2, half_height),
            (Self::I420, _) => (half_width, half_height),
            (Self::P010, 0) | (Self::I010, 0) | (Self::I444P10 | Self::I444P16, _) => (width * 2, height),
            (Self::I010, _) => (half_width * 2, half_height),
            (Self::P010, _) => (half_width * 4, half_height),
            (Self::Yuy2, _) => (half_width * 4, height),
            (Self::Rgba16f, _) => (width * 8, height),
            (Self::Rgb24 | Self::Bgr24, _) => (width * 3, height),
            _ => (width * 4, height),
        }
    }
}
