//! Writing the levels of one transform block: residual_coding, 7.3.8.11 of H.265.

use super::cabac::Cabac;
use super::contexts;

/// The order of levels, within 4x4 sub-blocks and of them: 6.5.3 to 6.5.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    Diagonal,
    Horizontal,
    Vertical,
}

/// Places (x, y) of a 4x4 in the order of each scan; those of a 2x2 and of a 1x1 follow from it.
const PLACES: [[(u8, u8); 16]; 3] =
    [places(Scan::Diagonal), places(Scan::Horizontal), places(Scan::Vertical)];

const fn places(scan: Scan) -> [(u8, u8); 16] {
    let mut places = [(0, 0); 16];
    let mut next = 0;
    let mut first = 0;
    // Up each diagonal, or along each row or column.
    while first < 7 {
        let mut second = 0;
        while second < 4 {
            let place = match scan {
                Scan::Diagonal if second <= first && first - second < 4 => Some((second, first - second)),
                Scan::Horizontal if first < 4 => Some((second, first)),
                Scan::Vertical if first < 4 => Some((first, second)),
                _ => None,
            };
            if let Some(place) = place {
                places[next] = place;
                next += 1;
            }
            second += 1;
        }
        first += 1;
    }
    places
}

/// ctxIdxMap: contexts of sig_coeff_flag in a 4x4 block, by y * 4 + x.
const SMALL: [u8; 16] = [0, 1, 4, 5, 2, 3, 4, 5, 6, 6, 8, 8, 7, 7, 8, 8];

