//! The stamp as bits: four rows of 32, most significant bit first. Frame number, upper and lower
//! half of the time, CRC-32 of the twelve bytes before it.

use super::Stamp;
use super::layout::BLOCK_ROWS;
use crate::Timestamp;

/// The rows of blocks that say `stamp`.
pub(super) const fn encode(stamp: Stamp) -> [u32; BLOCK_ROWS] {
    let time = stamp.time.as_nanos() as u64;
    let (upper, lower) = ((time >> 32) as u32, time as u32);
    [stamp.frame, upper, lower, checksum([stamp.frame, upper, lower])]
}

/// What the rows say, if their checksum is right.
pub(super) const fn decode([frame, upper, lower, sum]: [u32; BLOCK_ROWS]) -> Option<Stamp> {
    if sum != checksum([frame, upper, lower]) {
        return None;
    }
    let time = ((upper as u64) << 32 | lower as u64) as i64;
    Some(Stamp { frame, time: Timestamp::from_nanos(time) })
}

/// CRC-32 as in Ethernet and zlib, over the words' big-endian bytes. Bit by bit: it runs once a frame.
const fn checksum(words: [u32; 3]) -> u32 {
    let mut crc = u32::MAX;
    let mut index = 0;
    while index < words.len() * 4 {
        let byte = words[index / 4].to_be_bytes()[index % 4];
        crc ^= byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        index += 1;
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_and_nothing_else() {
        for (frame, time) in [(0, 0), (1, 1_000_000_000), (u32::MAX, i64::MAX), (77, -5)] {
            let stamp = Stamp { frame, time: Timestamp::from_nanos(time) };
            let rows = encode(stamp);
            assert_eq!(decode(rows), Some(stamp));
            for row in 0..BLOCK_ROWS {
                for bit in 0..32 {
                    let mut wrong = rows;
                    wrong[row] ^= 1 << bit;
                    assert_eq!(decode(wrong), None, "bit {bit} of row {row}");
                }
            }
        }
    }

    #[test]
    fn one_colour_says_nothing() {
        assert_eq!(decode([0; 4]), None);
        assert_eq!(decode([u32::MAX; 4]), None);
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        // `python3 -c "import zlib; print(hex(zlib.crc32(b'123456789012')))"`
        assert_eq!(checksum([0x3132_3334, 0x3536_3738, 0x3930_3132]), CRC_OF_DIGITS);
    }

    const CRC_OF_DIGITS: u32 = 0x5D34_EB96;
}
