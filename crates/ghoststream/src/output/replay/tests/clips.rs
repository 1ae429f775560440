//! Clips of real packets, read back by ffprobe.

use std::path::Path;
use std::process::Command;

use super::{fill, opened};
use crate::encode::Packet;
use crate::output::file::testing::{Encoded, audio, merge, video};
use crate::output::replay::{SavedReplay, Wish};
use crate::{Container, MediaTime};

/// When each frame of a stream is shown or heard, as FFmpeg decodes it: without those that are hidden,
/// but for HEVC's, which FFmpeg 5.1 gives back at times before zero. ffprobe may not say a word of
/// complaint.
pub(super) fn shown(path: &Path, stream: &str) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "warning", "-select_streams", stream])
        .args(["-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", path.display());
    let time = |line: &str| line.trim().trim_end_matches(',').parse().ok();
    String::from_utf8_lossy(&output.stdout).lines().filter_map(time).collect()
}

/// Those from zero on.
fn from_zero(times: Vec<f64>) -> Vec<f64> {
    times.into_iter().filter(|it| *it > -0.001).collect()
}

fn length(path: &Path) -> f64 {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

fn assert_even(times: &[f64], fps: f64) {
    for (n, time) in times.iter().enumerate() {
        let wanted = times[0] + n as f64 / fps;
        assert!((time - wanted).abs() < 0.002, "frame {n} at {time}, not at {wanted}");
    }
}

/// Saves the last so many seconds of ten, of which eight are kept.
fn saved(
    pictures: &Encoded,
    sound: &Encoded,
    container: Container,
    last: f64,
) -> (tempfile::TempDir, SavedReplay) {
    let dir = tempfile::tempdir().unwrap();
    let (mut sink, buffer) = opened(dir.path(), container, 8, &[pictures, sound]);
    fill(&mut *sink, &merge(&[pictures, sound]));
    let until = Some(MediaTime::from_nanos(10_000_000_000));
    let answer = buffer
        .save(Wish { last: Some(std::time::Duration::from_secs_f64(last)), until, ..Wish::default() })
        .unwrap();
    sink.finish().unwrap();
    let mut clips = answer.blocking_recv().unwrap().unwrap();
    assert_eq!(clips.len(), 1);
    let clip = clips.remove(0);
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(names, std::slice::from_ref(&clip.path), "nothing else is left there");
    assert_eq!(clip.bytes, clip.path.metadata().unwrap().len());
    (dir, clip)
}

#[test]
fn mp4_shows_what_was_asked_for_to_the_picture_and_the_sound_with_it() {
    let cases = [
        (audio("aac", 469), &[3.5, 7.96][..]),
        (audio("libopus", 500), &[1.0 / 30.0]),
        (audio("flac", 105), &[2.0]),
    ];
    let pictures = video("libx264", 30, 300, &[("bf", "3"), ("preset", "veryfast")]);
    for (sound, lasts) in cases {
        for &last in lasts {
            let (_dir, clip) = saved(&pictures, &sound, Container::Mp4, last);
            let times = shown(&clip.path, "v:0");
            let wanted = (last * 30.0).ceil() as usize;
            assert!((wanted..=wanted + 1).contains(&times.len()), "{} pictures for {last} s", times.len());
            assert!(times[0].abs() < 0.001, "the first picture is at zero, not at {}", times[0]);
            assert_even(&times, 30.0);
            assert!((length(&clip.path) - clip.seconds).abs() < 0.03, "{clip:?}, {}", length(&clip.path));
            assert!(clip.seconds >= last - 0.001 && clip.seconds < last + 0.1, "{clip:?} for {last}");
            let heard = shown(&clip.path, "a:0");
            assert!(heard[0].abs() < 0.12, "the sound begins at {}", heard[0]);
        }
    }
}

#[test]
fn matroska_begins_at_the_key_picture_before() {
    let pictures = video("libx264", 30, 300, &[("bf", "3"), ("preset", "veryfast")]);
    let sound = audio("libopus", 500);
    let (_dir, clip) = saved(&pictures, &sound, Container::Matroska, 3.5);
    let times = shown(&clip.path, "v:0");
    assert_eq!(times.len(), 120, "from second 6 on");
    assert_even(&times, 30.0);
    let heard = shown(&clip.path, "a:0");
    assert!((0.0..0.03).contains(&(heard[0] - times[0] + 0.001)), "{} and {}", heard[0], times[0]);
}

/// What clips are, in every container and with pictures that are not shown in the order in which they are decoded:
/// pictures and sound at least as long as was asked for, and at most a group of pictures longer.
#[test]
fn every_clip_is_at_least_as_long_as_asked_and_at_most_a_group_longer() {
    // Groups are of a second; sound ends within its last packet, and begins within the one before zero.
    const GROUP: f64 = 1.0;
    const PACKET: f64 = 0.025;
    let x265 = [("preset", "ultrafast"), ("x265-params", "log-level=none:keyint=30"), ("bf", "4")];
    let avc = video("libx264", 30, 300, &[("bf", "3"), ("preset", "veryfast")]);
    let hevc = video("libx265", 30, 300, &x265);
    let av1 = video("libsvtav1", 30, 300, &[("preset", "10")]);
    for pictures in [&avc, &hevc] {
        assert!(pictures.packets.iter().any(|it| it.pts != it.dts), "not shown in the order of decoding");
    }
    let (aac, opus) = (audio("aac", 469), audio("libopus", 500));
    let cases = [
        (&avc, &aac, Container::Mp4),
        (&avc, &opus, Container::Matroska),
        (&hevc, &aac, Container::Matroska),
        (&hevc, &opus, Container::Mp4),
        (&av1, &opus, Container::WebM),
    ];
    for (pictures, sound, container) in cases {
        for last in [0.3, 2.0, 3.52, 6.999] {
            let (_dir, clip) = saved(pictures, sound, container, last);
            let most = last + if container == Container::Mp4 { 0.067 } else { GROUP + 0.034 };
            let [shown, heard] = ["v:0", "a:0"].map(|it| from_zero(shown(&clip.path, it)));
            let seconds = shown.len() as f64 / 30.0;
            assert!((last - 0.001..=most).contains(&seconds), "{seconds} s of pictures for {last}: {clip:?}");
            assert_even(&shown, 30.0);
            let seconds = heard[heard.len() - 1] - heard[0];
            let sound = last - 3.0 * PACKET..=most + PACKET;
            assert!(sound.contains(&seconds), "{seconds} s of sound for {last}: {clip:?}");
            assert!((heard[0] - shown[0]).abs() < 2.0 * PACKET, "sound from {}, {clip:?}", heard[0]);
        }
    }
}

#[test]
fn other_codecs_are_cut_alike() {
    let x265 = [("preset", "ultrafast"), ("x265-params", "log-level=none"), ("bf", "3")];
    let cases = [
        (video("libx265", 30, 300, &x265), &[Container::Mp4][..]),
        (video("libsvtav1", 30, 300, &[("preset", "10")]), &[Container::Mp4, Container::WebM]),
    ];
    let sound = audio("libopus", 500);
    for (pictures, containers) in cases {
        for &container in containers {
            let (_dir, clip) = saved(&pictures, &sound, container, 2.5);
            let times = from_zero(shown(&clip.path, "v:0"));
            assert!(times[0] < 0.1, "the first picture is at {}", times[0]);
            assert_even(&times, 30.0);
            let most = if container == Container::Mp4 { 76 } else { 105 };
            assert!((75..=most).contains(&times.len()), "{}: {}", clip.path.display(), times.len());
        }
    }
}

/// The packets of `second` as they come when it takes over from `first`.
pub(super) fn takeover(first: &Encoded, second: &Encoded) -> Vec<Packet> {
    let at = first.packets.iter().map(|it| it.pts.offset(33_333_333)).max().unwrap();
    let mut last = first.packets.iter().map(|it| it.dts).max().unwrap();
    let begun = second.packets.iter().enumerate().map(|(n, it)| {
        last = at.offset(it.dts.as_nanos()).max(last.offset(1));
        let begins = (n == 0).then(|| std::sync::Arc::new(second.track.clone()));
        Packet { pts: at.offset(it.pts.as_nanos()), dts: last, begins, ..it.clone() }
    });
    first.packets.iter().cloned().chain(begun).collect()
}

#[test]
fn an_encoder_that_took_over_is_in_the_clip_or_begins_it() {
    let first = video("libx264", 30, 90, &[("preset", "ultrafast")]);
    let same = video("libx264", 30, 90, &[("preset", "medium"), ("bf", "2")]);
    let other = video("libx265", 30, 90, &[("preset", "ultrafast"), ("x265-params", "log-level=none")]);
    let cases = [(&same, 1, Container::Mp4), (&other, 2, Container::Mp4), (&other, 2, Container::Matroska)];
    for (second, files, container) in cases {
        for (last, pictures) in [(5.0, 150), (2.0, 60)] {
            let dir = tempfile::tempdir().unwrap();
            let (mut sink, buffer) = opened(dir.path(), container, 60, &[&first]);
            fill(&mut *sink, &takeover(&first, second));
            let answer = buffer
                .save(Wish { last: Some(std::time::Duration::from_secs_f64(last)), ..Wish::default() })
                .unwrap();
            let clips = answer.blocking_recv().unwrap().unwrap();
            assert_eq!(clips.len(), if last > 3.0 { files } else { 1 }, "{clips:?}");
            let all: usize = clips.iter().map(|it| from_zero(shown(&it.path, "v:0")).len()).sum();
            // FFmpeg 5.1's libx265 does not say how long its last picture is shown.
            let most = pictures + if container == Container::Mp4 { 2 } else { 30 };
            assert!((pictures..=most).contains(&all), "{all} of {pictures}: {clips:?}");
            let hidden = |it: &SavedReplay| it.path.file_name().unwrap().to_string_lossy().starts_with('.');
            assert!(!clips.iter().any(hidden), "{clips:?}");
        }
    }
}
