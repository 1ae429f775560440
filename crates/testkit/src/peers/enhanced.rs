//! What Enhanced RTMP carries, back as a stream that any decoder takes: for peers that know HEVC and AV1,
//! but not in FLV.

use anyhow::{Context, Result, bail, ensure};

use super::Heard;

/// The pictures of a stream of HEVC as Annex B, or of AV1 as open bitstream units with their delimiters.
///
/// # Errors
/// It is not what *Enhanced RTMP*, version 2, section "ExVideoTagHeader" says.
pub fn elementary(heard: &[Heard]) -> Result<Vec<u8>> {
    const START: &[u8] = &[0, 0, 0, 1];
    let (mut all, mut begun) = (Vec::new(), false);
    // A stream of AV1 begins with a delimiter: what a decoder must know first comes after that.
    let mut first_units = Vec::new();
    for message in heard.iter().filter(|it| it.kind == 9) {
        let (first, rest) = message.body.split_first().context("an empty message of pictures")?;
        ensure!(first & 0x80 != 0, "it is not Enhanced RTMP: {first:#x}");
        let (code, rest) = rest.split_at_checked(4).context("no code of a codec")?;
        // Sequence start, pictures with and without a composition time, and the end.
        match (first & 0x0F, code) {
            (0, b"hvc1") => {
                parameter_sets(rest)?.iter().for_each(|it| all.extend([START, it].concat()));
                begun = true;
            }
            (0, b"av01") => {
                first_units = rest.get(4..).context("av1C is cut short")?.to_vec();
                begun = true;
            }
            (packet @ (1 | 3), b"hvc1") => {
                let data = rest.get(if packet == 1 { 3 } else { 0 }..).context("no composition time")?;
                units(data)?.iter().for_each(|it| all.extend([START, it].concat()));
            }
            (1 | 3, b"av01") => {
                all.extend([&[0x12, 0][..], &std::mem::take(&mut first_units), rest].concat());
            }
            (2, _) => {}
            (packet, code) => bail!("packet type {packet} of {code:?}"),
        }
        ensure!(begun, "pictures come before what a decoder must know first");
    }
    Ok(all)
}

/// NAL units with lengths of four bytes.
fn units(mut data: &[u8]) -> Result<Vec<&[u8]>> {
    let mut all = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<4>() {
        let (unit, rest) =
            rest.split_at_checked(u32::from_be_bytes(*length) as usize).context("a NAL unit is cut short")?;
        all.push(unit);
        data = rest;
    }
    ensure!(data.is_empty(), "{} bytes follow the last NAL unit", data.len());
    Ok(all)
}

/// What an `hvcC` record holds (ISO/IEC 14496-15, section 8.3.3.1).
fn parameter_sets(record: &[u8]) -> Result<Vec<&[u8]>> {
    let (arrays, mut rest) = record.get(22..).and_then(<[u8]>::split_first).context("hvcC is cut short")?;
    let mut all = Vec::new();
    for _ in 0..*arrays {
        let ([_, a, b], tail) = rest.split_first_chunk().context("hvcC is cut short")?;
        rest = tail;
        for _ in 0..u16::from_be_bytes([*a, *b]) {
            let (length, tail) = rest.split_first_chunk().context("hvcC is cut short")?;
            let length = u16::from_be_bytes(*length).into();
            let (set, tail) = tail.split_at_checked(length).context("hvcC is cut short")?;
            all.push(set);
            rest = tail;
        }
    }
    Ok(all)
}
