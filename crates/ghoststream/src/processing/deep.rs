//! From 16-bit RGB to any output, a strip of rows at a time.
//!
//! For what the byte path cannot carry: ten-bit and YCbCr sources. Chroma is sited as in
//! [`strip`](super::strip).

use super::source::Word;
use crate::Color;
use ghoststream_picture::dither::threshold;
use ghoststream_picture::matrix::{Levels, to_ycbcr};

/// The weights of 16-bit RGB.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeepWeights {
    rows: [[f32; 3]; 3],
    black: f32,
    neutral: f32,
    most: f32,
    /// Whether to dither rather than to round.
    dithers: bool,
}

/// Two rows of pixels, each `lead + width` long, `lead` as in [`Rows`](super::strip::Rows).
#[derive(Clone, Copy)]
pub(super) struct WordRows<'a> {
    pub(super) top: &'a [Word],
    pub(super) bottom: &'a [Word],
    pub(super) lead: usize,
}

impl DeepWeights {
    pub(super) fn new(color: Color, depth: u32, dithers: bool) -> Self {
        let levels = Levels::new(color.range, depth);
        let rows = to_ycbcr(color, depth).map(|row| row.map(|it| (it / 65535.0) as f32));
        let (black, neutral, most) = (levels.black as f32, levels.neutral as f32, levels.most as f32);
        Self { rows, black, neutral, most, dithers }
    }

    fn sample(&self, row: [f32; 3], offset: f32, [r, g, b]: [f32; 3], rounding: f32) -> u16 {
        (row[0] * r + row[1] * g + row[2] * b + offset + rounding).clamp(0.0, self.most) as u16
    }

    /// What is added to each eighth sample of a plane's row, from `x` on, before it is cut off.
    fn rounding(&self, (x, y): (u32, u32)) -> [f32; 8] {
        std::array::from_fn(|index| if self.dithers { threshold(x + index as u32, y) } else { 0.5 })
    }

    /// Luma of a row, in code values. `place` is where in the plane it goes.
    pub(super) fn luma(&self, pixels: &[Word], place: (u32, u32), mut put: impl FnMut(usize, u16)) {
        let rounding = self.rounding(place);
        for (index, pixel) in pixels.iter().enumerate() {
            let rgb = [pixel[0], pixel[1], pixel[2]].map(f32::from);
            put(index, self.sample(self.rows[0], self.black, rgb, rounding[index % 8]));
        }
    }

    /// Luma, Cb and Cr of each pixel of a row, in code values.
    pub(super) fn full(&self, pixels: &[Word], place: (u32, u32), mut put: impl FnMut(usize, [u16; 3])) {
        let rounding = self.rounding(place);
        for (index, pixel) in pixels.iter().enumerate() {
            let rgb = [pixel[0], pixel[1], pixel[2]].map(f32::from);
            let sample = |row: usize, offset| self.sample(self.rows[row], offset, rgb, rounding[index % 8]);
            put(index, [sample(0, self.black), sample(1, self.neutral), sample(2, self.neutral)]);
        }
    }

    /// Chroma of two rows, in code values. `place` is where in its plane it goes.
    pub(super) fn chroma(&self, rows: WordRows<'_>, place: (u32, u32), mut put: impl FnMut(usize, u16, u16)) {
        let rounding = self.rounding(place);
        let length = rows.top.len();
        let both = |at: usize| [0, 1, 2].map(|c| f32::from(rows.top[at][c]) + f32::from(rows.bottom[at][c]));
        for index in 0..(length - rows.lead).div_ceil(2) {
            let at = rows.lead + index * 2;
            let (left, here, right) = (both(at.saturating_sub(1)), both(at), both((at + 1).min(length - 1)));
            let rgb = std::array::from_fn(|c| (left[c] + 2.0 * here[c] + right[c]) * 0.125);
            let sample = |row: usize| self.sample(self.rows[row], self.neutral, rgb, rounding[index % 8]);
            put(index, sample(1), sample(2));
        }
    }
}
