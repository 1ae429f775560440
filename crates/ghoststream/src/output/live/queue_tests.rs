//! What waits for a peer, what is dropped, and what goes together.

use std::sync::Arc;
use std::time::Duration;

use super::queue::{Next, Queue};
use super::tests::{MS, at, packet};
use super::waiting::{Bounds, Dropped};
use crate::Timestamp;
use crate::encode::Packet;
use crate::output::file::testing::video;

/// What goes next together.
fn next(queue: &Queue, patience: Duration) -> Vec<(usize, i64)> {
    match queue.pop(patience) {
        Next::Packets(it) => it.iter().map(|it| (it.track, it.pts.as_nanos() / MS)).collect(),
        _ => vec![],
    }
}

fn taken(queue: &Queue) -> Vec<(usize, i64)> {
    let next = || Some(next(queue, Duration::ZERO)).filter(|it| !it.is_empty());
    std::iter::from_fn(next).flatten().collect()
}

/// Young enough for `pop`, whatever the clock says.
const PATIENT: Bounds = Bounds { age: Duration::from_secs(1_000_000), bytes: 1 << 20 };

#[test]
fn a_peer_begins_with_a_key_picture_and_the_newest() {
    let queue = Queue::new(PATIENT);
    for (track, ms, key) in [(1, 0, true), (0, 10, false), (0, 20, true), (1, 25, true), (0, 30, false)] {
        queue.push(packet(track, ms, key), at(ms));
    }
    queue.push(packet(0, 40, true), at(40));
    queue.push(packet(0, 50, false), at(50));
    queue.connect();
    assert_eq!(taken(&queue), [(0, 40), (0, 50)]);
    assert_eq!(queue.take_dropped().pictures, 3);
}

/// Sound is encoded later than the picture beside it, and sooner than one that its encoder holds.
#[test]
fn sound_waits_for_the_first_picture_and_none_is_heard_before_it() {
    let queue = Queue::new(PATIENT);
    for _connection in 0..2 {
        queue.connect();
        for (ms, came) in [(980, 0), (1010, 1)] {
            queue.push(packet(1, ms, true), at(came));
        }
        assert_eq!(taken(&queue), [], "a peer begins with a picture");
        assert_eq!(queue.jam(at(5000)).0, Duration::ZERO, "it is no jam");
        queue.push(packet(0, 1000, true), at(2));
        assert_eq!(taken(&queue), [(0, 1000), (1, 1010)]);
        queue.push(packet(1, 990, true), at(3));
        queue.push(packet(1, 1030, true), at(3));
        assert_eq!(taken(&queue), [(1, 1030)]);
        assert_eq!(queue.jam(at(5000)), (Duration::ZERO, 0));
        queue.disconnect();
    }
}

