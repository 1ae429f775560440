//! Markers of the recording are chapters of the clips.

use std::time::Duration;

use super::clips::takeover;
use super::{fill, opened};
use crate::encode::Packet;
use crate::output::Marker;
use crate::output::file::testing::{Encoded, video};
use crate::output::file::tests::chapters::chapters;
use crate::output::replay::Wish;
use crate::{Container, MediaTime};

fn pictures() -> Encoded {
    video("libx264", 30, 300, &[("bf", "3"), ("preset", "ultrafast")])
}

fn marker(ms: i64, title: &str) -> Marker {
    Marker { at: MediaTime::from_nanos(ms * 1_000_000), title: title.to_owned() }
}

/// Start in milliseconds and title of each chapter, of each file of the clip.
fn saved(
    container: Container,
    (tracks, packets): (&Encoded, &[Packet]),
    last: Duration,
    markers: Vec<Marker>,
) -> Vec<Vec<(i64, String)>> {
    let dir = tempfile::tempdir().unwrap();
    let (mut sink, buffer) = opened(dir.path(), container, 60, &[tracks]);
    fill(&mut *sink, packets);
    let wish = Wish { last: Some(last), markers, ..Wish::default() };
    let clips = buffer.save(wish).unwrap().blocking_recv().unwrap().unwrap();
    let of_file = |path| chapters(path).into_iter().map(|(start, _, title)| (start, title)).collect();
    clips.iter().map(|clip| of_file(&clip.path)).collect()
}

fn named(chapters: &[(i64, &str)]) -> Vec<(i64, String)> {
    chapters.iter().map(|&(start, title)| (start, title.to_owned())).collect()
}

#[test]
fn those_in_the_clip_are_its_chapters_from_its_own_zero() {
    let pictures = pictures();
    let at =
        || vec![marker(9000, "end"), marker(2000, "before"), marker(6200, "hidden"), marker(7000, "goal")];
    let chapters = |container| {
        saved(container, (&pictures, &pictures.packets), Duration::from_millis(3490), at()).remove(0)
    };
    // Of ten seconds the last 3.49 begin with the picture at 6.5 in MP4; the key picture before is at 6.
    let mp4 = chapters(Container::Mp4);
    // A picture more or less: not every libavcodec says how long the last one is shown.
    let goal = mp4[1].0;
    assert!((500..=534).contains(&goal), "{mp4:?}");
    assert_eq!(mp4, named(&[(0, "Start"), (goal, "goal"), (goal + 2000, "end")]));
    let from_key_picture = [(0, "Start"), (200, "hidden"), (1000, "goal"), (3000, "end")];
    assert_eq!(chapters(Container::Matroska), named(&from_key_picture));
}

#[test]
fn a_clip_without_markers_has_no_chapters() {
    let pictures = pictures();
    let before = vec![marker(2000, "before")];
    let last = Duration::from_secs(3);
    assert_eq!(saved(Container::Mp4, (&pictures, &pictures.packets), last, before), [[]]);
}

#[test]
fn each_file_of_a_clip_has_its_own() {
    let first = video("libx264", 30, 90, &[("preset", "ultrafast")]);
    let second = video("libx265", 30, 90, &[("preset", "ultrafast"), ("x265-params", "log-level=none")]);
    let markers = vec![marker(1000, "one"), marker(4000, "two")];
    let packets = takeover(&first, &second);
    let files = saved(Container::Matroska, (&first, &packets), Duration::from_secs(60), markers);
    assert_eq!(files.len(), 2);
    assert_eq!(files[0], named(&[(0, "Start"), (1000, "one")]));
    let (start, title) = files[1].last().unwrap();
    assert!((900..=1100).contains(start) && title == "two" && files[1].len() == 2, "{files:?}");
}
