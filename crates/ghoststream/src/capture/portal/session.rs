//! One session with the portal, from the first call to the PipeWire connection.

use std::os::fd::OwnedFd;
use std::time::Duration;

use ashpd::desktop::screencast::{Screencast, SelectSourcesOptions, Stream, Streams};
use ashpd::desktop::{PersistMode, Session as Handle};
use ashpd::enumflags2::BitFlags;
use ashpd::zbus::{Connection, MessageStream};
use futures_util::StreamExt;
use ghoststream_portal::{ANSWERING, CLOSING, Fault, Portal, closed_signals, within};

use super::super::pipewire::{NodeName, Target};
use super::token::{Token, TokenFile};
use super::{INTERFACE, choice, error};
use crate::capture::FrameSink;
use crate::stats::Journal;
use crate::{CaptureConfig, CaptureError, CursorMode, SourceKinds};

/// The first version with restore tokens.
const RESTORES: u32 = 4;
/// The first version with a choice of pointer.
const POINTERS: u32 = 2;

/// What is wanted of the portal.
pub(super) struct Wish {
    kinds: SourceKinds,
    multiple: bool,
    cursor: CursorMode,
    token: Option<TokenFile>,
    dialog: Duration,
    journal: Journal,
    pub(super) resume: bool,
}

impl Wish {
    /// What `config` asks for.
    pub(super) fn new(config: &CaptureConfig, sink: &FrameSink) -> Self {
        Self {
            kinds: config.kinds,
            multiple: config.multiple,
            cursor: config.cursor,
            token: config.restore_profile.as_deref().and_then(TokenFile::of_profile),
            dialog: config.dialog_timeout,
            journal: sink.journal().clone(),
            resume: config.resume,
        }
    }
}

/// What the user shared.
#[derive(Debug)]
pub(super) struct Opened {
    /// A PipeWire connection that shows it and nothing else.
    pub(super) remote: OwnedFd,
    /// Its nodes, in the portal's order.
    pub(super) targets: Vec<Target>,
    /// How the pointer comes.
    pub(super) cursor: CursorMode,
}

/// A session that is open. It has a bus connection of its own.
pub(super) struct Session {
    handle: Handle<Screencast>,
    closed: MessageStream,
    connection: Connection,
    streams: usize,
    journal: Journal,
}

/// Opens a session, with the remembered choice where there is one.
pub(super) async fn open(wish: &Wish) -> Result<(Session, Opened), CaptureError> {
    let Some(token) = remembered(wish) else {
        return attempt(wish, None).await;
    };
    match attempt(wish, Some(&token)).await {
        // Whoever closed the portal's dialog would not like to see it again.
        Err(error @ CaptureError::Portal { .. }) => {
            wish.journal.note(format!("the remembered choice of source is not taken ({error}); asking anew"));
            forget(wish);
            attempt(wish, None).await
        }
        other => other,
    }
}

fn remembered(wish: &Wish) -> Option<Token> {
    let file = wish.token.as_ref()?;
    file.load().unwrap_or_else(|error| {
        let path = file.path().display();
        wish.journal.note(format!("the remembered choice of source cannot be read from {path}: {error}"));
        None
    })
}

fn forget(wish: &Wish) {
    if let Some(file) = &wish.token
        && let Err(error) = file.forget()
    {
        wish.journal.note(format!("{} cannot be removed: {error}", file.path().display()));
    }
}

/// Keeps the token that the portal gave for the next time. None at all means that the one we used
/// is spent, or that the user does not want to be remembered. An empty one is a backend's mistake,
/// which says nothing about the old one.
fn remember(wish: &Wish, given: Option<&str>) {
    let Some(file) = &wish.token else { return };
    match given.map(Token::new) {
        None => forget(wish),
        Some(None) => {}
        Some(Some(token)) => {
            if let Err(error) = file.store(&token) {
                wish.journal.note(format!(
                    "the choice of source cannot be remembered in {}: {error}; the dialog will come again",
                    file.path().display()
                ));
            }
        }
    }
}

