//! Links that thresholds are never chosen on: what was chosen is judged on them afterwards.
//!
//! Other heights, times, ways and buffers than those of [`links`](crate::links), and kinds that are not
//! among them.

use crate::link::Link;
use crate::links::{Make, wandering};
use crate::random::Random;

/// Every link that is only judged on.
pub const HELD_OUT: &[Make] = &[
    |_| narrow(),
    |_| stairs(),
    |_| tides(),
    |_| short_teeth(),
    |seed| {
        wandering(seed + 100, 5000.0, 0.08).with_name("another drive").with_one_way(35).with_buffer(400_000)
    },
    |seed| {
        wandering(seed + 200, 3000.0, 0.05).with_name("a slow drive").with_one_way(60).with_buffer(1_000_000)
    },
    |_| deep(),
    |seed| shared_air(seed),
    |_| ragged(),
    |_| hiccups(),
    |seed| satellites(seed),
    |_| far_away(),
];

/// Always too narrow, with a shallow buffer and twice the way.
fn narrow() -> Link {
    Link::new("narrow", 180, |_| 2600.0).with_one_way(40).with_buffer(60_000)
}

/// Three heights, none for long.
fn stairs() -> Link {
    let rate = |at| match at {
        ..25.0 => 7000.0,
        ..60.0 => 1800.0,
        ..85.0 => 4200.0,
        ..120.0 => 2600.0,
        _ => 10_000.0,
    };
    Link::new("stairs", 180, rate).with_one_way(50)
}

/// Up and down in waves of fifty seconds.
fn tides() -> Link {
    Link::new("tides", 180, |at| 4500.0 + 2800.0 * (at * std::f64::consts::TAU / 50.0).cos()).with_one_way(30)
}

/// A sawtooth with another period, lower and with a deeper buffer.
fn short_teeth() -> Link {
    Link::new("short teeth", 180, |at| 1500.0 + 4500.0 * (at % 17.0) / 17.0).with_buffer(300_000)
}

/// A buffer of four megabytes before a link that falls to a quarter, twice.
fn deep() -> Link {
    let low = |at: f64| (30.0..70.0).contains(&at) || (110.0..140.0).contains(&at);
    Link::new("deep buffer", 180, |at| if low(at) { 2000.0 } else { 8000.0 })
        .with_one_way(15)
        .with_buffer(4_000_000)
}

/// Somebody else talks, too, now and then for up to three seconds.
fn shared_air(seed: u64) -> Link {
    let mut random = Random::new(seed + 300);
    let (mut left, mut shared) = (0.0, false);
    Link::new("shared air", 180, |_| {
        left -= 0.1;
        if left <= 0.0 {
            shared = !shared;
            left = if shared { 0.2 + 2.8 * random.unit() } else { 1.0 + 9.0 * random.unit() };
        }
        if shared { 3500.0 } else { 11_000.0 }
    })
    .with_one_way(5)
}

/// More loss than that of `loss bursts`, in shorter bursts that come more often, over a longer way.
fn ragged() -> Link {
    let link = Link::new("ragged", 180, |_| 8000.0).with_loss(0.0, 180.0, 0.001).with_one_way(30);
    (0..22).fold(link, |link, index| {
        let at = 5.0 + 8.0 * f64::from(index);
        link.with_loss(at, at + 0.4, 0.25)
    })
}

/// Nothing moves for up to two seconds, four times.
fn hiccups() -> Link {
    let still = [(20.0, 20.5), (60.0, 61.0), (100.0, 102.0), (140.0, 141.5)];
    still.iter().fold(Link::new("hiccups", 180, |_| 7000.0), |link, it| link.still(it.0, it.1))
}

/// Another satellite every fifteen seconds: a tenth of a second of nothing, and another rate.
fn satellites(seed: u64) -> Link {
    let mut random = Random::new(seed + 400);
    let mut rate = 8000.0;
    let mut left = 150;
    Link::new("satellites", 180, |_| {
        left -= 1;
        if left == 0 {
            (left, rate) = (150, 3000.0 + 9000.0 * random.unit());
            return 0.0;
        }
        rate * (1.0 + 0.1 * random.normal()).max(0.2)
    })
    .with_loss(0.0, 180.0, 0.0005)
    .with_one_way(25)
    .with_buffer(250_000)
}

/// A little too narrow from the middle on, on another continent.
fn far_away() -> Link {
    Link::new("far away", 180, |at| if at < 60.0 { 9000.0 } else { 5200.0 })
        .with_one_way(110)
        .with_buffer(500_000)
}
