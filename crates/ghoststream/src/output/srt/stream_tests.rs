//! What is in a transport stream, as ffprobe reads it.

use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::output::file::testing::{Encoded, audio, merge, video};

/// What ffprobe says of these bytes; it may not say a word of complaint.
fn probe(bytes: &[u8], arguments: &[&str]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let output =
        Command::new("ffprobe").args(["-v", "warning"]).args(arguments).arg(file.path()).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// When each frame of a stream is shown.
fn times(bytes: &[u8], stream: &str) -> Vec<f64> {
    let entries = ["-select_streams", stream, "-show_entries", "frame=pts_time", "-of", "csv=p=0"];
    probe(bytes, &entries).lines().filter_map(|it| it.trim().trim_end_matches(',').parse().ok()).collect()
}

fn h264() -> Encoded {
    video("libx264", 30, 60, &[("preset", "medium"), ("bf", "2")])
}

fn sent(stream: &mut TransportStream, packets: &[Packet]) -> Vec<u8> {
    packets.iter().flat_map(|it| stream.write(it).unwrap()).collect()
}

#[test]
fn every_packet_leaves_at_once_in_whole_transport_packets_after_the_tables() {
    let (picture, sound) = (h264(), audio("aac", 94));
    let tracks = [picture.track.clone(), sound.track.clone()];
    let mut stream = TransportStream::new(&tracks).unwrap();
    let mut all = Vec::new();
    for packet in merge(&[&picture, &sound]) {
        let bytes = stream.write(&packet).unwrap();
        assert!(!bytes.is_empty() && bytes.len() % TS_PACKET == 0);
        assert!(bytes.chunks(TS_PACKET).all(|it| it[0] == 0x47));
        all.extend(bytes);
    }
    let pid =
        |index: usize| u16::from_be_bytes([all[index * TS_PACKET + 1], all[index * TS_PACKET + 2]]) & 0x1fff;
    assert!((0..4).any(|it| pid(it) == 0), "it begins with the PAT");
    let pictures = times(&all, "v:0");
    assert_eq!(pictures.len(), 60);
    // The first picture, moved by what all are moved by and by what the clock is ahead.
    assert!((pictures[0] - 2.1).abs() < 0.04, "{}", pictures[0]);
    assert!(times(&all, "a:0").len() >= 93);
}

#[test]
fn time_goes_on_with_the_next_connection() {
    let picture = h264();
    let key = picture.packets.iter().rposition(|it| it.key).unwrap();
    let tracks = std::slice::from_ref(&picture.track);
    let whole = sent(&mut TransportStream::new(tracks).unwrap(), &picture.packets);
    let later = sent(&mut TransportStream::new(tracks).unwrap(), &picture.packets[key..]);
    let (whole, later) = (times(&whole, "v:0"), times(&later, "v:0"));
    assert!(later.len() >= 20 && (whole[60 - later.len()] - later[0]).abs() < 0.001, "{whole:?} {later:?}");
}

/// Packets as they come when an encoder takes over after two seconds.
fn takeover(second: &Encoded) -> Vec<Packet> {
    let at = 2_000_000_000;
    let begins = Arc::new(second.track.clone());
    let moved = second.packets.iter().enumerate().map(|(index, it)| {
        let begins = (index == 0).then(|| Arc::clone(&begins));
        Packet { pts: it.pts.offset(at), dts: it.dts.offset(at), begins, ..it.clone() }
    });
    moved.collect()
}

#[test]
fn another_encoder_of_the_codec_goes_on_in_the_same_stream() {
    let (first, second) = (h264(), video("libx264", 30, 60, &[("preset", "ultrafast"), ("bf", "0")]));
    let mut stream = TransportStream::new(std::slice::from_ref(&first.track)).unwrap();
    let mut all = sent(&mut stream, &first.packets);
    all.extend(sent(&mut stream, &takeover(&second)));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &all).unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(file.path());
    let decoded = ffmpeg.args(["-f", "null", "-", "-progress", "pipe:1"]).output().unwrap();
    let said = String::from_utf8_lossy(&decoded.stdout).into_owned();
    let frames = said.lines().rev().find_map(|it| it.strip_prefix("frame=")).unwrap();
    assert!(frames.trim().parse::<u32>().unwrap() >= 118, "{frames} of 120 frames");
}

#[test]
fn another_codec_goes_on_in_the_next_connection() {
    let options = [("preset", "ultrafast"), ("x265-params", "log-level=none")];
    let (first, second) = (h264(), video("libx265", 30, 30, &options));
    let mut stream = TransportStream::new(std::slice::from_ref(&first.track)).unwrap();
    sent(&mut stream, &first.packets);
    let error = stream.write(&takeover(&second)[0]).unwrap_err();
    assert_eq!(error.fault, LinkFault::Closed);
}

#[test]
fn what_fits_no_transport_stream_is_refused_with_what_does() {
    let flac = audio("flac", 10);
    let error = check(&[h264().track, flac.track]).unwrap_err();
    assert!(error.text.contains("--audio-codec aac"), "{error}");
    assert!(check(&[h264().track, audio("libopus", 10).track]).is_ok());
}
