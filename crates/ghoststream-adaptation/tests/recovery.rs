//! What says nothing of what a path carries, and is not remembered as if it did: silence, another connection, a
//! machine that is busy with something else.

use std::time::Duration;

use ghoststream_adaptation::{Controller, Limits, Signals};

const CEILING: u32 = 6000;
const TICK: u64 = 20;
const ROUND: u64 = 40;

/// A sender and a path as a fluid, looked at every 20 ms.
struct Stream {
    controller: Controller,
    latency: Option<Duration>,
    /// The round trip, in milliseconds.
    round: u64,
    milliseconds: u64,
    kbps: u32,
    waits: f64,
    delivered: f64,
    lost: u64,
    sent: u64,
}

impl Stream {
    fn new(latency: Option<Duration>) -> Self {
        let controller = Controller::new(Limits::new(300, CEILING));
        Self {
            controller,
            latency,
            round: ROUND,
            milliseconds: 0,
            kbps: CEILING,
            waits: 0.0,
            delivered: 0.0,
            lost: 0,
            sent: 0,
        }
    }

    /// So many seconds over a path that carries so much; what was set in each tick.
    fn run(&mut self, seconds: f64, carries_kbps: f64) -> Vec<u32> {
        let ticks = (seconds * 1000.0) as u64 / TICK;
        (0..ticks).map(|_| self.tick(TICK, carries_kbps)).collect()
    }

    /// Some milliseconds, after which it is looked.
    fn tick(&mut self, milliseconds: u64, carries_kbps: f64) -> u32 {
        let bytes = |kbps: f64| kbps / 8.0 * milliseconds as f64;
        let comes = bytes(f64::from(self.kbps));
        let goes = (self.waits + comes).min(bytes(carries_kbps));
        self.waits += comes - goes;
        self.delivered += goes;
        self.milliseconds += milliseconds;
        // Segments of loopback.
        self.sent = self.delivered as u64 / 65_536;
        let mut signals = Signals::default();
        let flying = f64::from(self.kbps).min(carries_kbps) / 8.0 * self.round as f64;
        signals.unacknowledged_bytes = (self.waits + flying) as u64;
        signals.delivered_bytes = self.delivered as u64;
        signals.rtt = Some(Duration::from_millis(self.round));
        (signals.lost, signals.sent, signals.latency) = (self.lost, self.sent, self.latency);
        self.kbps = self.controller.step(Duration::from_millis(self.milliseconds), &signals).kbps;
        self.kbps
    }

    /// Another connection: nothing waits, and totals begin anew.
    fn connect(&mut self) {
        (self.waits, self.delivered, self.lost, self.sent) = (0.0, 0.0, 0, 0);
        self.controller.connected();
    }
}

const LATENCIES: [Option<Duration>; 2] = [None, Some(Duration::from_secs(1))];

#[test]
fn silence_is_no_capacity_and_is_over_when_it_is_over() {
    for (latency, still) in LATENCIES.into_iter().flat_map(|it| [(it, 1.0), (it, 5.0)]) {
        let mut stream = Stream::new(latency);
        assert_eq!(stream.run(10.0, 9000.0).last(), Some(&CEILING));
        let meanwhile = stream.run(still, 0.0);
        assert!(meanwhile.last().unwrap() < &CEILING, "what waits by then is not to be much");
        // What waits has to drain at the little that is over.
        let after = stream.run(4.0 + 2.0 * still, 9000.0);
        assert_eq!(after.last(), Some(&CEILING), "{latency:?}, {still} s: {after:?}");
    }
}

#[test]
fn a_new_connection_begins_with_what_was_carried_before_the_old_one_fell_silent() {
    for latency in LATENCIES {
        let mut stream = Stream::new(latency);
        stream.run(10.0, 9000.0);
        stream.run(3.0, 0.0);
        stream.connect();
        let after = stream.run(1.0, 9000.0);
        assert!(after.iter().all(|&it| it == CEILING), "{latency:?}: {after:?}");

        // A path that was too narrow before is no wider because it was silent.
        stream.run(20.0, 2000.0);
        stream.run(3.0, 0.0);
        stream.connect();
        let after = stream.run(1.0, 2000.0);
        assert!(after.iter().all(|&it| it < 2100), "{latency:?}: {after:?}");
    }
}

