//! What cannot be captured says why, at once.

use std::time::Duration;

use ghoststream::{CaptureError, Size};
use testkit::Session;
use testkit::producer::{Offer, Producer, Script, patterned};

use crate::rig::{Rig, config, pattern_number, session};

const SIZE: Size = Size::new(32, 32);

fn refusal(node: &str) -> CaptureError {
    let config = config(node).with_first_frame_timeout(Duration::from_secs(3));
    Rig::with(&config).err().unwrap_or_else(|| panic!("{node} was captured"))
}

#[test]
fn without_a_daemon_it_says_so() {
    let session = Session::without_pipewire().unwrap();
    session.enter();
    let error = refusal("anything");
    assert!(matches!(error, CaptureError::NoPipeWire { .. }), "{error:?}");
    assert!(error.is_retryable());
}

#[test]
fn a_node_that_is_not_there_is_named() {
    let _session = session();
    for name in ["nobody", "4000000000", "99999999999999999999999", "", "\u{1f40c}"] {
        let error = refusal(name);
        let CaptureError::Node { node, reason } = &error else { panic!("{error:?}") };
        assert_eq!((node.as_str(), reason.as_str()), (name, "there is no such node"));
    }
}

#[test]
fn a_node_that_is_not_a_source_of_video_is_refused() {
    let _session = session();
    for (class, why) in [
        ("Audio/Source", "not video"),
        ("Audio/Sink", "not video"),
        ("Stream/Input/Video", "takes pictures"),
        ("Video/Sink", "takes pictures"),
    ] {
        let script = Script { class: class.into(), ..Script::new("other", "BGRx", SIZE, 60.0) };
        let producer = Producer::start(script, patterned()).unwrap();
        let error = refusal(producer.name()).to_string();
        assert!(error.contains(why) && error.contains(class), "{error}");
    }
}

#[test]
fn a_node_is_found_by_name_and_id() {
    let _session = session();
    let producer = Producer::start(Script::new("by-name", "BGRx", SIZE, 60.0), patterned()).unwrap();
    for name in [producer.name().to_owned(), producer.node().to_string()] {
        let rig = Rig::open(&name);
        assert_eq!(rig.capture.as_ref().unwrap().description(), "Producer by-name");
        rig.frame();
    }
}

#[test]
fn no_format_in_common_is_a_format_error() {
    let _session = session();
    for offer in [
        Offer::new("YV12", SIZE),
        Offer::new("BGRx", Size::new(16385, 1)),
        Offer::new("BGRx", Size::new(0, 0)),
    ] {
        let what = format!("{offer:?}");
        let script = Script { offers: vec![offer], ..Script::new("odd", "BGRx", SIZE, 60.0) };
        let producer = Producer::start(script, patterned()).unwrap();
        let error = refusal(producer.name());
        assert!(matches!(error, CaptureError::Format { .. }), "{what}: {error:?}");
    }
}

#[test]
fn a_producer_that_offers_no_buffers_gets_pipewires_or_is_refused() {
    let _session = session();
    let script = Script { buffers: (0, 0, 0), ..Script::new("none", "BGRx", SIZE, 60.0) };
    let producer = Producer::start(script, patterned()).unwrap();
    // PipeWire takes 0 for "I do not mind"; from 1.6 on for a mistake.
    match Rig::with(&config(producer.name())) {
        Ok(rig) => assert!(pattern_number(&rig.frame()).is_some()),
        Err(CaptureError::Node { reason, .. }) => assert!(reason.contains("on no buffers"), "{reason}"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_producer_that_never_sends_opens_and_stays_silent() {
    let _session = session();
    let producer = Producer::start(Script::new("silent", "BGRx", SIZE, 0.0), patterned()).unwrap();
    let rig = Rig::open(producer.name());
    assert!(matches!(rig.queue.take(Duration::from_millis(300)), ghoststream::internals::Taken::Timeout));
    assert_eq!(rig.counters.captured.get(), 0);
}
