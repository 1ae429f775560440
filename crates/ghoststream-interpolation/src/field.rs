//! One vector for each block of a level.

use crate::vector::Vector;
use crate::window::{BLOCK, NEVER};

/// Where a block went, and how well it matches there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Motion {
    pub(crate) vector: Vector,
    /// How different the windows are, see [`difference`](crate::window::difference).
    pub(crate) cost: u32,
}

impl Default for Motion {
    fn default() -> Self {
        Self { vector: Vector::ZERO, cost: NEVER }
    }
}

/// Values of all blocks of a level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid<T> {
    pub(crate) columns: i32,
    pub(crate) rows: i32,
    pub(crate) cells: Vec<T>,
}

impl<T: Clone + Default> Grid<T> {
    pub(crate) fn new((columns, rows): (i32, i32)) -> Self {
        Self { columns, rows, cells: vec![T::default(); (columns * rows) as usize] }
    }

    /// The place of a block in `cells`; `None` outside.
    #[inline(always)]
    pub(crate) fn index(&self, column: i32, row: i32) -> Option<usize> {
        let inside = (0..self.columns).contains(&column) && (0..self.rows).contains(&row);
        inside.then(|| (row * self.columns + column) as usize)
    }

    #[inline(always)]
    pub(crate) fn get(&self, column: i32, row: i32) -> Option<&T> {
        self.index(column, row).map(|at| &self.cells[at])
    }

    /// The place of the block in which the middle of a block lies that moved by `vector`.
    pub(crate) fn index_moved(&self, column: i32, row: i32, vector: Vector) -> Option<usize> {
        let block = |at: i32, by: i32| (at * BLOCK * 4 + BLOCK * 2 + by) >> 4;
        self.index(block(column, vector.x), block(row, vector.y))
    }
}

/// The vectors of a level.
pub(crate) type Field = Grid<Motion>;

/// The eight directions, in the order in which they are tried.
pub(crate) const AROUND: [(i32, i32); 8] =
    [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)];
