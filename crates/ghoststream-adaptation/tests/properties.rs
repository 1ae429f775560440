//! What holds whatever a transport says, sense or not.

use std::time::Duration;

use ghoststream_adaptation::{Controller, HalfRate, Limits, Signals};
use proptest::prelude::*;

/// A moment: milliseconds since the one before, and what is said of it.
type Moment = (u64, Signals);

fn any_signals() -> impl Strategy<Value = Signals> {
    let duration = || {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::MAX),
            (0..20_000_u64).prop_map(Duration::from_millis)
        ]
    };
    let bytes = || prop_oneof![Just(0), Just(u64::MAX), 0..10_000_000_u64];
    let delays = (duration(), prop::option::of(duration()), prop::option::of(duration()));
    let totals = (bytes(), bytes(), bytes(), prop::option::of(bytes()), bytes(), bytes());
    (delays, totals).prop_map(
        |((age, rtt, latency), (queue, unacknowledged, delivered, burst, lost, sent))| {
            let mut signals = Signals::default();
            (signals.queue_age, signals.rtt, signals.latency) = (age, rtt, latency);
            (signals.queue_bytes, signals.unacknowledged_bytes) = (queue, unacknowledged);
            (signals.delivered_bytes, signals.burst_rate) = (delivered, burst);
            (signals.lost, signals.sent) = (lost, sent);
            signals
        },
    )
}

/// A connection on which totals grow, as they should, and the rest is as it likes.
fn plausible() -> impl Strategy<Value = Vec<Moment>> {
    let moment = (10..200_u64, 0..200_000_u64, 0..400_000_u64, 0..3000_u64, 1..400_u64, 0..3_u64);
    prop::collection::vec(moment, 1..400).prop_map(|moments| {
        let (mut delivered, mut lost) = (0, 0);
        let mut moments_of = |(dt, got, waits, age, rtt, again)| {
            delivered += got;
            lost += again;
            let mut signals = Signals::default();
            (signals.delivered_bytes, signals.unacknowledged_bytes, signals.lost) = (delivered, waits, lost);
            signals.queue_age = Duration::from_millis(age);
            signals.rtt = Some(Duration::from_millis(rtt));
            (dt, signals)
        };
        moments.into_iter().map(&mut moments_of).collect()
    })
}

fn decisions(limits: Limits, moments: &[Moment]) -> Vec<(Duration, u32, bool)> {
    let (mut controller, mut now) = (Controller::new(limits), Duration::ZERO);
    let step = |(dt, signals): &Moment| {
        now += Duration::from_millis(*dt);
        let decision = controller.step(now, signals);
        (now, decision.kbps, decision.drop)
    };
    moments.iter().map(step).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_nonsense_is_survived_and_stays_between_floor_and_ceiling(
        moments in prop::collection::vec((0..5000_u64, any_signals()), 1..200),
        floor in 0..10_000_u32,
        ceiling in 1..10_000_u32,
        beside in 0..5000_u32,
    ) {
        let limits = Limits::new(floor, ceiling).with_beside_kbps(beside);
        for (_, kbps, _) in decisions(limits, &moments) {
            prop_assert!(kbps >= floor.min(ceiling) && kbps <= ceiling, "{kbps}");
        }
    }

    #[test]
    fn the_same_is_decided_of_the_same(moments in plausible()) {
        let limits = Limits::new(300, 6000);
        prop_assert_eq!(decisions(limits, &moments), decisions(limits, &moments));
    }

    /// Each change may cost a key frame.
    #[test]
    fn it_is_raised_no_sooner_than_allowed(moments in plausible(), every in 1..5_u64) {
        let every = Duration::from_secs(every);
        let limits = Limits::new(300, 6000).with_raise_every(every);
        let mut changed = (Duration::ZERO, 6000);
        for (now, kbps, _) in decisions(limits, &moments) {
            prop_assert!(kbps <= changed.1 || now - changed.0 >= every, "{now:?}: {} to {kbps}", changed.1);
            if kbps != changed.1 {
                changed = (now, kbps);
            }
        }
    }

    /// What waits is dropped only where less cannot be asked for.
    #[test]
    fn nothing_is_dropped_above_the_floor(moments in plausible()) {
        for (now, kbps, drop) in decisions(Limits::new(300, 6000), &moments) {
            prop_assert!(!drop || kbps == 300, "{now:?}: {kbps}");
        }
    }

    /// Whatever the bitrate does, nobody sees the rate flap; without a threshold it never changes.
    #[test]
    fn the_rate_of_pictures_changes_no_faster_than_it_is_held(
        moments in prop::collection::vec((0..2000_u64, 0..2000_u32, 1..3000_u32), 1..600),
        below in prop::option::of(0..1500_u32),
    ) {
        let mut half_rate = HalfRate::new(below);
        let (mut now, mut halved, mut changed) = (Duration::ZERO, false, None);
        for (dt, kbps, ceiling) in moments {
            now += Duration::from_millis(dt);
            if half_rate.step(now, kbps.min(ceiling), ceiling) != halved {
                let hold = if halved { HalfRate::UP_AFTER } else { HalfRate::DOWN_AFTER };
                prop_assert!(changed.is_none_or(|at| now - at >= hold), "{changed:?} {now:?}");
                prop_assert!(below.is_some_and(|it| halved || kbps < it));
                (halved, changed) = (!halved, Some(now));
            }
        }
    }

    #[test]
    fn other_limits_hold_at_once(moments in plausible(), ceiling in 400..20_000_u32) {
        let mut controller = Controller::new(Limits::new(300, 6000));
        let mut now = Duration::ZERO;
        for (index, (dt, signals)) in moments.iter().enumerate() {
            now += Duration::from_millis(*dt);
            if index == moments.len() / 2 {
                controller.set_limits(Limits::new(300, ceiling));
            }
            let most = if index < moments.len() / 2 { 6000 } else { ceiling };
            prop_assert!(controller.step(now, signals).kbps <= most);
        }
    }
}

