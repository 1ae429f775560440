//! What the scripted portal shares: real PipeWire nodes, through the frontend's own connection.

use ghoststream::{CaptureConfig, Size};
use testkit::portal::{Answer, Script, Shared};
use testkit::{Portal, Producer, Session};

use super::rig::Rig;

fn session() -> Session {
    let session = Session::start().unwrap();
    session.enter();
    session
}

fn card(name: &str, size: Size) -> (Producer, Shared) {
    let producer = Producer::test_card(name, size, 30.0).unwrap();
    let shared = Shared::monitor(producer.node(), size.width as i32, size.height as i32);
    (producer, shared)
}

#[test]
fn a_shared_monitor_is_captured_and_the_session_closed_with_it() {
    let session = session();
    let size = Size::new(320, 180);
    let (_producer, shared) = card("one", size);
    let portal = Portal::start(&session, Script::share([shared])).unwrap();
    let rig = Rig::open(&CaptureConfig::default()).unwrap();
    assert_eq!(rig.capture.streams(), 1);
    assert!(rig.capture.description().contains("monitor 320x180"), "{}", rig.capture.description());
    let (frame, first) = rig.card_where(0, |_, _| true);
    assert_eq!((frame.stream, frame.shown_size()), (0, size));
    rig.card_where(0, |_, reading| reading.stamp.frame > first.stamp.frame);
    assert_eq!(portal.seen().closed, 0);
    drop(rig);
    portal.wait_until(|seen| seen.closed == 1).unwrap();
}

#[test]
fn several_streams_keep_the_portals_order() {
    let session = session();
    let sizes = [Size::new(320, 180), Size::new(400, 240)];
    let (_left, first) = card("left", sizes[0]);
    let (_right, second) = card("right", sizes[1]);
    let portal = Portal::start(&session, Script::share([second, first])).unwrap();
    let rig = Rig::open(&CaptureConfig::default().with_multiple(true)).unwrap();
    assert_eq!(rig.capture.streams(), 2);
    for (stream, size) in [(0, sizes[1]), (1, sizes[0])] {
        let (frame, _) = rig.card_where(stream, |_, _| true);
        assert_eq!((frame.stream, frame.shown_size()), (stream, size));
    }
    assert!(portal.seen().selections[0].multiple);
}

#[test]
fn a_session_that_the_portal_closes_ends_every_stream() {
    let session = session();
    let (producer, shared) = card("shared", Size::new(320, 180));
    let portal = Portal::start(&session, Script::share([shared])).unwrap();
    let rig = Rig::open(&CaptureConfig::default()).unwrap();
    rig.card_where(0, |_, _| true);
    portal.close_sessions().unwrap();
    assert_eq!(rig.ended(0), "the portal closed the session");
    // Nobody takes the node's pictures any more, although it could go on.
    let sent = producer.sent();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(producer.sent() <= sent + 8, "{} after {sent}", producer.sent());
}

#[test]
fn a_session_that_the_portal_closes_is_sought_again_without_a_dialog() {
    let session = session();
    let (_producer, shared) = card("shared", Size::new(320, 180));
    let portal = Portal::start(&session, Script::share([shared])).unwrap();
    let rig = Rig::open(&CaptureConfig::default().with_resume(true)).unwrap();
    for round in 0..2 {
        let (_, before) = rig.card_where(0, |_, _| true);
        portal.close_sessions().unwrap();
        portal.wait_until(|seen| seen.restored == round + 1).unwrap();
        rig.card_where(0, |_, reading| reading.stamp.frame > before.stamp.frame + 5);
    }
    assert_eq!(portal.seen().dialogs, 1);
    let notes = rig.journal.notes();
    assert!(notes.iter().any(|note| note.contains("the portal closed the session")), "{notes:?}");
}

#[test]
fn a_refusal_ends_the_search() {
    let session = session();
    let (_producer, shared) = card("shared", Size::new(320, 180));
    let portal = Portal::start(&session, Script::share([shared])).unwrap();
    let rig = Rig::open(&CaptureConfig::default().with_resume(true)).unwrap();
    rig.card_where(0, |_, _| true);
    portal.answer(Answer::Refuse);
    portal.close_sessions().unwrap();
    let why = rig.ended(0);
    assert!(why.contains("you refused"), "{why}");
}

#[test]
fn a_search_that_nobody_answers_can_be_stopped() {
    let session = session();
    let (_producer, shared) = card("shared", Size::new(320, 180));
    let portal = Portal::start(&session, Script::share([shared])).unwrap();
    let rig = Rig::open(&CaptureConfig::default().with_resume(true)).unwrap();
    rig.card_where(0, |_, _| true);
    portal.answer(Answer::Never);
    portal.close_sessions().unwrap();
    portal.wait_until(|seen| seen.restored == 1).unwrap();
    drop(rig);
    portal.wait_until(|seen| seen.withdrawn == 1).unwrap();
}
