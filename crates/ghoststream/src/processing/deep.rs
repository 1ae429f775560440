//! From 16-bit RGB to any output, a strip of rows at a time.
//!
//! For what the byte path cannot carry: ten-bit and YCbCr sources. Chroma is sited as in
//! [`strip`](super::strip).

use super::source::Word;
use crate::Color;
use ghoststream_picture::matrix::{Levels, to_ycbcr};

/// The weights of 16-bit RGB.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeepWeights {
    rows: [[f32; 3]; 3],
    black: f32,
    neutral: f32,
    most: f32,
}

/// Two rows of pixels, each `lead + width` long, `lead` as in [`Rows`](super::strip::Rows).
#[derive(Clone, Copy)]
pub(super) struct WordRows<'a> {
    pub(super) top: &'a [Word],
    pub(super) bottom: &'a [Word],
    pub(super) lead: usize,
}

impl DeepWeights {
    pub(super) fn new(color: Color, depth: u32) -> Self {
        let levels = Levels::new(color.range, depth);
        let rows = to_ycbcr(color, depth).map(|row| row.map(|it| (it / 65535.0) as f32));
        Self { rows, black: levels.black as f32, neutral: levels.neutral as f32, most: levels.most as f32 }
    }

    fn sample(&self, row: [f32; 3], offset: f32, [r, g, b]: [f32; 3]) -> u16 {
        (row[0] * r + row[1] * g + row[2] * b + offset + 0.5).clamp(0.0, self.most) as u16
    }

    /// Luma of a row, in code values.
    pub(super) fn luma(&self, pixels: &[Word], mut put: impl FnMut(usize, u16)) {
        for (index, pixel) in pixels.iter().enumerate() {
            let rgb = [pixel[0], pixel[1], pixel[2]].map(f32::from);
            put(index, self.sample(self.rows[0], self.black, rgb));
        }
    }

    /// Luma, Cb and Cr of each pixel of a row, in code values.
    pub(super) fn full(&self, pixels: &[Word], mut put: impl FnMut(usize, [u16; 3])) {
        for (index, pixel) in pixels.iter().enumerate() {
            let rgb = [pixel[0], pixel[1], pixel[2]].map(f32::from);
            let luma = self.sample(self.rows[0], self.black, rgb);
            put(
                index,
                [
                    luma,
                    self.sample(self.rows[1], self.neutral, rgb),
                    self.sample(self.rows[2], self.neutral, rgb),
                ],
            );
        }
    }

    /// Chroma of two rows, in code values.
    pub(super) fn chroma(&self, rows: WordRows<'_>, mut put: impl FnMut(usize, u16, u16)) {
        let length = rows.top.len();
        let both = |at: usize| [0, 1, 2].map(|c| f32::from(rows.top[at][c]) + f32::from(rows.bottom[at][c]));
        for index in 0..(length - rows.lead).div_ceil(2) {
            let at = rows.lead + index * 2;
            let (left, here, right) = (both(at.saturating_sub(1)), both(at), both((at + 1).min(length - 1)));
            let rgb = std::array::from_fn(|c| (left[c] + 2.0 * here[c] + right[c]) * 0.125);
            put(
                index,
                self.sample(self.rows[1], self.neutral, rgb),
                self.sample(self.rows[2], self.neutral, rgb),
            );
        }
    }
}
