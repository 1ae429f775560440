//! What the portal answers when it is asked, told apart; and what is remembered of it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ghoststream::internals::{Capture, Counters, FrameSink, Journal, open_capture, probe_portal};
use ghoststream::{
    CaptureConfig, CaptureError, Container, CursorMode, EncoderConfig, Output, Pipeline, SourceKinds,
};
use testkit::portal::{Answer, Restore, Script, Shared};
use testkit::{Portal, Session};

/// A node that nobody serves: what is tested ends before PipeWire is asked for it.
const NOWHERE: Shared = Shared::monitor(4_000_000, 640, 480);

fn session() -> Session {
    let session = Session::without_pipewire().unwrap();
    session.enter();
    session
}

fn sink() -> (FrameSink, Journal) {
    let journal = Journal::default();
    (FrameSink::new(Arc::new(Counters::default()), journal.clone()), journal)
}

fn open(config: &CaptureConfig) -> Result<Box<dyn Capture>, CaptureError> {
    open_capture(config, sink().0, None)
}

fn refusal(config: &CaptureConfig) -> CaptureError {
    match open(config) {
        Ok(_) => panic!("it must not open"),
        Err(error) => error,
    }
}

/// The portal shared the node; that nobody serves it comes out later, and how depends on whether the
/// session manager or the registry is the first to tell.
fn assert_shared(error: &CaptureError) {
    use CaptureError::{Ended, Node};
    assert!(matches!(error, Node { .. } | Ended(_)), "{error:?}");
}

fn token_file(session: &Session) -> PathBuf {
    session.dir().join("state/ghoststream/default.restore-token")
}

#[test]
fn a_refusal_is_the_users() {
    let session = session();
    let portal = Portal::start(&session, Script::new(Answer::Refuse)).unwrap();
    let error = refusal(&CaptureConfig::default());
    assert!(matches!(error, CaptureError::Refused), "{error:?}");
    assert!(ghoststream::Error::from(error).is_refused_by_user());
    assert_eq!(portal.seen().dialogs, 1, "it is asked once");
    assert!(!token_file(&session).exists());
}

#[test]
fn a_failure_behind_the_dialog_is_the_portals() {
    let session = session();
    let _portal = Portal::start(&session, Script::new(Answer::Fail)).unwrap();
    let error = refusal(&CaptureConfig::default());
    assert!(matches!(error, CaptureError::Portal { .. }), "{error:?}");
}

#[test]
fn an_unanswered_dialog_times_out_and_is_withdrawn() {
    let session = session();
    let portal = Portal::start(&session, Script::new(Answer::Never)).unwrap();
    let mut config = CaptureConfig::default();
    config.dialog_timeout = Duration::from_millis(300);
    let error = refusal(&config);
    assert!(
        matches!(error, CaptureError::DialogTimeout(after) if after == config.dialog_timeout),
        "{error:?}"
    );
    assert!(error.is_retryable());
    portal.wait_until(|seen| seen.withdrawn == 1 && seen.closed == 1).unwrap();
}

#[test]
fn a_stop_while_the_dialog_waits_withdraws_it() {
    let session = session();
    let portal = Portal::start(&session, Script::new(Answer::Never)).unwrap();
    let path = session.dir().join("never.mkv");
    let output = Output::File { path: path.clone(), container: Container::Matroska };
    let pipeline = Pipeline::new(CaptureConfig::default(), EncoderConfig::default(), output).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (started, stopped) = runtime.block_on(async {
        tokio::join!(pipeline.start(), async {
            while portal.seen().dialogs == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            pipeline.stop().await
        })
    });
    let error = started.unwrap_err().to_string();
    assert!(error.contains("stopped before"), "{error}");
    assert!(stopped.is_err() && !path.exists(), "there is nothing to report");
    portal.wait_until(|seen| seen.withdrawn == 1).unwrap();
}

#[test]
fn no_portal_on_the_bus() {
    let _session = session();
    let error = refusal(&CaptureConfig::default());
    assert!(matches!(error, CaptureError::NoPortal { .. }), "{error:?}");
    assert!(error.to_string().contains("install xdg-desktop-portal"), "{error}");
    let error = probe_portal(Duration::from_secs(5)).unwrap_err();
    assert!(matches!(error, CaptureError::NoPortal { .. }), "{error:?}");
}

#[test]
fn no_bus() {
    let session = session();
    let _ = std::fs::remove_file(session.runtime_dir().join("bus"));
    let error = refusal(&CaptureConfig::default());
    assert!(
        matches!(&error, CaptureError::NoPortal { reason } if reason.contains("session bus")),
        "{error:?}"
    );
}

#[test]
fn a_portal_without_screen_cast() {
    let session = session();
    let mut script = Script::new(Answer::Refuse);
    script.screencast = false;
    let _portal = Portal::start(&session, script).unwrap();
    let error = refusal(&CaptureConfig::default());
    assert!(matches!(error, CaptureError::NoScreenCast), "{error:?}");
    let error = probe_portal(Duration::from_secs(5)).unwrap_err();
    assert!(matches!(error, CaptureError::NoScreenCast), "{error:?}");
}

