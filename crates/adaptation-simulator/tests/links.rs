//! What the controller reaches on links, and how that is beside what others do.

use adaptation_simulator::links::{
    bufferbloat, busy_peer, cellular, constant, dips, short_cuts, stall, step, waves,
};
use adaptation_simulator::{HELD_OUT, HELD_OUT_OUTAGES, Make, Mean, OUTAGES, Outcome, Over, TUNED, rows};

const BOTH: [Over; 2] = [Over::Rtmp, Over::Srt];

/// The mean bitrate that was set from one second to another.
fn set(outcome: &Outcome, from: usize, to: usize) -> f64 {
    let part = &outcome.trace[from * 10..to * 10];
    part.iter().map(|it| f64::from(it.kbps)).sum::<f64>() / part.len() as f64
}

#[test]
fn a_constant_link_is_used_within_twenty_seconds_and_without_loss() {
    for over in BOTH {
        let mut before = 0.0;
        for kbps in [1000.0, 2000.0, 3000.0, 4000.0, 5000.0] {
            // What headers leave.
            let payload = kbps * 0.96;
            let outcome = over.ours(&constant(kbps), 3);
            let used = set(&outcome, 20, 120);
            println!("{} {kbps}: {used:.0}, {:.2} % missed", over.name(), outcome.missed * 100.0);
            // Where what is late is shown all the same more of it may wait.
            let least = if over == Over::Rtmp { 0.93 } else { 0.85 };
            assert!(used > least * payload && used < 1.03 * payload, "{kbps}: {used}");
            // The first seconds are six times too much for the narrowest.
            assert!(outcome.missed < 0.03, "{kbps}: {}", outcome.missed);
            assert!(used > before, "more where there is more");
            before = used;
        }
    }
}

#[test]
fn enough_is_left_alone() {
    for over in BOTH {
        let outcome = over.ours(&constant(12_000.0), 3);
        assert!(outcome.trace.iter().all(|it| it.kbps == Over::CEILING), "{}", over.name());
        assert_eq!(outcome.missed, 0.0);
    }
}

/// TCP begins with a few segments, however much the path carries.
#[test]
fn a_long_way_is_no_jam_to_begin_with() {
    for (one_way, seed) in [60, 90].into_iter().flat_map(|it| (1..=5).map(move |seed| (it, seed))) {
        let outcome = Over::Rtmp.ours(&constant(7000.0).with_one_way(one_way), seed);
        let least = outcome.trace.iter().map(|it| it.kbps).min();
        assert_eq!(least, Some(Over::CEILING), "{one_way} ms, {seed}");
    }
}

/// What arrived in the moment after nothing did is no measure of the path: less is asked for by what a silence spares, and
/// no more.
#[test]
fn a_short_cut_over_tcp_is_no_narrow_link() {
    for seed in 1..=5 {
        let outcome = Over::Rtmp.ours(&short_cuts(), seed);
        let least = outcome.trace.iter().map(|it| it.kbps).min().unwrap();
        assert!(least >= Over::CEILING * 7 / 10, "{seed}: {least}");
    }
}

#[test]
fn a_link_that_halves_loses_nothing_and_is_used_again_when_it_is_back() {
    for (over, link) in BOTH.into_iter().flat_map(|it| [(it, step()), (it, bufferbloat())]) {
        let outcome = over.ours(&link, 3);
        assert_eq!(outcome.missed, 0.0, "{} {}", over.name(), link.name);
        let low = set(&outcome, 55, 100);
        assert!(low > 0.85 * 2880.0 && low < 1.03 * 2880.0, "{} {}: {low}", over.name(), link.name);
        // SRT has to try what is carried, and waits for up to 80 s after a try that failed.
        let back = set(&outcome, if over == Over::Rtmp { 125 } else { 160 }, 180);
        assert!(back > 5500.0, "{} {}: {back}", over.name(), link.name);
    }
}

