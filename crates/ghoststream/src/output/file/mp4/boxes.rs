//! ISO base media boxes (ISO/IEC 14496-12), written and found.

/// Appends a box of this type; `fill` appends its payload.
pub(super) fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    fill(out);
    let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// Appends a full box: one with a version and flags.
pub(super) fn full(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    version: u8,
    flags: u32,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    boxed(out, kind, |out| {
        out.put_u32(u32::from(version) << 24 | flags);
        fill(out);
    });
}

/// Numbers as boxes hold them, big-endian.
pub(super) trait Put {
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    fn put_i32(&mut self, value: i32);
    /// A number of a size that the box's version decides.
    fn put_sized(&mut self, version: u8, value: u64);
}

impl Put for Vec<u8> {
    fn put_u16(&mut self, value: u16) {
        self.extend(value.to_be_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.extend(value.to_be_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend(value.to_be_bytes());
    }

    fn put_i32(&mut self, value: i32) {
        self.extend(value.to_be_bytes());
    }

    fn put_sized(&mut self, version: u8, value: u64) {
        if version == 0 {
            self.put_u32(u32::try_from(value).unwrap_or(u32::MAX));
        } else {
            self.put_u64(value);
        }
    }
}

/// The version that a box needs to hold these numbers.
pub(super) fn version_for(values: &[u64]) -> u8 {
    u8::from(values.iter().any(|&it| it > u64::from(u32::MAX) - 1))
}

/// A box found in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) kind: [u8; 4],
    /// The whole box, header included.
    pub(super) whole: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// The boxes that follow one another in `bytes`, up to the first that does not fit.
pub(super) fn children(mut bytes: &[u8]) -> impl Iterator<Item = Found<'_>> {
    std::iter::from_fn(move || {
        let size = u32_at(bytes, 0)?;
        let kind = bytes.get(4..8)?.try_into().ok()?;
        let (header, size) = match size {
            0 => (8, bytes.len()),
            1 => {
                let high = u64::from(u32_at(bytes, 8)?);
                let size = high << 32 | u64::from(u32_at(bytes, 12)?);
                (16, usize::try_from(size).ok()?)
            }
            _ => (8, size as usize),
        };
        let whole = bytes.get(..size)?;
        let payload = whole.get(header..)?;
        bytes = &bytes[size..];
        Some(Found { kind, whole, payload })
    })
}

/// The first box of this type.
pub(super) fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<Found<'a>> {
    children(bytes).find(|it| &it.kind == kind)
}

/// The four bytes at an offset, as a number.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// When it was made and changed: the file system knows.
pub(super) fn append_times(out: &mut Vec<u8>, version: u8) {
    out.put_sized(version, 0);
    out.put_sized(version, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_found() {
        let mut bytes = Vec::new();
        boxed(&mut bytes, b"moov", |out| full(out, b"mvhd", 1, 7, |out| out.put_u64(9)));
        boxed(&mut bytes, b"free", |_| {});
        let kinds: Vec<_> = children(&bytes).map(|it| it.kind).collect();
        assert_eq!(kinds, [*b"moov", *b"free"]);
        let mvhd = child(child(&bytes, b"moov").unwrap().payload, b"mvhd").unwrap();
        assert_eq!(mvhd.payload, [1, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert!(child(&bytes[..bytes.len() - 1], b"free").is_none(), "cut short");
    }

    proptest! {
        #[test]
        fn garbage_is_read_within_its_bounds(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(children(&bytes).count() <= bytes.len() / 8);
        }
    }
}
