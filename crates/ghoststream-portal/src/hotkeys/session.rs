//! One session with the GlobalShortcuts portal.

use std::time::Instant;

use ashpd::desktop::Session as Handle;
use ashpd::desktop::global_shortcuts::{Activated, Deactivated, GlobalShortcuts, ShortcutsChanged};
use ashpd::zbus::zvariant::ObjectPath;
use ashpd::zbus::{Connection, Message};
use ashpd::{AppID, register_host_app_with_connection};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll, once, select_all};
use tokio::sync::mpsc;

use super::held::Held;
use super::{Bound, Event, Hotkey, HotkeyError};
use crate::find::STARTING;
use crate::{ANSWERING, CLOSING, Fault, Portal, closed_signals, connect, within};

pub(super) const INTERFACE: &str = "org.freedesktop.portal.GlobalShortcuts";

/// What is wanted of the portal.
pub(super) struct Wish {
    pub(super) app_id: AppID,
    pub(super) hotkeys: Vec<Hotkey>,
}

/// A session that is open. It has a bus connection of its own.
pub(super) struct Session {
    handle: Handle<GlobalShortcuts>,
    heard: SelectAll<BoxStream<'static, Heard>>,
    connection: Connection,
}

/// What the portal and the bus say while keys are bound.
enum Heard {
    Pressed(String),
    Released(String),
    Changed(Vec<Bound>),
    Closed,
    PortalGone,
    BusGone,
}

/// Binds what is wished; resolves when the user has answered.
pub(super) async fn open(wish: &Wish) -> Result<(Session, Vec<Bound>), HotkeyError> {
    let connection = connect().await?;
    // The portal takes it before anything else is asked, and never after.
    let unknown = register(&connection, &wish.app_id).await.err();
    let portal = Portal::on(connection.clone(), INTERFACE).await?;
    let shortcuts = GlobalShortcuts::with_connection(portal.connection);
    let shortcuts = within("the bus", ANSWERING, shortcuts).await?.map_err(Fault::from)?;
    // Before there is a session: none of its signals can be missed.
    let heard = within("the bus", ANSWERING, listen(&shortcuts, &connection)).await??;
    let handle = within("CreateSession", ANSWERING, shortcuts.create_session(Default::default()))
        .await?
        .map_err(|error| refused_program(error.into(), wish, unknown))?;
    let session = Session { handle, heard, connection };
    let asked: Vec<_> = wish.hotkeys.iter().map(Hotkey::asked).collect();
    let answer = shortcuts.bind_shortcuts(&session.handle, &asked, None, Default::default()).await;
    match answer.and_then(|it| it.response()) {
        Ok(answer) => Ok((session, answer.shortcuts().iter().map(Bound::of).collect())),
        Err(error) => {
            session.close().await;
            Err(Fault::from(error).into())
        }
    }
}

/// Says which program this is; portals before 1.20 cannot be told, and find out for themselves or do without.
async fn register(connection: &Connection, app_id: &AppID) -> Result<(), Fault> {
    let registered = register_host_app_with_connection(connection.clone(), app_id.clone());
    Ok(within("Register", STARTING, registered).await??)
}

/// A portal that gives sessions to programs that it knows alone says why it does not know this one
/// when it is told which it is.
fn refused_program(fault: Fault, wish: &Wish, unknown: Option<Fault>) -> HotkeyError {
    match (fault, unknown) {
        (Fault::NotAllowed(_), Some(Fault::Failed(reason))) | (Fault::NotAllowed(reason), _) => {
            HotkeyError::UnknownProgram { app_id: wish.app_id.to_string(), reason }
        }
        (fault, _) => fault.into(),
    }
}

/// Everything that is said from now on.
async fn listen(
    shortcuts: &GlobalShortcuts,
    connection: &Connection,
) -> Result<SelectAll<BoxStream<'static, Heard>>, Fault> {
    let ours = Ours::of(connection);
    // In one stream, for a key that is let go must not be heard before it was pressed.
    let signals = shortcuts.receive_all_signals().await?;
    let signals = signals.filter_map(move |it| std::future::ready(ours.heard(&it)));
    let closed = closed_signals(connection).await?.map(|_| Heard::Closed);
    let closed = closed.chain(once(std::future::ready(Heard::BusGone)));
    let owner = shortcuts.receive_owner_changed().await?.map(|_| Heard::PortalGone);
    Ok(select_all([signals.boxed(), closed.boxed(), owner.boxed()]))
}

/// The sessions of this connection, told by their paths: older portals send signals to everybody.
struct Ours(String);

impl Ours {
    fn of(connection: &Connection) -> Self {
        let sender = connection.unique_name().map_or("", |it| it.as_str());
        let sender = sender.trim_start_matches(':').replace('.', "_");
        Self(format!("/org/freedesktop/portal/desktop/session/{sender}/"))
    }

    /// What a signal says, if it is of ours and of a kind that is known.
    fn heard(&self, signal: &Message) -> Option<Heard> {
        let (header, body) = (signal.header(), signal.body());
        match header.member()?.as_str() {
            "Activated" => {
                let it: Activated = body.deserialize().ok()?;
                self.are(&it.session_handle()).then(|| Heard::Pressed(it.shortcut_id().to_owned()))
            }
            "Deactivated" => {
                let it: Deactivated = body.deserialize().ok()?;
                self.are(&it.session_handle()).then(|| Heard::Released(it.shortcut_id().to_owned()))
            }
            "ShortcutsChanged" => {
                let it: ShortcutsChanged = body.deserialize().ok()?;
                let bound = || Heard::Changed(it.shortcuts().iter().map(Bound::of).collect());
                self.are(&it.session_handle()).then(bound)
            }
            _ => None,
        }
    }

    fn are(&self, path: &ObjectPath<'_>) -> bool {
        path.starts_with(&self.0)
    }
}

impl Session {
    /// Sends what happens, until the keys are lost.
    pub(super) async fn follow(&mut self, events: &mpsc::Sender<Event>) {
        let mut held = Held::default();
        let lost = loop {
            let event = match self.heard.next().await {
                Some(Heard::Pressed(id)) if held.press(&id, Instant::now()) => Event::Pressed { id },
                Some(Heard::Pressed(_)) => continue,
                Some(Heard::Released(id)) => {
                    held.release(&id);
                    continue;
                }
                Some(Heard::Changed(bound)) => Event::Changed(bound),
                Some(Heard::Closed) => break HotkeyError::Closed,
                Some(Heard::PortalGone) => break HotkeyError::Gone("the desktop portal"),
                Some(Heard::BusGone) | None => break HotkeyError::Gone("the session bus"),
            };
            // Who does not take them misses them.
            let _ = events.try_send(event);
        };
        // This one is waited for.
        let _ = events.send(Event::Lost(lost)).await;
    }

    /// Closes the session and leaves the bus, whereupon the portal withdraws what is left of it.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(CLOSING, self.handle.close()).await;
        let Self { handle, heard, connection } = self;
        drop((handle, heard));
        let _ = connection.close().await;
    }
}
