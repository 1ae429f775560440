//! Metadata OBUs of AV1 (AV1 specification, 5.8.3, 5.8.4 and 6.7).

use ghoststream_picture::HdrMetadata;
use ghoststream_picture::hdr::{Chromaticity, ContentLight, MasteringDisplay};

use super::Message;
use crate::bitstream::obu;

/// `METADATA_TYPE_HDR_CLL`.
const CONTENT_LIGHT: u64 = 1;
/// `METADATA_TYPE_HDR_MDCV`.
const MASTERING_DISPLAY: u64 = 2;

/// Each kind in a unit of its own, for a unit holds one.
pub(super) fn messages(metadata: HdrMetadata) -> Vec<Message> {
    let display = metadata.mastering.map(|it| message(MASTERING_DISPLAY, &display_payload(&it)));
    let light = metadata.light.map(|it| message(CONTENT_LIGHT, &light_payload(it)));
    display.into_iter().chain(light).collect()
}

/// Where units go in a temporal unit that begins a coded sequence, and which kinds there are in it.
/// `None` for others: where there is no sequence header, playing cannot start.
pub(super) fn place(packet: &[u8]) -> Option<(usize, Vec<u64>)> {
    let (mut at, mut place, mut present) = (0, None, Vec::new());
    for unit in obu::all(packet) {
        at += unit.len();
        match obu::kind(unit) {
            obu::SEQUENCE_HEADER => place = place.or(Some(at)),
            obu::METADATA => present.extend(obu::leb128(obu::payload(unit)).map(|(kind, _)| kind)),
            _ => {}
        }
    }
    // A header that goes on to the end is none, or has no picture behind it.
    place.filter(|&at| at < packet.len()).map(|at| (at, present))
}

fn message(kind: u64, payload: &[u8]) -> Message {
    // Trailing bits: a one, then zeros up to the byte's end.
    let payload = [&[kind as u8], payload, &[0x80]].concat();
    let mut unit = Vec::new();
    obu::append(obu::METADATA, &payload, &mut unit);
    Message { kind, unit }
}

/// Red, green, blue, white in 0.16 bits, then the most in 24.8 and the least luminance in 18.14 bits
/// of cd/m².
fn display_payload(display: &MasteringDisplay) -> Vec<u8> {
    let points = display.primaries.into_iter().chain([display.white]);
    let mut payload: Vec<u8> = points.flat_map(point).collect();
    payload.extend(fixed(display.most_luminance, 10_000, 8).to_be_bytes());
    payload.extend(fixed(display.least_luminance, 10_000, 14).to_be_bytes());
    payload
}

fn point(it: Chromaticity) -> impl Iterator<Item = u8> {
    let sixteen = |steps: u16| u16::try_from(fixed(steps.into(), 50_000, 16)).unwrap_or(u16::MAX);
    [sixteen(it.x), sixteen(it.y)].into_iter().flat_map(u16::to_be_bytes)
}

/// So many steps, of which `unit` make one, with so many bits after the point, to the nearest.
fn fixed(steps: u32, unit: u64, bits: u32) -> u32 {
    let scaled = ((u64::from(steps) << bits) + unit / 2) / unit;
    u32::try_from(scaled).unwrap_or(u32::MAX)
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

    const DELIMITER: [u8; 2] = [0x12, 0];
    const SEQUENCE: [u8; 4] = [0x0a, 2, 7, 7];
    const FRAME: [u8; 5] = [0x32, 3, 1, 2, 3];

    #[test]
    fn metadata_stands_behind_the_sequence_header() {
        let injector = Injector::new(Codec::AV1, metadata()).unwrap();
        let packet = [&DELIMITER[..], &SEQUENCE, &FRAME].concat();
        let complete = injector.complete(&packet).unwrap();
        let kinds: Vec<_> = obu::all(&complete).map(obu::kind).collect();
        assert_eq!(kinds, [2, 1, 5, 5, 6]);
        assert_eq!(injector.complete(&complete), None, "never twice");
        assert_eq!(injector.complete(&[&DELIMITER[..], &FRAME].concat()), None, "no key picture");
    }

    /// The bytes of 5.8.3 and 5.8.4, written out.
    #[test]
    fn the_payloads_are_as_the_specification_has_them() {
        let all = messages(metadata());
        #[rustfmt::skip]
        let display = [
            0x2a, 26, 2,
            0xae, 0x14, 0x51, 0xec, // red 0.68, 0.32
            0x43, 0xd7, 0xb0, 0xa4, // green 0.265, 0.69
            0x26, 0x66, 0x0f, 0x5c, // blue 0.15, 0.06
            0x50, 0x0d, 0x54, 0x39, // white 0.3127, 0.329
            0x00, 0x03, 0xe8, 0x00, // 1000 cd/m²
            0x00, 0x00, 0x00, 0x02, // 0.0001 cd/m², of which 2/16384 is the nearest
            0x80,
        ];
        assert_eq!(all[0].unit, display);
        assert_eq!(all[1].unit, [0x2a, 6, 1, 0x03, 0xe8, 0x01, 0x90, 0x80]);
        assert_eq!(fixed(50_000, 50_000, 16), 65_536);
        assert_eq!(point(Chromaticity { x: 50_000, y: 0 }).collect::<Vec<_>>(), [255, 255, 0, 0]);
    }
}
