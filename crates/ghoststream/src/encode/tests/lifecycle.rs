//! Encoders that are given up: nothing hangs, whatever was or was not handed in.

use super::*;

fn open_row(name: &str) -> Opened {
    let row = table::TABLE.iter().find(|row| row.name == name).expect("a row of the table");
    let config = config().with_codec(row.codec).with_preset(crate::EncoderPreset::Fastest);
    let request = Request { config: &config, size: SIZE, fps: 30.0, containers: &[Container::Matroska] };
    table::try_open(row, &request).unwrap_or_else(|refusal| panic!("{refusal:?}"))
}

fn encode(opened: &mut Opened, pictures: usize) -> Vec<Packet> {
    let mut packets = vec![];
    for index in 0..pictures {
        let frame = Frame {
            pts: MediaTime::from_nanos(index as i64 * 33_333_333),
            picture: picture::moving(&opened.input, index).into(),
            arrived: Timestamp::default(),
        };
        opened.encoder.encode(frame, &mut packets).expect("encodes");
    }
    packets
}

/// For each way to end, in each encoder: nothing was handed in, or one picture, or many.
fn every_end(name: &str) {
    for pictures in [0, 1, 40] {
        eprintln!("{name}: {pictures} pictures, dropped");
        let mut opened = open_row(name);
        encode(&mut opened, pictures);
        drop(opened);
        eprintln!("{name}: {pictures} pictures, flushed");
        let mut opened = open_row(name);
        let mut packets = encode(&mut opened, pictures);
        opened.encoder.flush(&mut packets).expect("flushes");
        assert_eq!(packets.len(), pictures);
    }
}

#[test]
fn x264_ends_whenever_it_is_told() {
    every_end("libx264");
}

#[test]
fn x265_ends_whenever_it_is_told() {
    every_end("libx265");
}

#[test]
fn svt_ends_whenever_it_is_told() {
    every_end("libsvtav1");
}

#[test]
fn aom_ends_whenever_it_is_told() {
    every_end("libaom-av1");
}
