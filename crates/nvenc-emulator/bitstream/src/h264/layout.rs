//! Macroblocks: where they lie in a picture, and their samples.

use crate::{Chroma, Format, Picture};

/// The samples of a macroblock in each plane, row after row without gaps: 16x16, or 8x8 in the first 64.
pub(super) type Block = [[u16; 256]; 3];

/// How a picture is cut into macroblocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Macroblocks across.
    pub(super) wide: usize,
    /// Macroblocks down.
    pub(super) high: usize,
    pub(super) format: Format,
}

impl Layout {
    pub(super) const fn of(format: Format) -> Self {
        Self { wide: format.width.div_ceil(16), high: format.height.div_ceil(16), format }
    }

    /// The side of a macroblock in a plane.
    pub(super) const fn side(&self, plane: usize) -> usize {
        match (plane, self.format.chroma) {
            (0, _) | (_, Chroma::Yuv444) => 16,
            (_, Chroma::Yuv420) => 8,
        }
    }

    /// Whether the chroma planes are coded as luma is.
    pub(super) fn is_444(&self) -> bool {
        self.format.chroma == Chroma::Yuv444
    }

    /// The form of a picture of whole macroblocks.
    pub(super) const fn whole(&self) -> Format {
        Format { width: self.wide * 16, height: self.high * 16, ..self.format }
    }

    /// Samples between rows of a plane of whole macroblocks.
    pub(super) const fn stride(&self, plane: usize) -> usize {
        self.wide * self.side(plane)
    }

    /// Copies a macroblock out of a picture that need not be one of whole macroblocks: beyond its edges the
    /// last sample goes on.
    pub(super) fn read(&self, picture: &Picture, x: usize, y: usize, block: &mut Block) {
        for (plane, out) in block.iter_mut().enumerate() {
            let side = self.side(plane);
            let (width, height) = self.format.plane(plane);
            let samples = &picture.planes[plane];
            let inside = (width - x * side).min(side);
            for (row, out) in out.chunks_exact_mut(side).take(side).enumerate() {
                let start = (y * side + row).min(height - 1) * width + x * side;
                let line = &samples[start..start + inside];
                out[..inside].copy_from_slice(line);
                out[inside..].fill(line[inside - 1]);
            }
        }
    }

    /// Cuts away what lies beyond the edges of the picture.
    pub(super) fn crop(&self, whole: &Picture) -> Picture {
        let mut cropped = Picture::filled(self.format, [0; 3]);
        for plane in 0..3 {
            let (width, _) = self.format.plane(plane);
            let lines = whole.planes[plane].chunks_exact(self.stride(plane));
            for (out, line) in cropped.planes[plane].chunks_exact_mut(width).zip(lines) {
                out.copy_from_slice(&line[..width]);
            }
        }
        cropped
    }
}

/// The sum of absolute differences.
pub(super) fn difference(a: &[u16], b: &[u16]) -> u32 {
    a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum()
}

/// The sum of squared differences.
pub(super) fn error(a: &[u16], b: &[u16]) -> u64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2))
        .fold(0, |sum, error| sum + u64::from(error))
}