/// It wakes nobody: what would be woken for each packet is a thread here and one of the server.
#[test]
fn sound_goes_with_the_next_picture_or_by_itself_where_none_comes() {
    let queue = Queue::new(PATIENT);
    queue.connect();
    queue.push(packet(0, 0, true), at(0));
    assert_eq!(next(&queue, Duration::ZERO), [(0, 0)]);
    queue.push(packet(1, 5, true), at(5));
    std::thread::scope(|scope| {
        let together = scope.spawn(|| next(&queue, Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(20));
        queue.push(packet(1, 10, true), at(10));
        std::thread::sleep(Duration::from_millis(20));
        queue.push(packet(0, 16, false), at(16));
        assert_eq!(together.join().unwrap(), [(1, 5), (1, 10), (0, 16)]);
    });
    for ms in 17..30 {
        queue.push(packet(1, ms, true), at(ms));
    }
    assert_eq!(queue.jam(at(31)), (Duration::ZERO, 0), "it waits for its picture");
    assert!(queue.jam(at(200)).0 > Duration::from_millis(100), "it waits for its peer");
    let alone = next(&queue, Duration::from_millis(1));
    assert!(alone.len() > 1 && alone.len() < 13 && alone[0] == (1, 17), "all of a jam at once: {alone:?}");
}

#[test]
fn a_peer_that_is_too_slow_loses_whole_groups_and_no_sound() {
    let queue = Queue::new(Bounds { age: Duration::from_millis(1000), bytes: 1 << 20 });
    queue.connect();
    let now = Timestamp::now();
    let ago = |ms: i64| now.offset(-ms * MS);
    queue.push(packet(0, -20, true), now);
    assert_eq!(taken(&queue), [(0, -20)]);
    queue.push(packet(0, 0, true), ago(1500));
    queue.push(packet(1, 5, true), ago(1500));
    assert_eq!(queue.take_dropped(), Dropped::default());
    queue.push(packet(0, 20, false), ago(400));
    // The group's head has waited too long, and there is no other to begin at.
    assert_eq!(queue.take_dropped(), Dropped { pictures: 2, gaps: 1 });
    queue.push(packet(0, 40, false), now);
    queue.push(packet(0, 60, true), now);
    queue.push(packet(0, 80, false), now);
    assert_eq!(taken(&queue), [(1, 5), (0, 60), (0, 80)]);
    assert_eq!(queue.take_dropped().pictures, 1);
}

/// Who has lost pictures waits for a key frame, which is then made for it; who is only at the beginning
/// gets the first that comes.
#[test]
fn a_key_frame_is_needed_from_a_loss_to_the_next_one() {
    let queue = Queue::new(PATIENT);
    queue.connect();
    assert!(!queue.needs_key_frame(), "the first one comes by itself");
    for (ms, key) in [(0, true), (20, false), (40, true), (60, false)] {
        queue.push(packet(0, ms, key), at(ms));
    }
    queue.drop_pictures();
    assert!(!queue.needs_key_frame(), "one waits");
    assert_eq!(taken(&queue), [(0, 40), (0, 60)]);
    queue.push(packet(0, 80, false), at(80));
    queue.drop_pictures();
    assert!(queue.needs_key_frame());
    queue.push(packet(0, 100, false), at(100));
    assert!(queue.needs_key_frame());
    queue.push(packet(0, 120, true), at(120));
    assert!(!queue.needs_key_frame());
    queue.disconnect();
    assert!(!queue.needs_key_frame());
}

#[test]
fn what_a_lost_peer_had_not_got_begins_again_at_a_key_picture() {
    let queue = Queue::new(PATIENT);
    queue.connect();
    for (ms, key) in [(0, true), (20, false), (40, false)] {
        queue.push(packet(0, ms, key), at(ms));
    }
    assert_eq!(next(&queue, Duration::ZERO), [(0, 0)]);
    queue.disconnect();
    queue.push(packet(0, 60, false), at(60));
    assert_eq!(taken(&queue), [], "nobody could decode it");
    queue.push(packet(0, 80, true), at(80));
    queue.connect();
    assert_eq!(taken(&queue), [(0, 80)]);
    assert_eq!(queue.take_dropped().pictures, 3);
}

/// The picture with which another encoder takes over is dropped, in a jam and without a peer.
#[test]
fn who_has_taken_over_is_told_by_the_next_key_picture() {
    let track = Arc::new(video("libx264", 30, 1, &[]).track);
    let takeover = |ms| Packet { begins: Some(Arc::clone(&track)), ..packet(0, ms, true) };
    let told = |queue: &Queue| match queue.pop(Duration::ZERO) {
        Next::Packets(it) => (it[0].pts.as_nanos() / MS, it[0].begins.is_some()),
        other => panic!("{other:?}"),
    };
    let queue = Queue::new(Bounds { age: Duration::from_millis(1000), bytes: 1 << 20 });
    queue.connect();
    let now = Timestamp::now();
    queue.push(takeover(0), now.offset(-1500 * MS));
    queue.push(packet(0, 20, false), now);
    queue.push(packet(0, 40, true), now);
    queue.push(packet(0, 60, true), now);
    assert_eq!([told(&queue), told(&queue)], [(40, true), (60, false)]);

    let queue = Queue::new(PATIENT);
    queue.push(takeover(0), at(0));
    queue.push(packet(0, 20, true), at(20));
    queue.connect();
    queue.push(packet(0, 40, true), at(40));
    assert_eq!([told(&queue), told(&queue)], [(20, true), (40, false)]);
}
