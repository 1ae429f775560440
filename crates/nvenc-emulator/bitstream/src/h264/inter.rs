//! Prediction from other pictures, in the same place: all motion vectors are zero.

use super::layout::{Block, Layout};
use super::slice::Header;
use crate::Kind;

/// The entry of each reference list that a macroblock is predicted from, -1 for none; both for their mean.
/// Intra macroblocks have none of both.
pub(super) type Motion = [i8; 2];

/// Predicted from no other picture.
pub(super) const INTRA: Motion = [-1, -1];

/// What the macroblocks of the last row and of this one are predicted from.
#[derive(Debug)]
pub(super) struct Motions {
    above: Vec<Motion>,
    row: Vec<Motion>,
    first_row: bool,
}

impl Motions {
    pub(super) fn new(wide: usize) -> Self {
        Self { above: vec![INTRA; wide], row: vec![INTRA; wide], first_row: true }
    }

    pub(super) fn set(&mut self, x: usize, motion: Motion) {
        self.row[x] = motion;
    }

    /// The next row of macroblocks begins.
    pub(super) fn next_row(&mut self) {
        std::mem::swap(&mut self.above, &mut self.row);
        self.first_row = false;
    }

    /// What B_Skip and B_Direct_16x16 refer to: in each list the smallest index that the neighbours to the
    /// left, above, and above to the right (or else left) have; the first entries if they have none
    /// (8.4.1.2.2). The motion is zero as everybody's is.
    pub(super) fn direct(&self, x: usize) -> Motion {
        let left = (x > 0).then(|| self.row[x - 1]);
        let above = (!self.first_row).then(|| self.above[x]);
        let corner = if x + 1 < self.above.len() { Some(x + 1) } else { x.checked_sub(1) };
        let corner = corner.filter(|_| !self.first_row).map(|x| self.above[x]);
        let smallest = |list: usize| {
            let indices = [left, above, corner].into_iter().flatten().map(|motion| motion[list]);
            indices.filter(|&index| index >= 0).min().unwrap_or(-1)
        };
        match [smallest(0), smallest(1)] {
            INTRA => [0, 0],
            motion => motion,
        }
    }
}

/// All that a macroblock of this slice can be predicted from, with about how many bits it takes to say so:
/// first what takes least.
pub(super) fn candidates(header: &Header, direct: Motion) -> Vec<(Motion, u32)> {
    let count = |list: usize| header.lists[list].pictures.len() as i8;
    match header.kind() {
        Kind::Key | Kind::Intra => vec![],
        Kind::P => (0..count(0)).map(|index| ([index, -1], 2 * index as u32)).collect(),
        Kind::B => {
            let first = (0..count(0)).map(|index| ([index, -1], 5 + index as u32));
            let second = (0..count(1)).map(|index| ([-1, index], 5 + index as u32));
            let both = (0..count(0)).flat_map(|a| (0..count(1)).map(move |b| ([a, b], 9 + (a + b) as u32)));
            std::iter::once((direct, 1)).chain(first).chain(second).chain(both).collect()
        }
    }
}

/// Predicts a macroblock from the pictures that the header lists.
pub(super) fn predict(header: &Header, layout: &Layout, motion: Motion, x: usize, y: usize, out: &mut Block) {
    let whole = Layout { format: layout.whole(), ..*layout };
    let picture = |list: usize, index: i8| &header.lists[list].pictures[index as usize];
    match motion {
        [first, -1] => whole.read(picture(0, first), x, y, out),
        [-1, second] => whole.read(picture(1, second), x, y, out),
        [first, second] => {
            let mut other = [[0; 256]; 3];
            whole.read(picture(0, first), x, y, out);
            whole.read(picture(1, second), x, y, &mut other);
            for (out, other) in out.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
                *out = (*out + other).div_ceil(2);
            }
        }
    }
}
