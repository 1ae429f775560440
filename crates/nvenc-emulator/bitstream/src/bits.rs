//! Writing bits, most significant first.

/// Collects bits into bytes.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that are not in `bytes` yet, in the low end.
    held: u64,
    /// How many: 0 to 31 between calls.
    count: u32,
}

/// A place in what was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    bytes: usize,
    held: u64,
    count: u32,
}

impl BitWriter {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the low `count` bits of `value`, 0 to 32 of them.
    pub fn put(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32 && (count == 32 || value >> count == 0), "{value} in {count} bits");
        self.held = (self.held << count) | u64::from(value);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            self.bytes.extend_from_slice(&((self.held >> self.count) as u32).to_be_bytes());
            self.held &= (1 << self.count) - 1;
        }
    }

    /// Moves whole bytes to where they belong.
    fn flush(&mut self) {
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.held >> self.count) as u8);
        }
        self.held &= (1 << self.count) - 1;
    }

    /// Appends one bit.
    pub fn flag(&mut self, value: bool) {
        self.put(u32::from(value), 1);
    }

    /// Appends an unsigned Exp-Golomb code: ue(v) of H.264 9.1 and H.265 9.2.
    pub fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = 64 - code.leading_zeros();
        self.put(0, length - 1);
        if length > 32 {
            self.put(1, 1);
            self.put(code as u32, 32);
        } else {
            self.put(code as u32, length);
        }
    }

    /// Appends a signed Exp-Golomb code: se(v).
    pub fn se(&mut self, value: i32) {
        let magnitude = value.unsigned_abs();
        self.ue(if value > 0 { magnitude * 2 - 1 } else { magnitude * 2 });
    }

    /// Whether the next bit begins a byte.
    pub const fn is_aligned(&self) -> bool {
        self.count.is_multiple_of(8)
    }

    /// Bits written so far.
    pub fn len(&self) -> usize {
        self.bytes.len() * 8 + self.count as usize
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A one and zeros up to the next byte: rbsp_trailing_bits, and the trailing bits of an OBU.
    pub fn trailing(&mut self) {
        self.flag(true);
        self.align();
    }

    /// Zeros up to the next byte.
    pub fn align(&mut self) {
        while !self.is_aligned() {
            self.flag(false);
        }
    }

    /// Appends whole bytes. Only where [`is_aligned`](Self::is_aligned).
    pub fn bytes(&mut self, bytes: &[u8]) {
        assert!(self.is_aligned(), "bytes in the middle of a byte");
        self.flush();
        self.bytes.extend_from_slice(bytes);
    }

    /// Where it is now, to [go back](Self::rewind) to.
    pub(crate) const fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), held: self.held, count: self.count }
    }

    /// Takes back what was written since.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        (self.held, self.count) = (mark.held, mark.count);
    }

    /// What was written, padded with zeros to a whole byte.
    pub fn finish(mut self) -> Vec<u8> {
        self.align();
        self.flush();
        self.bytes
    }
}

/// A NAL unit in Annex B form: start code, header, and the payload with emulation prevention.
pub(crate) fn nal(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + payload.len() / 64 + 8);
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(header);
    let mut zeros = 0;
    for &byte in payload {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_those_of_the_standard() {
        let code = |write: fn(&mut BitWriter)| {
            let mut bits = BitWriter::new();
            write(&mut bits);
            (bits.len(), bits.finish())
        };
        assert_eq!(code(|b| b.ue(0)), (1, vec![0b1000_0000]));
        assert_eq!(code(|b| b.ue(3)), (5, vec![0b0010_0000]));
        assert_eq!(code(|b| b.se(1)), (3, vec![0b0100_0000]));
        assert_eq!(code(|b| b.se(-1)), (3, vec![0b0110_0000]));
        assert_eq!(code(|b| b.ue(u32::MAX)).0, 65);
    }

    #[test]
    fn start_codes_cannot_appear_in_a_payload() {
        assert_eq!(nal(&[0x65], &[0, 0, 1, 0, 0, 0, 0]), [0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 3, 0, 0]);
    }
}
