//! Predicting the blocks of a unit, and coding what remains.

use super::contexts::SliceType;
use super::intra::{Around, Border, Filters, Mode};
use super::layout::UNIT;
use super::motion::{Lists, Motion, rows};
use super::tile::Tile;
use super::transform::{AREA, Quantizer};
use crate::{Chroma, Format, Picture};

/// What the tiles of a picture have in common.
pub(super) struct Job<'a> {
    pub(super) slice: SliceType,
    /// The picture in whole units.
    pub(super) source: &'a Picture,
    pub(super) lists: Lists<'a>,
    /// SliceQpY.
    pub(super) quantizer: u8,
    /// Of luma, and of chroma.
    pub(super) quantizers: [Quantizer; 2],
    /// Whether the parameter sets allow transform and quantiser to be bypassed, and this picture does.
    pub(super) exact: Exact,
    /// What a bit is worth, in 16ths of a difference of one in one sample.
    pub(super) bit_cost: u32,
}

/// Whether samples are coded without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exact {
    /// In this stream they cannot be.
    Never,
    /// In this stream they can be, but not in this picture.
    No,
    Yes,
}

/// The levels of a unit's three blocks.
pub(super) struct Residual {
    pub(super) levels: [[i16; AREA]; 3],
    /// Which blocks have any that is not zero.
    pub(super) coded: [bool; 3],
}

impl Default for Residual {
    fn default() -> Self {
        Self { levels: [[0; AREA]; 3], coded: [false; 3] }
    }
}

impl Residual {
    pub(super) fn any(&self) -> bool {
        self.coded != [false; 3]
    }
}

impl Job<'_> {
    /// By how much a plane's sides are smaller than luma's, as a shift.
    pub(super) fn shift(&self, plane: usize) -> usize {
        usize::from(plane > 0 && self.source.format.chroma == Chroma::Yuv420)
    }

    /// What bits are worth, as a sum of absolute differences.
    pub(super) fn cost(&self, bits: u32) -> u32 {
        (bits * self.bit_cost) >> 4
    }

    /// The sum of absolute differences that surely leaves nothing to code in an inter block of this size.
    pub(super) fn silent(&self, plane: usize, size: usize) -> u32 {
        if self.exact == Exact::Yes { 0 } else { self.quantizers[plane.min(1)].rounding(false).silent(size) }
    }
}

