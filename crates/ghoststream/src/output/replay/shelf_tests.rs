//! A stretch is on the disk what it was in memory; a full disk has the oldest make room.

use std::time::Instant;

use super::*;
use crate::encode::Packet;
use crate::output::file::tests::full::with_small_disk_for;
use crate::output::replay::ring::Group;
use crate::output::replay::ring::tests::picture_track;
use crate::output::replay::tests::packet;

fn stretch(number: i64, size: usize) -> Stretch {
    let track = Arc::new(picture_track());
    let pictures: Vec<Packet> =
        (0..10).map(|n| packet(0, number * 1000 + n * 100, 100, n == 0, size)).collect();
    let sound = (0..5).map(|n| packet(1, number * 1000 + n * 200, 200, true, 20)).collect();
    Stretch { group: Arc::new(Group::of(track, pictures)), sound: vec![sound, Vec::new()] }
}

#[test]
fn what_is_read_is_what_was_written() {
    let next = Arc::new(picture_track());
    let mut pictures: Vec<Packet> = stretch(7, 900).group.packets.clone();
    pictures[4].begins = Some(Arc::clone(&next));
    pictures[5].dts = MediaTime::from_nanos(-5);
    let track = Arc::new(picture_track());
    let group = Arc::new(Group::of(Arc::clone(&track), pictures));
    let before = Stretch { group, ..stretch(7, 900) };
    let (bytes, begun) = (record::to_bytes(&before), record::begun(&before));
    let after = record::from_bytes(&bytes, &track, &begun, 2).unwrap();
    let fields = |stretch: &Stretch| -> Vec<_> {
        let packets = stretch.group.packets.iter().chain(stretch.sound.iter().flatten());
        let fields = |it: &Packet| (it.track, it.pts, it.dts, it.duration, it.key, it.data().to_vec());
        packets.map(fields).collect()
    };
    assert_eq!(fields(&before), fields(&after));
    assert!(Arc::ptr_eq(after.group.packets[4].begins.as_ref().unwrap(), &next));
    // What is damaged is told, wherever it was cut off.
    for end in 0..bytes.len() {
        if let Ok(cut) = record::from_bytes(&bytes[..end], &track, &begun, 2) {
            assert!(cut.group.packets.len() + cut.sound[0].len() < 15, "{end}");
        }
    }
    assert!(record::from_bytes(&bytes, &track, &[], 2).is_err(), "a track that is not there");
    assert!(record::from_bytes(&bytes, &track, &begun, 0).is_err());
}

/// Puts so many stretches after what was put before, of 20 kB each, as fast as they are written.
fn put(shelf: &mut Shelf, next: &mut i64, count: i64) {
    for _ in 0..count {
        let start = Instant::now();
        while shelf.waiting() > 200_000 {
            assert!(start.elapsed() < Duration::from_secs(60), "it waits forever");
            std::thread::sleep(Duration::from_millis(1));
            shelf.trim(MediaTime::ZERO, None);
        }
        shelf.put(stretch(*next, 2000));
        shelf.trim(MediaTime::ZERO, None);
        *next += 1;
    }
}

#[test]
fn on_a_full_disk_the_oldest_make_room_and_what_is_there_can_be_read() {
    let test =
        "output::replay::shelf::tests::on_a_full_disk_the_oldest_make_room_and_what_is_there_can_be_read";
    with_small_disk_for(test, 8192, |disk| {
        // It is told that it may take much more than there is.
        let room = Room { disk: 16 << 20, memory: 1 << 20 };
        let mut shelf = Shelf::open(disk, room).unwrap();
        // More than twice what there is room for.
        put(&mut shelf, &mut 0, 1000);
        assert!(shelf.shortened() && shelf.failure().is_none());
        let held = shelf.snapshot();
        assert!(held.len() > 150, "{} of about 400 that there is room for", held.len());
        for (shelved, number) in held.iter().rev().zip((0..1000).rev()) {
            assert_eq!(shelved.start, MediaTime::from_nanos(number * 1_000_000_000));
            assert_eq!(shelved.load().unwrap().group.packets.len(), 10);
        }
        drop(held);
        drop(shelf);
        let free = rustix::fs::statvfs(disk).unwrap();
        assert_eq!(free.f_bfree, free.f_blocks, "its room is free again");
    });
}

#[test]
fn a_disk_that_others_have_left_is_used_again() {
    let test = "output::replay::shelf::tests::a_disk_that_others_have_left_is_used_again";
    with_small_disk_for(test, 12 << 10, |disk| {
        let ballast = disk.join("ballast");
        std::fs::write(&ballast, vec![1; 7 << 20]).unwrap();
        let mut shelf = Shelf::open(disk, Room { disk: 16 << 20, memory: 1 << 20 }).unwrap();
        let mut next = 0;
        put(&mut shelf, &mut next, 600);
        let few = shelf.snapshot().len();
        assert!(shelf.shortened() && few < 250, "{few} of about 200 that there is room for");
        std::fs::remove_file(ballast).unwrap();
        put(&mut shelf, &mut next, 600);
        let held = shelf.snapshot();
        assert!(held.len() > 400, "{} after {few}, of about 500", held.len());
        for (shelved, number) in held.iter().rev().zip((0..next).rev()) {
            assert_eq!(shelved.start, MediaTime::from_nanos(number * 1_000_000_000));
            assert_eq!(shelved.load().unwrap().group.packets.len(), 10);
        }
        assert_eq!(shelf.failure(), None);
    });
}
