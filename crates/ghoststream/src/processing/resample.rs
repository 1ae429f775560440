//! Scaling, a row of the result at a time.
//!
//! Source rows are blended first, since that goes along memory, then columns. Each result depends on
//! its own source pixels alone, so that a part of a picture can be made anew with the same bits.
//!
//! Four-byte pixels take fixed-point arithmetic where the filter is short enough for its rounding
//! not to show; all else takes `f32`.

use super::avx2;
use super::filter::FixedAxis;
use super::source::Word;
use crate::{Scaler, Size};
use ghoststream_picture::filter::Axis;

/// Source rows given at once, at most.
pub(super) const GROUP: usize = 16;

/// Some rows of the source, one below the other; only the columns asked for.
pub(super) type Group<'a, P> = [&'a [P]; GROUP];

/// Gives as many rows as asked for, [`GROUP`] at most, from a row on.
pub(super) trait Source<P> {
    fn rows(&mut self, first: u32, count: usize) -> Group<'_, P>;
}

/// A pixel of four channels.
pub(super) trait Pixel: Copy + Default {
    fn channels(self) -> [f32; 4];
    fn from_channels(channels: [f32; 4]) -> Self;
}

impl Pixel for [u8; 4] {
    #[inline(always)]
    fn channels(self) -> [f32; 4] {
        self.map(f32::from)
    }

    #[inline(always)]
    fn from_channels(channels: [f32; 4]) -> Self {
        // What is too large or too small saturates.
        channels.map(|it| (it + 0.5) as u8)
    }
}

impl Pixel for Word {
    #[inline(always)]
    fn channels(self) -> [f32; 4] {
        self.map(f32::from)
    }

    #[inline(always)]
    fn from_channels(channels: [f32; 4]) -> Self {
        channels.map(|it| (it + 0.5) as u16)
    }
}

/// The filters of both axes, and memory for a row between them.
#[derive(Debug)]
pub(super) struct Resampler {
    across: Axis,
    down: Axis,
    fixed: Option<(FixedAxis, FixedAxis)>,
    blended: Vec<[f32; 4]>,
    blended_fixed: Vec<[i16; 4]>,
}

impl Resampler {
    /// From one size to another.
    pub(super) fn new(from: Size, to: Size, scaler: Scaler) -> Self {
        let across = Axis::new(from.width, to.width, scaler.into());
        let down = Axis::new(from.height, to.height, scaler.into());
        let fixed = FixedAxis::new(&across).zip(FixedAxis::new(&down));
        Self { across, down, fixed, blended: vec![], blended_fixed: vec![] }
    }

    /// The filter from left to right.
    pub(super) const fn across(&self) -> &Axis {
        &self.across
    }

    /// The filter from top to bottom.
    pub(super) const fn down(&self) -> &Axis {
        &self.down
    }

    /// Makes four-byte pixels of row `y` from column `x` on, as many as `out` has. The source gives
    /// the columns from the first to the last that [`Axis::needs`] names.
    pub(super) fn row_of_bytes(
        &mut self,
        (x, y): (u32, u32),
        source: &mut dyn Source<[u8; 4]>,
        out: &mut [[u8; 4]],
    ) {
        let Some((across, down)) = &self.fixed else { return self.row((x, y), source, out) };
        let (first, end) = self.across.needs(x, x + out.len() as u32);
        let width = (end - first) as usize;
        let sums = &mut self.blended_fixed;
        sums.clear();
        // The weights of nothing at the end of a filter meet sums of nothing.
        sums.resize(width + across.padding(), [0; 4]);
        let (top, exact) = self.down.taps(y);
        let weights = &down.weights(y as usize)[..exact.len()];
        for (group, weights) in weights.chunks(GROUP).enumerate() {
            let rows = source.rows(top + (group * GROUP) as u32, weights.len());
            avx2::blend(&rows[..weights.len()], weights, &mut sums[..width]);
        }
        avx2::columns(across, x, sums, out);
    }

    /// The same for any pixels.
    pub(super) fn row<P: Pixel>(&mut self, (x, y): (u32, u32), source: &mut dyn Source<P>, out: &mut [P]) {
        let (first, end) = self.across.needs(x, x + out.len() as u32);
        let sums = &mut self.blended;
        sums.clear();
        sums.resize((end - first) as usize, [0.0; 4]);
        let (top, weights) = self.down.taps(y);
        for (group, weights) in weights.chunks(GROUP).enumerate() {
            let rows = source.rows(top + (group * GROUP) as u32, weights.len());
            avx2::vectorised(|| {
                for (row, weight) in rows.iter().zip(weights) {
                    blend(sums, row, *weight);
                }
            });
        }
        avx2::vectorised(|| columns(&self.across, x, first, &self.blended, out));
    }
}

/// Adds a row's share.
#[inline(always)]
fn blend<P: Pixel>(sums: &mut [[f32; 4]], row: &[P], weight: f32) {
    for (sum, pixel) in sums.iter_mut().zip(row) {
        let pixel = pixel.channels();
        *sum = std::array::from_fn(|channel| sum[channel] + pixel[channel] * weight);
    }
}

/// Makes results of a row of sums, whose first is source column `first`.
#[inline(always)]
fn columns<P: Pixel>(axis: &Axis, x: u32, first: u32, sums: &[[f32; 4]], out: &mut [P]) {
    for (index, out) in (x..).zip(out) {
        let (start, weights) = axis.taps(index);
        let pixels = &sums[(start - first) as usize..][..weights.len()];
        let mut sum = [0.0; 4];
        for (pixel, weight) in pixels.iter().zip(weights) {
            sum = std::array::from_fn(|channel| sum[channel] + pixel[channel] * weight);
        }
        *out = P::from_channels(sum);
    }
}

/// The fixed-point arithmetic; `avx2` gives the same values, bit by bit.
pub(super) mod fixed {
    use super::FixedAxis;

    /// Adds rows' shares, from column `done` on. Sums have six bits after the point.
    pub(in super::super) fn blend(rows: &[&[[u8; 4]]], weights: &[i16], sums: &mut [[i16; 4]], done: usize) {
        for (row, weight) in rows.iter().zip(weights) {
            for (sum, pixel) in sums[done..].iter_mut().zip(&row[done..]) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    // Weights have 14 bits after the point: rounded product of (value << 7).
                    let product = (i32::from(*value) << 7) * i32::from(*weight);
                    *sum = sum.wrapping_add(((product + (1 << 14)) >> 15) as i16);
                }
            }
        }
    }

    /// Makes the results from `x` on, from the one that is `done` on.
    pub(in super::super) fn columns(
        axis: &FixedAxis,
        x: usize,
        sums: &[[i16; 4]],
        out: &mut [[u8; 4]],
        done: usize,
    ) {
        for (index, out) in out.iter_mut().enumerate().skip(done) {
            let start = (axis.starts()[x + index] - axis.starts()[x]) as usize;
            let mut total = [1 << (FixedAxis::BITS + 5); 4];
            for (sum, weight) in sums[start..].iter().zip(axis.weights(x + index)) {
                for (total, sum) in total.iter_mut().zip(sum) {
                    *total += i32::from(*sum) * i32::from(*weight);
                }
            }
            *out = total.map(|it| (it >> (FixedAxis::BITS + 6)).clamp(0, 255) as u8);
        }
    }
}
