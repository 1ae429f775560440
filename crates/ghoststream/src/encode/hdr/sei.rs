//! SEI messages of HEVC (ITU-T H.265, Annex D).

use ghoststream_picture::HdrMetadata;
use ghoststream_picture::hdr::{ContentLight, MasteringDisplay};

use super::Message;
use crate::bitstream::nal;

/// `mastering_display_colour_volume`, D.2.28.
const MASTERING_DISPLAY: u64 = 137;
/// `content_light_level_info`, D.2.35.
const CONTENT_LIGHT: u64 = 144;
/// The type of the NAL units that hold messages before a picture: `PREFIX_SEI_NUT`.
const PREFIX_SEI: u8 = 39;

/// Each message in a unit of its own, as encoders write them.
pub(super) fn messages(metadata: HdrMetadata) -> Vec<Message> {
    let display = metadata.mastering.map(|it| message(MASTERING_DISPLAY, &display_payload(&it)));
    let light = metadata.light.map(|it| message(CONTENT_LIGHT, &light_payload(it)));
    display.into_iter().chain(light).collect()
}

/// Where messages go in a random access picture, and which kinds there are before it. `None` for
/// other pictures.
///
/// Directly before its first slice: after an access unit delimiter, which must come first, and after a
/// buffering period, which must be the first message.
pub(super) fn place(packet: &[u8]) -> Option<(usize, Vec<u64>)> {
    let mut present = Vec::new();
    for unit in nal::units(packet) {
        match unit_type(unit.bytes)? {
            // BLA, IDR and CRA pictures, and two that are reserved for more of these.
            16..=23 => return Some((unit.at, present)),
            // Any other slice.
            0..=31 => return None,
            PREFIX_SEI => kinds(&nal::unescape(unit.bytes), &mut present),
            _ => {}
        }
    }
    None
}

fn unit_type(unit: &[u8]) -> Option<u8> {
    unit.first().map(|header| header >> 1 & 0x3f)
}

/// The kinds of the messages in a unit (7.3.5).
fn kinds(unit: &[u8], found: &mut Vec<u64>) {
    let mut rest = unit.get(2..).unwrap_or_default();
    // A last byte of 0x80 ends the unit.
    while rest.len() > 1 {
        let Some((kind, after)) = coded(rest) else { return };
        let Some((size, after)) = coded(after) else { return };
        let Some(next) = usize::try_from(size).ok().and_then(|size| after.get(size..)) else { return };
        found.push(kind);
        rest = next;
    }
}

/// A number as 0xff for each 255 in it and what is left.
fn coded(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let full = bytes.iter().take_while(|&&it| it == 0xff).count();
    let last = *bytes.get(full)?;
    Some((full as u64 * 255 + u64::from(last), &bytes[full + 1..]))
}

fn message(kind: u64, payload: &[u8]) -> Message {
    // Both kinds and both sizes are below 255, so that a byte says each.
    let mut unit = vec![0, 0, 0, 1, PREFIX_SEI << 1, 1];
    let mut body = vec![kind as u8, payload.len() as u8];
    body.extend_from_slice(payload);
    body.push(0x80);
    nal::escape(&body, &mut unit);
    Message { kind, unit }
}

/// Green, blue, red, white: the order that the semantics suggest (D.3.28).
fn display_payload(display: &MasteringDisplay) -> Vec<u8> {
    let [red, green, blue] = display.primaries;
    let points = [green, blue, red, display.white].into_iter().flat_map(|it| [it.x, it.y]);
    let mut payload: Vec<u8> = points.flat_map(u16::to_be_bytes).collect();
    payload.extend(display.most_luminance.to_be_bytes());
    payload.extend(display.least_luminance.to_be_bytes());
    payload
}

fn light_payload(light: ContentLight) -> Vec<u8> {
    [light.most, light.most_average].into_iter().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Injector;
    use super::super::tests::metadata;
    use super::*;
    use crate::Codec;

    const AUD: [u8; 7] = [0, 0, 0, 1, 35 << 1, 1, 0x50];
    const IDR: [u8; 6] = [0, 0, 1, 19 << 1, 1, 0xaf];

    #[test]
    fn messages_stand_before_the_first_slice_of_a_random_access_picture() {
        let injector = Injector::new(Codec::Hevc, metadata()).unwrap();
        let packet = [&AUD[..], &IDR, &IDR].concat();
        let complete = injector.complete(&packet).unwrap();
        let types: Vec<_> = nal::units(&complete).filter_map(|it| unit_type(it.bytes)).collect();
        assert_eq!(types, [35, 39, 39, 19, 19]);
        let trailing = [0, 0, 1, 1 << 1, 1, 0xaf];
        assert_eq!(injector.complete(&trailing), None, "no picture to begin with");
    }

    /// The bytes of D.2.28 and D.2.35, written out.
    #[test]
    fn the_payloads_are_as_the_standard_has_them() {
        let all = messages(metadata());
        let unit = |index: usize| nal::unescape(nal::units(&all[index].unit).next().unwrap().bytes);
        #[rustfmt::skip]
        let display = [
            0x4e, 1, 137, 24,
            0x33, 0xc2, 0x86, 0xc4, // green 13250, 34500
            0x1d, 0x4c, 0x0b, 0xb8, // blue 7500, 3000
            0x84, 0xd0, 0x3e, 0x80, // red 34000, 16000
            0x3d, 0x13, 0x40, 0x42, // white 15635, 16450
            0x00, 0x98, 0x96, 0x80, // 1000 cd/m²
            0x00, 0x00, 0x00, 0x01, // 0.0001 cd/m²
            0x80,
        ];
        assert_eq!(unit(0), display);
        assert_eq!(unit(1), [0x4e, 1, 144, 4, 0x03, 0xe8, 0x01, 0x90, 0x80]);
        assert!(all[0].unit.ends_with(&[0, 0, 3, 0, 1, 0x80]), "no start code appears: {:x?}", all[0].unit);
    }

    #[test]
    fn what_an_encoder_wrote_is_not_written_again() {
        let injector = Injector::new(Codec::Hevc, metadata()).unwrap();
        let all = messages(metadata());
        // Both in one unit, behind a message of another kind with a long size.
        let mut body = vec![5, 0xff, 1];
        body.extend([7; 256]);
        for it in &all {
            let unit = nal::unescape(nal::units(&it.unit).next().unwrap().bytes);
            body.extend(&unit[2..unit.len() - 1]);
        }
        body.push(0x80);
        let mut own = vec![0, 0, 1, PREFIX_SEI << 1, 1];
        nal::escape(&body, &mut own);
        assert_eq!(injector.complete(&[&own[..], &IDR].concat()), None);
        // One of them alone.
        let complete = injector.complete(&[&all[1].unit[..], &IDR].concat()).unwrap();
        assert_eq!(complete, [&all[1].unit[..], &all[0].unit, &IDR].concat());
    }
}
