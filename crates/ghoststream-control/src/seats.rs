//! How many clients there may be, and who leaves when all places are taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::server::{IDLE, MOST_CLIENTS};

/// The places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    taken: HashMap<u64, Taken>,
}

#[derive(Debug)]
struct Taken {
    /// Since when the client has said nothing; `None` while it is being served.
    silent: Option<Instant>,
    leave: Arc<Notify>,
}

/// A client's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    id: u64,
    seats: Seats,
    leave: Arc<Notify>,
}

impl Seats {
    /// A place. When all are taken, that of the client which has been silent longest, if for
    /// [`IDLE`]; else there is none.
    pub(crate) fn take(&self) -> Option<Seat> {
        let mut inner = self.lock();
        if inner.taken.len() >= MOST_CLIENTS {
            let silent = inner.taken.iter().filter_map(|(id, it)| Some((it.silent?, *id)));
            let (since, id) = silent.min()?;
            if since.elapsed() < IDLE {
                return None;
            }
            inner.taken.remove(&id)?.leave.notify_one();
        }
        let (id, leave) = (inner.next, Arc::new(Notify::new()));
        inner.next += 1;
        inner.taken.insert(id, Taken { silent: Some(Instant::now()), leave: Arc::clone(&leave) });
        Some(Seat { id, seats: self.clone(), leave })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Says whether the client is being served, or silent from now on.
    pub(crate) fn served(&self, served: bool) {
        if let Some(taken) = self.seats.lock().taken.get_mut(&self.id) {
            taken.silent = (!served).then(Instant::now);
        }
    }

    /// Resolves when another client gets the place.
    pub(crate) async fn left(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().taken.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_client_that_was_silent_longest_makes_room() {
        let seats = Seats::default();
        let mut taken: Vec<_> = (0..MOST_CLIENTS).map(|_| seats.take().unwrap()).collect();
        assert!(seats.take().is_none(), "all have just come");
        taken[0].served(true);
        tokio::time::advance(IDLE).await;
        taken[2].served(false);
        let late = seats.take().expect("a place");
        let gone = taken.remove(1);
        gone.left().await;
        drop(gone);
        assert!(seats.take().is_some_and(|it| it.id != late.id), "the next silent one makes room, too");
        drop((late, taken));
        assert!(seats.lock().taken.is_empty());
    }
}