/// What a full queue lost comes again, and needs room; a delay that grows while it drains does not stand.
#[test]
fn a_shallow_queue_and_a_link_that_goes_on_falling_lose_little_where_late_is_lost() {
    for (link, most) in [(dips(), 0.012), (waves(), 0.002)] {
        let all: Vec<_> = (1..=5).map(|seed| Over::Srt.ours(&link, seed)).collect();
        let mean = Mean::of(&all);
        println!("{}: {mean:?}", link.name);
        assert!(mean.missed < most, "{}: {}", link.name, mean.missed);
    }
}

#[test]
fn a_stall_is_over_when_it_is_over() {
    for over in BOTH {
        let outcome = over.ours(&stall(), 3);
        // Five seconds of two minutes, in which nothing can arrive in time, and up to a key picture.
        assert!(outcome.missed < 7.0 / 119.0, "{}: {}", over.name(), outcome.missed);
        let back = set(&outcome, 60, 120);
        assert!(back > 5500.0, "{}: {back}", over.name());
    }
}

#[test]
fn a_peer_on_a_busy_machine_is_no_narrow_link() {
    for over in BOTH {
        let outcome = over.ours(&busy_peer(3), 3);
        assert_eq!(outcome.missed, 0.0, "{}", over.name());
        let used = set(&outcome, 5, 180);
        assert!(used > 5800.0, "{}: {used}", over.name());
    }
}

#[test]
fn a_link_below_the_floor_gets_the_floor_and_whole_groups() {
    let outcome = Over::Rtmp.ours(&constant(500.0).with_buffer(40_000), 3);
    assert_eq!(outcome.trace.last().unwrap().kbps, Over::CEILING / 10);
    let (missed, delivered) = (outcome.missed, outcome.delivered_kbps);
    assert!(missed > 0.1 && delivered > 250.0, "{missed}, {delivered}");
}

/// Means over links: ours, theirs.
fn means(over: Over, links: &[Make]) -> (Mean, Mean) {
    let rows = rows(over, links, 2);
    let (ours, theirs) = (Mean::total(&rows, |it| it.ours), Mean::total(&rows, |it| it.theirs));
    println!("{}:\n{ours:?}\n{theirs:?}", over.name());
    (ours, theirs)
}

#[test]
fn where_thresholds_were_chosen_it_is_better_than_the_others_in_every_measure() {
    for over in BOTH {
        let (ours, theirs) = means(over, TUNED);
        assert!(ours.delivered_kbps > 1.01 * theirs.delivered_kbps);
        assert!(ours.missed < theirs.missed);
        assert!(ours.needless < 0.9 * theirs.needless);
        assert!(ours.movement < theirs.movement && ours.turns < theirs.turns);
    }
}

#[test]
fn on_links_that_were_held_out_it_delivers_more_and_moves_less_too() {
    for over in BOTH {
        let (ours, theirs) = means(over, HELD_OUT);
        assert!(ours.delivered_kbps > 1.05 * theirs.delivered_kbps);
        assert!(ours.missed < 0.9 * theirs.missed);
        assert!(ours.needless < 0.9 * theirs.needless);
        assert!(ours.movement < theirs.movement && ours.turns < theirs.turns);
    }
}

/// What a server that went away, or a path that was cut, says of the path is nothing.
#[test]
fn a_path_that_is_back_is_used_at_once() {
    for (over, links) in BOTH.into_iter().flat_map(|it| [(it, OUTAGES), (it, HELD_OUT_OUTAGES)]) {
        let (ours, theirs) = means(over, links);
        let (back, with_theirs) = (ours.back.unwrap(), theirs.back.unwrap());
        assert!(back < 5.0 && back < 0.5 * with_theirs, "{back} {with_theirs}");
        assert!(ours.delivered_kbps > 1.005 * theirs.delivered_kbps && ours.missed < theirs.missed);
        assert!(ours.needless < theirs.needless && ours.movement < theirs.movement);
        assert!(ours.turns < theirs.turns);
    }
}

#[test]
fn the_same_seed_is_the_same_stream() {
    let stream = || Over::Srt.ours(&cellular(9), 9).trace.iter().map(|it| it.kbps).collect::<Vec<_>>();
    assert_eq!(stream(), stream());
}
