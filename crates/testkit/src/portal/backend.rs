//! The backend's thread, what its interfaces share, and the one of them that grants every device.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::{mpsc, oneshot};
use zbus::zvariant::{OwnedObjectPath, OwnedValue};
use zbus::{Connection, interface};

use super::screen_cast::ScreenCast;
use super::script::{Script, Seen, Selection};
use super::session::Session;
use super::shortcuts::{self, BoundKey, GlobalShortcuts};

pub(super) const NAME: &str = "org.freedesktop.impl.portal.desktop.ghoststreamtest";
pub(super) const PATH: &str = "/org/freedesktop/portal/desktop";
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
    pub(super) sessions: HashMap<OwnedObjectPath, Selection>,
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
        Session::end(connection, path).await?;
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