#[test]
fn what_the_portal_can_do_is_told() {
    let session = session();
    let mut script = Script::new(Answer::Refuse);
    (script.source_types, script.cursor_modes) = (1, 6);
    let _portal = Portal::start(&session, script).unwrap();
    let found = probe_portal(Duration::from_secs(5)).unwrap();
    assert_eq!((found.sources, found.cursors), (vec!["monitor"], vec!["embedded", "metadata"]));
    assert_eq!((found.version >= 4, found.restores), (true, true));
}

#[test]
fn a_kind_that_the_portal_lacks_is_an_error_that_names_what_it_has() {
    let session = session();
    let mut script = Script::new(Answer::Refuse);
    script.source_types = 1;
    let portal = Portal::start(&session, script).unwrap();
    let config = CaptureConfig::default().with_kinds(SourceKinds::new(false, false, true));
    let error = refusal(&config).to_string();
    assert!(error.contains("virtual") && error.contains("offers monitor"), "{error}");
    assert_eq!(portal.seen().dialogs, 0);
}

#[test]
fn what_is_asked_is_what_was_configured() {
    let session = session();
    let portal = Portal::start(&session, Script::new(Answer::Refuse)).unwrap();
    let config = CaptureConfig::default()
        .with_kinds(SourceKinds::new(false, true, true))
        .with_multiple(true)
        .with_cursor(CursorMode::Metadata);
    refusal(&config);
    let asked = portal.seen().selections[0];
    assert_eq!((asked.types, asked.multiple, asked.cursor, asked.persist), (6, true, 4, 2));
    refusal(&config.with_restore_profile(None));
    assert_eq!(portal.seen().selections[1].persist, 0, "without a profile nothing is to be remembered");
}

#[test]
fn a_pointer_that_cannot_be_had_is_noted() {
    let session = session();
    let mut script = Script::new(Answer::Refuse);
    script.cursor_modes = 1;
    let portal = Portal::start(&session, script).unwrap();
    let (sink, journal) = sink();
    assert!(open_capture(&CaptureConfig::default().with_cursor(CursorMode::Embedded), sink, None).is_err());
    assert_eq!(portal.seen().selections[0].cursor, 1);
    let notes = journal.notes();
    assert!(notes.iter().any(|note| note.contains("embedded") && note.contains("hidden")), "{notes:?}");
}

#[test]
fn the_dialog_comes_once() {
    let mut session = session();
    session.start_pipewire().unwrap();
    let portal = Portal::start(&session, Script::share([NOWHERE])).unwrap();
    let config = CaptureConfig::default();
    let mut tokens = Vec::new();
    for _ in 0..3 {
        assert_shared(&refusal(&config));
        tokens.push(std::fs::read_to_string(token_file(&session)).unwrap());
    }
    let seen = portal.seen();
    assert_eq!((seen.dialogs, seen.restored), (1, 2));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = token_file(&session);
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert!(tokens.iter().all(|token| !token.is_empty()));
    refusal(&config.with_restore_profile(Some("other".into())));
    assert_eq!(portal.seen().dialogs, 2, "each profile has a choice of its own");
}

#[test]
fn a_choice_that_is_not_known_any_more_brings_the_dialog() {
    let mut session = session();
    session.start_pipewire().unwrap();
    let portal = Portal::start(&session, Script::share([NOWHERE])).unwrap();
    refusal(&CaptureConfig::default());
    portal.restore(Restore::Ask);
    refusal(&CaptureConfig::default());
    assert_eq!((portal.seen().dialogs, portal.seen().restored), (2, 0));
}

#[test]
fn a_choice_that_fails_brings_the_dialog() {
    let mut session = session();
    session.start_pipewire().unwrap();
    let portal = Portal::start(&session, Script::share([NOWHERE])).unwrap();
    refusal(&CaptureConfig::default());
    portal.restore(Restore::Fail);
    let (sink, journal) = sink();
    let error = open_capture(&CaptureConfig::default(), sink, None).err().unwrap();
    assert_shared(&error);
    assert_eq!(portal.seen().dialogs, 2);
    assert!(journal.notes().iter().any(|note| note.contains("asking anew")), "{:?}", journal.notes());
}

#[test]
fn a_token_file_full_of_nonsense_brings_the_dialog() {
    let mut session = session();
    session.start_pipewire().unwrap();
    let portal = Portal::start(&session, Script::share([NOWHERE])).unwrap();
    let file = token_file(&session);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "not a token").unwrap();
    let (sink, journal) = sink();
    let error = open_capture(&CaptureConfig::default(), sink, None).err().unwrap();
    assert_shared(&error);
    assert_eq!(portal.seen().dialogs, 1);
    assert!(!journal.notes().concat().contains("not a token"), "a token is a secret");
    assert_ne!(std::fs::read_to_string(&file).unwrap(), "not a token", "it was replaced");
}

#[test]
fn a_portal_that_remembers_nothing_leaves_no_token() {
    let mut session = session();
    session.start_pipewire().unwrap();
    let portal = Portal::start(&session, Script::share([NOWHERE])).unwrap();
    refusal(&CaptureConfig::default());
    assert!(token_file(&session).exists());
    portal.restore(Restore::Never);
    refusal(&CaptureConfig::default());
    assert!(!token_file(&session).exists(), "the old one was spent");
}
