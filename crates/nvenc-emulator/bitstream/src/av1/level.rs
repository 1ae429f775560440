//! Levels: AV1 Annex A.3.

use crate::Stream;

/// Limits of a level that this writer chooses by: pictures' samples, width, height, and samples shown a second.
struct Limits {
    index: u8,
    area: u64,
    width: usize,
    height: usize,
    rate: u64,
}

const fn limits(index: u8, area: u64, width: usize, height: usize, rate: u64) -> Limits {
    Limits { index, area, width, height, rate }
}

const LEVELS: [Limits; 12] = [
    limits(0, 147_456, 2048, 1152, 4_423_680),
    limits(1, 278_784, 2816, 1584, 8_363_520),
    limits(4, 665_856, 4352, 2448, 19_975_680),
    limits(5, 1_065_024, 5504, 3096, 31_950_720),
    limits(8, 2_359_296, 6144, 3456, 70_778_880),
    limits(9, 2_359_296, 6144, 3456, 141_557_760),
    limits(12, 8_912_896, 8192, 4352, 267_386_880),
    limits(13, 8_912_896, 8192, 4352, 534_773_760),
    limits(14, 8_912_896, 8192, 4352, 1_069_547_520),
    limits(16, 35_651_584, 16384, 8704, 1_069_547_520),
    limits(17, 35_651_584, 16384, 8704, 2_139_095_040),
    limits(18, 35_651_584, 16384, 8704, 4_278_190_080),
];

/// "Maximum parameters": the level of streams that no other fits.
const ANY: u8 = 31;

/// seq_level_idx of a stream: what it states, or the lowest that its size and rate fit.
pub(super) fn of(stream: &Stream) -> u8 {
    let (width, height) = (stream.format.width, stream.format.height);
    let area = (width * height) as u64;
    let (pictures, seconds) = stream.rate;
    let fits = |level: &&Limits| {
        area <= level.area
            && width <= level.width
            && height <= level.height
            && area * u64::from(pictures) <= level.rate * u64::from(seconds)
    };
    stream.level.unwrap_or_else(|| LEVELS.iter().find(fits).map_or(ANY, |level| level.index))
}
