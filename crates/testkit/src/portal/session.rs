//! The requests and sessions that every interface of the backend makes.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, ObjectServer, fdo, interface};

use super::backend::{State, lock};

/// A dialog that is open.
pub(super) struct Request {
    withdrawn: Arc<Notify>,
}

impl Request {
    /// Makes the request by which its dialog can be withdrawn; what is answered says that it was.
    pub(super) async fn open(server: &ObjectServer, path: &OwnedObjectPath) -> fdo::Result<Arc<Notify>> {
        let withdrawn = Arc::new(Notify::new());
        server.at(path.clone(), Self { withdrawn: Arc::clone(&withdrawn) }).await?;
        Ok(withdrawn)
    }
}

#[interface(name = "org.freedesktop.impl.portal.Request")]
impl Request {
    async fn close(&self) {
        self.withdrawn.notify_one();
    }
}

/// A session, until whoever asked for it closes it.
pub(super) struct Session {
    state: Arc<Mutex<State>>,
    path: OwnedObjectPath,
}

impl Session {
    /// Makes the session that the frontend asks for, and counts it.
    pub(super) async fn open(
        server: &ObjectServer,
        state: &Arc<Mutex<State>>,
        path: &OwnedObjectPath,
    ) -> fdo::Result<()> {
        server.at(path.clone(), Self { state: Arc::clone(state), path: path.clone() }).await?;
        lock(state).seen.opened += 1;
        Ok(())
    }

    /// Ends one from the desktop's side.
    pub(super) async fn end(connection: &Connection, path: OwnedObjectPath) -> zbus::Result<()> {
        SignalEmitter::new(connection, path.clone())?.closed().await?;
        connection.object_server().remove::<Self, _>(path).await?;
        Ok(())
    }
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
