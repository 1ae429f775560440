//! How many levels the blocks around a block have, which chooses the codes for its own: 9.2.1.

use super::cavlc::Context;
use super::layout::Layout;

/// The counts along the edges of what a slice has coded so far, and of the macroblock that it codes.
#[derive(Debug)]
pub(super) struct Counts {
    /// Blocks across a macroblock in each plane.
    across: [usize; 3],
    /// The last row of blocks of the macroblocks above.
    above: [Vec<u8>; 3],
    /// The last column of the macroblock to the left.
    left: [[u8; 4]; 3],
    current: [[u8; 16]; 3],
    x: usize,
    first_row: bool,
}

impl Counts {
    pub(super) fn new(layout: &Layout) -> Self {
        let across = [0, 1, 2].map(|plane| layout.side(plane) / 4);
        let above = across.map(|across| vec![0; across * layout.wide]);
        Self { across, above, left: [[0; 4]; 3], current: [[0; 16]; 3], x: 0, first_row: true }
    }

    /// The macroblock at this place in its row begins.
    pub(super) fn begin(&mut self, x: usize) {
        self.x = x;
        self.current = [[0; 16]; 3];
    }

    /// All blocks of the macroblock have this many.
    pub(super) fn fill(&mut self, count: u8) {
        self.current = [[count; 16]; 3];
    }

    pub(super) fn set(&mut self, plane: usize, block: usize, count: u8) {
        self.current[plane][block] = count;
    }

    /// The macroblock is complete.
    pub(super) fn end(&mut self) {
        for plane in 0..3 {
            let across = self.across[plane];
            let blocks = &self.current[plane];
            for at in 0..across {
                self.left[plane][at] = blocks[at * across + across - 1];
                self.above[plane][self.x * across + at] = blocks[(across - 1) * across + at];
            }
        }
    }

    /// The next row of macroblocks begins.
    pub(super) fn next_row(&mut self) {
        self.first_row = false;
    }

    /// What chooses the codes of a block.
    pub(super) fn context(&self, plane: usize, block: usize) -> Context {
        let across = self.across[plane];
        let (x, y) = (block % across, block / across);
        let left = match x {
            0 if self.x == 0 => None,
            0 => Some(self.left[plane][y]),
            _ => Some(self.current[plane][block - 1]),
        };
        let above = match y {
            0 if self.first_row => None,
            0 => Some(self.above[plane][self.x * across + x]),
            _ => Some(self.current[plane][block - across]),
        };
        Context::Neighbours(match (left, above) {
            (Some(left), Some(above)) => (left + above).div_ceil(2),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0,
        })
    }
}
