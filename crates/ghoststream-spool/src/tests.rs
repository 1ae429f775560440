//! What is written is read; room is given back; nothing is left.

use super::*;

/// Descriptors of this process that refer to files without a name in that directory.
fn open_in(directory: &Path) -> usize {
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = links.filter_map(|it| std::fs::read_link(it.unwrap().path()).ok());
    links.filter(|it| it.starts_with(directory)).count()
}

fn record(number: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| number.wrapping_mul(31).wrapping_add(at as u8)).collect()
}

#[test]
fn every_record_is_read_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(directory.path(), 1000).unwrap();
    // Some that fill a segment to the byte, one that is larger, and an empty one.
    let lengths = [400, 600, 1, 999, 3000, 0, 1000, 500, 501];
    let places: Vec<Place> =
        (0..).zip(lengths).map(|(n, length)| spool.write(&record(n, length)).unwrap()).collect();
    for ((n, length), place) in (0..).zip(lengths).zip(&places) {
        assert_eq!(place.read().unwrap(), record(n, length));
        assert_eq!(place.length(), length as u64);
    }
    assert_eq!(spool.used(), 1000 + 1000 + 3000 + 1000 + 1000 + 1000);
}

#[test]
fn room_is_given_back_with_the_last_place_and_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().join("made");
    let mut spool = Spool::open(&at, 1000).unwrap();
    let mut places = std::collections::VecDeque::new();
    for n in 0..200 {
        places.push_back(spool.write(&record(n, 500)).unwrap());
        if places.len() > 6 {
            places.pop_front();
        }
        // Six records and the one that shares a segment with the oldest.
        assert!(spool.used() <= 4000, "{}", spool.used());
        assert!(open_in(&at) <= 4);
    }
    assert_eq!(std::fs::read_dir(&at).unwrap().count(), 0, "no file has a name");
    let last = places.pop_back().unwrap();
    drop(places);
    drop(spool);
    assert_eq!(last.read().unwrap(), record(199, 500), "a place outlives its spool");
    drop(last);
    assert_eq!(open_in(&at), 0);
}

#[test]
fn a_directory_that_vanishes_takes_nothing_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().join("gone");
    let mut spool = Spool::open(&at, 100).unwrap();
    let before = spool.write(&record(1, 80)).unwrap();
    std::fs::remove_dir(&at).unwrap();
    let after = spool.write(&record(2, 80)).unwrap();
    assert_eq!((before.read().unwrap(), after.read().unwrap()), (record(1, 80), record(2, 80)));
    std::fs::remove_dir(&at).unwrap();
    std::fs::write(&at, "in its place").unwrap();
    spool.write(&record(3, 80)).unwrap_err();
    assert_eq!(before.read().unwrap(), record(1, 80));
}

#[test]
fn what_cannot_be_a_directory_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(Spool::open(&file, 100).is_err());
}

#[test]
fn room_that_there_is_not_is_told_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(directory.path(), 100).unwrap();
    let before = spool.write(&record(1, 90)).unwrap();
    // No disk has so much.
    spool.segment_bytes = 1 << 60;
    spool.write(&record(2, 90)).unwrap_err();
    assert_eq!(before.read().unwrap(), record(1, 90));
    assert_eq!(spool.used(), 100);
    spool.segment_bytes = 100;
    assert_eq!(spool.write(&record(3, 90)).unwrap().read().unwrap(), record(3, 90));
}
