//! Writing a transform block's coefficients: coeffs() of AV1 5.11.39, and the contexts of 8.3.2.

use super::cdfs::CoefficientCdfs;
use super::symbols::SymbolEncoder;

/// Coefficients as they are written: levels in raster order, and one more than the last one's place in the scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coefficients<'a> {
    /// Transform size: 0 is 4x4, 1 is 8x8, 2 is 16x16.
    pub(super) size: usize,
    pub(super) levels: &'a [i32],
    /// 0 where all are zero.
    pub(super) end: usize,
}

/// What later blocks' contexts remember of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// The sum of levels, up to 63: culLevel.
    pub(super) sum: u8,
    /// The sign of the first: 0 none, 1 negative, 2 positive: dcCategory.
    pub(super) sign: u8,
}

/// What was written above and to the left of a transform block: one trace for each four samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) above: &'a [Trace],
    pub(super) left: &'a [Trace],
}

impl Around<'_> {
    /// The context of all_zero. `whole` tells that the transform is as large as its block.
    pub(super) fn all_zero(&self, chroma: bool, whole: bool) -> usize {
        if chroma {
            let any = |traces: &[Trace]| traces.iter().any(|trace| *trace != Trace::default());
            let count = usize::from(any(self.above)) + usize::from(any(self.left));
            return count + if whole { 7 } else { 10 };
        }
        if whole {
            return 0;
        }
        let most = |traces: &[Trace]| traces.iter().map(|trace| trace.sum).max().unwrap_or(0);
        let (above, left) = (most(self.above), most(self.left));
        match (above.min(left), above.max(left)) {
            (0, 0) => 1,
            (0, large) => 2 + usize::from(large > 3),
            (_, 0..=3) => 4,
            (0..=3, _) => 5,
            _ => 6,
        }
    }

    /// The context of dc_sign: whether negative or positive ones are more.
    fn dc_sign(&self) -> usize {
        let traces = self.above.iter().chain(self.left);
        let sum: i32 = traces.map(|trace| [0, -1, 1][usize::from(trace.sign)]).sum();
        match sum {
            ..0 => 1,
            0 => 0,
            1.. => 2,
        }
    }
}

/// The places of a square's coefficients in the order of the default scan: along diagonals, to and fro.
const fn scan<const AREA: usize>() -> [u8; AREA] {
    let side = AREA.isqrt();
    let mut out = [0; AREA];
    let (mut index, mut diagonal) = (0, 0);
    while diagonal < 2 * side - 1 {
        let mut step = 0;
        while step <= diagonal {
            // Odd diagonals go down, even ones up.
            let row = if diagonal % 2 == 1 { step } else { diagonal - step };
            let column = diagonal - row;
            if row < side && column < side {
                out[index] = (row * side + column) as u8;
                index += 1;
            }
            step += 1;
        }
        diagonal += 1;
    }
    out
}

static SCAN_4: [u8; 16] = scan();
static SCAN_8: [u8; 64] = scan();
static SCAN_16: [u8; 256] = scan();

/// The scan of a transform size.
fn scan_of(size: usize) -> &'static [u8] {
    match size {
        0 => &SCAN_4,
        1 => &SCAN_8,
        _ => &SCAN_16,
    }
}

/// The other way round: one more than the place in the scan of each coefficient.
const fn ends<const AREA: usize>() -> [u16; AREA] {
    let scan = scan::<AREA>();
    let mut out = [0; AREA];
    let mut index = 0;
    while index < AREA {
        out[scan[index] as usize] = index as u16 + 1;
        index += 1;
    }
    out
}

static ENDS_4: [u16; 16] = ends();
static ENDS_8: [u16; 64] = ends();
static ENDS_16: [u16; 256] = ends();

/// Where levels end that end with each coefficient of a transform size.
pub(super) fn ends_of(size: usize) -> &'static [u16] {
    match size {
        0 => &ENDS_4,
        1 => &ENDS_8,
        _ => &ENDS_16,
    }
}

/// Levels with a margin of two at the right and at the bottom, so that contexts look past no edge.
struct Margined {
    levels: [u8; 18 * 18],
    stride: usize,
}

