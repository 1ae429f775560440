//! A normal end: an ordinary, seekable file.

use std::process::Command;

use super::*;
use crate::{Container, Output, OutputConfig};

#[test]
fn matroska_is_an_ordinary_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let video = testing::video("libx264", 60, 120, &[("bf", "2")]);
    let audio = testing::audio("libopus", 100);
    let config = OutputConfig::new(Output::File { path: path.clone(), container: Container::Matroska });
    let mut sink = crate::output::open(&config, &[video.track.clone(), audio.track.clone()]).unwrap();
    for packet in merge(&[&video, &audio]) {
        sink.write(&packet).unwrap();
    }
    sink.finish().unwrap();
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_format", "-show_streams", "-count_packets"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(probe.status.success());
}
