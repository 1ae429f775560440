//! Open bitstream units of AV1.

/// `OBU_SEQUENCE_HEADER`.
pub(crate) const SEQUENCE_HEADER: u8 = 1;
/// `OBU_TEMPORAL_DELIMITER`.
pub(crate) const TEMPORAL_DELIMITER: u8 = 2;
/// `OBU_METADATA`.
pub(crate) const METADATA: u8 = 5;
/// `OBU_PADDING`.
pub(crate) const PADDING: u8 = 15;

/// The units of a temporal unit, headers included. What does not add up is the last one.
pub(crate) fn all(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        // Where it is not what it should be, a decoder may still make something of it.
        let (obu, rest) = bytes.split_at(length(bytes).unwrap_or(bytes.len()));
        bytes = rest;
        Some(obu)
    })
}

/// Which kind a unit is; none of the constants where it is empty.
pub(crate) fn kind(obu: &[u8]) -> u8 {
    obu.first().map_or(0, |header| header >> 3 & 15)
}

/// What follows a unit's header and size.
pub(crate) fn payload(obu: &[u8]) -> &[u8] {
    let Some(&header) = obu.first() else { return &[] };
    let rest = obu.get(1 + usize::from(header >> 2 & 1)..).unwrap_or_default();
    if header & 2 == 0 { rest } else { leb128(rest).map_or(&[], |(_, rest)| rest) }
}

/// Appends a unit with its size.
pub(crate) fn append(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(kind << 3 | 2);
    let mut size = payload.len();
    while size > 0x7f {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend_from_slice(payload);
}

/// A number as AV1 writes it (4.10.5), and what follows.
pub(crate) fn leb128(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().enumerate().take(8) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

/// The length of the unit that `bytes` begin with, header included (AV1 5.3). One without a size
/// field goes on to the end.
fn length(bytes: &[u8]) -> Option<usize> {
    let header = *bytes.first()?;
    if header & 2 == 0 {
        return Some(bytes.len());
    }
    let sized = bytes.get(1 + usize::from(header >> 2 & 1)..)?;
    let (size, rest) = leb128(sized)?;
    let length = usize::try_from(size).ok()?.checked_add(bytes.len() - rest.len())?;
    Some(length).filter(|&it| it <= bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_found_and_lies_are_passed_on() {
        let found = |bytes| all(bytes).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let unit = [0x12, 0, 0x32, 2, 8, 9, 0x30, 1, 2, 3];
        assert_eq!(found(&unit), [vec![0x12, 0], vec![0x32, 2, 8, 9], vec![0x30, 1, 2, 3]]);
        assert_eq!(found(&[0x32, 200]), [vec![0x32, 200]]);
        // With an extension.
        assert_eq!(payload(&[0x36, 0x20, 1, 7]), [7]);
        assert_eq!(payload(&[0x32]), [0u8; 0]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(first in prop::collection::vec(any::<u8>(), 0..300), second in any::<u8>()) {
            let mut out = Vec::new();
            append(METADATA, &first, &mut out);
            append(PADDING, &[second], &mut out);
            let found: Vec<_> = all(&out).map(|it| (kind(it), payload(it).to_vec())).collect();
            prop_assert_eq!(found, [(METADATA, first), (PADDING, vec![second])]);
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(all(&bytes).map(<[u8]>::len).sum::<usize>(), bytes.len());
            all(&bytes).for_each(|it| { payload(it); });
        }
    }
}
