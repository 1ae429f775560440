//! Sources that pause, end, vanish and come back.

use ghoststream::Size;
use testkit::producer::{Producer, Script, patterned};

use crate::rig::{Rig, config, pattern_number, session};

fn producer(name: &str) -> Producer {
    Producer::start(Script::new(name, "BGRx", Size::new(32, 32), 120.0), patterned()).unwrap()
}

fn noted(rig: &Rig, what: &str) -> bool {
    rig.journal.notes().iter().any(|note| note.contains(what))
}

#[test]
fn a_pause_is_told_and_so_is_its_end() {
    let _session = session();
    let producer = producer("pauses");
    let rig = Rig::open(producer.name());
    rig.frame();
    producer.pause();
    rig.until("the pause", |rig| noted(rig, "paused"));
    producer.resume();
    rig.until("the end of the pause", |rig| noted(rig, "goes on"));
    let sent = producer.sent();
    producer.wait_sent(sent + 5).unwrap();
    rig.frame();
}

#[test]
fn a_node_that_goes_away_ends_the_stream() {
    let _session = session();
    let producer = producer("leaves");
    let rig = Rig::open(producer.name());
    rig.frame();
    drop(producer);
    let reason = rig.ended();
    assert!(reason.contains("Producer leaves went away"), "{reason}");
}

#[test]
fn a_daemon_that_dies_ends_the_stream() {
    let mut session = session();
    let producer = producer("daemon");
    let rig = Rig::open(producer.name());
    rig.frame();
    session.stop_pipewire();
    let reason = rig.ended();
    assert!(reason.contains("PipeWire"), "{reason}");
}

#[test]
fn a_lost_node_is_found_again_under_its_name() {
    let _session = session();
    let first = producer("returns");
    let rig = Rig::with(&config(&first.node().to_string()).with_resume(true)).unwrap();
    rig.frame();
    drop(first);
    rig.until("the loss", |rig| noted(rig, "looking for it again"));
    let second =
        Producer::start(Script::new("returns", "RGB", Size::new(50, 20), 120.0), patterned()).unwrap();
    let frame = rig.frame_where(|frame| frame.size == Size::new(50, 20));
    assert!(pattern_number(&frame).is_some());
    rig.until("the note", |rig| noted(rig, "the source is back"));
    drop(second);
}

#[test]
fn a_lost_daemon_is_found_again() {
    let mut session = session();
    let first = producer("survivor");
    let rig = Rig::with(&config(first.name()).with_resume(true)).unwrap();
    rig.frame();
    session.stop_pipewire();
    rig.until("the loss", |rig| noted(rig, "looking for it again"));
    drop(first);
    session.start_pipewire().unwrap();
    let _second =
        Producer::start(Script::new("survivor", "BGRx", Size::new(48, 16), 120.0), patterned()).unwrap();
    rig.frame_where(|frame| frame.size == Size::new(48, 16));
}

#[test]
fn stopping_while_it_looks_for_a_lost_source_returns() {
    let _session = session();
    let first = producer("gone");
    let mut rig = Rig::with(&config(first.name()).with_resume(true)).unwrap();
    rig.frame();
    drop(first);
    rig.until("the loss", |rig| noted(rig, "looking for it again"));
    // Joins the thread; a hang here is the runner's time-out.
    rig.capture = None;
}

#[test]
fn opening_and_dropping_leaves_no_descriptor_behind() {
    let _session = session();
    let files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let round = || {
        // A producer each: PipeWire takes back what a consumer held only when a node goes idle.
        let producer = producer("again");
        let rig = Rig::open(producer.name());
        rig.frame();
        let frame = rig.frame();
        drop(rig);
        drop(producer);
        assert!(pattern_number(&frame).is_some());
    };
    round();
    let before = files();
    for _ in 0..20 {
        round();
    }
    assert!(files() <= before + 2, "descriptors leak: {before} before, {} after", files());
}
