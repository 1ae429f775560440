//! The backend: `org.freedesktop.impl.portal.ScreenCast`, and the requests and sessions that it and others make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::{Notify, mpsc, oneshot};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, ObjectServer, fdo, interface};

use super::script::{Answer, Restore, Script, Seen, Selection, Shared};
use super::shortcuts::{self, BoundKey, GlobalShortcuts};

pub(super) const NAME: &str = "org.freedesktop.impl.portal.desktop.ghoststreamtest";
pub(super) const PATH: &str = "/org/freedesktop/portal/desktop";
const VENDOR: &str = "ghoststream-test";

pub(super) const SUCCESS: u32 = 0;
pub(super) const REFUSED: u32 = 1;
pub(super) const FAILED: u32 = 2;

pub(super) type Options = HashMap<String, OwnedValue>;
pub(super) type Response = (u32, Options);

/// What the backend does and what it has seen.
#[derive(Debug)]
pub(super) struct State {
    pub(super) script: Script,
    pub(super) seen: Seen,
    sessions: HashMap<OwnedObjectPath, Selection>,
    /// Sessions for shortcuts, and what is bound in them.
    pub(super) shortcuts: HashMap<OwnedObjectPath, Option<Vec<BoundKey>>>,
}

impl State {
    pub(super) fn new(script: Script) -> Self {
        Self { script, seen: Seen::default(), sessions: HashMap::new(), shortcuts: HashMap::new() }
    }
}

/// The thread that serves the backend; dropping it leaves the bus.
#[derive(Debug)]
pub(super) struct Backend {
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    CloseSessions(oneshot::Sender<Result<()>>),
    Press { id: String, times: u32, done: oneshot::Sender<Result<()>> },
    Change { id: String, trigger: String, done: oneshot::Sender<Result<()>> },
}

impl Backend {
    pub(super) fn start(address: &str, state: Arc<Mutex<State>>) -> Result<Self> {
        let (orders, received) = mpsc::channel(4);
        let (ready, started) = oneshot::channel();
        let address = address.to_owned();
        let thread = std::thread::Builder::new().name("portal-backend".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(error.into()))),
            };
            runtime.block_on(serve(address, state, ready, received));
        })?;
        let backend = Self { orders: Some(orders), thread: Some(thread) };
        answer(started)?;
        Ok(backend)
    }

    pub(super) fn close_sessions(&self) -> Result<()> {
        self.order(Order::CloseSessions)
    }

    pub(super) fn press(&self, id: &str, times: u32) -> Result<()> {
        self.order(|done| Order::Press { id: id.to_owned(), times, done })
    }

    pub(super) fn change(&self, id: &str, trigger: &str) -> Result<()> {
        self.order(|done| Order::Change { id: id.to_owned(), trigger: trigger.to_owned(), done })
    }

    fn order(&self, order: impl FnOnce(oneshot::Sender<Result<()>>) -> Order) -> Result<()> {
        let (done, result) = oneshot::channel();
        let orders = self.orders.as_ref().context("the backend was stopped")?;
        orders.try_send(order(done)).map_err(|_| anyhow!("the backend's thread is gone"))?;
        answer(result)
    }
}

