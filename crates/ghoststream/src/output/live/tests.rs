//! The sending thread, with a peer that is told when to be gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ghoststream_adaptation::Signals;

use super::{Dial, Dropped, Link, LinkError, LinkFault, LiveSink, Stop};
use crate::encode::{Packet, Track};
use crate::output::{Context, Sink};
use crate::{MediaTime, Timestamp};

pub(super) const MS: i64 = 1_000_000;

pub(super) fn packet(track: usize, ms: i64, key: bool) -> Packet {
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

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_nanos(Timestamp::now().as_nanos() / (3600 * 1000 * MS) * (3600 * 1000 * MS))
        .offset(ms * MS)
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

    fn send(&mut self, packets: &[Packet]) -> Result<(), LinkError> {
        for packet in packets {
            if self.left == 0 {
                return Err(LinkError::new(LinkFault::Closed, "it went"));
            }
            self.left -= 1;
            let entry = (packet.track, packet.pts.as_nanos() / MS, packet.key);
            self.got.lock().unwrap().last_mut().unwrap().push(entry);
        }
        Ok(())
    }

    fn signals(&mut self, _: &mut Signals) {}

    fn take_missed(&mut self, _: bool) -> Dropped {
        Dropped::default()
    }

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
