//! Open bitstream units: AV1 5.3.

/// A type of unit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    SequenceHeader = 1,
    FrameHeader = 3,
    Frame = 6,
}

/// A unit of this payload, with its size.
pub(super) fn unit(kind: Type, payload: &[u8]) -> Vec<u8> {
    const HAS_SIZE: u8 = 2;
    let mut out = Vec::with_capacity(payload.len() + 6);
    out.push((kind as u8) << 3 | HAS_SIZE);
    // leb128: seven bits a byte, the lowest first.
    let mut rest = payload.len();
    while rest > 127 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(payload);
    out
}
