//! The portal's dialog, answered by a script behind the machine's real portal.

mod common;

use std::path::Path;

use common::{Background, bounded, ghoststream};
use ghoststream::Size;
use testkit::portal::{Answer, Script, Shared};
use testkit::{Portal, Producer, Session, judge};

#[test]
fn a_refused_dialog_ends_with_3() {
    let session = Session::start().unwrap();
    let portal = Portal::start(&session, Script::new(Answer::Refuse)).unwrap();
    let file = session.dir().join("x.mkv");
    for json in [false, true] {
        let mut command = ghoststream(&session.dir().join("home"));
        command.envs(session.environment()).args(["record", "-o"]).arg(&file);
        let ran = bounded(if json { command.arg("--json") } else { &mut command });
        assert_eq!(ran.status, 3, "{ran:?}");
        if json {
            let error = ran.json().pop().unwrap();
            assert_eq!((&error["type"], &error["exit_status"]), (&"error".into(), &3.into()));
        } else {
            assert!(ran.stderr.starts_with("error: you refused"), "{}", ran.stderr);
        }
        assert!(!file.exists());
    }
    assert_eq!(portal.seen().dialogs, 2);
}

#[test]
fn ctrl_c_while_the_dialog_waits_ends_with_130() {
    let session = Session::start().unwrap();
    let portal = Portal::start(&session, Script::new(Answer::Never)).unwrap();
    let mut command = ghoststream(&session.dir().join("home"));
    command.envs(session.environment()).args(["record", "-o"]).arg(session.dir().join("x.mkv"));
    let running = Background::start(&mut command);
    portal.wait_until(|seen| seen.dialogs == 1).unwrap();
    running.signal("INT");
    let ran = running.wait();
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (130, "", ""));
    assert!(!session.dir().join("x.mkv").exists());
}

/// A session whose user shares a source that shows the test card at 30 pictures a second.
fn sharing() -> (Session, Portal, Producer) {
    let session = Session::start().unwrap();
    session.enter();
    let producer = Producer::test_card("card", Size::new(320, 180), 30.0).unwrap();
    let script = Script::share([Shared::monitor(producer.node(), 320, 180)]);
    let portal = Portal::start(&session, script).unwrap();
    (session, portal, producer)
}

/// The file is whole and shows the card. How evenly a live source's frames come is not judged here:
/// that depends on what else the machine does.
#[track_caller]
fn plays(file: &Path, frames: u64) {
    let verdict = judge::judge(file).unwrap();
    let (video, card) = (verdict.must_have_video(), verdict.must_be_the_card());
    assert!(!verdict.cut && verdict.seek.is_some_and(|it| it.ok), "{verdict:?}");
    assert_eq!((video.decode_errors, video.backwards, card.out_of_order, card.unreadable), (0, 0, 0, 0));
    assert!(video.frames >= frames, "{} frames", video.frames);
}

#[test]
fn what_the_user_shares_is_recorded_and_asked_for_once() {
    let (session, portal, _producer) = sharing();
    for name in ["first.mkv", "second.mkv"] {
        let file = session.dir().join(name);
        let mut command = ghoststream(&session.dir().join("home"));
        command
            .envs(session.environment())
            .args(["record", "--fps", "30", "--duration", "2", "-o"])
            .arg(&file);
        let ran = bounded(command.args(["--encoder-preset", "fastest", "--audio", "none"]));
        assert_eq!(ran.status, 0, "{ran:?}");
        plays(&file, 40);
    }
    let seen = portal.seen();
    assert_eq!((seen.dialogs, seen.restored, seen.closed), (1, 1, 2), "{seen:?}");
}

#[test]
fn a_source_that_ends_by_itself_is_a_failure_only_where_more_was_asked_for() {
    let (session, _portal, producer) = sharing();
    let mut producer = Some(producer);
    let mut record = |arguments: &[&str], name: &str| {
        let file = session.dir().join(name);
        let mut command = ghoststream(&session.dir().join("home"));
        command
            .envs(session.environment())
            .args(["record", "--fps", "30", "--audio", "none", "-o"])
            .arg(&file);
        let node = producer.as_ref().map(|it| it.name().to_owned()).unwrap();
        let source = format!("node:{node}");
        let running = Background::start(
            command.args(["--encoder-preset", "fastest", "--source", &source]).args(arguments),
        );
        common::until("the recording's first second", || {
            assert!(running.runs(), "it ended before it recorded");
            std::fs::metadata(&file).is_ok_and(|it| it.len() > 8_000)
        });
        producer = None;
        let ran = running.wait();
        producer = Some(Producer::test_card("card", Size::new(320, 180), 30.0).unwrap());
        plays(&file, 10);
        ran
    };
    let ended = record(&[], "ended.mkv");
    assert_eq!(ended.status, 0, "{ended:?}");
    assert!(ended.stderr.contains("note: the source ended"), "{}", ended.stderr);
    let short = record(&["--duration", "1000"], "short.mkv");
    assert_eq!(short.status, 1, "{short:?}");
    assert!(short.stderr.contains("of 1000 seconds were recorded"), "{}", short.stderr);
}
