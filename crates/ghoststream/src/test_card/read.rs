//! Reading a card's stamp from a decoded picture.

use super::layout::{BLOCK_COLUMNS, BLOCK_ROWS, block_centre};
use super::{Part, Stamp, blocks};
use crate::{Rect, Size};

/// The luma of a picture, 8 bits a sample, full or limited range. A green plane does as well.
#[derive(Clone, Copy, Debug)]
pub struct Luma<'a> {
    /// Its samples. Rows that are not there are not read.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Pixels across and down.
    pub size: Size,
}

/// What a frame said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Its number and time.
    pub stamp: Stamp,
    /// Whether the flash is in the picture. In a whole card it equals [`Stamp::flashes`].
    pub flash: bool,
    /// The part of the picture that the card fills.
    pub area: Rect,
}

/// The least difference between black and white blocks, in code values.
const CONTRAST: f64 = 48.0;

/// Reads a whole card that fills the picture, or that has black bars around it; scaled to any size
/// from about 64x36 on. `None` where the blocks' checksum does not fit: another picture, one cut off,
/// or one encoded too coarsely.
pub fn read(luma: Luma) -> Option<Reading> {
    let whole = Rect::of(luma.size);
    read_within(luma, whole).or_else(|| {
        let content = content(luma)?;
        (content != whole).then(|| read_within(luma, content)).flatten()
    })
}

fn read_within(luma: Luma, area: Rect) -> Option<Reading> {
    let mut levels = [[0f64; BLOCK_COLUMNS]; BLOCK_ROWS];
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    for (row, levels) in levels.iter_mut().enumerate() {
        for (column, level) in levels.iter_mut().enumerate() {
            let [x, y, half_width, half_height] = block_centre(row, column);
            // The middle half of the block, away from what scaling and encoding smear.
            *level = luma.mean(area, [x, y, half_width / 2.0, half_height / 2.0])?;
            (low, high) = (low.min(*level), high.max(*level));
        }
    }
    if high - low < CONTRAST {
        return None;
    }
    let middle = f64::midpoint(low, high);
    let words = levels.map(|row| row.iter().fold(0, |word, &it| word << 1 | u32::from(it > middle)));
    let stamp = blocks::decode(words)?;
    // The grid is the same as at any size: take the flash's place from a large one.
    let reference = Size::new(68_000, 40_000);
    let flash = Part::Flash.area(reference);
    let [x, y] = [
        f64::from(flash.x) + f64::from(flash.width) / 2.0,
        f64::from(flash.y) + f64::from(flash.height) / 2.0,
    ];
    let [across, down] = [f64::from(reference.width), f64::from(reference.height)];
    let middle_of_flash =
        [x / across, y / down, f64::from(flash.width) / 4.0 / across, f64::from(flash.height) / 4.0 / down];
    let flash = luma.mean(area, middle_of_flash)? > middle;
    Some(Reading { stamp, flash, area })
}

/// The smallest rectangle that holds all that is not black.
fn content(luma: Luma) -> Option<Rect> {
    /// Above any black, limited range and ringing included.
    const BLACK: u8 = 40;
    let mut all: Option<(u32, u32, u32, u32)> = None;
    for y in 0..luma.size.height {
        let row = luma.row(y)?;
        let Some(first) = row.iter().position(|&it| it > BLACK) else {
            continue;
        };
        let last = row.iter().rposition(|&it| it > BLACK)?;
        let (first, last) = (first as u32, last as u32);
        let (left, top, right, _) = all.unwrap_or((first, y, last, y));
        all = Some((left.min(first), top, right.max(last), y));
    }
    let (left, top, right, bottom) = all?;
    Some(Rect::new(left, top, right - left + 1, bottom - top + 1))
}

