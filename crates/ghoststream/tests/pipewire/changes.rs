//! Sizes and formats that change in mid-stream.

use ghoststream::internals::{Damage, Taken};
use ghoststream::{PixelFormat, Size};
use testkit::producer::{Offer, Producer, Script, patterned};

use crate::rig::{Rig, pattern_number, session};

#[test]
fn size_and_format_change_in_mid_stream() {
    let _session = session();
    let script = Script::new("changes", "BGRx", Size::new(64, 48), 120.0);
    let producer = Producer::start(script, patterned()).unwrap();
    let rig = Rig::open(producer.name());
    let held = rig.frame();
    let number = pattern_number(&held);
    for (name, format, size) in [
        ("BGRx", PixelFormat::Bgrx, Size::new(128, 20)),
        ("RGB", PixelFormat::Rgb24, Size::new(31, 77)),
        ("I420", PixelFormat::I420, Size::new(30, 30)),
        ("xRGB_210LE", PixelFormat::Xrgb2101010, Size::new(1, 1)),
        ("BGRx", PixelFormat::Bgrx, Size::new(640, 480)),
    ] {
        producer.offer(vec![Offer::new(name, size)]);
        let frame = rig.frame_where(|frame| frame.size == size && frame.format == format);
        assert!(pattern_number(&frame).is_some(), "{name} {size}");
        assert_eq!(frame.damage, Damage::Full, "all of it is new");
    }
    assert_eq!(pattern_number(&held), number, "a frame that is held keeps its memory, and is not overdrawn");
    assert_eq!(rig.counters.corrupt.get(), 0);
    let notes = rig.journal.notes();
    assert!(notes.is_empty(), "changing the format is no pause: {notes:?}");
}

#[test]
fn a_format_that_changes_with_every_frame_does_no_harm() {
    let _session = session();
    let producer =
        Producer::start(Script::new("restless", "BGRx", Size::new(16, 16), 240.0), patterned()).unwrap();
    let rig = Rig::open(producer.name());
    for step in 0..60u32 {
        let name = ["BGRx", "NV12", "RGB", "YUY2"][step as usize % 4];
        producer.offer(vec![Offer::new(name, Size::new(16 + step, 16 + step % 7))]);
        std::thread::sleep(std::time::Duration::from_millis(4));
    }
    let last = Size::new(200, 100);
    producer.offer(vec![Offer::new("BGRx", last)]);
    let frame = rig.frame_where(|frame| frame.size == last);
    assert!(pattern_number(&frame).is_some());
    // In between come buffers that nobody has filled, with PipeWire 0.3, or made, with 1.x; that is counted and told,
    // and nothing else is.
    let notes = rig.journal.notes();
    let empty = |note: &String| ["it has no memory", "its size is 0"].iter().any(|why| note.contains(why));
    let told = notes.len() == 1 && notes.iter().all(empty);
    assert!(rig.counters.corrupt.get() == 0 || told, "{notes:?}");
}

/// PipeWire 0.3 goes on with the format that there is; later ones break the link and say why.
#[test]
fn an_offer_that_nobody_takes_leaves_the_stream_as_it_is_or_ends_it_with_the_reason() {
    let _session = session();
    let producer =
        Producer::start(Script::new("changes", "BGRx", Size::new(16, 16), 120.0), patterned()).unwrap();
    let rig = Rig::open(producer.name());
    rig.frame();
    producer.offer(vec![Offer::new("YV12", Size::new(16, 16))]);
    for _ in 0..30 {
        match rig.take() {
            Taken::Frame(frame) => {
                assert_eq!(frame.format, PixelFormat::Bgrx);
                assert!(pattern_number(&frame).is_some());
            }
            Taken::Ended(why) => {
                assert_eq!(why, "no more input formats");
                return;
            }
            Taken::Timeout => panic!("neither a frame nor an end"),
        }
    }
}
