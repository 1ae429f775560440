//! What comes beside the picture.

use ghoststream::internals::Damage;
use ghoststream::{CursorMode, Rect, Size, Timestamp, Transform};
use testkit::producer::{Draft, Metas, Painter, Producer, Script, cursor_meta};

use crate::rig::{Rig, config, session};

const SIZE: Size = Size::new(64, 48);

fn producer(metas: Metas, painter: impl FnMut(&mut Draft<'_>) + Send + 'static) -> Producer {
    let painter: Painter = Box::new(painter);
    let script = Script { metas, ..Script::new("metas", "BGRx", SIZE, 120.0) };
    Producer::start(script, painter).unwrap()
}

fn header() -> Metas {
    Metas { header: true, ..Metas::default() }
}

#[test]
fn the_producers_time_is_taken() {
    let _session = session();
    let producer = producer(header(), |draft| {
        draft.fill();
        draft.pts -= 20_000_000;
    });
    let rig = Rig::open(producer.name());
    let mut last = Timestamp::default();
    for _ in 0..10 {
        let frame = rig.frame();
        let age = frame.arrived.nanos_since(frame.pts);
        assert!(age >= 20_000_000, "stamped by the producer, before it came: {age}");
        assert!(frame.pts > last);
        last = frame.pts;
    }
}

#[test]
fn an_absurd_time_is_replaced_by_the_arrival() {
    let _session = session();
    for absurd in [0, -1, i64::MAX, i64::MIN, 1_000] {
        let producer = producer(header(), move |draft| {
            draft.fill();
            draft.pts = absurd;
        });
        let frame = Rig::open(producer.name()).frame();
        assert_eq!(frame.pts, frame.arrived, "{absurd}");
    }
    let producer = producer(Metas::default(), |draft| draft.fill());
    let frame = Rig::open(producer.name()).frame();
    assert_eq!(frame.pts, frame.arrived, "no header at all");
    assert!(Timestamp::now().since(frame.pts).as_secs() < 60);
}

#[test]
fn the_crop_is_cut_to_the_picture() {
    let _session = session();
    let metas = Metas { crop: true, ..header() };
    for (sent, expected) in [
        ([4, 6, 20, 10], Rect::new(4, 6, 20, 10)),
        ([60, 40, 100, 100], Rect::new(60, 40, 4, 8)),
        ([-5, -5, 10, 10], Rect::new(0, 0, 5, 5)),
        ([0, 0, 0, 0], Rect::of(SIZE)),
        ([1000, 0, 5, 5], Rect::of(SIZE)),
        ([i32::MAX, i32::MAX, -1, -1], Rect::of(SIZE)),
    ] {
        let producer = producer(metas, move |draft| {
            draft.fill();
            draft.crop = sent;
        });
        assert_eq!(Rig::open(producer.name()).frame().crop, expected, "{sent:?}");
    }
}

#[test]
fn all_eight_transforms_arrive() {
    let _session = session();
    let producer = producer(Metas { transform: true, ..header() }, |draft| {
        draft.fill();
        draft.transform = (draft.number % 9) as u32;
    });
    let rig = Rig::open(producer.name());
    for transform in Transform::ALL {
        rig.frame_where(|frame| frame.transform == transform);
    }
    assert_eq!(rig.counters.corrupt.get(), 0, "the ninth is no transform, and harmless");
}

#[test]
fn damage_arrives_and_adds_up_over_what_was_missed() {
    let _session = session();
    let producer = producer(Metas { damage: true, ..header() }, |draft| {
        draft.fill();
        let x = (draft.number % 60) as i32;
        draft.damage = vec![[x, 0, 1, 1], [-10, 47, 20, 10]];
    });
    let rig = Rig::open(producer.name());
    assert_eq!(rig.frame().damage, Damage::Full, "the first is all new");
    let mut previous = rig.frame_where(|frame| frame.damage != Damage::Full);
    for _ in 0..20 {
        let frame = rig.frame();
        let Damage::Rects(rects) = &frame.damage else { panic!("{:?}", frame.damage) };
        let steps = frame.sequence - previous.sequence;
        assert_eq!(rects.len() as u64, 2 * steps, "each missed frame adds its own: {rects:?}");
        assert!(rects.contains(&Rect::new(0, 47, 10, 1)), "cut to the picture: {rects:?}");
        previous = frame;
    }
}

#[test]
fn damage_that_is_never_filled_in_means_everything() {
    let _session = session();
    let producer = producer(Metas { damage: true, ..header() }, |draft| draft.fill());
    let rig = Rig::open(producer.name());
    for _ in 0..3 {
        assert_eq!(rig.frame().damage, Damage::Full);
    }
}

const ARROW: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

fn cursor_metas() -> Metas {
    Metas { cursor: 48 + 64 * 64 * 4, ..header() }
}

fn with_cursor(producer: &Producer) -> Rig {
    Rig::with(&config(producer.name()).with_cursor(CursorMode::Metadata)).unwrap()
}

#[test]
fn the_pointer_keeps_its_picture_until_another_comes() {
    let _session = session();
    let producer = producer(cursor_metas(), |draft| {
        draft.fill();
        let position = (draft.number as i32, -3);
        let bitmap: &[u8] = if draft.number == 0 { &ARROW } else { &[] };
        draft.cursor = cursor_meta(position, (1, 1), Size::new(2, 2), bitmap);
    });
    let rig = with_cursor(&producer);
    let mut last = -1;
    for _ in 0..5 {
        let cursor = rig.frame().cursor.unwrap();
        assert!(cursor.position.0 > last && cursor.position.1 == -3);
        last = cursor.position.0;
        assert_eq!((cursor.hotspot, cursor.bitmap.size), ((1, 1), Size::new(2, 2)));
        assert_eq!(cursor.bitmap.rgba, ARROW);
    }
}

#[test]
fn a_pointer_that_moves_alone_shows_the_last_picture_again() {
    let _session = session();
    let producer = producer(cursor_metas(), |draft| {
        draft.fill();
        draft.cursor = cursor_meta((draft.number as i32, 0), (0, 0), Size::new(2, 2), &ARROW);
        if draft.number > 0 {
            // As mutter does: no picture, which is said to be corrupt.
            draft.chunks[0].size = 0;
            draft.chunks[0].flags = 1;
        }
    });
    let rig = with_cursor(&producer);
    let first = rig.frame();
    let picture = crate::rig::pattern_number(&first);
    assert_eq!(picture, Some(0));
    for _ in 0..10 {
        let frame = rig.frame();
        assert!(frame.cursor.as_ref().is_some_and(|cursor| cursor.position.0 > 0));
        assert_eq!(frame.damage, Damage::Rects(vec![]), "nothing of the picture changed");
        assert_eq!(crate::rig::pattern_number(&frame), picture, "the picture is still the first");
        assert!(frame.pts > first.pts);
    }
    assert_eq!(rig.counters.corrupt.get(), 0);
}

#[test]
fn a_hidden_pointer_is_no_pointer() {
    let _session = session();
    let producer = producer(cursor_metas(), |draft| {
        draft.fill();
        draft.cursor = vec![0; 28];
    });
    assert_eq!(with_cursor(&producer).frame().cursor, None);
}

#[test]
fn a_pointer_that_lies_is_counted_and_not_read() {
    let _session = session();
    let producer = producer(cursor_metas(), |draft| {
        draft.fill();
        draft.cursor = cursor_meta((0, 0), (0, 0), Size::new(2, 2), &ARROW);
        let words: [(usize, u32); 6] =
            [(24, u32::MAX), (24, 5), (32, 100_000), (40, 0x8000_0000), (44, u32::MAX), (40, 3)];
        let (offset, word) = words[draft.number as usize % words.len()];
        draft.cursor[offset..offset + 4].copy_from_slice(&word.to_ne_bytes());
    });
    let rig = with_cursor(&producer);
    rig.until("twenty corrupt frames", |rig| rig.counters.corrupt.get() >= 20);
    assert_eq!(rig.counters.captured.get(), 0);
}
