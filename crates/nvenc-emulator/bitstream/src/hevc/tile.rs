//! Coding one tile: tree blocks, and the choice of how each unit in them is coded.

use std::ops::Range;

use super::block::{Job, Residual};
use super::cabac::Cabac;
use super::contexts::{self, Contexts, SliceType};
use super::intra::{Code, Mode};
use super::layout::{TREE, UNIT};
use super::motion::Motion;
use super::units::{Coded, Unit, Units};
use crate::{Format, Picture};

/// A tile that is being coded. Positions are luma samples within it.
pub(super) struct Tile<'a> {
    pub(super) job: &'a Job<'a>,
    /// The picture's row where it begins.
    pub(super) top: usize,
    /// Its samples as a decoder has them.
    pub(super) decoded: Picture,
    pub(super) units: Units,
    pub(super) cabac: Cabac,
}

impl<'a> Tile<'a> {
    /// Codes the rows of tree blocks; `last` says that the slice ends with them. Returns the bytes and the
    /// samples.
    pub(super) fn code(job: &'a Job<'a>, rows: Range<usize>, last: bool) -> (Vec<u8>, Picture) {
        let Format { width, height, .. } = job.source.format;
        let top = rows.start * TREE;
        let height = (rows.end * TREE).min(height) - top;
        let format = Format { height, ..job.source.format };
        let mut tile = Self {
            job,
            top,
            decoded: Picture::filled(format, [0; 3]),
            units: Units::new(width, height),
            cabac: Cabac::new(Contexts::new(job.slice, job.quantizer)),
        };
        for y in (0..height).step_by(TREE) {
            for x in (0..width).step_by(TREE) {
                tile.tree(x, y);
                let end = y + TREE >= height && x + TREE >= width;
                tile.cabac.terminate(end && last);
                if end && !last {
                    // end_of_subset_one_bit
                    tile.cabac.terminate(true);
                }
            }
        }
        (tile.cabac.finish(), tile.decoded)
    }

    /// coding_quadtree: one skipped block, or four units.
    fn tree(&mut self, x: usize, y: usize) {
        let Format { width, height, .. } = self.decoded.format;
        if x + TREE <= width && y + TREE <= height {
            let skip = self.skip(x, y);
            let neighbours = self.neighbours(x, y).iter().flatten().filter(|it| it.split).count();
            self.cabac.bin(contexts::SPLIT_CU + neighbours, skip.is_none());
            if let Some((motion, index)) = skip {
                self.write_skip(x, y, index);
                for (x, y) in quarters(x, y) {
                    self.predict_inter(x, y, motion);
                }
                self.note(x, y, TREE, Coded::Inter(motion), true);
                return;
            }
        }
        for (x, y) in quarters(x, y) {
            if x < width && y < height {
                self.unit(x, y);
            }
        }
    }

    /// The merge candidate by which a whole tree block can be skipped, if there is one that leaves nothing
    /// to code.
    fn skip(&self, x: usize, y: usize) -> Option<(Motion, usize)> {
        if self.job.slice == SliceType::I {
            return None;
        }
        let candidates = self.job.lists.merge_candidates(&self.units, x, y, TREE);
        let first = |&(index, motion): &(usize, &Motion)| !candidates[..index].contains(motion);
        let silent =
            |&(_, &motion): &(usize, &Motion)| quarters(x, y).all(|(x, y)| self.is_silent(x, y, motion));
        candidates.iter().enumerate().filter(first).find(silent).map(|(index, &motion)| (motion, index))
    }

    /// coding_unit of 16x16: skipped if the best motion leaves nothing to code, else in the way that costs
    /// least.
    fn unit(&mut self, x: usize, y: usize) {
        let mut residual = Residual::default();
        let inter = self.best_motion(x, y);
        if let Some((_, motion, merge)) = inter {
            self.code_inter(x, y, motion, &mut residual);
            if let (Some(index), false) = (merge, residual.any()) {
                self.write_skip(x, y, index);
                self.note(x, y, UNIT, Coded::Inter(motion), true);
                return;
            }
        }
        let (cost, mode) = self.best_mode(x, y);
        match inter {
            Some((inter_cost, motion, merge)) if inter_cost <= cost => {
                self.write_inter(x, y, motion, merge, &residual);
                self.note(x, y, UNIT, Coded::Inter(motion), false);
            }
            _ => {
                self.code_intra(x, y, mode, &mut residual);
                self.write_intra(x, y, mode, &residual);
                self.note(x, y, UNIT, Coded::Intra(mode), false);
            }
        }
    }

    /// The motion that costs least, its cost, and its index where it is a merge candidate. None in intra
    /// pictures.
    fn best_motion(&self, x: usize, y: usize) -> Option<(u32, Motion, Option<usize>)> {
        if self.job.slice == SliceType::I {
            return None;
        }
        let candidates = self.job.lists.merge_candidates(&self.units, x, y, UNIT);
        let first = |&(index, motion): &(usize, &Motion)| !candidates[..index].contains(motion);
        let merged =
            candidates.iter().enumerate().filter(first).map(|(index, &motion)| (motion, Some(index)));
        let told = self.job.lists.motions().filter(|motion| !candidates.contains(motion));
        let all = merged.chain(told.map(|motion| (motion, None)));
        let costs = all.map(|(motion, merge)| {
            let bits = merge.map_or(8, |index| 2 + index as u32);
            (self.inter_differences(x, y, 0, motion) + self.job.cost(bits), motion, merge)
        });
        costs.min_by_key(|it| it.0)
    }

    /// The intra mode that costs least, and its cost.
    fn best_mode(&self, x: usize, y: usize) -> (u32, Mode) {
        let (left, above) = self.modes_around(x, y);
        let inter = if self.job.slice == SliceType::I { 0 } else { 3 };
        let costs = self.intra_differences(x, y).map(|(mode, differences)| {
            let bits = match mode.code(left, above) {
                Code::Probable(_) => 3,
                Code::Other(_) => 6,
            };
            (differences + self.job.cost(bits + inter), mode)
        });
        costs.into_iter().min_by_key(|it| it.0).expect("there are modes")
    }

    fn note(&mut self, x: usize, y: usize, size: usize, coded: Coded, skipped: bool) {
        self.units.set(x, y, size, Unit { coded, skipped, split: size < TREE });
    }

    /// The units to the left and above.
    pub(super) fn neighbours(&self, x: usize, y: usize) -> [Option<Unit>; 2] {
        let (x, y) = (x as isize, y as isize);
        [self.units.at(x - 1, y), self.units.at(x, y - 1)]
    }

    /// The intra modes of the blocks to the left and above, as far as they tell anything: 8.4.2.
    pub(super) fn modes_around(&self, x: usize, y: usize) -> (Mode, Mode) {
        let mode = |unit: Option<Unit>| match unit.map(|it| it.coded) {
            Some(Coded::Intra(mode)) => mode,
            _ => Mode::Dc,
        };
        let [left, above] = self.neighbours(x, y);
        (mode(left), if y.is_multiple_of(TREE) { Mode::Dc } else { mode(above) })
    }
}

/// The quarters of a tree block in coded order.
fn quarters(x: usize, y: usize) -> impl Iterator<Item = (usize, usize)> {
    [(x, y), (x + UNIT, y), (x, y + UNIT), (x + UNIT, y + UNIT)].into_iter()
}
