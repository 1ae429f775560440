//! What is held beyond memory, on a disk.

use std::time::Instant;

use super::*;
use crate::output::replay::clip::{Clip, Cut};
use crate::output::replay::ring::tests::picture_track;
use crate::output::replay::shelf::Room;
use crate::output::replay::tests::packet;
use crate::{Container, output::replay::ring::end_of};

const MS: i64 = 1_000_000;

/// So many seconds, of which memory takes so many bytes and the disk the rest.
pub(in crate::output::replay) fn store(
    directory: &std::path::Path,
    seconds: u64,
    memory: u64,
    disk: u64,
) -> Store {
    let limits = Limits { span: Duration::from_secs(seconds), bytes: memory };
    let shelf = Shelf::open(directory, Room { disk, memory: memory / 4 }).unwrap();
    Store::new(Ring::new(limits, picture_track(), 1), Some(shelf))
}

/// Ten pictures a second, a key picture every two, and sound beside them; each packet says which it is.
fn fill(store: &mut Store, seconds: i64, size: usize) {
    for n in 0..seconds * 10 {
        for track in 0..2 {
            let mut it = packet(track, n * 100, 100, track == 1 || n % 20 == 0, size);
            it.payload = marked(track, n, size)[..].into();
            store.push(&it);
        }
        settle(store);
    }
}

/// The disk of a busy machine may be slower than the hour that goes by here in a moment.
fn settle(store: &Store) {
    let start = Instant::now();
    while store.shelf.as_ref().unwrap().waiting() > store.limits().bytes / 8 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn marked(track: usize, number: i64, size: usize) -> Vec<u8> {
    (0..size).map(|at| (number * 7 + at as i64 + track as i64) as u8).collect()
}

fn clip(store: &Store, last: u64) -> Clip {
    let cut = Cut { last: Duration::from_secs(last), until: None, container: Container::Matroska };
    Clip::cut(store.snapshot(), cut).unwrap().unwrap()
}

#[test]
fn an_hour_is_held_and_comes_back_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path(), 3600, 1 << 20, 64 << 20);
    fill(&mut store, 3700, 500);
    let held = store.held();
    assert!((3600.0..3602.1).contains(&held.as_secs_f64()), "{held:?}");
    assert!(!store.shortened() && store.bytes() <= 5 << 18, "{}", store.bytes());
    let report = store.report(&ReplayReport::default());
    assert!(report.disk_bytes > 30 << 20 && report.disk_failure.is_none(), "{report:?}");
    let all: Vec<Packet> = clip(&store, 4000).map(Result::unwrap).collect();
    assert!(all.windows(2).all(|it| it[0].dts <= it[1].dts), "in order of decoding");
    let first = (3700.0 - held.as_secs_f64()) * 10.0;
    for track in 0..2 {
        let packets: Vec<_> = all.iter().filter(|it| it.track == track).collect();
        assert_eq!(packets.len(), (held.as_secs_f64() * 10.0).round() as usize);
        for (n, it) in (first.round() as i64..).zip(&packets) {
            assert_eq!(it.data(), marked(track, n, 500), "packet {n} of track {track}");
            assert_eq!(it.key, track == 1 || n % 20 == 0);
        }
        assert!(packets.windows(2).all(|it| end_of(it[0]) == it[1].pts), "nothing is missing");
    }
}

#[test]
fn a_clip_that_begins_on_the_disk_and_ends_in_memory_is_as_long_as_asked() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path(), 600, 256 << 10, 64 << 20);
    fill(&mut store, 300, 500);
    let in_memory = store.ring.held().as_secs();
    assert!((10..100).contains(&in_memory), "{in_memory}");
    for last in [5, in_memory - 1, in_memory, in_memory + 1, in_memory + 2, in_memory + 30, 299] {
        let clip = clip(&store, last);
        let bytes = clip.bytes;
        let packets: Vec<Packet> = clip.map(Result::unwrap).collect();
        assert_eq!(packets.iter().map(|it| it.data().len() as u64).sum::<u64>(), bytes);
        let pictures: Vec<_> = packets.iter().filter(|it| it.track == 0).collect();
        let end = end_of(pictures.last().unwrap()).as_nanos() / MS;
        assert!(pictures[0].key && pictures[0].pts == MediaTime::ZERO);
        assert!((last as i64 * 1000..last as i64 * 1000 + 2000).contains(&end), "{end} ms of {last} s");
        let sound = packets.iter().find(|it| it.track == 1).unwrap();
        assert_eq!(sound.pts, MediaTime::ZERO, "the sound begins with them");
    }
}

#[test]
fn a_share_that_is_too_small_is_told_and_the_newest_are_held() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path(), 3600, 128 << 10, 2 << 20);
    fill(&mut store, 600, 500);
    let report = store.report(&ReplayReport::default());
    assert!(report.shortened && report.disk_bytes <= 2 << 20 && report.disk_bytes > 1 << 20, "{report:?}");
    let packets: Vec<Packet> = clip(&store, 3600).map(Result::unwrap).collect();
    let pictures: Vec<_> = packets.iter().filter(|it| it.track == 0).collect();
    assert!(pictures.windows(2).all(|it| end_of(it[0]) == it[1].pts), "without a hole");
    assert_eq!(pictures.last().unwrap().data(), marked(0, 5999, 500));
    assert!(report.held_seconds > 90.0, "{report:?}");
}

#[test]
fn a_disk_that_breaks_leaves_what_is_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("gone");
    let mut store = store(&at, 3600, 256 << 10, 64 << 20);
    fill(&mut store, 100, 500);
    let before = store.snapshot();
    assert!(!before.shelved.is_empty());
    // The directory vanishes, and something else has its name: the next segment cannot be made.
    std::fs::remove_dir(&at).unwrap();
    std::fs::write(&at, "").unwrap();
    let mut n = 1000;
    while store.report(&ReplayReport::default()).disk_failure.is_none() {
        assert!(n < 10_000, "it is not told");
        store.push(&packet(0, n * 100, 100, n % 20 == 0, 5000));
        settle(&store);
        n += 1;
    }
    store.push(&packet(0, n * 100, 100, true, 5000));
    assert!(store.shortened() && store.snapshot().shelved.is_empty());
    let packets: Vec<Packet> = clip(&store, 3600).map(Result::unwrap).collect();
    assert!(packets.len() > 10, "what is in memory is a clip");
    // What a save has taken before is still there.
    let cut = Cut { last: Duration::from_secs(3600), until: None, container: Container::Matroska };
    let earlier = Clip::cut(before, cut).unwrap().unwrap();
    assert_eq!(earlier.map(Result::unwrap).filter(|it| it.track == 0).count(), 1000);
}

#[test]
fn nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let links = std::fs::read_dir("/proc/self/fd").unwrap();
        let links = links.filter_map(|it| std::fs::read_link(it.unwrap().path()).ok());
        links.filter(|it| it.starts_with(dir.path())).count()
    };
    let mut store = store(dir.path(), 3600, 128 << 10, 16 << 20);
    fill(&mut store, 300, 500);
    assert!(open() > 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "not even while it runs");
    drop(store);
    assert_eq!(open(), 0);
}
