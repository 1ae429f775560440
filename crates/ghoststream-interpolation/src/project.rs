//! What arrives where at the time between.
//!
//! Blocks of both pictures are moved along their vectors and leave their names where they arrive. Of
//! several that arrive at one place the smallest name stays, so that the order does not matter.

use crate::field::Grid;
use crate::layers::{Layers, State};
use crate::vector::{Time, Vector};
use crate::window::BLOCK;

/// Bits of a name that say which block it is.
const INDEX_BITS: u32 = 22;
/// No block.
const NOBODY: u32 = u32::MAX;

/// Who arrived at each block: what was matched before what is covered, what has little company before what
/// has much, what matches well before what does not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals(Grid<Name>);

#[derive(Clone, Copy, Debug)]
struct Name(u32);

impl Default for Name {
    fn default() -> Self {
        Self(NOBODY)
    }
}

impl Arrivals {
    /// Moves all blocks of `layers` by the part of their vectors that `part` says.
    pub(crate) fn new(layers: &Layers, part: impl Fn(Vector) -> Vector) -> Self {
        let mut arrivals = Grid::<Name>::new((layers.columns, layers.rows));
        for (index, block) in layers.cells.iter().enumerate() {
            if block.state == State::Unknown {
                continue;
            }
            let covered = u32::from(block.state == State::Covered);
            let name = covered << 31
                | block.company.min(31) << 26
                | (block.cost >> 6).min(15) << INDEX_BITS
                | index as u32;
            let (column, row) = (index as i32 % layers.columns, index as i32 / layers.columns);
            let moved = part(block.vector);
            for row in touched(row, moved.y) {
                for column in touched(column, moved.x) {
                    if let Some(at) = arrivals.index(column, row) {
                        let cell = &mut arrivals.cells[at];
                        cell.0 = cell.0.min(name);
                    }
                }
            }
        }
        Self(arrivals)
    }

    /// The vector of the block that arrived here.
    pub(crate) fn vector(&self, layers: &Layers, column: i32, row: i32) -> Option<Vector> {
        let name = self.0.get(column, row)?.0;
        (name != NOBODY).then(|| layers.cells[(name & ((1 << INDEX_BITS) - 1)) as usize].vector)
    }
}

/// The one or two blocks in which a block lies that moved by `quarters` of a pixel, along one axis.
fn touched(block: i32, quarters: i32) -> std::ops::RangeInclusive<i32> {
    let pixel = (block * BLOCK * 4 + quarters + 2) >> 2;
    let last = pixel + BLOCK - 1;
    pixel.div_euclid(BLOCK)..=last.div_euclid(BLOCK)
}

/// The way from the first picture to the moment between.
pub(crate) fn done(vector: Vector, time: Time) -> Vector {
    vector.until(time)
}

/// The way from the second picture back to the moment between; `vector` leads to the first picture.
pub(crate) fn undone(vector: Vector, time: Time) -> Vector {
    vector - vector.until(time)
}