/// Waits without a runtime, and within one, where blocking receives panic.
fn answer(mut result: oneshot::Receiver<Result<()>>) -> Result<()> {
    loop {
        match result.try_recv() {
            Ok(result) => return result,
            Err(oneshot::error::TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(2)),
            Err(oneshot::error::TryRecvError::Closed) => bail!("the backend's thread is gone"),
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    address: String,
    state: Arc<Mutex<State>>,
    ready: oneshot::Sender<Result<()>>,
    mut orders: mpsc::Receiver<Order>,
) {
    let connection = match connect(&address, Arc::clone(&state)).await {
        Ok(connection) => connection,
        Err(error) => return drop(ready.send(Err(error.into()))),
    };
    let _ = ready.send(Ok(()));
    while let Some(order) = orders.recv().await {
        match order {
            Order::CloseSessions(done) => drop(done.send(close_sessions(&connection, &state).await)),
            Order::Press { id, times, done } => {
                let _ = done.send(shortcuts::press(&connection, &state, &id, times).await);
            }
            Order::Change { id, trigger, done } => {
                let _ = done.send(shortcuts::change(&connection, &state, &id, &trigger).await);
            }
        }
    }
}

async fn connect(address: &str, state: Arc<Mutex<State>>) -> zbus::Result<Connection> {
    zbus::connection::Builder::address(address)?
        .serve_at(PATH, GlobalShortcuts { state: Arc::clone(&state) })?
        .serve_at(PATH, ScreenCast { state })?
        .serve_at(PATH, Access)?
        .name(NAME)?
        .build()
        .await
}

async fn close_sessions(connection: &Connection, state: &Mutex<State>) -> Result<()> {
    let paths: Vec<_> = {
        let mut state = lock(state);
        let casts: Vec<_> = state.sessions.drain().map(|(path, _)| path).collect();
        casts.into_iter().chain(state.shortcuts.drain().map(|(path, _)| path)).collect()
    };
    for path in paths {
        let emitter = SignalEmitter::new(connection, path.clone())?;
        emitter.closed().await?;
        connection.object_server().remove::<Session, _>(path).await?;
    }
    Ok(())
}

pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Dialogs in which a program asks for a device.
struct Access;

#[interface(name = "org.freedesktop.impl.portal.Access")]
impl Access {
    /// The user grants it.
    #[allow(clippy::too_many_arguments, clippy::unused_self)]
    fn access_dialog(
        &self,
        _handle: OwnedObjectPath,
        _app: String,
        _parent: String,
        _title: String,
        _subtitle: String,
        _body: String,
        _options: Options,
    ) -> Response {
        (SUCCESS, Options::new())
    }
}

struct ScreenCast {
    state: Arc<Mutex<State>>,
}

#[interface(name = "org.freedesktop.impl.portal.ScreenCast")]
impl ScreenCast {
    async fn create_session(
        &self,
        #[zbus(object_server)] server: &ObjectServer,
        _handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        _app_id: String,
        _options: Options,
    ) -> fdo::Result<Response> {
        let session = Session { state: Arc::clone(&self.state), path: session_handle.clone() };
        server.at(session_handle.clone(), session).await?;
        let mut state = lock(&self.state);
        state.seen.opened += 1;
        state.sessions.insert(session_handle, Selection::default());
        Ok((SUCCESS, Options::new()))
    }

    async fn select_sources(
        &self,
        _handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        _app_id: String,
        options: Options,
    ) -> fdo::Result<Response> {
        let number = |key: &str| options.get(key).and_then(|value| u32::try_from(value).ok());
        let selection = Selection {
            types: number("types").unwrap_or(0),
            multiple: options.get("multiple").and_then(|value| bool::try_from(value).ok()).unwrap_or(false),
            cursor: number("cursor_mode").unwrap_or(0),
            persist: number("persist_mode").unwrap_or(0),
            restores: options.contains_key("restore_data"),
        };
        let mut state = lock(&self.state);
        state.seen.selections.push(selection);
        state.sessions.insert(session_handle, selection);
        Ok((SUCCESS, Options::new()))
    }

    async fn start(
        &self,
        #[zbus(object_server)] server: &ObjectServer,
        handle: OwnedObjectPath,
        session_handle: OwnedObjectPath,
        _app_id: String,
        _parent_window: String,
        _options: Options,
    ) -> fdo::Result<Response> {
        // First, so that whoever sees the dialog can also withdraw it.
        let withdrawn = Arc::new(Notify::new());
        server.at(handle.clone(), Request { withdrawn: Arc::clone(&withdrawn) }).await?;
        let (answer, restore, persists) = self.decide(&session_handle);
        let response = match answer {
            Answer::Share(shared) => (SUCCESS, results(&shared, persists && restore != Restore::Never)?),
            Answer::Refuse => (REFUSED, Options::new()),
            Answer::Fail => (FAILED, Options::new()),
            Answer::Never => {
                withdrawn.notified().await;
                lock(&self.state).seen.withdrawn += 1;
                (FAILED, Options::new())
            }
        };
        server.remove::<Request, _>(handle).await?;
        Ok(response)
    }

    #[zbus(property)]
    async fn available_source_types(&self) -> u32 {
        lock(&self.state).script.source_types
    }

    #[zbus(property)]
    async fn available_cursor_modes(&self) -> u32 {
        lock(&self.state).script.cursor_modes
    }

    #[zbus(property, name = "version")]
    async fn version(&self) -> u32 {
        4
    }
}

impl ScreenCast {
    /// What happens at `Start`, whether the choice may be remembered, and the books kept of it.
    fn decide(&self, session: &OwnedObjectPath) -> (Answer, Restore, bool) {
        let mut state = lock(&self.state);
        let selection = state.sessions.get(session).copied().unwrap_or_default();
        let restore = state.script.restore;
        let answer = match restore {
            Restore::Fail if selection.restores => Answer::Fail,
            Restore::Honour if selection.restores => {
                state.seen.restored += 1;
                state.script.answer.clone()
            }
            _ => {
                state.seen.dialogs += 1;
                state.script.answer.clone()
            }
        };
        (answer, restore, selection.persist > 0)
    }
}

/// The results of a `Start` that succeeded.
fn results(shared: &[Shared], remembered: bool) -> fdo::Result<Options> {
    let streams: Vec<(u32, HashMap<&str, Value<'_>>)> = shared
        .iter()
        .map(|shared| {
            let properties = HashMap::from([
                ("size", Value::new(shared.size)),
                ("position", Value::new(shared.position)),
                ("source_type", Value::new(shared.kind)),
            ]);
            (shared.node, properties)
        })
        .collect();
    let mut results = vec![("streams", Value::new(streams))];
    if remembered {
        let data = Value::new("what the user picked");
        results.push(("persist_mode", Value::new(2u32)));
        results.push(("restore_data", Value::new((VENDOR, 1u32, data))));
    }
    results
        .into_iter()
        .map(|(key, value)| {
            let value = value.try_into().map_err(|error| fdo::Error::Failed(format!("{key}: {error}")))?;
            Ok((key.to_owned(), value))
        })
        .collect()
}

pub(super) struct Request {
    pub(super) withdrawn: Arc<Notify>,
}

#[interface(name = "org.freedesktop.impl.portal.Request")]
impl Request {
    async fn close(&self) {
        self.withdrawn.notify_one();
    }
}

pub(super) struct Session {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) path: OwnedObjectPath,
}

#[interface(name = "org.freedesktop.impl.portal.Session")]
impl Session {
    async fn close(&self, #[zbus(object_server)] server: &ObjectServer) -> fdo::Result<()> {
        {
            let mut state = lock(&self.state);
            state.seen.closed += 1;
            state.sessions.remove(&self.path);
            state.shortcuts.remove(&self.path);
        }
        server.remove::<Self, _>(self.path.clone()).await?;
        Ok(())
    }

    #[zbus(signal)]
    async fn closed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(property, name = "version")]
    async fn version(&self) -> u32 {
        1
    }
}
