//! How a picture is divided, and the level that it needs.

use std::ops::Range;

use crate::{Format, Stream};

/// The smallest coding block, of which a coded picture has whole ones.
pub(super) const UNIT: usize = 16;
/// The coding tree block: at levels 5 and up it must not be smaller.
pub(super) const TREE: usize = 32;

/// A level: general_level_idc, MaxLumaPs, MaxLumaSr, tile rows. Tables A.8 and A.9.
const LEVELS: [(u8, u64, u64, usize); 13] = [
    (30, 36_864, 552_960, 1),
    (60, 122_880, 3_686_400, 1),
    (63, 245_760, 7_372_800, 1),
    (90, 552_960, 16_588_800, 2),
    (93, 983_040, 33_177_600, 3),
    (120, 2_228_224, 66_846_720, 5),
    (123, 2_228_224, 133_693_440, 5),
    (150, 8_912_896, 267_386_880, 11),
    (153, 8_912_896, 534_773_760, 11),
    (156, 8_912_896, 1_069_547_520, 11),
    (180, 35_651_584, 1_069_547_520, 22),
    (183, 35_651_584, 2_139_095_040, 22),
    (186, 35_651_584, 4_278_190_080, 22),
];

/// Tiles are there to be coded at the same time: no more than this.
const TILES: usize = 4;
/// Where a tile is no smaller than this many rows of tree blocks, and its edges cost little.
const TILE_ROWS: usize = 4;
/// No tile may be narrower.
const TILE_WIDTH: usize = 256;

/// How the pictures of a stream are divided.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The pictures' form as they are coded: in whole units.
    pub(super) coded: Format,
    /// The level, by general_level_idc.
    pub(super) level: u8,
    /// The tiles, each as wide as the picture: their rows of tree blocks.
    pub(super) tiles: Vec<Range<usize>>,
}

impl Layout {
    pub(super) fn new(stream: &Stream) -> Self {
        let format = stream.format;
        let coded = Format {
            width: format.width.next_multiple_of(UNIT),
            height: format.height.next_multiple_of(UNIT),
            ..format
        };
        let level = stream.level.unwrap_or_else(|| level(stream, &coded));
        let allowed = LEVELS.iter().rfind(|it| it.0 <= level).map_or(1, |it| it.3);
        let rows = coded.height.div_ceil(TREE);
        let count =
            if coded.width < TILE_WIDTH { 1 } else { (rows / TILE_ROWS).clamp(1, TILES.min(allowed)) };
        let tiles = (0..count).map(|tile| tile * rows / count..(tile + 1) * rows / count).collect();
        Self { coded, level, tiles }
    }
}

/// The lowest level for the size and the rate; the highest there is where none suffices.
fn level(stream: &Stream, coded: &Format) -> u8 {
    let samples = (coded.width * coded.height) as u64;
    let longest = coded.width.max(coded.height) as u64;
    let (numerator, denominator) = stream.rate;
    let rate = samples * u64::from(numerator) / u64::from(denominator.max(1));
    let fits = |&&(_, size, a_second, _): &&(u8, u64, u64, usize)| {
        samples <= size && longest * longest <= 8 * size && rate <= a_second
    };
    LEVELS.iter().find(fits).map_or(186, |it| it.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chroma, testing};

    #[test]
    fn the_level_is_the_lowest_that_suffices() {
        let level = |width, height, rate| {
            let stream = testing::stream(testing::format(width, height, Chroma::Yuv420, 8));
            Layout::new(&Stream { rate: (rate, 1), ..stream }).level
        };
        assert_eq!(level(176, 144, 15), 30);
        assert_eq!(level(1280, 720, 30), 93);
        assert_eq!(level(1920, 1080, 30), 120);
        assert_eq!(level(1920, 1080, 60), 123);
        assert_eq!(level(3840, 2160, 60), 153);
        // 8 * MaxLumaPs bounds the square of a side.
        assert_eq!(level(4096, 64, 30), 120);
        assert_eq!(level(7680, 4320, 60), 183);
    }

    #[test]
    fn tiles_cover_the_picture() {
        for (width, height) in [(16, 16), (240, 2000), (1920, 1080), (640, 360), (8192, 8192)] {
            let stream = testing::stream(testing::format(width, height, Chroma::Yuv420, 8));
            let layout = Layout::new(&stream);
            let rows: Vec<usize> = layout.tiles.iter().cloned().flatten().collect();
            assert_eq!(rows, (0..height.div_ceil(TREE)).collect::<Vec<_>>());
            assert!(width >= TILE_WIDTH || layout.tiles.len() == 1);
        }
    }
}
