//! The portal's dialog, answered by a script behind the machine's real portal.

mod common;

use common::{Background, bounded, ghoststream};
use testkit::portal::{Answer, Script};
use testkit::{Portal, Session};

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