impl Tile<'_> {
    /// The place and size of a unit's block in a plane of the tile.
    fn block(&self, x: usize, y: usize, plane: usize) -> (usize, usize, usize) {
        let shift = self.job.shift(plane);
        (x >> shift, y >> shift, UNIT >> shift)
    }

    /// The rows of the source under a block.
    fn source(&self, (x, y, size): (usize, usize, usize), plane: usize) -> impl Iterator<Item = &[u16]> {
        rows(self.job.source, plane, (x, y + (self.top >> self.job.shift(plane))), size)
    }

    /// Whether this motion leaves nothing to code.
    pub(super) fn is_silent(&self, x: usize, y: usize, motion: Motion) -> bool {
        (0..3).all(|plane| {
            self.inter_differences(x, y, plane, motion)
                <= self.job.silent(plane, UNIT >> self.job.shift(plane))
        })
    }

    /// The sum of absolute differences in a plane for this motion.
    pub(super) fn inter_differences(&self, x: usize, y: usize, plane: usize, motion: Motion) -> u32 {
        let block = self.block(x, y, plane);
        let mut prediction = [0; AREA];
        self.inter_prediction(block, plane, motion, &mut prediction);
        differences(self.source(block, plane), &prediction, block.2)
    }

    fn inter_prediction(
        &self,
        (x, y, size): (usize, usize, usize),
        plane: usize,
        motion: Motion,
        out: &mut [u16; AREA],
    ) {
        let y = y + (self.top >> self.job.shift(plane));
        self.job.lists.predict(motion, plane, (x, y), size, out);
    }

    /// The sum of absolute differences in luma for each intra mode.
    pub(super) fn intra_differences(&self, x: usize, y: usize) -> [(Mode, u32); 4] {
        let block = self.block(x, y, 0);
        let border = self.border(x, y, 0);
        Mode::ALL.map(|mode| {
            let mut prediction = [0; AREA];
            border.predict(mode, self.filters(0), self.decoded.format.peak(), &mut prediction);
            (mode, differences(self.source(block, 0), &prediction, UNIT))
        })
    }

    fn border(&self, x: usize, y: usize, plane: usize) -> Border {
        let there = |x: usize, y: usize, (dx, dy): (isize, isize)| {
            self.units.at(x as isize + dx, y as isize + dy).is_some()
        };
        let unit = UNIT as isize;
        let around = Around {
            below_left: there(x, y, (-1, unit)),
            left: there(x, y, (-1, 0)),
            corner: there(x, y, (-1, -1)),
            above: there(x, y, (0, -1)),
            above_right: there(x, y, (unit, -1)),
        };
        let Format { depth, .. } = self.decoded.format;
        let stride = self.decoded.format.plane(plane).0;
        let (x, y, size) = self.block(x, y, plane);
        Border::new(&self.decoded.planes[plane], stride, (x, y), size, around, depth)
    }

    fn filters(&self, plane: usize) -> Filters {
        Filters { border: self.job.shift(plane) == 0, edges: plane == 0 }
    }

    /// Codes the blocks of a unit by this mode.
    pub(super) fn code_intra(&mut self, x: usize, y: usize, mode: Mode, residual: &mut Residual) {
        let mut prediction = [0; AREA];
        for plane in 0..3 {
            let border = self.border(x, y, plane);
            border.predict(mode, self.filters(plane), self.decoded.format.peak(), &mut prediction);
            self.code_block(x, y, plane, &prediction, true, residual);
        }
    }

    /// Codes the blocks of a unit by this motion.
    pub(super) fn code_inter(&mut self, x: usize, y: usize, motion: Motion, residual: &mut Residual) {
        let mut prediction = [0; AREA];
        for plane in 0..3 {
            self.inter_prediction(self.block(x, y, plane), plane, motion, &mut prediction);
            self.code_block(x, y, plane, &prediction, false, residual);
        }
    }

    /// Takes the prediction for what a decoder has.
    pub(super) fn predict_inter(&mut self, x: usize, y: usize, motion: Motion) {
        let mut prediction = [0; AREA];
        for plane in 0..3 {
            let block = self.block(x, y, plane);
            self.inter_prediction(block, plane, motion, &mut prediction);
            self.store(block, plane, &prediction);
        }
    }

    /// Codes what the prediction of one block lacks, and stores what a decoder has then.
    fn code_block(
        &mut self,
        x: usize,
        y: usize,
        plane: usize,
        prediction: &[u16; AREA],
        intra: bool,
        residual: &mut Residual,
    ) {
        let block = self.block(x, y, plane);
        let (size, log2) = (block.2, block.2.ilog2() as usize);
        let mut lacking = [0i16; AREA];
        let rows = lacking.chunks_exact_mut(size).zip(prediction.chunks_exact(size));
        for ((lacking, prediction), source) in rows.zip(self.source(block, plane)) {
            for ((lacking, &prediction), &source) in lacking.iter_mut().zip(prediction).zip(source) {
                *lacking = source as i16 - prediction as i16;
            }
        }
        if self.job.exact == Exact::Yes {
            residual.coded[plane] = lacking[..size * size].iter().any(|&it| it != 0);
            residual.levels[plane] = lacking;
        } else {
            let quantizer = self.job.quantizers[plane.min(1)].rounding(intra);
            let sum: u32 = lacking[..size * size].iter().map(|it| u32::from(it.unsigned_abs())).sum();
            let levels = &mut residual.levels[plane];
            residual.coded[plane] = sum > quantizer.silent(size) && quantizer.forward(&lacking, log2, levels);
            if residual.coded[plane] {
                quantizer.inverse(levels, log2, &mut lacking);
            }
        }
        if !residual.coded[plane] {
            self.store(block, plane, prediction);
            return;
        }
        let peak = self.decoded.format.peak() as i16;
        let mut decoded = [0; AREA];
        for ((decoded, &prediction), &lacking) in
            decoded.iter_mut().zip(prediction).zip(&lacking).take(size * size)
        {
            *decoded = (prediction as i16).saturating_add(lacking).clamp(0, peak) as u16;
        }
        self.store(block, plane, &decoded);
    }

    fn store(&mut self, (x, y, size): (usize, usize, usize), plane: usize, samples: &[u16; AREA]) {
        let stride = self.decoded.format.plane(plane).0;
        let rows = self.decoded.planes[plane][y * stride + x..].chunks_mut(stride);
        for (row, samples) in rows.zip(samples.chunks_exact(size).take(size)) {
            row[..size].copy_from_slice(samples);
        }
    }
}

/// The sum of absolute differences between rows and a square block.
fn differences<'a>(rows: impl Iterator<Item = &'a [u16]>, block: &[u16; AREA], size: usize) -> u32 {
    // Where sizes are constants, they are summed eight at a time.
    if size == UNIT { differences_of::<UNIT>(rows, block) } else { differences_of::<8>(rows, block) }
}

fn differences_of<'a, const N: usize>(rows: impl Iterator<Item = &'a [u16]>, block: &[u16; AREA]) -> u32 {
    // 16 differences of 10 bits fit into 16 bits.
    let mut columns = [0u16; N];
    for (row, block) in rows.zip(block.as_chunks::<N>().0) {
        for ((sum, &a), &b) in columns.iter_mut().zip(row).zip(block) {
            *sum += a.abs_diff(b);
        }
    }
    columns.iter().map(|&sum| u32::from(sum)).sum()
}