/// A path that carries the same always, as a fluid: what was set at each 20 ms of so many seconds.
fn over_a_steady_path(
    carries_kbps: f64,
    round: Duration,
    latency: Option<Duration>,
    seconds: u64,
) -> Vec<u32> {
    const TICK: u64 = 20;
    let mut controller = Controller::new(Limits::new(300, 6000));
    let (mut waits, mut delivered, mut kbps) = (0.0_f64, 0.0_f64, 6000);
    let step = |tick| {
        let goes = (f64::from(kbps) / 8.0 * TICK as f64 + waits).min(carries_kbps / 8.0 * TICK as f64);
        waits += f64::from(kbps) / 8.0 * TICK as f64 - goes;
        delivered += goes;
        let mut signals = Signals::default();
        let flying = carries_kbps.min(f64::from(kbps)) / 8.0 * round.as_secs_f64() * 1000.0;
        signals.unacknowledged_bytes = (waits + flying) as u64;
        signals.delivered_bytes = delivered as u64;
        signals.rtt = Some(round + Duration::from_secs_f64(waits * 8.0 / carries_kbps / 1000.0));
        signals.latency = latency;
        kbps = controller.step(Duration::from_millis(TICK * tick), &signals).kbps;
        kbps
    };
    (1..=seconds * 1000 / TICK).map(step).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// More is tried now and then, a little at a time; the rest of the time the bitrate stays.
    #[test]
    fn a_steady_path_is_used_and_left_alone(
        carries in 600.0..5800.0_f64,
        round in (2..150_u64).prop_map(Duration::from_millis),
        latency in prop::option::of((500..3000_u64).prop_map(Duration::from_millis)),
    ) {
        let set = over_a_steady_path(carries, round, latency, 150);
        let later = &set[30 * 50..];
        let mean = later.iter().map(|&it| f64::from(it)).sum::<f64>() / later.len() as f64;
        prop_assert!(mean > 0.8 * carries && mean < 1.02 * carries, "{mean} of {carries}");
        let mut levels = later.to_vec();
        levels.dedup();
        let turns = levels.windows(3).filter(|it| (it[1] > it[0]) != (it[2] > it[1])).count();
        prop_assert!(turns <= 8, "{turns} in two minutes: {levels:?}");
        let same = later.windows(51).filter(|it| it[0] == it[50]).count() as f64 / later.len() as f64;
        prop_assert!(same > 0.5, "{same}: {levels:?}");
    }

    /// A key picture into a path where nothing moves would only be more that waits.
    #[test]
    fn a_key_picture_is_asked_for_once_a_second_and_only_while_something_arrives(moments in plausible()) {
        let (mut controller, mut now) = (Controller::new(Limits::new(300, 6000)), Duration::ZERO);
        let (mut asked, mut arrived) = (None, (Duration::ZERO, 0));
        for (index, (dt, mut signals)) in moments.into_iter().enumerate() {
            now += Duration::from_millis(dt);
            signals.needs_key_picture = index % 7 != 0;
            if signals.delivered_bytes > arrived.1 || signals.unacknowledged_bytes == 0 {
                arrived = (now, signals.delivered_bytes);
            }
            if controller.step(now, &signals).key_picture {
                prop_assert!(signals.needs_key_picture);
                prop_assert!(now - arrived.0 < Duration::from_millis(100));
                prop_assert!(asked.is_none_or(|at| now - at >= Duration::from_secs(1)), "{asked:?} {now:?}");
                asked = Some(now);
            }
        }
    }
}

/// Where what is late is lost, nothing is gained by sending it; a busy machine is no jam.
#[test]
fn what_has_waited_for_most_of_the_latency_is_dropped_where_it_is_lost() {
    let waits = |milliseconds, latency| {
        let mut signals = Signals::default();
        signals.queue_age = Duration::from_millis(milliseconds);
        signals.latency = latency;
        Controller::new(Limits::new(300, 6000)).step(Duration::ZERO, &signals).drop
    };
    let (long, short) = (Some(Duration::from_secs(2)), Some(Duration::from_millis(120)));
    assert!(!waits(1300, long) && waits(1500, long));
    assert!(!waits(900, short) && waits(1100, short));
    assert!(!waits(2500, None), "it is shown all the same");
}

/// A user who lowers the bitrate does not get the old one back.
#[test]
fn an_old_ceiling_is_forgotten_and_a_new_one_is_used() {
    let mut controller = Controller::new(Limits::new(300, 6000));
    controller.set_limits(Limits::new(300, 2000));
    assert_eq!(controller.step(Duration::ZERO, &Signals::default()).kbps, 2000);
    controller.set_limits(Limits::new(300, 4000));
    assert_eq!(controller.step(Duration::from_secs(1), &Signals::default()).kbps, 4000);
}
