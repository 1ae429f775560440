//! Writing coding units: 7.3.8.5 to 7.3.8.12 of H.265.

use super::block::{Exact, Residual};
use super::contexts::{self, SliceType};
use super::intra::{Code, Mode};
use super::layout::UNIT;
use super::motion::{MERGE_CANDIDATES, Motion};
use super::residual::{Levels, Scan};
use super::tile::Tile;

impl Tile<'_> {
    /// What every coding unit begins with.
    fn write_start(&mut self, x: usize, y: usize, skipped: bool) {
        if self.job.exact != Exact::Never {
            self.cabac.bin(contexts::BYPASS, self.job.exact == Exact::Yes);
        }
        if self.job.slice != SliceType::I {
            let neighbours = self.neighbours(x, y).iter().flatten().filter(|it| it.skipped).count();
            self.cabac.bin(contexts::SKIP + neighbours, skipped);
        }
    }

    /// A unit, or a whole tree block, that is a merge candidate's prediction and nothing else.
    pub(super) fn write_skip(&mut self, x: usize, y: usize, merge: usize) {
        self.write_start(x, y, true);
        self.write_merge_index(merge);
    }

    fn write_merge_index(&mut self, index: usize) {
        self.cabac.bin(contexts::MERGE_INDEX, index > 0);
        if index > 0 {
            let rest = index as u32 - 1;
            let last = MERGE_CANDIDATES as u32 - 2;
            let (bins, count) =
                if rest < last { ((1 << (rest + 1)) - 2, rest + 1) } else { ((1 << rest) - 1, rest) };
            self.cabac.bypass(bins, count);
        }
    }

    pub(super) fn write_intra(&mut self, x: usize, y: usize, mode: Mode, residual: &Residual) {
        self.write_start(x, y, false);
        if self.job.slice != SliceType::I {
            self.cabac.bin(contexts::PRED_MODE, true);
        }
        self.cabac.bin(contexts::PART_MODE, true);
        let (left, above) = self.modes_around(x, y);
        match mode.code(left, above) {
            Code::Probable(index) => {
                self.cabac.bin(contexts::PREV_INTRA, true);
                let (bins, count) = [(0, 1), (2, 2), (3, 2)][index as usize];
                self.cabac.bypass(bins, count);
            }
            Code::Other(rest) => {
                self.cabac.bin(contexts::PREV_INTRA, false);
                self.cabac.bypass(rest, 5);
            }
        }
        // Chroma as luma.
        self.cabac.bin(contexts::CHROMA_MODE, false);
        self.write_residual(true, residual);
    }

    pub(super) fn write_inter(
        &mut self,
        x: usize,
        y: usize,
        motion: Motion,
        merge: Option<usize>,
        residual: &Residual,
    ) {
        self.write_start(x, y, false);
        self.cabac.bin(contexts::PRED_MODE, false);
        self.cabac.bin(contexts::PART_MODE, true);
        self.cabac.bin(contexts::MERGE_FLAG, merge.is_some());
        match merge {
            Some(index) => self.write_merge_index(index),
            None => {
                self.write_motion(motion);
                self.cabac.bin(contexts::ROOT_CBF, residual.any());
            }
        }
        if residual.any() {
            self.write_residual(false, residual);
        }
    }

    /// Reference indices and vectors that are told. All predicted vectors are zero, as the vectors are.
    fn write_motion(&mut self, motion: Motion) {
        if self.job.lists.is_b() {
            // By depth: units are one split below tree blocks.
            let both = motion.0[0].is_some() && motion.0[1].is_some();
            self.cabac.bin(contexts::INTER_PRED + 1, both);
            if !both {
                self.cabac.bin(contexts::INTER_PRED + 4, motion.0[1].is_some());
            }
        }
        for (list, index) in motion.0.iter().enumerate() {
            let Some(index) = index else { continue };
            self.write_reference(list, usize::from(*index));
            self.cabac.bin(contexts::MVD, false);
            self.cabac.bin(contexts::MVD, false);
            self.cabac.bin(contexts::MVP, false);
        }
    }

    /// ref_idx_l0 or ref_idx_l1.
    fn write_reference(&mut self, list: usize, index: usize) {
        let last = self.job.lists.orders[list].len() - 1;
        for bin in 0..last.min(index + 1) {
            match bin {
                0 | 1 => self.cabac.bin(contexts::REF_INDEX + bin, bin < index),
                _ => self.cabac.bypass(u32::from(bin < index), 1),
            }
        }
    }

    /// transform_tree of one transform unit.
    fn write_residual(&mut self, intra: bool, residual: &Residual) {
        let [luma, cb, cr] = residual.coded;
        self.cabac.bin(contexts::CBF_CHROMA, cb);
        self.cabac.bin(contexts::CBF_CHROMA, cr);
        if intra || cb || cr {
            self.cabac.bin(contexts::CBF_LUMA + 1, luma);
        }
        for plane in 0..3 {
            if residual.coded[plane] {
                let log2 = UNIT.ilog2() as usize - self.job.shift(plane);
                let area = 1 << (2 * log2);
                let levels = &residual.levels[plane][..area];
                Levels { levels, log2, chroma: plane > 0, scan: Scan::Diagonal }.write(&mut self.cabac);
            }
        }
    }
}