/// Writes what follows all_zero and the transform's type, where not all are zero.
pub(super) fn write(
    symbols: &mut SymbolEncoder,
    cdfs: &mut CoefficientCdfs,
    coefficients: Coefficients<'_>,
    chroma: bool,
    around: Around<'_>,
) -> Trace {
    let Coefficients { size, levels, end } = coefficients;
    let plane = usize::from(chroma);
    let scan = scan_of(size);
    write_end(symbols, cdfs, size, plane, end);

    let mut known = Margined { levels: [0; 18 * 18], stride: (4 << size) + 2 };
    for (index, &place) in scan[..end].iter().enumerate().rev() {
        let (row, column) = (usize::from(place) >> (size + 2), usize::from(place) & ((4 << size) - 1));
        let level = levels[usize::from(place)].unsigned_abs();
        if index + 1 == end {
            let area = 16 << (2 * size);
            let context = if index == 0 {
                0
            } else {
                1 + usize::from(index > area / 8) + usize::from(index > area / 4)
            };
            symbols.symbol(&mut cdfs.last[size][plane][context], level.min(3) as usize - 1);
        } else {
            let context = known.base_context(row, column);
            symbols.symbol(&mut cdfs.base[size][plane][context], level.min(3) as usize);
        }
        if level > 2 {
            let cdf = &mut cdfs.range[size][plane][known.range_context(row, column)];
            let mut rest = level.min(15) - 3;
            for _ in 0..4 {
                symbols.symbol(cdf, rest.min(3) as usize);
                if rest < 3 {
                    break;
                }
                rest -= 3;
            }
        }
        known.levels[row * known.stride + column] = level.min(15) as u8;
    }
    write_signs(symbols, cdfs, coefficients, plane, around)
}

/// Where the last coefficient is: eob_pt, eob_extra and eob_extra_bit.
fn write_end(symbols: &mut SymbolEncoder, cdfs: &mut CoefficientCdfs, size: usize, plane: usize, end: usize) {
    // Classes of ends: 1, 2, 3 to 4, 5 to 8 and so on.
    let class = if end < 2 { 0 } else { (end - 1).ilog2() as usize + 1 };
    match size {
        0 => symbols.symbol(&mut cdfs.end_16[plane], class),
        1 => symbols.symbol(&mut cdfs.end_64[plane], class),
        _ => symbols.symbol(&mut cdfs.end_256[plane], class),
    }
    if class >= 2 {
        let bits = class as u32 - 1;
        let rest = (end - 1 - (1 << bits)) as u32;
        symbols.flag(&mut cdfs.end_extra[size][plane][class - 2], rest >> (bits - 1) == 1);
        symbols.literal(rest & ((1 << (bits - 1)) - 1), bits - 1);
    }
}

/// Signs, and what levels have above 14.
fn write_signs(
    symbols: &mut SymbolEncoder,
    cdfs: &mut CoefficientCdfs,
    coefficients: Coefficients<'_>,
    plane: usize,
    around: Around<'_>,
) -> Trace {
    let mut sum = 0_u32;
    for (index, &place) in scan_of(coefficients.size)[..coefficients.end].iter().enumerate() {
        let level = coefficients.levels[usize::from(place)];
        if level == 0 {
            continue;
        }
        if index == 0 {
            symbols.flag(&mut cdfs.dc_sign[plane][around.dc_sign()], level < 0);
        } else {
            symbols.literal(u32::from(level < 0), 1);
        }
        let size = level.unsigned_abs();
        if size > 14 {
            // An Exp-Golomb code: zeros, as many as bits follow the first one.
            let rest = size - 14;
            symbols.literal(0, rest.ilog2());
            symbols.literal(rest, rest.ilog2() + 1);
        }
        sum = sum.saturating_add(size);
    }
    let sign = match coefficients.levels[0] {
        ..0 => 1,
        0 => 0,
        1.. => 2,
    };
    Trace { sum: sum.min(63) as u8, sign }
}

impl Margined {
    /// The level of a neighbour, up to a limit.
    fn near(&self, row: usize, column: usize, limit: u8) -> usize {
        usize::from(self.levels[row * self.stride + column].min(limit))
    }

    /// The context of coeff_base.
    fn base_context(&self, row: usize, column: usize) -> usize {
        if row == 0 && column == 0 {
            return 0;
        }
        let sum = self.near(row, column + 1, 3)
            + self.near(row + 1, column, 3)
            + self.near(row + 1, column + 1, 3)
            + self.near(row, column + 2, 3)
            + self.near(row + 2, column, 3);
        let offset = match row + column {
            0..=1 => 1,
            2..=3 => 6,
            _ => 21,
        };
        sum.div_ceil(2).min(4) + offset
    }

    /// The context of coeff_br.
    fn range_context(&self, row: usize, column: usize) -> usize {
        let sum = self.near(row, column + 1, 15)
            + self.near(row + 1, column, 15)
            + self.near(row + 1, column + 1, 15);
        let offset = match row.max(column) {
            0 => 0,
            1 => 7,
            _ => 14,
        };
        sum.div_ceil(2).min(6) + offset
    }
}
