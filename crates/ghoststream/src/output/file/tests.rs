//! Recordings of real packets, read back with ffprobe.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::testing::{self, Encoded, merge};
use crate::encode::{Packet, Track};
use crate::output::Sink;
use crate::{Container, Output, OutputConfig};

pub(in crate::output) mod chapters;
pub(in crate::output) mod full;
mod killed;
mod odd;
mod places;
mod whole;

fn open(path: &Path, container: Container, tracks: &[&Encoded]) -> Box<dyn Sink> {
    let config = OutputConfig::new(Output::File { path: path.to_owned(), container });
    let tracks: Vec<Track> = tracks.iter().map(|it| it.track.clone()).collect();
    crate::output::open(&config, &tracks, &crate::output::Context::alone()).unwrap().sink
}

/// Writes all packets, in order.
fn record(path: &Path, container: Container, tracks: &[&Encoded]) -> Box<dyn Sink> {
    let mut sink = open(path, container, tracks);
    for packet in merge(tracks) {
        sink.write(&packet).unwrap();
    }
    sink
}

/// A file in this form: as a killed process leaves it, or as a normal end does.
fn recorded(path: &Path, container: Container, tracks: &[&Encoded], ended: bool) {
    let mut sink = record(path, container, tracks);
    if ended {
        sink.finish().unwrap();
        return;
    }
    // Long enough that the last unit is due.
    std::thread::sleep(super::UNIT + super::UNIT / 4);
    sink.idle().unwrap();
    let torn = path.with_extension("torn");
    std::fs::copy(path, &torn).unwrap();
    drop(sink);
    std::fs::rename(torn, path).unwrap();
}

/// What ffprobe says of a file; it may find nothing wrong with it.
fn probe(path: &Path, what: &[&str]) -> Value {
    let output = Command::new("ffprobe").args(["-v", "warning", "-of", "json"]).args(what).arg(path).output();
    let output = output.expect("ffprobe is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    // A gap of hours is what some tests write on purpose. FFmpeg 9 tells of every track's name, in its own
    // files too, before it reads it. The text track of chapters is nothing that FFmpeg decodes.
    let harmless =
        ["DTS discontinuity", "UDTA parsing failed retrying raw", "Unsupported codec with id 98314"];
    let is_wrong = |it: &str| !it.trim().is_empty() && !harmless.iter().any(|words| it.contains(words));
    let wrong = said.lines().any(is_wrong);
    assert!(output.status.success() && !wrong, "{}: {said}", path.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Decodes the whole file, without a warning, and returns how many frames each stream has.
fn decode(path: &Path) -> Vec<u64> {
    let counted = probe(path, &["-count_frames", "-show_streams"]);
    let streams = counted["streams"].as_array().unwrap();
    streams.iter().map(|it| it["nb_read_frames"].as_str().unwrap().parse().unwrap()).collect()
}

/// One stream's packets as read back: pts and dts in nanoseconds, key, size.
fn read_packets(path: &Path, stream: usize) -> Vec<(i64, bool)> {
    let probed = probe(path, &["-show_packets", "-show_streams"]);
    let base = probed["streams"][stream]["time_base"].as_str().unwrap();
    let (num, den) = base.split_once('/').unwrap();
    let (num, den): (i128, i128) = (num.parse().unwrap(), den.parse().unwrap());
    let packets = probed["packets"].as_array().unwrap().iter();
    let ours = packets.filter(|it| it["stream_index"] == stream);
    ours.map(|it| {
        let ticks = i128::from(it["pts"].as_i64().unwrap());
        let nanos = (ticks * num * 1_000_000_000 + den / 2).div_euclid(den);
        (nanos as i64, it["flags"].as_str().unwrap().starts_with('K'))
    })
    .collect()
}

/// Asserts that each packet of each track was read back, at its time to within `tolerance`
/// nanoseconds. Where all tracks were moved together by a codec's delay, that is taken out. Of sound,
/// `missing` packets may be missing at the end.
fn assert_packets(path: &Path, tracks: &[&Encoded], tolerance: i64, missing: usize) {
    let mut moved = 0;
    for (stream, track) in tracks.iter().enumerate() {
        let read = read_packets(path, stream);
        let whole = track.packets.iter().filter(|it| !it.data().is_empty());
        let wrote: Vec<(i64, bool)> = whole.map(|it| (it.pts.as_nanos(), it.key)).collect();
        let missing = if stream == 0 { 0 } else { missing };
        let all = wrote.len() - missing..=wrote.len();
        assert!(all.contains(&read.len()), "{}: stream {stream}: {} of {all:?}", path.display(), read.len());
        if stream == 0 {
            moved = read[0].0 - wrote[0].0;
            assert!((-1_000_000..25_000_000).contains(&moved), "{}: moved by {moved}", path.display());
        }
        for (n, (read, wrote)) in read.iter().zip(&wrote).enumerate() {
            let off = (read.0 - wrote.0 - moved).abs();
            let place = format!("{}: stream {stream}, packet {n}", path.display());
            assert!(off <= tolerance, "{place}: {read:?} for {wrote:?}, moved by {moved}");
            assert_eq!(read.1, wrote.1, "{place}: key");
        }
    }
}
