//! The queue and the sending thread, with a peer that is told when to be gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ghoststream_adaptation::Signals;

use super::queue::{Bounds, Dropped, Next, Queue};
use super::{Dial, Link, LinkError, LinkFault, LiveSink, Stop};
use crate::encode::{Packet, Track};
use crate::output::file::testing::video;
use crate::output::{Context, Sink};
use crate::{MediaTime, Timestamp};

const MS: i64 = 1_000_000;

fn packet(track: usize, ms: i64, key: bool) -> Packet {
    let time = MediaTime::from_nanos(ms * MS);
    Packet {
        track,
        pts: time,
        dts: time,
        duration: Duration::ZERO,
        key,
        arrived: None,
        begins: None,
        encoded: at(ms),
        payload: [][..].into(),
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_nanos(Timestamp::now().as_nanos() / (3600 * 1000 * MS) * (3600 * 1000 * MS))
        .offset(ms * MS)
}

fn taken(queue: &Queue) -> Vec<(usize, i64)> {
    let next = || match queue.pop(Duration::ZERO) {
        Next::Packet(it) => Some((it.track, it.pts.as_nanos() / MS)),
        _ => None,
    };
    std::iter::from_fn(next).collect()
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
    assert!(matches!(queue.pop(Duration::ZERO), Next::Packet(_)));
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
        Next::Packet(it) => (it.pts.as_nanos() / MS, it.begins.is_some()),
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

/// What peers got, one list for each connection.
type Got = Arc<Mutex<Vec<Vec<(usize, i64, bool)>>>>;

/// A peer that takes `lasts` packets on each connection, and refuses the dials in `refuses`.
struct Flaky {
    got: Got,
    lasts: usize,
    refuses: Vec<usize>,
    dials: usize,
}

struct FlakyLink {
    got: Got,
    left: usize,
}

impl Dial for Flaky {
    fn dial(&mut self, _: &[Track], _: &Stop) -> Result<Box<dyn Link>, LinkError> {
        let dial = self.dials;
        self.dials += 1;
        if self.refuses.contains(&dial) {
            return Err(LinkError::new(LinkFault::Unreachable, "nobody is there"));
        }
        self.got.lock().unwrap().push(vec![]);
        Ok(Box::new(FlakyLink { got: Arc::clone(&self.got), left: self.lasts }))
    }

    fn peer(&self) -> String {
        "flaky".into()
    }
}

impl Link for FlakyLink {
    fn ready(&mut self, _: Duration) -> Result<bool, LinkError> {
        Ok(true)
    }

    fn send(&mut self, packet: &Packet) -> Result<(), LinkError> {
        if self.left == 0 {
            return Err(LinkError::new(LinkFault::Closed, "it went"));
        }
        self.left -= 1;
        let entry = (packet.track, packet.pts.as_nanos() / MS, packet.key);
        self.got.lock().unwrap().last_mut().unwrap().push(entry);
        Ok(())
    }

    fn signals(&mut self, _: &mut Signals) {}

    fn close(&mut self, _: Duration) {}
}

fn open(flaky: Flaky, context: &Context) -> LiveSink {
    LiveSink::open(Box::new(flaky), &[], context).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_lost_peer_is_dialled_again_and_gets_key_pictures_first() {
    let got = Got::default();
    let context = Context::alone();
    let flaky = Flaky { got: Arc::clone(&got), lasts: 7, refuses: vec![1, 2], dials: 0 };
    let mut sink = open(flaky, &context);
    for index in 0..400 {
        sink.write(&packet(0, index * 10, index % 10 == 0)).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    sink.finish().unwrap();
    let got = got.lock().unwrap();
    assert!(got.len() >= 3, "{got:?}");
    for link in got.iter().filter(|it| !it.is_empty()) {
        assert!(link[0].2, "a connection begins with a key picture: {got:?}");
        assert!(link.windows(2).all(|pair| pair[1].1 == pair[0].1 + 10), "none is missing within: {got:?}");
    }
    let sent: usize = got.iter().map(Vec::len).sum();
    let live = sink.report().live.unwrap();
    assert_eq!(sent as u64 + live.dropped, 400, "every picture was sent or counted: {live:?}");
    assert_eq!(live.connections, got.len() as u64);
    assert!(live.seconds_without > 0.2 && live.last_loss.as_deref().is_some(), "{live:?}");
    assert!(context.journal.notes()[0].starts_with("flaky was lost"), "{:?}", context.journal.notes());
}

/// A key that was changed meanwhile is another reason than the one for which the peer was lost.
#[test]
fn why_a_peer_stays_away_is_told_once() {
    let context = Context::alone();
    let flaky = Flaky { got: Got::default(), lasts: 3, refuses: (1..=8).collect(), dials: 0 };
    let mut sink = open(flaky, &context);
    let until = std::time::Instant::now() + Duration::from_secs(60);
    for index in 0.. {
        sink.write(&packet(0, index * 10, index % 10 == 0)).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        if context.journal.notes().iter().any(|it| it.contains("is back after")) {
            break;
        }
        assert!(std::time::Instant::now() < until, "{:?}", context.journal.notes());
    }
    let notes = context.journal.notes();
    assert!(notes[0].starts_with("flaky was lost"), "{notes:?}");
    assert_eq!(notes[1], "flaky is not back yet and is dialled on: nobody is there");
    assert!(notes[2].starts_with("flaky is back after"), "{notes:?}");
}

#[test]
fn a_peer_that_is_lost_before_it_has_a_picture_is_an_error() {
    let flaky = Flaky { got: Got::default(), lasts: 0, refuses: vec![], dials: 0 };
    let mut sink = open(flaky, &Context::alone());
    let mut write = || sink.write(&packet(0, 0, true));
    let until = std::time::Instant::now() + Duration::from_secs(30);
    let error = loop {
        match write() {
            Err(error) => break error,
            Ok(()) => assert!(std::time::Instant::now() < until, "it goes on"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(error.to_string(), "flaky: it went");
}

#[test]
fn a_peer_that_is_not_there_at_the_start_is_an_error() {
    let flaky = Flaky { got: Got::default(), lasts: 7, refuses: vec![0], dials: 0 };
    let error = LiveSink::open(Box::new(flaky), &[], &Context::alone()).err().unwrap();
    assert_eq!(error.to_string(), "flaky: nobody is there");
}
