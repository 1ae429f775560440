//! Macroblocks as bits: 7.3.5.

use super::cavlc::{self, Context};
use super::counts::Counts;
use super::inter::Motion;
use super::intra::Mode;
use super::layout::{Block, Layout};
use super::residual::Residual;
use super::slice::Header;
use crate::Kind;
use crate::bits::BitWriter;

/// The blocks of a plane of 16x16 in the order they are written in: figure 6-10.
const ORDER: [usize; 16] = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15];

/// coded_block_pattern of inter macroblocks by codeNum with 4:2:0: table 9-4. With 4:4:4, those without
/// chroma in the order they have here; see [`pattern_code`].
#[rustfmt::skip]
const PATTERNS: [u8; 48] = [
    0, 16, 1, 2, 4, 8, 32, 3, 5, 10, 12, 15, 47, 7, 11, 13, 14, 6, 9, 31, 35, 37, 42, 44,
    33, 34, 36, 40, 39, 43, 45, 46, 17, 18, 20, 24, 19, 21, 26, 28, 23, 27, 29, 30, 22, 25, 38, 41,
];

/// The code of an inter macroblock's coded_block_pattern.
fn pattern_code(pattern: u8, is_444: bool) -> u32 {
    let listed = PATTERNS.iter().filter(|&&other| !is_444 || other < 16);
    listed.take_while(|&&other| other != pattern).count() as u32
}

/// What mb_type counts intra macroblocks from.
const fn intra_type(kind: Kind) -> u32 {
    match kind {
        Kind::Key | Kind::Intra => 0,
        Kind::P => 5,
        Kind::B => 23,
    }
}

