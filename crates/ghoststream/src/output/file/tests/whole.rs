//! A normal end gives an ordinary, seekable file; before, it is whole as well.

use super::*;

/// Half a tick of the coarsest track, in nanoseconds: Matroska counts milliseconds, MP4 at least
/// 48,000 ticks a second.
fn tolerance(container: Container) -> i64 {
    if container == Container::Mp4 { 10_500 } else { 1_000_000 }
}

fn check(name: &str, container: Container, tracks: &[&Encoded]) {
    let dir = tempfile::tempdir().unwrap();
    for ended in [false, true] {
        let path = dir.path().join(format!("{name}-{ended}.{}", container.word()));
        recorded(&path, container, tracks, ended);
        let kept_back = usize::from(!ended && container != Container::Mp4);
        assert_packets(&path, tracks, tolerance(container), kept_back);
        let frames = decode(&path);
        assert_eq!(frames[0], tracks[0].packets.len() as u64, "pictures, ended: {ended}");
    }
}

#[test]
fn h264_with_b_frames_and_opus() {
    let video = testing::video("libx264", 60, 150, &[("bf", "3")]);
    let audio = testing::audio("libopus", 120);
    check("h264-opus", Container::Matroska, &[&video, &audio]);
    check("h264-opus", Container::Mp4, &[&video, &audio]);
}

#[test]
fn h264_with_b_frames_and_aac() {
    let video = testing::video("libx264", 60, 150, &[("bf", "3")]);
    let audio = testing::audio("aac", 110);
    check("h264-aac", Container::Matroska, &[&video, &audio]);
    check("h264-aac", Container::Mp4, &[&video, &audio]);
}

#[test]
fn hevc_and_flac() {
    let video = testing::video("libx265", 30, 60, &[("x265-params", "log-level=error")]);
    let audio = testing::audio("flac", 20);
    check("hevc-flac", Container::Matroska, &[&video, &audio]);
    check("hevc-flac", Container::Mp4, &[&video, &audio]);
}

#[test]
fn av1_and_opus() {
    let video = testing::video("libsvtav1", 30, 60, &[("preset", "12")]);
    let audio = testing::audio("libopus", 100);
    check("av1-opus", Container::Matroska, &[&video, &audio]);
    check("av1-opus", Container::Mp4, &[&video, &audio]);
    check("av1-opus", Container::WebM, &[&video, &audio]);
}