/// TCP begins with ten segments, and has twice as many under way after each round trip: what waits meanwhile is neither
/// what the path carries nor a reason not to try for more.
#[test]
fn the_beginning_of_a_connection_over_a_long_way_says_nothing_of_the_path() {
    let mut stream = Stream { round: 250, ..Stream::new(None) };
    stream.run(120.0, 4000.0);
    let before = stream.kbps;
    assert!((3200..4100).contains(&before), "{before}");
    stream.run(4.0, 0.0);
    stream.connect();
    // What comes first is a key picture.
    stream.waits = 150_000.0;
    for begun in (0..5).map(|it| 460.0 * 2.0_f64.powi(it)) {
        stream.run(0.25, begun);
    }
    let after = stream.run(60.0, 9000.0);
    let full = after.iter().position(|it| *it == CEILING).map(|it| it as u64 * TICK / 1000);
    assert!(full.is_some_and(|it| it < 19), "{before}, {full:?}: {after:?}");
}

/// A segment that is sent again now and then is no reason to doubt what is seen: down once.
#[test]
fn few_losses_do_not_keep_it_from_going_down_at_once() {
    for latency in LATENCIES {
        let mut stream = Stream::new(latency);
        stream.run(10.0, 9000.0);
        stream.run(0.3, 2400.0);
        stream.lost += 3;
        let mut set = stream.run(2.0, 2400.0);
        set.dedup();
        let first = set.iter().find(|&&it| it < CEILING).unwrap();
        assert!(*first <= 2400, "{latency:?}: {set:?}");
    }
}

#[test]
fn a_sender_that_its_own_machine_holds_up_is_no_jam() {
    for latency in LATENCIES {
        let mut stream = Stream::new(latency);
        stream.run(10.0, 9000.0);
        for held_up in [150, 250, 400] {
            // Nobody sends meanwhile.
            stream.waits += f64::from(CEILING) / 8.0 * held_up as f64;
            let now = stream.tick(held_up, 1.0);
            let after = stream.run(3.0, 12_000.0);
            assert!(
                now == CEILING && after.iter().all(|&it| it == CEILING),
                "{latency:?} {held_up}: {now} {after:?}"
            );
        }
    }
}

/// Its acknowledgements come late and many at once, as SRT's do, which a program makes. The path is still seen.
#[test]
fn a_peer_that_its_machine_holds_up_is_no_jam() {
    let mut stream = Stream::new(Some(Duration::from_secs(1)));
    stream.run(10.0, 9000.0);
    for held_up in [0.06, 0.28, 0.1, 0.2, 0.28, 0.14, 0.06, 0.24] {
        let mut set = stream.run(held_up, 0.0);
        set.push(stream.tick(TICK, 200_000.0));
        set.extend(stream.run(0.5, 9000.0));
        assert!(set.iter().all(|&it| it == CEILING), "{held_up} s: {set:?}");
    }
    let narrow = stream.run(3.0, 2000.0);
    assert!(narrow.last().unwrap() < &2100, "{narrow:?}");
}

/// A peer that takes 30 kB at a time is not silent in between: down once, to what it takes.
#[test]
fn what_is_taken_in_lumps_is_a_jam_and_no_silence() {
    let mut stream = Stream::new(None);
    stream.run(10.0, 9000.0);
    let mut set = vec![];
    for _ in 0..20 {
        set.extend(stream.run(0.18, 0.0));
        set.extend(stream.run(0.02, 12_000.0));
    }
    set.dedup();
    let first = set.iter().find(|&&it| it < CEILING).unwrap();
    assert!(*first <= 1300, "{set:?}");
}