/// Writes macroblocks of one slice.
pub(super) struct Writer<'a> {
    pub(super) bits: BitWriter,
    pub(super) counts: Counts,
    header: &'a Header,
    layout: Layout,
    /// Macroblocks skipped since the last one that was not.
    skipped: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(header: &'a Header, layout: Layout, first_macroblock: usize) -> Self {
        let mut bits = BitWriter::new();
        header.write(&mut bits, first_macroblock);
        Self { bits, counts: Counts::new(&layout), header, layout, skipped: 0 }
    }

    /// Nothing but the prediction that is used when nothing is said.
    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }

    /// mb_skip_run, which stands before each macroblock that is not skipped.
    fn end_skipped(&mut self) {
        if matches!(self.header.kind(), Kind::P | Kind::B) {
            self.bits.ue(std::mem::take(&mut self.skipped));
        }
    }

    /// The samples as they are.
    pub(super) fn raw(&mut self, block: &Block) {
        self.end_skipped();
        self.bits.ue(intra_type(self.header.kind()) + 25);
        self.bits.align();
        let depth = u32::from(self.layout.format.depth);
        for (plane, samples) in block.iter().enumerate() {
            for &sample in &samples[..self.layout.side(plane).pow(2)] {
                self.bits.put(u32::from(sample), depth);
            }
        }
        self.counts.fill(16);
    }

    /// How many bits the samples of a macroblock are; no macroblock may take more (A.3.1).
    pub(super) fn raw_size(&self) -> usize {
        let samples: usize = (0..3).map(|plane| self.layout.side(plane).pow(2)).sum();
        samples * usize::from(self.layout.format.depth)
    }

    /// Writes a macroblock, unless it takes more bits than this. Returns whether it was written.
    pub(super) fn within(&mut self, most: usize, write: impl FnOnce(&mut Self)) -> bool {
        let (mark, skipped) = (self.bits.mark(), self.skipped);
        self.end_skipped();
        let start = self.bits.len();
        write(self);
        if self.bits.len() - start <= most {
            return true;
        }
        self.bits.rewind(mark);
        self.skipped = skipped;
        self.counts.fill(0);
        false
    }

    /// An Intra16x16.
    pub(super) fn intra(&mut self, luma: Mode, chroma: Mode, residual: &Residual) {
        let coded = (0..self.luma_planes()).any(|plane| !residual.is_empty(plane));
        let chroma_pattern = self.chroma_pattern(residual);
        let kind = 1 + luma.luma() + 4 * u32::from(chroma_pattern) + 12 * u32::from(coded);
        self.bits.ue(intra_type(self.header.kind()) + kind);
        if !self.layout.is_444() {
            self.bits.ue(chroma.chroma());
        }
        self.bits.se(0); // mb_qp_delta
        for plane in 0..self.luma_planes() {
            let context = self.counts.context(plane, 0);
            cavlc::write(&mut self.bits, &residual.dc[plane], context);
            if coded {
                ORDER.into_iter().for_each(|block| self.block(plane, block, residual, 1));
            }
        }
        self.chroma(chroma_pattern, residual);
    }

    /// A macroblock predicted from other pictures. `direct` is what needs not be said.
    pub(super) fn inter(&mut self, motion: Motion, direct: Option<Motion>, residual: &Residual) {
        if direct == Some(motion) {
            self.bits.ue(0); // B_Direct_16x16
        } else {
            self.motion(motion);
        }
        let pattern = self.pattern(residual);
        self.bits.ue(pattern_code(pattern, self.layout.is_444()));
        if pattern == 0 {
            return;
        }
        self.bits.se(0); // mb_qp_delta
        for plane in 0..self.luma_planes() {
            for (index, block) in ORDER.into_iter().enumerate() {
                if pattern >> (index / 4) & 1 != 0 {
                    self.block(plane, block, residual, 0);
                }
            }
        }
        self.chroma(pattern >> 4, residual);
    }

    /// mb_type, reference indices, and motion that differs in nothing from the zero that is expected.
    fn motion(&mut self, motion: Motion) {
        self.bits.ue(match (self.header.kind(), motion) {
            (Kind::P, _) => 0,
            (_, [_, -1]) => 1,
            (_, [-1, _]) => 2,
            _ => 3,
        });
        for (list, index) in motion.into_iter().enumerate() {
            match (self.header.lists[list].pictures.len(), index) {
                (0 | 1, _) | (_, ..0) => {}
                (2, index) => self.bits.flag(index == 0),
                (_, index) => self.bits.ue(index as u32),
            }
        }
        for _ in motion.into_iter().filter(|&index| index >= 0) {
            self.bits.se(0);
            self.bits.se(0);
        }
    }

    /// coded_block_pattern.
    pub(super) fn pattern(&self, residual: &Residual) -> u8 {
        let mut pattern = self.chroma_pattern(residual) << 4;
        for (index, block) in ORDER.into_iter().enumerate() {
            if (0..self.luma_planes()).any(|plane| residual.counts[plane][block] > 0) {
                pattern |= 1 << (index / 4);
            }
        }
        pattern
    }

    /// Planes that are coded as luma is.
    fn luma_planes(&self) -> usize {
        if self.layout.is_444() { 3 } else { 1 }
    }

    /// 0 without chroma, 1 with DC only, 2 with all.
    fn chroma_pattern(&self, residual: &Residual) -> u8 {
        if self.layout.is_444() {
            0
        } else if !residual.is_empty(1) || !residual.is_empty(2) {
            2
        } else {
            u8::from(residual.chroma_dc != [[0; 4]; 2])
        }
    }

    /// 4:2:0 chroma.
    fn chroma(&mut self, pattern: u8, residual: &Residual) {
        if pattern > 0 {
            for dc in &residual.chroma_dc {
                cavlc::write(&mut self.bits, dc, Context::ChromaDc);
            }
        }
        if pattern > 1 {
            for plane in 1..3 {
                (0..4).for_each(|block| self.block(plane, block, residual, 1));
            }
        }
    }

    /// The levels of a block, without the first `without`.
    fn block(&mut self, plane: usize, block: usize, residual: &Residual, without: usize) {
        let context = self.counts.context(plane, block);
        cavlc::write(&mut self.bits, &residual.blocks[plane][block][without..], context);
        self.counts.set(plane, block, residual.counts[plane][block]);
    }

    /// Ends the slice: a NAL unit's payload.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.skipped > 0 {
            self.end_skipped();
        }
        self.bits.trailing();
        self.bits.finish()
    }
}