/// The same in a sub-block of a larger one, by which of the sub-blocks to the right (1) and below (2) are
/// coded.
const LARGE: [[u8; 16]; 4] = [
    [2, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    [2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    [2, 1, 0, 0, 2, 1, 0, 0, 2, 1, 0, 0, 2, 1, 0, 0],
    [2; 16],
];

/// A block of levels, of which one at least is not zero.
pub(super) struct Levels<'a> {
    /// Row after row.
    pub(super) levels: &'a [i16],
    /// The logarithm of its size: 2 to 4.
    pub(super) log2: usize,
    pub(super) chroma: bool,
    pub(super) scan: Scan,
}

impl Levels<'_> {
    pub(super) fn write(&self, cabac: &mut Cabac) {
        let last = self.last();
        self.write_last(cabac, last);
        let mut coded = [[false; 5]; 5];
        let mut greater_1 = true;
        for index in (0..=last.0).rev() {
            let (x, y) = self.sub_block(index);
            let any = self.any(x, y);
            let beside = (coded[y][x + 1], coded[y + 1][x]);
            if index < last.0 && index > 0 {
                let context = usize::from(beside.0 || beside.1) + if self.chroma { 2 } else { 0 };
                cabac.bin(contexts::SUB_BLOCK + context, any);
            }
            coded[y][x] = any || index == 0;
            if !coded[y][x] {
                continue;
            }
            let values = self.values(x, y);
            let contexts = self.significance(index, beside);
            let from = if index == last.0 { last.1 } else { 16 };
            let inferred = index < last.0 && index > 0;
            self.write_significance(cabac, &values, from, contexts, inferred);
            if any {
                greater_1 = self.write_values(cabac, &values, index, index == last.0 || greater_1);
            }
        }
    }

    /// Sub-blocks across.
    const fn across(&self) -> usize {
        1 << (self.log2 - 2)
    }

    /// Where the sub-block of this index in scan order is.
    fn sub_block(&self, index: usize) -> (usize, usize) {
        let (x, y) = match (self.across(), self.scan) {
            (1, _) => (0, 0),
            (2, Scan::Diagonal) => [(0, 0), (0, 1), (1, 0), (1, 1)][index],
            (2, Scan::Horizontal) => [(0, 0), (1, 0), (0, 1), (1, 1)][index],
            (2, Scan::Vertical) => [(0, 0), (0, 1), (1, 0), (1, 1)][index],
            _ => PLACES[self.scan as usize][index],
        };
        (usize::from(x), usize::from(y))
    }

    /// Whether a sub-block has levels that are not zero.
    fn any(&self, x: usize, y: usize) -> bool {
        let start = ((y * 4) << self.log2) + x * 4;
        (0..4).any(|row| self.levels[start + (row << self.log2)..][..4] != [0; 4])
    }

    /// The levels of a sub-block in scan order.
    fn values(&self, x: usize, y: usize) -> [i16; 16] {
        let start = ((y * 4) << self.log2) + x * 4;
        PLACES[self.scan as usize]
            .map(|(x, y)| self.levels[start + (usize::from(y) << self.log2) + usize::from(x)])
    }

    /// The last level that is not zero, in scan order: its sub-block, and its index there.
    fn last(&self) -> (usize, usize) {
        for index in (0..self.across() * self.across()).rev() {
            let (x, y) = self.sub_block(index);
            if self.any(x, y) {
                let place = self.values(x, y).iter().rposition(|&value| value != 0);
                return (index, place.expect("there is one"));
            }
        }
        unreachable!("a block without levels is not written");
    }

    fn write_last(&self, cabac: &mut Cabac, (index, place): (usize, usize)) {
        let (block_x, block_y) = self.sub_block(index);
        let (x, y) = PLACES[self.scan as usize][place];
        let (mut x, mut y) = (block_x * 4 + usize::from(x), block_y * 4 + usize::from(y));
        if self.scan == Scan::Vertical {
            (x, y) = (y, x);
        }
        let (prefix_x, prefix_y) = (prefix(x), prefix(y));
        self.write_prefix(cabac, contexts::LAST_X, prefix_x);
        self.write_prefix(cabac, contexts::LAST_Y, prefix_y);
        write_suffix(cabac, prefix_x, x);
        write_suffix(cabac, prefix_y, y);
    }

    fn write_prefix(&self, cabac: &mut Cabac, element: usize, prefix: usize) {
        let (offset, shift) = if self.chroma {
            (15, self.log2 - 2)
        } else {
            (3 * (self.log2 - 2) + ((self.log2 - 1) >> 2), (self.log2 + 1) >> 2)
        };
        for bin in 0..prefix {
            cabac.bin(element + offset + (bin >> shift), true);
        }
        if prefix < 2 * self.log2 - 1 {
            cabac.bin(element + offset + (prefix >> shift), false);
        }
    }

    /// The contexts of sig_coeff_flag in a sub-block, by y * 4 + x.
    fn significance(&self, index: usize, (right, below): (bool, bool)) -> [u8; 16] {
        let base = if self.chroma { 27 } else { 0 };
        if self.log2 == 2 {
            return SMALL.map(|context| base + context);
        }
        let offset = match (self.chroma, self.log2) {
            (true, 3) => 9,
            (true, _) => 12,
            (false, 3) if self.scan == Scan::Diagonal => 9,
            (false, 3) => 15,
            (false, _) => 21,
        };
        let further = if index > 0 && !self.chroma { 3 } else { 0 };
        let mut contexts = LARGE[usize::from(right) + 2 * usize::from(below)]
            .map(|context| base + offset + further + context);
        if index == 0 {
            contexts[0] = base;
        }
        contexts
    }

    /// Writes which of the levels before `from` are not zero. If `inferred`, the first one is known to be
    /// when all others are.
    fn write_significance(
        &self,
        cabac: &mut Cabac,
        values: &[i16; 16],
        from: usize,
        contexts: [u8; 16],
        inferred: bool,
    ) {
        let places = &PLACES[self.scan as usize];
        let mut found = !inferred;
        for place in (0..from).rev() {
            let significant = values[place] != 0;
            if place == 0 && !found {
                break;
            }
            let (x, y) = places[place];
            let context = contexts[usize::from(y * 4 + x)];
            cabac.bin(contexts::SIGNIFICANT + usize::from(context), significant);
            found |= significant;
        }
    }

    /// Writes the levels of a sub-block themselves. Says whether its flags for more than 1 ended in zeros,
    /// `calm` says it of the sub-block before it: the contexts depend on it.
    fn write_values(&self, cabac: &mut Cabac, values: &[i16; 16], index: usize, calm: bool) -> bool {
        let mut levels = [0u32; 16];
        let (mut count, mut signs) = (0, 0);
        for &value in values.iter().rev().filter(|&&value| value != 0) {
            levels[count] = u32::from(value.unsigned_abs());
            signs = signs << 1 | u32::from(value < 0);
            count += 1;
        }
        let levels = &levels[..count];
        let set = if index > 0 && !self.chroma { 2 } else { 0 } + usize::from(!calm);
        let (greater_1, greater_2) = if self.chroma {
            (contexts::GREATER_1 + 16, contexts::GREATER_2 + 4)
        } else {
            (contexts::GREATER_1, contexts::GREATER_2)
        };
        let mut context = 1;
        for &level in levels.iter().take(8) {
            cabac.bin(greater_1 + set * 4 + context, level > 1);
            context = match context {
                _ if level > 1 => 0,
                0 => 0,
                _ => (context + 1).min(3),
            };
        }
        let first = levels.iter().take(8).position(|&level| level > 1);
        if let Some(first) = first {
            cabac.bin(greater_2 + set, levels[first] > 2);
        }
        cabac.bypass(signs, count as u32);
        let mut rice = 0;
        for (place, &level) in levels.iter().enumerate() {
            let said = match place {
                8.. => 1,
                _ if Some(place) == first => 3,
                _ => 2,
            };
            if level >= said {
                write_remaining(cabac, level - said, rice);
                if level > 3 << rice {
                    rice = (rice + 1).min(4);
                }
            }
        }
        context != 0
    }
}

/// The prefix that codes a coordinate of the last level.
const fn prefix(place: usize) -> usize {
    if place < 4 {
        place
    } else {
        let log2 = place.ilog2() as usize;
        2 * log2 + (place >> (log2 - 1) & 1)
    }
}

fn write_suffix(cabac: &mut Cabac, prefix: usize, place: usize) {
    if prefix > 3 {
        let bits = (prefix >> 1) - 1;
        cabac.bypass((place & ((1 << bits) - 1)) as u32, bits as u32);
    }
}

/// coeff_abs_level_remaining: 9.3.3.11.
fn write_remaining(cabac: &mut Cabac, value: u32, rice: u32) {
    if value < 4 << rice {
        let prefix = value >> rice;
        cabac.bypass((1 << (prefix + 1)) - 2, prefix + 1);
        cabac.bypass(value & ((1 << rice) - 1), rice);
        return;
    }
    // The prefix grows by one, and the suffix with it, each time the range doubles.
    let bits = ((value >> rice) - 2).ilog2();
    let prefix = bits + 3;
    cabac.bypass((1 << (prefix + 1)) - 2, prefix + 1);
    cabac.bypass(value - (((1 << bits) + 2) << rice), bits + rice);
}