impl<'a> Luma<'a> {
    fn row(&self, y: u32) -> Option<&'a [u8]> {
        let start = (y as usize).checked_mul(self.stride)?;
        self.bytes.get(start..start.checked_add(self.size.width as usize)?)
    }

    /// The mean of a rectangle, given by its centre and half its sides as fractions of `area`.
    fn mean(&self, area: Rect, [x, y, half_width, half_height]: [f64; 4]) -> Option<f64> {
        let span = |centre: f64, half: f64, start: u32, length: u32| {
            let (low, high) = ((centre - half) * f64::from(length), (centre + half) * f64::from(length));
            let low = low.round().clamp(0.0, f64::from(length.saturating_sub(1))) as u32;
            let high = (high.round() as u32).clamp(low + 1, length.max(low + 1));
            (start + low, start + high)
        };
        let (left, right) = span(x, half_width, area.x, area.width);
        let (top, bottom) = span(y, half_height, area.y, area.height);
        let mut sum = 0u64;
        for y in top..bottom {
            let row = self.row(y)?.get(left as usize..right as usize)?;
            sum += row.iter().map(|&it| u64::from(it)).sum::<u64>();
        }
        Some(sum as f64 / (f64::from(right - left) * f64::from(bottom - top)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::test_card::{Card, READABLE};

    /// The card's luma by BT.709, limited range.
    fn luma(size: Size, stamp: Stamp) -> Vec<u8> {
        let mut bytes = vec![0; size.area() as usize * 4];
        Card::new(size).paint(&mut bytes, size.width as usize * 4, stamp).unwrap();
        let luma = |p: &[u8; 4]| {
            16.0 + (0.0722 * f64::from(p[0]) + 0.7152 * f64::from(p[1]) + 0.2126 * f64::from(p[2])) * 219.0
                / 255.0
        };
        bytes.as_chunks().0.iter().map(|it| luma(it).round() as u8).collect()
    }

    /// Nearest-neighbour scaling, the harshest.
    fn scaled(from: &[u8], size: Size, to: Size) -> Vec<u8> {
        let at = |x: u32, y: u32| {
            let (x, y) = (x * size.width / to.width, y * size.height / to.height);
            from[(y * size.width + x) as usize]
        };
        (0..to.height).flat_map(|y| (0..to.width).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect()
    }

    fn view(bytes: &[u8], size: Size) -> Luma<'_> {
        Luma { bytes, stride: size.width as usize, size }
    }

    const STAMPS: [Stamp; 3] = [
        Stamp { frame: 0, time: Timestamp::from_nanos(0) },
        Stamp { frame: 123_456, time: Timestamp::from_nanos(987_654_321_012_345) },
        Stamp { frame: u32::MAX, time: Timestamp::from_nanos(77_099_999_999) },
    ];

    #[test]
    fn every_readable_size_reads() {
        for size in
            [READABLE, Size::new(320, 180), Size::new(333, 187), Size::new(1080, 1920), Size::new(1920, 1080)]
        {
            for stamp in STAMPS {
                let picture = luma(size, stamp);
                let reading = read(view(&picture, size)).unwrap_or_else(|| panic!("{size} {stamp:?}"));
                assert_eq!(reading.stamp, stamp);
                assert_eq!(reading.flash, stamp.flashes());
            }
        }
    }

    #[test]
    fn a_scaled_card_reads() {
        let size = Size::new(1920, 1080);
        for stamp in STAMPS {
            let picture = luma(size, stamp);
            for to in [Size::new(320, 180), Size::new(320, 240), Size::new(1366, 768), Size::new(2560, 1440)]
            {
                let small = scaled(&picture, size, to);
                let reading = read(view(&small, to)).unwrap_or_else(|| panic!("{to} {stamp:?}"));
                assert_eq!((reading.stamp, reading.flash), (stamp, stamp.flashes()));
            }
        }
    }

    #[test]
    fn a_card_between_bars_reads() {
        let (size, outer) = (Size::new(640, 360), Size::new(640, 480));
        let mut framed = vec![16; outer.area() as usize];
        let card = luma(size, STAMPS[1]);
        framed[640 * 60..640 * 420].copy_from_slice(&card);
        let reading = read(view(&framed, outer)).unwrap();
        assert_eq!(reading.stamp, STAMPS[1]);
        assert_eq!(reading.area, Rect::new(0, 60, 640, 360));

        let outer = Size::new(800, 360);
        let mut framed = vec![16; outer.area() as usize];
        for (row, line) in card.chunks_exact(640).enumerate() {
            framed[row * 800 + 80..row * 800 + 720].copy_from_slice(line);
        }
        assert_eq!(read(view(&framed, outer)).unwrap().area, Rect::new(80, 0, 640, 360));
    }

    #[test]
    fn what_is_no_card_says_nothing() {
        let size = Size::new(320, 180);
        assert_eq!(read(view(&vec![0; 320 * 180], size)), None);
        assert_eq!(read(view(&vec![255; 320 * 180], size)), None);
        let mut damaged = luma(size, STAMPS[1]);
        // One block turned over.
        let block = crate::test_card::layout::block(size, 2, 9);
        for y in block.y..block.bottom() {
            for x in block.x..block.right() {
                let at = &mut damaged[(y * 320 + x) as usize];
                *at = 251 - *at;
            }
        }
        assert_eq!(read(view(&damaged, size)), None);
    }

    #[test]
    fn a_plane_that_is_cut_short_is_not_read_beyond_its_end() {
        let size = Size::new(320, 180);
        let picture = luma(size, STAMPS[1]);
        for length in [0, 1, 319, 320 * 90, 320 * 100] {
            assert_eq!(read(view(&picture[..length], size)), None);
        }
        assert_eq!(read(Luma { bytes: &picture, stride: usize::MAX, size }), None);
        assert_eq!(read(view(&picture, Size::new(0, 0))), None);
    }
}
