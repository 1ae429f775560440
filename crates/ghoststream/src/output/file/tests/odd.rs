//! Tracks that begin late, stop, leave gaps, or say little about themselves.

use std::time::Duration;

use super::*;
use crate::MediaTime;
use crate::output::file::disk::Disk;
use crate::output::file::mp4::Mp4;
use crate::output::file::recorded::Recorded;

const SECOND: i64 = 1_000_000_000;

fn later(mut encoded: Encoded, nanos: i64) -> Encoded {
    for packet in &mut encoded.packets {
        packet.pts = packet.pts.offset(nanos);
        packet.dts = packet.dts.offset(nanos);
    }
    encoded
}

/// Where the first sound is heard, and the first picture shown, in seconds, as a player counts.
fn first_shown(path: &Path) -> (f64, f64) {
    let first = |stream: &str| {
        let what = ["-select_streams", stream, "-show_frames", "-read_intervals", "%+#3"];
        let probed = probe(path, &what);
        probed["frames"][0]["best_effort_timestamp_time"].as_str().unwrap().parse::<f64>().unwrap()
    };
    (first("v:0"), first("a:0"))
}

#[test]
fn a_track_that_begins_late_keeps_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let video = testing::video("libx264", 60, 120, &[("bf", "2")]);
    for (name, shift) in [("late-sound", 1_500_000_000), ("odd", 777_777_777)] {
        for encoder in ["aac", "libopus"] {
            let audio = later(testing::audio(encoder, 60), shift);
            for ended in [false, true] {
                let path = dir.path().join(format!("{name}-{encoder}-{ended}.mp4"));
                recorded(&path, Container::Mp4, &[&video, &audio], ended);
                assert_packets(&path, &[&video, &audio], 10_500, 0);
                assert_eq!(decode(&path)[0], 120);
                let (picture, sound) = first_shown(&path);
                // Before its end, a file shows what the encoder put before the sound, too.
                let heard = if ended { 0.0001 } else { 0.022 };
                assert!(
                    picture == 0.0 && (sound - shift as f64 / 1e9).abs() <= heard,
                    "{name}: {picture} {sound}"
                );
            }
        }
    }
    let path = dir.path().join("late-picture.mp4");
    let (video, audio) = (later(video, SECOND), testing::audio("aac", 90));
    recorded(&path, Container::Mp4, &[&video, &audio], true);
    let (picture, sound) = first_shown(&path);
    assert_eq!((picture, sound), (1.0, 0.0));
    assert_packets(&path, &[&video, &audio], 10_500, 0);
}

#[test]
fn a_track_that_comes_after_the_header_and_before_its_time_is_written() {
    // An encoder that looks far ahead: its first picture is decoded before zero, and comes late.
    let dir = tempfile::tempdir().unwrap();
    let (video, audio) = (testing::video("libx264", 60, 60, &[("bf", "3")]), testing::audio("aac", 90));
    for container in [Container::Matroska, Container::Mp4] {
        for ended in [false, true] {
            let path = dir.path().join(format!("{container}-{ended}"));
            let mut sink = open(&path, container, &[&video, &audio]);
            let (early, late): (Vec<_>, Vec<_>) =
                audio.packets.iter().partition(|it| it.dts < MediaTime::from_nanos(SECOND));
            let as_sound = |it: &&Packet| Packet { track: 1, ..(*it).clone() };
            early.iter().map(as_sound).for_each(|it| sink.write(&it).unwrap());
            video.packets.iter().for_each(|it| sink.write(it).unwrap());
            late.iter().map(as_sound).for_each(|it| sink.write(&it).unwrap());
            std::thread::sleep(super::super::UNIT);
            sink.idle().unwrap();
            if ended {
                sink.finish().unwrap();
            }
            assert_packets(
                &path,
                &[&video, &audio],
                1_000_000,
                usize::from(container != Container::Mp4 && !ended),
            );
            assert_eq!(decode(&path)[0], 60);
        }
    }
}

