//! Arithmetic coding of symbols: what the symbol decoder of AV1 8.2 undoes.

/// How likely each of a symbol's N + 1 values is; adapts to those that are coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cdf<const N: usize> {
    /// The likelihood of values up to each but the last, of 32768.
    limits: [u16; N],
    /// Symbols coded so far, up to 32: the first ones teach the most.
    count: u8,
}

/// A symbol of two values.
pub(super) type Flag = Cdf<1>;

impl<const N: usize> Cdf<N> {
    /// One that has not adapted yet.
    pub(super) const fn new(limits: [u16; N]) -> Self {
        Self { limits, count: 0 }
    }

    /// The likelihood of one value, of 32768.
    pub(super) fn likelihood(&self, value: usize) -> u16 {
        let limit = |index: usize| self.limits.get(index).copied().unwrap_or(1 << 15);
        limit(value) - if value == 0 { 0 } else { limit(value - 1) }
    }

    fn adapt(&mut self, value: usize) {
        let rate = 3 + u32::from(self.count > 15) + u32::from(self.count > 31) + (N + 1).ilog2().min(2);
        for (index, limit) in self.limits.iter_mut().enumerate() {
            if index < value {
                *limit -= *limit >> rate;
            } else {
                *limit += ((1 << 15) - *limit) >> rate;
            }
        }
        self.count += u8::from(self.count < 32);
    }
}

/// Writes the symbols of one tile.
///
/// The bytes are a binary fraction; each symbol narrows the interval that it lies in.
#[derive(Debug)]
pub(super) struct SymbolEncoder {
    bytes: Vec<u8>,
    /// The interval's lower end: the bits that are not in `bytes` yet, then a window of 15.
    low: u64,
    /// Bits of `low` above the window.
    held: u32,
    /// The interval's size: 2^15 up to 2^16, exclusive.
    range: u32,
}

impl SymbolEncoder {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), low: 0, held: 0, range: 1 << 15 }
    }

    /// Codes a value of 0 to N, and adapts.
    pub(super) fn symbol<const N: usize>(&mut self, cdf: &mut Cdf<N>, value: usize) {
        let end = |index: usize| {
            let above = u32::from((1 << 15) - cdf.limits[index]);
            (((self.range >> 8) * (above >> 6)) >> 1) + 4 * (N - index) as u32
        };
        let first = if value == 0 { self.range } else { end(value - 1) };
        let last = if value == N { 0 } else { end(value) };
        self.narrow(first, last);
        cdf.adapt(value);
    }

    /// Codes a value of two.
    pub(super) fn flag(&mut self, cdf: &mut Flag, value: bool) {
        self.symbol(cdf, usize::from(value));
    }

    /// Codes a flag of this likelihood of being clear, of 32768.
    pub(super) fn fixed(&mut self, clear: u16, value: bool) {
        self.symbol(&mut Cdf::new([clear]), usize::from(value));
    }

    /// Codes the low `count` bits of a value, all alike likely.
    pub(super) fn literal(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.fixed(1 << 14, (value >> bit) & 1 == 1);
        }
    }

    /// Takes the part of the interval from `first` (larger) to `last`, both counted from its upper end.
    fn narrow(&mut self, first: u32, last: u32) {
        self.low += u64::from(self.range - first);
        let range = first - last;
        let shift = range.leading_zeros() - 16;
        self.range = range << shift;
        self.low <<= shift;
        self.held += shift;
        if self.held >= 32 {
            self.held -= 32;
            let place = self.held + 15;
            let out = self.low >> place;
            self.low &= (1 << place) - 1;
            self.carry((out >> 32) as u16);
            self.bytes.extend_from_slice(&(out as u32).to_be_bytes());
        }
    }

    /// Adds to the last byte: up to 2, as the interval may be twice as large as the window.
    fn carry(&mut self, mut carry: u16) {
        for byte in self.bytes.iter_mut().rev() {
            if carry == 0 {
                break;
            }
            let sum = u16::from(*byte) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
    }

    /// The tile's bytes: the shortest number in the interval that ends as AV1 8.2.4 wants it, a one in the
    /// first place of the window and zeros after it.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let window = (1 << 14) - 1;
        let end = (((self.low + window) & !window) | (window + 1)) >> 14;
        let bits = self.held + 1;
        self.carry((end >> bits) as u16);
        let length = bits.div_ceil(8);
        let out = (end & ((1 << bits) - 1)) << (length * 8 - bits);
        self.bytes.extend_from_slice(&out.to_be_bytes()[8 - length as usize..]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The symbol decoder of AV1 8.2, word for word but for its name.
    struct Decoder<'a> {
        bytes: &'a [u8],
        position: usize,
        value: u32,
        range: u32,
    }

    impl<'a> Decoder<'a> {
        fn new(bytes: &'a [u8]) -> Self {
            let mut decoder = Self { bytes, position: 0, value: 0, range: 1 << 15 };
            let first = (0..15).fold(0, |bits, _| bits << 1 | decoder.bit());
            decoder.value = ((1 << 15) - 1) ^ first;
            decoder
        }

        fn bit(&mut self) -> u32 {
            let byte = self.bytes.get(self.position / 8).copied().unwrap_or(0);
            self.position += 1;
            u32::from(byte >> (7 - (self.position - 1) % 8)) & 1
        }

        fn symbol<const N: usize>(&mut self, cdf: &mut Cdf<N>) -> usize {
            let (mut current, mut previous, mut symbol) = (self.range, 0, 0);
            for index in 0..=N {
                previous = current;
                let above = if index == N { 0 } else { u32::from((1 << 15) - cdf.limits[index]) };
                current = (((self.range >> 8) * (above >> 6)) >> 1) + 4 * (N - index) as u32;
                symbol = index;
                if self.value >= current {
                    break;
                }
            }
            self.range = previous - current;
            self.value -= current;
            while self.range < 1 << 15 {
                self.range <<= 1;
                self.value = self.bit() ^ (((self.value + 1) << 1) - 1);
            }
            cdf.adapt(symbol);
            symbol
        }
    }

    #[test]
    fn what_is_coded_is_decoded() {
        let mut seed = 1_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for length in [0, 1, 2, 5, 40, 3000] {
            let values: Vec<(usize, bool)> =
                (0..length).map(|_| (random(4) as usize * random(2) as usize, random(50) == 0)).collect();
            let (mut many, mut rare) = (Cdf::new([8000, 9000, 30000]), Flag::new([32000]));
            let mut encoder = SymbolEncoder::new();
            for &(value, flag) in &values {
                encoder.symbol(&mut many, value);
                encoder.flag(&mut rare, flag);
            }
            let bytes = encoder.finish();
            let (mut many, mut rare) = (Cdf::new([8000, 9000, 30000]), Flag::new([32000]));
            let mut decoder = Decoder::new(&bytes);
            for &(value, flag) in &values {
                assert_eq!(
                    (decoder.symbol(&mut many), decoder.symbol(&mut rare)),
                    (value, usize::from(flag))
                );
            }
            // The last bit that is set is where the decoder's window begins.
            let ones = bytes.iter().rposition(|&byte| byte != 0).expect("no end");
            let last = ones * 8 + 7 - bytes[ones].trailing_zeros() as usize;
            assert_eq!(last, decoder.position - 15);
        }
    }
}
