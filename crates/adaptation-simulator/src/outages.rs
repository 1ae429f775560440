//! Links on which servers go away and come back: those on which thresholds are chosen, and those that are only
//! judged on.

use crate::link::Link;
use crate::links::Make;

/// On these thresholds may be chosen.
pub const OUTAGES: &[Make] = &[
    |_| wide("cut of 1 s").still(40.0, 41.0),
    |_| wide("cut of 5 s").still(40.0, 45.0),
    |_| wide("server gone for 2 s").without_server(40.0, 42.0, true),
    |_| wide("server gone for 10 s").without_server(40.0, 50.0, true),
    |_| wide("server gone for 30 s").without_server(40.0, 70.0, true),
    |_| wide("half open for 10 s").without_server(40.0, 50.0, false),
    |_| narrow(),
    |_| narrow_cut(),
    |_| slower_afterwards(),
    |_| far_away(),
    |_| barely_enough(),
    |_| narrow_cuts(),
    |_| narrow_and_far(),
];

/// On these never.
pub const HELD_OUT_OUTAGES: &[Make] = &[|_| restarts(), |_| cuts(), |_| half_open(), |_| another_path()];

/// More than enough.
fn wide(name: &'static str) -> Link {
    Link::new(name, 120, |_| 8000.0)
}

/// It is narrow before its server goes, and it is when that is back.
fn narrow() -> Link {
    Link::new("narrow, server gone for 10 s", 120, |at| if at < 20.0 { 8000.0 } else { 3000.0 })
        .without_server(60.0, 70.0, true)
}

/// Not enough, and nothing for a second and a half.
fn narrow_cut() -> Link {
    Link::new("narrow, cut of 1.5 s", 120, |_| 4000.0).still(60.0, 61.5)
}

/// When the server is back, the path carries less than is asked for.
fn slower_afterwards() -> Link {
    Link::new("slower after 6 s without server", 120, |at| if at < 43.0 { 8000.0 } else { 4500.0 })
        .without_server(40.0, 46.0, true)
}

/// Gone without a word, on another continent.
fn far_away() -> Link {
    Link::new("far away, half open for 6 s", 120, |_| 9000.0)
        .with_one_way(60)
        .without_server(40.0, 46.0, false)
}

/// Gone without a word, over a long way that carries little more than what is asked for.
fn barely_enough() -> Link {
    Link::new("barely enough, half open for 5 s", 120, |_| 7000.0)
        .with_one_way(90)
        .without_server(40.0, 45.0, false)
}

/// Cut twice, and not enough.
fn narrow_cuts() -> Link {
    Link::new("narrow, cut twice", 150, |_| 4500.0).with_buffer(250_000).still(40.0, 42.5).still(95.0, 96.8)
}

/// Not enough over a longer way, before its server goes and after it.
fn narrow_and_far() -> Link {
    Link::new("narrow and far, server gone for 5 s", 120, |_| 5000.0)
        .with_one_way(50)
        .without_server(60.0, 65.0, true)
}

/// A server that is restarted three times, further away.
fn restarts() -> Link {
    let link = Link::new("three restarts", 180, |_| 6800.0).with_one_way(45);
    [30.0, 80.0, 130.0].into_iter().fold(link, |link, at| link.without_server(at, at + 5.0, true))
}

/// Cut twice, and never quite enough.
fn cuts() -> Link {
    Link::new("two cuts of 2 s", 180, |_| 5000.0).with_buffer(300_000).still(50.0, 52.0).still(110.0, 112.0)
}

/// Gone without a word, far away.
fn half_open() -> Link {
    Link::new("half open for 4 s", 120, |_| 7500.0).with_one_way(80).without_server(50.0, 54.0, false)
}

/// When the server is back, the path is another one.
fn another_path() -> Link {
    Link::new("narrower afterwards", 150, |at| if at < 55.0 { 9000.0 } else { 3500.0 })
        .without_server(50.0, 58.0, true)
}
