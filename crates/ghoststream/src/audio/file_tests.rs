//! Where a click is heard when a player plays the file: what an encoder looks ahead must not shift it.

use std::path::Path;

use ffmpeg_next as ffmpeg;

use super::encoder::Encoder;
use super::{CHANNELS, RATE};
use crate::encode::{Packet, Track, TrackKind};
use crate::{AudioCodec, Container, Output, OutputConfig};

/// The click's sample.
const CLICK: usize = 24_000;

/// Writes a track of each codec, with the same click in all.
fn write(path: &Path, container: Container, codecs: &[AudioCodec]) {
    let mut samples = vec![0.0; 2 * RATE as usize * CHANNELS];
    samples[CLICK * CHANNELS..(CLICK + 1) * CHANNELS].fill(0.9);
    let (mut tracks, mut packets) = (Vec::new(), Vec::<Packet>::new());
    for (index, &codec) in codecs.iter().enumerate() {
        let mut encoder = Encoder::open(codec, None).unwrap();
        tracks.push(Track {
            kind: TrackKind::Audio { rate: RATE },
            parameters: encoder.parameters().unwrap().into(),
            title: None,
            language: None,
        });
        let mut out = |packet: Packet| packets.push(Packet { track: index, ..packet });
        encoder.push(&samples, &mut out).unwrap();
        encoder.finish(&mut out).unwrap();
    }
    packets.sort_by_key(|packet| packet.dts);
    let output = OutputConfig::new(Output::File { path: path.into(), container });
    let mut sink = crate::output::open(&output, &tracks, &crate::output::Context::alone()).unwrap().sink;
    packets.iter().for_each(|packet| sink.write(packet).unwrap());
    sink.finish().unwrap();
}

/// The time of a track's loudest sample, in seconds, as a player decodes the file.
fn click(path: &Path, track: usize) -> f64 {
    ffmpeg::init().unwrap();
    let mut input = ffmpeg::format::input(path).unwrap();
    let stream = input.stream(track).unwrap();
    let base = f64::from(stream.time_base());
    let context = ffmpeg::codec::context::Context::from_parameters(stream.parameters()).unwrap();
    let mut decoder = context.decoder().audio().unwrap();
    decoder.set_packet_time_base(stream.time_base());
    let (mut loudest, mut at) = (0.0, f64::NAN);
    let mut frame = ffmpeg::frame::Audio::empty();
    for (stream, packet) in input.packets() {
        if stream.index() != track {
            continue;
        }
        decoder.send_packet(&packet).unwrap();
        while decoder.receive_frame(&mut frame).is_ok() {
            let start = frame.timestamp().unwrap() as f64 * base;
            for (place, value) in levels(&frame).enumerate() {
                if value > loudest {
                    loudest = value;
                    at = start + place as f64 / f64::from(RATE);
                }
            }
        }
    }
    at
}

/// How loud each sample of the first channel is.
fn levels(frame: &ffmpeg::frame::Audio) -> Box<dyn Iterator<Item = f64> + '_> {
    use ffmpeg::format::Sample;
    match frame.format() {
        Sample::F32(_) if frame.is_planar() => {
            Box::new(frame.plane::<f32>(0).iter().map(|it| f64::from(it.abs())))
        }
        Sample::I32(_) => {
            Box::new(frame.plane::<(i32, i32)>(0).iter().map(|it| f64::from(it.0).abs() / 2f64.powi(31)))
        }
        other => panic!("decoded to {other:?}"),
    }
}

#[test]
fn a_click_is_heard_at_the_same_time_in_every_codec() {
    use AudioCodec::{Aac, Flac, Opus};
    use Container::{Matroska, Mp4};
    let directory = tempfile::tempdir().unwrap();
    for (container, codec) in [(Matroska, Opus), (Matroska, Aac), (Mp4, Aac), (Mp4, Opus)] {
        let path = directory.path().join(format!("{codec}.{container}"));
        // FLAC has no look-ahead. A container may move all tracks alike to make room for one's.
        write(&path, container, &[codec, Flac]);
        let (click, reference) = (click(&path, 0), click(&path, 1));
        println!("{codec} in {container}: click at {click:.5} s, in flac at {reference:.5} s");
        assert!((click - reference).abs() < 1.5e-3, "{codec} in {container}: {click} s, flac {reference} s");
        assert!((reference - 0.5).abs() < 25e-3, "{codec} in {container}: {reference} s");
    }
}

#[test]
fn a_click_is_heard_where_it_was_made_in_webm() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("opus.webm");
    write(&path, Container::WebM, &[AudioCodec::Opus]);
    let click = click(&path, 0);
    assert!((click - 0.5).abs() < 1e-3, "the click is heard at {click} s");
}
