//! Inter prediction without motion: which pictures a block is predicted from, and how that is told.

use super::transform::AREA;
use super::units::{Coded, Units};
use crate::Picture;

/// The most merge candidates that a slice may have.
pub(super) const MERGE_CANDIDATES: usize = 5;

/// The reference picture lists of a slice.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists<'a> {
    /// The pictures, whole.
    pub(super) pictures: [Vec<&'a Picture>; 2],
    /// Their places in display order.
    pub(super) orders: [Vec<u32>; 2],
}

/// What a block is predicted from: an index into each list, or none. All vectors are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Motion(pub(super) [Option<u8>; 2]);

impl Lists<'_> {
    /// Whether blocks may be predicted from both lists.
    pub(super) fn is_b(&self) -> bool {
        !self.orders[1].is_empty()
    }

    /// All motions that are tried where none is merged: each picture, and the nearest two.
    pub(super) fn motions(&self) -> impl Iterator<Item = Motion> {
        let first = (0..self.orders[0].len() as u8).map(|index| Motion([Some(index), None]));
        let second = (0..self.orders[1].len() as u8).map(|index| Motion([None, Some(index)]));
        let both = self.is_b().then_some(Motion([Some(0), Some(0)]));
        first.chain(second).chain(both)
    }

    /// The merge candidates of a block: 8.5.3.2.2 to 8.5.3.2.5, where all vectors are zero and none is taken
    /// from other pictures.
    pub(super) fn merge_candidates(&self, units: &Units, x: usize, y: usize, size: usize) -> Vec<Motion> {
        let mut candidates = neighbours(units, x as isize, y as isize, size as isize);
        if self.is_b() {
            self.combine(&mut candidates);
        }
        let most =
            if self.is_b() { self.orders[0].len().min(self.orders[1].len()) } else { self.orders[0].len() };
        let mut zero = 0;
        while candidates.len() < MERGE_CANDIDATES {
            let index = if zero < most { zero as u8 } else { 0 };
            candidates.push(Motion([Some(index), self.is_b().then_some(index)]));
            zero += 1;
        }
        candidates
    }

    /// Adds pairs of the first picture of one candidate and the second one of another.
    fn combine(&self, candidates: &mut Vec<Motion>) {
        const PAIRS: [(usize, usize); 12] =
            [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0), (1, 3), (3, 1), (2, 3), (3, 2)];
        let found = candidates.len();
        if found < 2 {
            return;
        }
        for &(first, second) in PAIRS.iter().take(found * (found - 1)) {
            if candidates.len() == MERGE_CANDIDATES {
                return;
            }
            let (Some(first), Some(second)) = (candidates[first].0[0], candidates[second].0[1]) else {
                continue;
            };
            if self.orders[0][usize::from(first)] != self.orders[1][usize::from(second)] {
                candidates.push(Motion([Some(first), Some(second)]));
            }
        }
    }

    /// Predicts a square block of one plane, row after row.
    pub(super) fn predict(
        &self,
        motion: Motion,
        plane: usize,
        at: (usize, usize),
        size: usize,
        out: &mut [u16; AREA],
    ) {
        let block = |list: usize, index: u8| rows(self.pictures[list][usize::from(index)], plane, at, size);
        let out = out.chunks_exact_mut(size);
        match motion.0 {
            [Some(first), Some(second)] => {
                for ((out, a), b) in out.zip(block(0, first)).zip(block(1, second)) {
                    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                        *out = (a + b + 1) >> 1;
                    }
                }
            }
            [Some(index), None] => out.zip(block(0, index)).for_each(|(out, row)| out.copy_from_slice(row)),
            [None, Some(index)] => out.zip(block(1, index)).for_each(|(out, row)| out.copy_from_slice(row)),
            [None, None] => unreachable!("a motion has a picture"),
        }
    }
}

/// The rows of a square block of one plane.
pub(super) fn rows(
    picture: &Picture,
    plane: usize,
    (x, y): (usize, usize),
    size: usize,
) -> impl Iterator<Item = &[u16]> {
    let stride = picture.format.plane(plane).0;
    picture.planes[plane][y * stride + x..].chunks(stride).take(size).map(move |row| &row[..size])
}

/// The motions of the blocks around one, those that differ.
fn neighbours(units: &Units, x: isize, y: isize, size: isize) -> Vec<Motion> {
    let motion = |x, y| match units.at(x, y)?.coded {
        Coded::Inter(motion) => Some(motion),
        Coded::Intra(_) => None,
    };
    let mut found = Vec::with_capacity(MERGE_CANDIDATES);
    let left = motion(x - 1, y + size - 1);
    let above = motion(x + size - 1, y - 1).filter(|&it| left != Some(it));
    let above_whole = motion(x + size - 1, y - 1);
    let above_right = motion(x + size, y - 1).filter(|&it| above_whole != Some(it));
    let below_left = motion(x - 1, y + size).filter(|&it| left != Some(it));
    found.extend([left, above, above_right, below_left].into_iter().flatten());
    if found.len() < 4 {
        found.extend(motion(x - 1, y - 1).filter(|&it| left != Some(it) && above_whole != Some(it)));
    }
    found
}
