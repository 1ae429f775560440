//! What later blocks of a tile must know of those before them.

use super::intra::Mode;
use super::layout::UNIT;
use super::motion::Motion;

/// How a block was coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coded {
    Intra(Mode),
    Inter(Motion),
}

/// A 16x16 block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) coded: Coded,
    /// Whether it has neither motion nor residual of its own.
    pub(super) skipped: bool,
    /// Whether it is a quarter of its coding tree block.
    pub(super) split: bool,
}

/// The 16x16 blocks of a tile.
#[derive(Clone, Debug)]
pub(super) struct Units {
    columns: usize,
    units: Vec<Option<Unit>>,
}

impl Units {
    /// None is coded yet.
    pub(super) fn new(width: usize, height: usize) -> Self {
        let columns = width / UNIT;
        Self { columns, units: vec![None; columns * (height / UNIT)] }
    }

    /// The unit with this luma sample of the tile, if it is coded: then and only then is it available
    /// (6.4.1).
    pub(super) fn at(&self, x: isize, y: isize) -> Option<Unit> {
        let (x, y) = (usize::try_from(x).ok()? / UNIT, usize::try_from(y).ok()? / UNIT);
        if x >= self.columns { None } else { self.units.get(y * self.columns + x).copied().flatten() }
    }

    /// Notes the square block of this size.
    pub(super) fn set(&mut self, x: usize, y: usize, size: usize, unit: Unit) {
        for row in y / UNIT..(y + size) / UNIT {
            self.units[row * self.columns + x / UNIT..][..size / UNIT].fill(Some(unit));
        }
    }
}
