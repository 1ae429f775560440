//! Frames that are held: the producer is not starved, and their memory outlives everything.

use std::time::Duration;

use ghoststream::Size;
use ghoststream::internals::{Damage, Taken};
use testkit::producer::{Memory, Producer, Script, patterned};

use crate::rig::{Rig, pattern_number, session};

fn script(buffers: i32) -> Script {
    Script { buffers: (buffers, buffers, buffers), ..Script::new("leases", "BGRx", Size::new(64, 64), 200.0) }
}

#[test]
fn a_consumer_that_holds_frames_does_not_stall_the_producer() {
    let _session = session();
    for buffers in [2, 3, 4, 8, 16] {
        let producer = Producer::start(script(buffers), patterned()).unwrap();
        let rig = Rig::open(producer.name());
        let mut held = Vec::new();
        let mut numbers = Vec::new();
        // Take until nothing comes: every lease is out, in hands and in the queue.
        while let Taken::Frame(frame) = rig.queue.take(Duration::from_millis(200)) {
            numbers.push(pattern_number(&frame).unwrap());
            held.push(frame);
        }
        assert!(held.len() >= 6, "{buffers} buffers: only {} came", held.len());
        assert_eq!(producer.buffers(), buffers as usize);
        producer.wait_sent(producer.sent() + 50).unwrap();
        rig.until("drops to be counted", |rig| rig.counters.dropped_capture.get() >= 40);
        let now: Vec<_> = held.iter().map(|frame| pattern_number(frame).unwrap()).collect();
        assert_eq!(now, numbers, "{buffers} buffers: held pictures were drawn over");
        drop(held);
        let after = rig.frame();
        assert!(pattern_number(&after).is_some(), "it goes on when they are dropped");
    }
}

#[test]
fn what_was_missed_is_in_the_next_frames_damage() {
    let _session = session();
    let producer = Producer::start(script(8), patterned()).unwrap();
    let rig = Rig::open(producer.name());
    let held: Vec<_> = (0..6).map(|_| rig.frame()).collect();
    rig.until("drops", |rig| rig.counters.dropped_capture.get() >= 5);
    let last = held.last().unwrap().sequence;
    drop(held);
    let next = rig.frame();
    assert!(next.sequence > last + 5, "dropped frames are counted in the sequence");
    assert_eq!(next.damage, Damage::Full);
}

#[test]
fn memory_stays_valid_when_the_stream_and_the_producer_are_gone() {
    let session = session();
    for memory in [Memory::MemFd { sealable: true }, Memory::MemFd { sealable: false }, Memory::MemPtr] {
        let producer = Producer::start(Script { memory, ..script(8) }, patterned()).unwrap();
        let mut rig = Rig::open(producer.name());
        let held: Vec<_> = (0..3).map(|_| rig.frame()).collect();
        let numbers: Vec<_> = held.iter().map(pattern_number).collect();
        rig.capture = None;
        drop(producer);
        assert_eq!(held.iter().map(pattern_number).collect::<Vec<_>>(), numbers);
        assert!(numbers.iter().all(Option::is_some));
    }
    drop(session);
}

#[test]
fn frames_come_at_240_a_second_and_none_is_missing() {
    let _session = session();
    // Twice as many as are looked at: the first may go by before the stream runs.
    let script = Script { frames: Some(400), ..Script::new("fast", "BGRx", Size::new(320, 180), 240.0) };
    let producer = Producer::start(script, patterned()).unwrap();
    let rig = Rig::open(producer.name());
    let mut sequence = Vec::new();
    while sequence.len() < 200 {
        let frame = rig.frame();
        let late = frame.arrived.nanos_since(frame.pts);
        assert!(late >= 0, "{late}");
        sequence.push(frame.sequence);
    }
    let missing = rig.counters.dropped_capture.get();
    let last = sequence.last().copied().unwrap();
    assert!(last < 200 + missing, "every frame is taken or counted as dropped: {last}, {missing}");
}
