//! The arithmetic coder: 9.3 of H.265, the encoder's side.

use super::contexts::Contexts;

/// rangeTabLps: the range of the less probable symbol, by state and by two bits of the current range.
const LPS: [[u8; 4]; 64] = [
    [128, 176, 208, 240],
    [128, 167, 197, 227],
    [128, 158, 187, 216],
    [123, 150, 178, 205],
    [116, 142, 169, 195],
    [111, 135, 160, 185],
    [105, 128, 152, 175],
    [100, 122, 144, 166],
    [95, 116, 137, 158],
    [90, 110, 130, 150],
    [85, 104, 123, 142],
    [81, 99, 117, 135],
    [77, 94, 111, 128],
    [73, 89, 105, 122],
    [69, 85, 100, 116],
    [66, 80, 95, 110],
    [62, 76, 90, 104],
    [59, 72, 86, 99],
    [56, 69, 81, 94],
    [53, 65, 77, 89],
    [51, 62, 73, 85],
    [48, 59, 69, 80],
    [46, 56, 66, 76],
    [43, 53, 63, 72],
    [41, 50, 59, 69],
    [39, 48, 56, 65],
    [37, 45, 54, 62],
    [35, 43, 51, 59],
    [33, 41, 48, 56],
    [32, 39, 46, 53],
    [30, 37, 43, 50],
    [29, 35, 41, 48],
    [27, 33, 39, 45],
    [26, 31, 37, 43],
    [24, 30, 35, 41],
    [23, 28, 33, 39],
    [22, 27, 32, 37],
    [21, 26, 30, 35],
    [20, 24, 29, 33],
    [19, 23, 27, 31],
    [18, 22, 26, 30],
    [17, 21, 25, 28],
    [16, 20, 23, 27],
    [15, 19, 22, 25],
    [14, 18, 21, 24],
    [14, 17, 20, 23],
    [13, 16, 19, 22],
    [12, 15, 18, 21],
    [12, 14, 17, 20],
    [11, 14, 16, 19],
    [11, 13, 15, 18],
    [10, 12, 15, 17],
    [10, 12, 14, 16],
    [9, 11, 13, 15],
    [9, 11, 12, 14],
    [8, 10, 12, 14],
    [8, 9, 11, 13],
    [7, 9, 11, 12],
    [7, 9, 10, 12],
    [7, 8, 10, 11],
    [6, 8, 9, 11],
    [6, 7, 9, 10],
    [6, 7, 8, 9],
    [2, 2, 2, 2],
];

/// transIdxLps: the state after the less probable symbol.
const AFTER_LPS: [u8; 64] = [
    0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22,
    22, 23, 24, 24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35,
    36, 36, 36, 37, 37, 37, 38, 38, 63,
];

/// Bits in the register below those that can be written.
const REGISTER: i32 = 10;

/// One substream of bins: a tile.
pub(super) struct Cabac {
    contexts: Contexts,
    low: u64,
    range: u32,
    /// Bits above the register that are not in `out` yet. The very first bit is always 0 and never written,
    /// which is why this begins below zero.
    pending: i32,
    out: Vec<u8>,
}

impl Cabac {
    pub(super) const fn new(contexts: Contexts) -> Self {
        Self { contexts, low: 0, range: 510, pending: -1, out: Vec::new() }
    }

    /// Codes a bin in a context, by its index in [`Contexts`].
    #[inline]
    pub(super) fn bin(&mut self, context: usize, value: bool) {
        let state = &mut self.contexts.0[context];
        let (index, likely) = (usize::from(*state >> 1), *state & 1 == 1);
        let lps = u32::from(LPS[index][(self.range >> 6) as usize & 3]);
        self.range -= lps;
        if value == likely {
            *state += if index < 62 { 2 } else { 0 };
            if self.range < 256 {
                self.range <<= 1;
                self.shift(1);
            }
        } else {
            *state = if index == 0 { *state ^ 1 } else { AFTER_LPS[index] << 1 | *state & 1 };
            self.low += u64::from(self.range);
            let bits = lps.leading_zeros() - 23;
            self.range = lps << bits;
            self.shift(bits);
        }
    }

    /// Codes the low `count` bits of `value`, 0 to 31 of them, without contexts.
    #[inline]
    pub(super) fn bypass(&mut self, value: u32, count: u32) {
        debug_assert!(count < 32 && value >> count == 0, "{value} in {count} bins");
        self.low <<= count;
        self.low += u64::from(self.range) * u64::from(value);
        self.pending += count as i32;
        self.flush();
    }

    /// Codes the bin that says whether a slice or a tile ends.
    pub(super) fn terminate(&mut self, value: bool) {
        self.range -= 2;
        if value {
            self.low += u64::from(self.range);
            self.range = 256;
            self.shift(7);
        } else if self.range < 256 {
            self.range <<= 1;
            self.shift(1);
        }
    }

    /// The bytes, after [`terminate`](Self::terminate) with true. The bit that stops or aligns is in them.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // Two bits of the register are left to write, then the stop bit, then zeros up to the next byte.
        let padding = (8 - (self.pending + 3).rem_euclid(8)) % 8;
        self.low = (self.low >> 8 << 1 | 1) << (REGISTER + padding);
        self.pending += 3 + padding;
        self.flush();
        self.out
    }

    #[inline]
    fn shift(&mut self, bits: u32) {
        self.low <<= bits;
        self.pending += bits as i32;
        self.flush();
    }

    #[inline]
    fn flush(&mut self) {
        while self.pending >= 8 {
            self.pending -= 8;
            let place = REGISTER + self.pending;
            let byte = self.low >> place;
            self.low &= (1 << place) - 1;
            if byte > 0xff {
                self.carry();
            }
            self.out.push(byte as u8);
        }
    }

    fn carry(&mut self) {
        for byte in self.out.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }
}
