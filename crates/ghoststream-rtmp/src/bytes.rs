//! Taking numbers off the front of bytes.

/// The next bytes; `None`, and nothing is taken, where there are not so many.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
