//! NAL units of H.264 and HEVC.

/// A unit in a byte stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    /// Where in the stream its start code begins.
    pub(crate) at: usize,
    /// Where its header is.
    pub(crate) from: usize,
    /// Header and payload, without the start code.
    pub(crate) bytes: &'a [u8],
}

/// The NAL units of an Annex B byte stream (ITU-T H.264 and H.265, Annex B).
pub(crate) fn units(stream: &[u8]) -> impl Iterator<Item = Unit<'_>> {
    let mut next = start_code(stream, 0);
    std::iter::from_fn(move || {
        let code = next?;
        let from = code + 3;
        next = start_code(stream, from);
        let bytes = &stream[from..next.unwrap_or(stream.len())];
        // Zeros before a start code belong to it, and a unit never ends with one.
        let used = bytes.iter().rposition(|&it| it != 0).map_or(0, |at| at + 1);
        let at = if code > 0 && stream[code - 1] == 0 { code - 1 } else { code };
        Some(Unit { at, from, bytes: &bytes[..used] })
    })
}

/// Where the next `00 00 01` is, from `at` on.
fn start_code(bytes: &[u8], at: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(at..)?, &[0, 0, 1]).map(|it| at + it)
}

/// Appends a payload with the bytes that keep a start code from appearing in it (H.265, 7.3.1.1).
pub(crate) fn escape(payload: &[u8], out: &mut Vec<u8>) {
    let mut zeros = 0;
    for &byte in payload {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
}

/// A unit without those bytes.
pub(crate) fn unescape(unit: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for &byte in unit {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_say_where_they_are() {
        let stream = [0, 0, 0, 1, 9, 8, 0, 0, 1, 7, 0, 0, 0, 0, 1, 6];
        let found: Vec<_> = units(&stream).map(|it| (it.at, it.bytes)).collect();
        assert_eq!(found, [(0, &[9, 8][..]), (6, &[7][..]), (11, &[6][..])]);
        assert_eq!(units(&[1, 2, 3]).count(), 0);
    }

    proptest! {
        /// No start code appears, and all comes back.
        #[test]
        fn what_is_escaped_comes_back(payload in prop::collection::vec(0u8..5, 0..60)) {
            let mut escaped = Vec::new();
            escape(&payload, &mut escaped);
            prop_assert_eq!(start_code(&escaped, 0), None);
            prop_assert!(!escaped.windows(3).any(|it| it == [0, 0, 0] || it == [0, 0, 2]));
            prop_assert_eq!(unescape(&escaped), payload);
        }

        /// Units cover the stream from the first start code on, in order.
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 0..100)) {
            let mut last = 0;
            for unit in units(&bytes) {
                prop_assert!(unit.at >= last && bytes[unit.at..].starts_with(&[0, 0]));
                prop_assert!(bytes[unit.from..].starts_with(unit.bytes));
                last = unit.at + unit.bytes.len();
            }
        }
    }
}
