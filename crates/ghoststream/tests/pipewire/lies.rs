//! Producers that describe their buffers wrongly: every such frame is counted, none is read.

use ghoststream::Size;
use ghoststream::internals::layout::Chunk;
use testkit::producer::{Draft, Memory, Painter, Producer, Script, lying};

use crate::rig::{Rig, pattern_number, session};

const SIZE: Size = Size::new(40, 30);

/// Sends lies in every second frame: those are counted, the others arrive as they are.
fn every_second(what: &str, script: Script, lie: impl Fn(&mut Chunk) + Send + 'static) {
    let painter = lying(move |number, chunk| {
        if number % 2 == 1 {
            lie(chunk);
        }
    });
    let producer = Producer::start(script, painter).unwrap();
    let rig = Rig::open(producer.name());
    let mut seen = 0;
    while seen < 5 || rig.counters.corrupt.get() < 5 {
        let number = pattern_number(&rig.frame()).unwrap_or_else(|| panic!("{what}: not bit-exact"));
        assert_eq!(number % 2, 0, "{what}: a lie came through");
        seen += 1;
    }
    let notes = rig.journal.notes();
    assert_eq!(notes.iter().filter(|note| note.contains("cannot be used")).count(), 1, "{what}: {notes:?}");
}

#[test]
fn chunks_that_lie_are_counted_and_not_read() {
    let _session = session();
    type Lie = fn(&mut Chunk);
    let lies: [(&str, Lie); 9] = [
        ("a stride shorter than a row", |chunk| chunk.stride = 159),
        ("a stride beyond the buffer", |chunk| chunk.stride = 161),
        ("a huge stride", |chunk| chunk.stride = i32::MAX),
        ("a negative stride", |chunk| chunk.stride = -160),
        ("an offset that pushes it out", |chunk| chunk.offset = 1),
        ("a huge offset", |chunk| chunk.offset = u32::MAX),
        ("too small a size", |chunk| chunk.size -= 1),
        ("corrupted, it says", |chunk| chunk.flags = 1),
        ("no picture at all", |chunk| chunk.size = 0),
    ];
    for memory in [Memory::MemFd { sealable: true }, Memory::MemPtr] {
        for (what, lie) in lies {
            let script = Script { memory, ..Script::new("liar", "BGRx", SIZE, 200.0) };
            every_second(&format!("{what}, {memory:?}"), script, lie);
        }
    }
}

#[test]
fn a_size_beyond_the_chunk_is_cut_to_the_buffer() {
    let _session = session();
    let painter = lying(|_, chunk| chunk.size = u32::MAX);
    let producer = Producer::start(Script::new("liar", "BGRx", SIZE, 120.0), painter).unwrap();
    assert!(pattern_number(&Rig::open(producer.name()).frame()).is_some());
}

#[test]
fn a_header_that_says_corrupted_is_believed() {
    let _session = session();
    let painter: Painter = Box::new(|draft: &mut Draft<'_>| {
        draft.fill();
        draft.header_flags = if draft.number % 2 == 1 { 2 } else { 0 };
    });
    let producer = Producer::start(Script::new("liar", "BGRx", SIZE, 120.0), painter).unwrap();
    let rig = Rig::open(producer.name());
    while rig.counters.corrupt.get() < 5 {
        assert_eq!(pattern_number(&rig.frame()).map(|number| number % 2), Some(0));
    }
}

#[test]
fn a_file_that_is_shorter_than_claimed_is_not_read() {
    let _session = session();
    for sealable in [true, false] {
        let script = Script {
            memory: Memory::MemFd { sealable },
            claim: 100_000,
            ..Script::new("liar", "BGRx", SIZE, 120.0)
        };
        let producer = Producer::start(script, lying(|_, _| {})).unwrap();
        let rig = Rig::open(producer.name());
        rig.until("ten corrupt frames", |rig| rig.counters.corrupt.get() >= 10);
        assert_eq!(rig.counters.captured.get(), 0);
        let notes = rig.journal.notes().join("\n");
        assert!(notes.contains("of a file of 4800 bytes"), "{notes}");
    }
}

#[test]
fn a_file_that_is_cut_off_later_is_not_read() {
    let _session = session();
    let painter: Painter = Box::new(|draft: &mut Draft<'_>| {
        draft.fill();
        draft.truncate = (draft.number >= 10).then_some(100);
    });
    let script =
        Script { memory: Memory::MemFd { sealable: false }, ..Script::new("liar", "BGRx", SIZE, 120.0) };
    let producer = Producer::start(script, painter).unwrap();
    let rig = Rig::open(producer.name());
    rig.until("ten corrupt frames", |rig| rig.counters.corrupt.get() >= 10);
    let notes = rig.journal.notes().join("\n");
    assert!(notes.contains("cut off at 100 of 4800 bytes"), "{notes}");
    assert_eq!(rig.counters.captured.get(), 10, "those before were whole");
}

#[test]
fn a_file_that_can_be_sealed_stays_whole() {
    let _session = session();
    let painter: Painter = Box::new(|draft: &mut Draft<'_>| {
        draft.fill();
        draft.truncate = Some(100);
    });
    let producer = Producer::start(Script::new("liar", "BGRx", SIZE, 120.0), painter).unwrap();
    let rig = Rig::open(producer.name());
    for _ in 0..20 {
        assert!(pattern_number(&rig.frame()).is_some());
    }
    assert_eq!(rig.counters.corrupt.get(), 0);
}

#[test]
fn memory_that_was_not_asked_for_is_refused() {
    let _session = session();
    // DMA-BUFs only.
    let script = Script { data_types: Some(1 << 3), ..Script::new("liar", "BGRx", SIZE, 120.0) };
    let producer = Producer::start(script, lying(|_, _| {})).unwrap();
    let config =
        crate::rig::config(producer.name()).with_first_frame_timeout(std::time::Duration::from_secs(2));
    let error = Rig::with(&config).err().expect("there is no memory in common");
    assert!(matches!(
        error,
        ghoststream::CaptureError::Node { .. } | ghoststream::CaptureError::Format { .. }
    ));
    assert!(error.to_string().contains("buffers"), "{error}");
}
