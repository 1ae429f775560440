//! Saves that overlap, wait, or fail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{clips::shown, fill, opened};
use crate::output::OutputError;
use crate::output::file::testing::{Encoded, video};
use crate::output::file::tests::full::with_small_disk_for;
use crate::output::replay::{Buffer, SavedReplay, Wish};
use crate::{Container, MediaTime};

fn pictures() -> Encoded {
    video("libx264", 30, 120, &[("preset", "ultrafast")])
}

fn save(buffer: &Arc<Buffer>) -> Result<Vec<SavedReplay>, OutputError> {
    Arc::clone(buffer).save(Wish::default())?.blocking_recv().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let name =
        |it: std::io::Result<std::fs::DirEntry>| it.unwrap().file_name().to_string_lossy().into_owned();
    std::fs::read_dir(dir).unwrap().map(name).collect()
}

#[test]
fn saves_that_overlap_are_all_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (mut sink, buffer) = opened(dir.path(), Container::Mp4, 60, &[&pictures()]);
    fill(&mut *sink, &pictures().packets);
    let answers: Vec<_> = (0..4).map(|_| Arc::clone(&buffer).save(Wish::default()).unwrap()).collect();
    let clips: Vec<_> = answers.into_iter().flat_map(|it| it.blocking_recv().unwrap().unwrap()).collect();
    assert_eq!(names(dir.path()).len(), 4);
    for clip in &clips {
        assert_eq!(shown(&clip.path, "v:0").len(), 120);
    }
    let report = sink.report();
    assert_eq!(report.replay.as_ref().unwrap().clips, 4);
    assert_eq!(report.bytes, clips.iter().map(|it| it.bytes).sum::<u64>());
}

#[test]
fn what_was_captured_before_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (mut sink, buffer) = opened(dir.path(), Container::Mp4, 60, &[&pictures()]);
    let packets = pictures().packets;
    fill(&mut *sink, &packets[..60]);
    let until = Some(MediaTime::from_nanos(3_900_000_000));
    let answer = Arc::clone(&buffer).save(Wish { until, ..Wish::default() }).unwrap();
    fill(&mut *sink, &packets[60..]);
    let clips = answer.blocking_recv().unwrap().unwrap();
    assert!(clips[0].seconds >= 3.9, "{clips:?}");
}

#[test]
fn an_end_waits_for_the_saves_and_then_there_are_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (mut sink, buffer) = opened(dir.path(), Container::Mp4, 60, &[&pictures()]);
    fill(&mut *sink, &pictures().packets);
    let answer = Arc::clone(&buffer)
        .save(Wish { until: Some(MediaTime::from_nanos(i64::MAX)), ..Wish::default() })
        .unwrap();
    sink.finish().unwrap();
    let clips = answer.blocking_recv().unwrap().unwrap();
    assert!(clips[0].path.exists());
    let refused = Arc::clone(&buffer).save(Wish::default()).unwrap_err();
    assert!(refused.to_string().contains("it has ended"), "{refused}");
}

#[test]
fn nothing_held_and_no_time_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (_sink, buffer) = opened(dir.path(), Container::Mp4, 60, &[&pictures()]);
    let refused = save(&buffer).unwrap_err();
    assert!(refused.to_string().contains("no picture is held yet"), "{refused}");
    let refused =
        Arc::clone(&buffer).save(Wish { last: Some(Duration::ZERO), ..Wish::default() }).unwrap_err();
    assert!(refused.to_string().contains("no time was asked for"), "{refused}");
}

#[test]
fn a_directory_that_vanished_is_made_again_and_one_that_cannot_be_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("a/b");
    let (mut sink, buffer) = opened(&place, Container::Matroska, 60, &[&pictures()]);
    fill(&mut *sink, &pictures().packets);
    std::fs::remove_dir_all(dir.path().join("a")).unwrap();
    let clips = save(&buffer).unwrap();
    assert!(clips[0].path.starts_with(&place) && clips[0].path.exists());

    std::fs::remove_dir_all(dir.path().join("a")).unwrap();
    std::fs::write(dir.path().join("a"), "a file is in its place").unwrap();
    let refused = save(&buffer).unwrap_err();
    assert!(refused.to_string().contains("a/b"), "{refused}");
    std::fs::remove_file(dir.path().join("a")).unwrap();
    let clips = save(&buffer).unwrap();
    assert_eq!(shown(&clips[0].path, "v:0").len(), 120, "nothing that was held is lost");
    let report = sink.report().replay.unwrap();
    assert_eq!((report.clips, report.failed), (2, 1));
    assert!(report.last_failure.unwrap().contains("a/b"));
}

#[test]
fn a_full_disk_is_told_leaves_nothing_and_costs_nothing_that_is_held() {
    let test =
        "output::replay::tests::saves::a_full_disk_is_told_leaves_nothing_and_costs_nothing_that_is_held";
    with_small_disk_for(test, 600, |place| {
        let (mut sink, buffer) = opened(place, Container::Mp4, 60, &[&pictures()]);
        fill(&mut *sink, &pictures().packets);
        let ballast = place.join("ballast");
        std::fs::write(&ballast, vec![1; 560 << 10]).unwrap();
        let refused = save(&buffer).unwrap_err();
        assert!(matches!(refused, OutputError::NoRoom { .. }), "{refused}");
        // Just as much room as the packets take is not enough for a file of them.
        let bytes: usize = pictures().packets.iter().map(|it| it.data().len()).sum();
        let room = bytes.next_multiple_of(4096) as u64;
        std::fs::OpenOptions::new()
            .write(true)
            .open(&ballast)
            .unwrap()
            .set_len((600 << 10) - room - 4096)
            .unwrap();
        let refused = save(&buffer).unwrap_err();
        assert!(matches!(refused, OutputError::Full { .. }), "{refused}");
        assert_eq!(names(place), ["ballast"], "what was begun does not fill the disk");
        std::fs::remove_file(ballast).unwrap();
        assert_eq!(shown(&save(&buffer).unwrap()[0].path, "v:0").len(), 120);
    });
}

#[test]
fn too_many_saves_at_once_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mut sink, buffer) = opened(dir.path(), Container::Mp4, 60, &[&pictures()]);
    fill(&mut *sink, &pictures().packets);
    let wish = Wish { until: Some(MediaTime::from_nanos(i64::MAX)), ..Wish::default() };
    let answers: Vec<_> = (0..8).map(|_| Arc::clone(&buffer).save(wish.clone()).unwrap()).collect();
    let refused = Arc::clone(&buffer).save(wish.clone()).unwrap_err();
    assert!(refused.to_string().contains("8 clips are being written already"), "{refused}");
    sink.finish().unwrap();
    assert!(answers.into_iter().all(|it| it.blocking_recv().unwrap().is_ok()));
}