async fn attempt(wish: &Wish, token: Option<&Token>) -> Result<(Session, Opened), CaptureError> {
    let portal = Portal::find(INTERFACE).await?;
    let connection = portal.connection.clone();
    let screencast = within("the bus", ANSWERING, Screencast::with_connection(connection.clone()))
        .await?
        .map_err(Fault::from)?;
    // Before there is a session: none of its signals can be missed. It is the connection's only one.
    let closed = closed_signals(&connection).await?;
    let handle = within("CreateSession", ANSWERING, screencast.create_session(Default::default()))
        .await?
        .map_err(Fault::from)?;
    let mut session = Session { handle, closed, connection, streams: 0, journal: wish.journal.clone() };
    match negotiate(wish, token, &portal, &screencast, &session.handle).await {
        Ok(opened) => {
            session.streams = opened.targets.len();
            Ok((session, opened))
        }
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}

/// Says what is wanted, waits for the user, and takes the PipeWire connection.
async fn negotiate(
    wish: &Wish,
    token: Option<&Token>,
    portal: &Portal,
    screencast: &Screencast,
    session: &Handle<Screencast>,
) -> Result<Opened, CaptureError> {
    let (options, cursor) = selection(wish, token, portal, screencast).await?;
    within("SelectSources", ANSWERING, screencast.select_sources(session, options))
        .await?
        .and_then(|request| request.response())
        .map_err(Fault::from)?;
    let start = screencast.start(session, None, Default::default());
    let shared = tokio::time::timeout(wish.dialog, start)
        .await
        .map_err(|_| CaptureError::DialogTimeout(wish.dialog))?
        .and_then(|request| request.response())
        .map_err(Fault::from)?;
    remember(wish, if portal.version >= RESTORES { shared.restore_token() } else { None });
    let targets = targets(&shared)?;
    let remote = screencast.open_pipe_wire_remote(session, Default::default());
    let remote = within("OpenPipeWireRemote", ANSWERING, remote).await?.map_err(Fault::from)?;
    Ok(Opened { remote, targets, cursor })
}

async fn selection(
    wish: &Wish,
    token: Option<&Token>,
    portal: &Portal,
    screencast: &Screencast,
) -> Result<(SelectSourcesOptions, CursorMode), CaptureError> {
    let (sources, cursors) = within("its properties", ANSWERING, abilities(portal, screencast)).await??;
    let kinds = choice::sources(wish.kinds, sources)?;
    if wish.kinds != SourceKinds::default() && kinds.len() < wanted_kinds(wish.kinds) {
        let offered = choice::kind_names(kinds).join(", ");
        wish.journal
            .once("portal-kinds", || format!("of what was asked, the portal can share only: {offered}"));
    }
    let pointer = choice::pointer(wish.cursor, cursors);
    if pointer.differs {
        wish.journal.once("portal-cursor", || {
            let offered = choice::cursor_names(cursors).join(", ");
            let offered = if offered.is_empty() { "no choice" } else { &offered };
            format!(
                "the portal cannot send the pointer as {} (it offers {offered}); it is {}",
                wish.cursor, pointer.mode
            )
        });
    }
    let mut options = SelectSourcesOptions::default()
        .set_sources(kinds)
        .set_multiple(wish.multiple)
        .set_cursor_mode(pointer.asked);
    if portal.version >= RESTORES && wish.token.is_some() {
        options = options
            .set_persist_mode(PersistMode::ExplicitlyRevoked)
            .set_restore_token(token.map(Token::reveal));
    }
    Ok((options, pointer.mode))
}

const fn wanted_kinds(kinds: SourceKinds) -> usize {
    kinds.monitor as usize + kinds.window as usize + kinds.virtual_monitor as usize
}

/// The source types and pointer modes that the portal has.
pub(super) async fn abilities(
    portal: &Portal,
    screencast: &Screencast,
) -> Result<
    (BitFlags<ashpd::desktop::screencast::SourceType>, BitFlags<ashpd::desktop::screencast::CursorMode>),
    CaptureError,
> {
    let sources: u32 = screencast.get_property("AvailableSourceTypes").await.map_err(Fault::from)?;
    let cursors: u32 = if portal.version >= POINTERS {
        screencast.get_property("AvailableCursorModes").await.map_err(Fault::from)?
    } else {
        0
    };
    // Bits that a later version adds say nothing to us, and spoil nothing.
    Ok((BitFlags::from_bits_truncate(sources), BitFlags::from_bits_truncate(cursors)))
}

fn targets(shared: &Streams) -> Result<Vec<Target>, CaptureError> {
    let targets: Vec<_> = shared
        .streams()
        .iter()
        .map(|stream| Target { node: NodeName::Id(stream.pipe_wire_node_id()), label: label(stream) })
        .collect();
    if targets.is_empty() {
        return Err(error::portal("it shared no stream"));
    }
    Ok(targets)
}

/// What the portal says of a stream, such as `monitor 1920x1080 at 0,0`.
fn label(stream: &Stream) -> String {
    let kind = stream.source_type().map(|kind| choice::kind_names(kind.into()).concat());
    let mut label = kind.unwrap_or_else(|| "screen".to_owned());
    if let Some((width, height)) = stream.size() {
        label.push_str(&format!(" {width}x{height}"));
    }
    if let Some((x, y)) = stream.position() {
        label.push_str(&format!(" at {x},{y}"));
    }
    label
}

impl Session {
    /// Number of streams it shares.
    pub(super) const fn streams(&self) -> usize {
        self.streams
    }

    /// Resolves when the portal closes the session. If the bus goes away instead, never: what was
    /// granted goes on, and PipeWire says when it ends.
    pub(super) async fn closed(&mut self) {
        if self.closed.next().await.is_none() {
            self.journal.note("the session bus went away; the capture goes on");
            std::future::pending::<()>().await;
        }
    }

    /// Closes the session and leaves the bus, whereupon the portal withdraws what is left of it.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(CLOSING, self.handle.close()).await;
        let Self { handle, closed, connection, .. } = self;
        drop((handle, closed));
        let _ = connection.close().await;
    }
}
