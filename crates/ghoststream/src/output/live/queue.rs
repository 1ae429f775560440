//! Packets between the output thread, which never waits, and the sending thread, which may.
//!
//! Bounded in time and in bytes. When the oldest picture has waited for too long, or memory is full,
//! pictures are dropped from the head down to the newest key frame that waits; where none waits, all
//! of them go and so does every further one before the next key frame: a peer never gets a picture
//! whose references it has not got. Sound stays while a peer is there; it is small, and a gap in it
//! hurts more than one in the picture.
//!
//! A peer begins with a key picture. Sound that comes sooner waits for it, and what is heard before it
//! is shown is left out, whenever it comes: sound is encoded later than the picture beside it.
//!
//! Who sends is woken by pictures alone. Sound that comes between two goes with the next one, in the same
//! write, or by itself where none comes in time: it is small, and to wake two threads and a server for
//! each of its packets would cost as much as the pictures do.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::waiting::{Bounds, Dropped, Waiting, is_picture};
use crate::Timestamp;
use crate::encode::Packet;

/// What is next to be sent.
#[derive(Debug)]
pub(super) enum Next {
    /// At least one, and of pictures the last one at most.
    Packets(Vec<Packet>),
    /// Nothing came in the time.
    Nothing,
    /// Nothing waits, and nothing more comes.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue {
    bounds: Bounds,
    state: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::new(Waiting::new()), changed: Condvar::new() }
    }

    /// Takes a packet; drops older ones where there is no room for it.
    pub(super) fn push(&self, packet: Packet, now: Timestamp) {
        let awaited = is_picture(&packet);
        let mut state = self.lock();
        state.push(packet, now);
        state.trim(self.bounds, now);
        drop(state);
        if awaited {
            self.changed.notify_one();
        }
    }

    /// The next picture, waited for, with the sound before it; without one, the sound that waits.
    pub(super) fn pop(&self, patience: Duration) -> Next {
        let waits = |state: &mut Waiting| !state.has_picture() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, waits);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.trim(self.bounds, Timestamp::now());
        let packets = state.pop_together();
        match packets.is_empty() {
            false => Next::Packets(packets),
            true if state.closed => Next::Closed,
            true => Next::Nothing,
        }
    }

    /// The peer is there: what waits begins with a key picture, and goes on from there.
    pub(super) fn connect(&self) {
        let mut state = self.lock();
        (state.connected, state.begins) = (true, None);
    }

    /// The peer was lost: pictures are kept from the newest key frame on, and sound beside them.
    pub(super) fn disconnect(&self) {
        let mut state = self.lock();
        state.connected = false;
        state.forget_broken();
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Nobody takes what still waits.
    pub(super) fn abandon(&self) {
        self.lock().clear();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How long the oldest has waited that is kept from going, and how many bytes are.
    pub(super) fn jam(&self, now: Timestamp) -> (Duration, u64) {
        self.lock().jam(now)
    }

    /// Whether a peer is there for which everything is dropped until a key frame comes.
    pub(super) fn needs_key_frame(&self) -> bool {
        self.lock().needs_key_frame()
    }

    /// Drops pictures down to the newest key frame that waits, or up to the next one that comes.
    pub(super) fn drop_pictures(&self) {
        self.lock().drop_pictures();
    }

    /// What was dropped since the last call.
    pub(super) fn take_dropped(&self) -> Dropped {
        std::mem::take(&mut self.lock().dropped)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
