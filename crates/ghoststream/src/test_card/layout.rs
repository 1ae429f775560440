//! Where everything lies, as fractions of the picture, so that a scaled card reads like the original.

use crate::{Rect, Size};

/// The grid that parts are placed on: units across and down.
const GRID: (u32, u32) = (68, 40);

/// Blocks in a row; one row holds 32 bits.
pub(super) const BLOCK_COLUMNS: usize = 32;
/// Rows of blocks: the frame number, two of time, the checksum.
pub(super) const BLOCK_ROWS: usize = 4;
/// A block is this many grid units across and down.
const BLOCK: u32 = 2;

/// The smallest picture whose blocks are meant to be read, about 4x4 pixels each. Smaller cards are
/// drawn but cannot be judged. What was encoded coarsely needs more: 320x180 reads at 100 kbit/s.
pub const READABLE: Size = Size::new(136, 80);

/// The colour bars from left to right, as red, green, blue: white, then 75% colours, then black.
pub const BARS: [[u8; 3]; 8] = [
    [255, 255, 255],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

/// The parts of the card. Together they cover it; [`Part::Blocks`] lies within [`Part::Panel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Eight colour bars, [`BARS`].
    Bars,
    /// A ramp from black to white.
    Ramp,
    /// All hues.
    Rainbow,
    /// The grey ground of the blocks.
    Panel,
    /// The frame's stamp, machine-readable.
    Blocks,
    /// A ball and a sweep over a ground of fine detail.
    Motion,
    /// The frame's stamp in digits.
    Digits,
    /// White in the flash, black otherwise.
    Flash,
    /// Text that scrolls.
    Text,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 9] = [
        Self::Bars,
        Self::Ramp,
        Self::Rainbow,
        Self::Panel,
        Self::Blocks,
        Self::Motion,
        Self::Digits,
        Self::Flash,
        Self::Text,
    ];

    /// Left, top, right and bottom edges in grid units.
    const fn grid(self) -> [u32; 4] {
        match self {
            Self::Bars => [0, 0, 68, 8],
            Self::Ramp => [0, 8, 68, 10],
            Self::Rainbow => [0, 10, 68, 12],
            Self::Panel => [0, 12, 68, 22],
            Self::Blocks => [2, 13, 66, 21],
            Self::Motion => [0, 22, 36, 34],
            Self::Digits => [36, 22, 54, 34],
            Self::Flash => [54, 22, 68, 34],
            Self::Text => [0, 34, 68, 40],
        }
    }

    /// Where it lies in a picture of `size`; may be empty in a tiny one.
    pub const fn area(self, size: Size) -> Rect {
        place(size, self.grid())
    }
}

/// The middle of a colour bar, away from its edges, where its colour can be measured.
///
/// `index` counts from 0, the white one, to 7, the black one; larger ones are taken modulo 8.
pub const fn bar_area(size: Size, index: usize) -> Rect {
    let bar = bar(Part::Bars.area(size), index % BARS.len());
    let (dx, dy) = (bar.width / 4, bar.height / 4);
    Rect::new(bar.x + dx, bar.y + dy, bar.width - 2 * dx, bar.height - 2 * dy)
}

/// The whole of a colour bar.
pub(super) const fn bar(bars: Rect, index: usize) -> Rect {
    let left = bars.x + scale(bars.width, index as u32, BARS.len() as u32);
    let right = bars.x + scale(bars.width, index as u32 + 1, BARS.len() as u32);
    Rect::new(left, bars.y, right - left, bars.height)
}

/// The block of one bit.
pub(super) const fn block(size: Size, row: usize, column: usize) -> Rect {
    let [left, top] = block_grid(row, column);
    place(size, [left, top, left + BLOCK, top + BLOCK])
}

/// The centre of a block and half of its width and height, as fractions of the picture.
pub(super) fn block_centre(row: usize, column: usize) -> [f64; 4] {
    let [left, top] = block_grid(row, column);
    let (across, down) = (f64::from(GRID.0), f64::from(GRID.1));
    [
        f64::from(left + BLOCK / 2) / across,
        f64::from(top + BLOCK / 2) / down,
        f64::from(BLOCK) / 2.0 / across,
        f64::from(BLOCK) / 2.0 / down,
    ]
}

const fn block_grid(row: usize, column: usize) -> [u32; 2] {
    let [left, top, ..] = Part::Blocks.grid();
    [left + column as u32 * BLOCK, top + row as u32 * BLOCK]
}

const fn place(size: Size, [left, top, right, bottom]: [u32; 4]) -> Rect {
    let (x, y) = (scale(size.width, left, GRID.0), scale(size.height, top, GRID.1));
    let (right, bottom) = (scale(size.width, right, GRID.0), scale(size.height, bottom, GRID.1));
    Rect::new(x, y, right - x, bottom - y)
}

const fn scale(length: u32, part: u32, whole: u32) -> u32 {
    (length as u64 * part as u64 / whole as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_cover_the_card_once() {
        for size in [Size::new(16, 16), Size::new(641, 359), Size::new(1920, 1080), Size::new(8192, 8192)] {
            let outer = Part::ALL.into_iter().filter(|&part| part != Part::Blocks);
            let area: u64 = outer.map(|part| part.area(size).size().area()).sum();
            assert_eq!(area, size.area(), "{size}");
            let (blocks, panel) = (Part::Blocks.area(size), Part::Panel.area(size));
            assert_eq!(blocks.intersection(panel), blocks, "{size}");
        }
    }

    #[test]
    fn blocks_tile_their_part() {
        let size = Size::new(1921, 1079);
        let all = (0..BLOCK_ROWS).flat_map(|row| (0..BLOCK_COLUMNS).map(move |column| (row, column)));
        let area: u64 = all.map(|(row, column)| block(size, row, column).size().area()).sum();
        assert_eq!(area, Part::Blocks.area(size).size().area());
    }
}