#[test]
fn any_set_of_tracks_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (video, opus) = (testing::video("libx264", 30, 30, &[]), testing::audio("libopus", 50));
    let (aac, flac) = (testing::audio("aac", 47), testing::audio("flac", 11));
    let sets: [&[&Encoded]; 4] = [&[&video], &[&opus], &[&aac, &flac], &[&video, &opus, &aac, &flac, &opus]];
    for (n, set) in sets.into_iter().enumerate() {
        for container in [Container::Matroska, Container::Mp4] {
            for ended in [false, true] {
                let path = dir.path().join(format!("{n}-{container}-{ended}"));
                recorded(&path, container, set, ended);
                let kept_back = usize::from(container != Container::Mp4 && !ended);
                let tolerance = if container == Container::Mp4 { 10_500 } else { 1_000_000 };
                // Sound alone may miss its last packet as well.
                if kept_back == 0 || n == 0 || n == 3 {
                    assert_packets(&path, set, tolerance, kept_back);
                }
                assert_eq!(decode(&path).len(), set.len());
            }
        }
    }
}

#[test]
fn packets_without_a_duration_and_with_gaps_keep_their_times() {
    let dir = tempfile::tempdir().unwrap();
    let mut video = testing::video("libx264", 30, 30, &[("tune", "zerolatency")]);
    for (n, packet) in video.packets.iter_mut().enumerate() {
        packet.duration = Duration::ZERO;
        let gap = if n >= 10 { 7 * 3600 * SECOND } else { 0 } + if n >= 20 { 123_456_789 } else { 0 };
        packet.pts = packet.pts.offset(gap);
        packet.dts = packet.dts.offset(gap);
    }
    for container in [Container::Matroska, Container::Mp4] {
        for ended in [false, true] {
            let path = dir.path().join(format!("{container}-{ended}"));
            recorded(&path, container, &[&video], ended);
            assert_packets(&path, &[&video], 1_000_000, 0);
            assert_eq!(decode(&path), [30]);
        }
    }
}

#[test]
fn a_gap_that_an_ordinary_mp4_cannot_say_leaves_it_fragmented() {
    let dir = tempfile::tempdir().unwrap();
    let mut video = testing::video("libx264", 30, 30, &[("tune", "zerolatency")]);
    for packet in &mut video.packets[10..] {
        packet.pts = packet.pts.offset(20 * 3600 * SECOND);
        packet.dts = packet.dts.offset(20 * 3600 * SECOND);
    }
    let path = dir.path().join("a.mp4");
    recorded(&path, Container::Mp4, &[&video], true);
    assert_eq!(&std::fs::read(&path).unwrap()[36..40], b"free");
    assert_packets(&path, &[&video], 10_500, 0);
    assert_eq!(decode(&path), [30]);
}

/// Ten minutes at 60 pictures a second: what ends the file is the index, and nothing is copied.
#[test]
fn ending_a_long_recording_writes_its_index_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.mp4");
    let (video, mut audio) =
        (testing::video("libx264", 60, 120, &[("bf", "2")]), testing::audio("libopus", 100));
    audio.packets.truncate(100);
    let tracks = [video.track.clone(), audio.track.clone()];
    let layout = Mp4::of(&tracks, Default::default()).unwrap();
    let mut sink = Recorded::create(layout, || Disk::create(&path, false)).unwrap();
    let merged = merge(&[&video, &audio]);
    for round in 0..300 {
        for packet in &merged {
            let (pts, dts) = (packet.pts.offset(round * 2 * SECOND), packet.dts.offset(round * 2 * SECOND));
            sink.write(&Packet { pts, dts, ..packet.clone() }).unwrap();
        }
    }
    let before = sink.written();
    sink.finish().unwrap();
    let end = sink.written() - before;
    // 36,000 pictures and 30,000 packets of sound, at most 12 bytes each.
    assert!(end < 66_000 * 12, "{end} bytes after {before}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), sink.report().bytes);
    let probed = probe(&path, &["-show_format", "-show_streams"]);
    assert_eq!(probed["streams"][0]["nb_frames"], "36000");
    assert_eq!(probed["streams"][0]["duration"], "600.000000");
    assert!((sink.report().seconds - 600.0).abs() < 0.05);
}
