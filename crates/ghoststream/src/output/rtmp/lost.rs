//! What becomes of a connection that was lost.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::socket;

/// A connection that was lost, kept until the next is there.
///
/// Where a path was cut, its server still takes it for alive and the key for in use. Whatever is said to
/// it meanwhile is lost as well; so it is reset when there is a path again, before the key is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost(Arc<Mutex<Option<TcpStream>>>);

impl Lost {
    pub(super) fn keep(&self, socket: TcpStream) {
        *self.kept() = Some(socket);
    }

    /// Tells the server, which may have noticed itself.
    pub(super) fn reset(&self) {
        if let Some(socket) = self.kept().take() {
            socket::reset(socket);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<TcpStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
