//! Levels: annex A.3, table A-1.

use super::layout::Layout;
use crate::Stream;

/// A row of the table.
struct Limits {
    level_idc: u8,
    /// MaxMBPS: macroblocks a second.
    rate: u64,
    /// MaxFS: macroblocks a picture.
    size: u64,
    /// MaxDpbMbs: macroblocks in the decoded picture buffer.
    buffer: u64,
}

const fn limits(level_idc: u8, rate: u64, size: u64, buffer: u64) -> Limits {
    Limits { level_idc, rate, size, buffer }
}

const LEVELS: [Limits; 19] = [
    limits(10, 1_485, 99, 396),
    limits(11, 3_000, 396, 900),
    limits(12, 6_000, 396, 2_376),
    limits(13, 11_880, 396, 2_376),
    limits(20, 11_880, 396, 2_376),
    limits(21, 19_800, 792, 4_752),
    limits(22, 20_250, 1_620, 8_100),
    limits(30, 40_500, 1_620, 8_100),
    limits(31, 108_000, 3_600, 18_000),
    limits(32, 216_000, 5_120, 20_480),
    limits(40, 245_760, 8_192, 32_768),
    limits(41, 245_760, 8_192, 32_768),
    limits(42, 522_240, 8_704, 34_816),
    limits(50, 589_824, 22_080, 110_400),
    limits(51, 983_040, 36_864, 184_320),
    limits(52, 2_073_600, 36_864, 184_320),
    limits(60, 4_177_920, 139_264, 696_320),
    limits(61, 8_355_840, 139_264, 696_320),
    limits(62, 16_711_680, 139_264, 696_320),
];

/// The lowest level whose limits on size, rate and buffered pictures a stream keeps; the highest there is
/// where it keeps none.
pub(super) fn level(stream: &Stream, buffered: u64) -> u8 {
    let layout = Layout::of(stream.format);
    let (wide, high) = (layout.wide as u64, layout.high as u64);
    let (numerator, denominator) = (u64::from(stream.rate.0), u64::from(stream.rate.1.max(1)));
    let fits = |limits: &&Limits| {
        let side = 8 * limits.size;
        wide * high <= limits.size
            && wide * wide <= side
            && high * high <= side
            && wide * high * numerator <= limits.rate * denominator
            && wide * high * buffered <= limits.buffer
    };
    LEVELS.iter().find(fits).unwrap_or(&LEVELS[LEVELS.len() - 1]).level_idc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chroma, testing};

    #[test]
    fn levels_are_those_that_are_known_for_common_sizes() {
        let level_of = |width, height, rate, buffered| {
            let format = testing::format(width, height, Chroma::Yuv420, 8);
            level(&Stream { rate: (rate, 1), ..testing::stream(format) }, buffered)
        };
        assert_eq!(level_of(176, 144, 15, 1), 10);
        assert_eq!(level_of(1280, 720, 30, 4), 31);
        assert_eq!(level_of(1920, 1080, 30, 4), 40);
        assert_eq!(level_of(1920, 1080, 30, 5), 50);
        assert_eq!(level_of(1920, 1080, 60, 4), 42);
        assert_eq!(level_of(3840, 2160, 60, 4), 52);
        assert_eq!(level_of(4096, 4096, 240, 4), 62);
        assert_eq!(level_of(4096, 16, 1, 1), 40, "a side is limited too");
    }
}
