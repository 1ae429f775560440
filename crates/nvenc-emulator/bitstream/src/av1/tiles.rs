//! How a picture is cut into tiles: tile_info() of AV1 5.9.15.

use super::tile::Area;
use crate::{BitWriter, Format};

/// A picture's tiles, all alike large but for the last ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    /// The picture, in superblocks of 64x64.
    columns: usize,
    rows: usize,
    /// log2 of how many tiles there are at most in a row and in a column.
    columns_log2: u32,
    rows_log2: u32,
    /// Luma samples of the picture's whole blocks of 8x8.
    width: usize,
    height: usize,
}

/// The largest tile: 4096 samples wide and 4096x2304 in all; here in superblocks.
const MAX_WIDTH: usize = 4096 / 64;
const MAX_AREA: usize = 4096 * 2304 / (64 * 64);

/// The most tiles in a row or column.
const MAX_COUNT: usize = 64;

/// Samples that are worth a tile, so that threads have something to share.
const WORTH: usize = 640 * 360;

/// The smallest k with `size << k` at least `target`: tile_log2().
fn log2(size: usize, target: usize) -> u32 {
    target.div_ceil(size).next_power_of_two().ilog2()
}

impl Tiles {
    /// Up to eight tiles for a picture of this form; more where it is too large for so few.
    pub(super) fn new(format: Format) -> Self {
        let (width, height) = (format.width.next_multiple_of(8), format.height.next_multiple_of(8));
        let (columns, rows) = (width.div_ceil(64), height.div_ceil(64));
        let mut tiles = Self { columns, rows, columns_log2: 0, rows_log2: 0, width, height };
        let wanted = (format.width * format.height / WORTH).max(1).ilog2().min(3);
        // At most two in a row for what one could be: rows of tiles cost less.
        tiles.columns_log2 = tiles.min_columns().max((wanted / 2).min(1)).min(tiles.max_columns());
        let rest = wanted.saturating_sub(tiles.columns_log2);
        tiles.rows_log2 = tiles.min_rows().max(rest).min(tiles.max_rows());
        tiles
    }

    fn min_columns(&self) -> u32 {
        log2(MAX_WIDTH, self.columns)
    }

    fn max_columns(&self) -> u32 {
        log2(1, self.columns.min(MAX_COUNT))
    }

    fn min_rows(&self) -> u32 {
        let all = self.min_columns().max(log2(MAX_AREA, self.columns * self.rows));
        all.saturating_sub(self.columns_log2)
    }

    fn max_rows(&self) -> u32 {
        log2(1, self.rows.min(MAX_COUNT))
    }

    /// The tiles' places, in the order that they are written.
    pub(super) fn areas(&self) -> Vec<Area> {
        let step = |count: usize, log2: u32| count.div_ceil(1 << log2) * 64;
        let (wide, high) = (step(self.columns, self.columns_log2), step(self.rows, self.rows_log2));
        let cut = |y: usize, x: usize| Area {
            x,
            y,
            width: wide.min(self.width - x),
            height: high.min(self.height - y),
        };
        (0..self.height)
            .step_by(high)
            .flat_map(|y| (0..self.width).step_by(wide).map(move |x| cut(y, x)))
            .collect()
    }

    /// Bytes of a tile's size in the stream.
    pub(super) const SIZE_BYTES: usize = 4;

    /// Writes tile_info().
    pub(super) fn write(&self, bits: &mut BitWriter) {
        bits.flag(true); // uniform_tile_spacing_flag
        write_log2(bits, self.columns_log2, self.min_columns(), self.max_columns());
        write_log2(bits, self.rows_log2, self.min_rows(), self.max_rows());
        if self.columns_log2 + self.rows_log2 > 0 {
            bits.put(0, self.columns_log2 + self.rows_log2); // context_update_tile_id
            bits.put(Self::SIZE_BYTES as u32 - 1, 2);
        }
    }
}

/// One for each step above the least, and a zero where there could be more.
fn write_log2(bits: &mut BitWriter, value: u32, min: u32, max: u32) {
    for _ in min..value {
        bits.flag(true);
    }
    if value < max {
        bits.flag(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chroma;

    #[test]
    fn tiles_cover_a_picture_within_the_limits() {
        for (width, height) in
            [(1, 1), (640, 360), (1918, 1078), (3840, 2160), (8192, 8192), (16384, 64), (64, 16384)]
        {
            let tiles = Tiles::new(Format { width, height, chroma: Chroma::Yuv444, depth: 8 });
            let areas = tiles.areas();
            let sum: usize = areas.iter().map(|area| area.width * area.height).sum();
            assert_eq!(sum, width.next_multiple_of(8) * height.next_multiple_of(8), "{tiles:?}");
            assert!(
                areas.iter().all(|area| area.width <= 4096 && area.width * area.height <= 4096 * 2304),
                "{areas:?}"
            );
        }
    }
}
