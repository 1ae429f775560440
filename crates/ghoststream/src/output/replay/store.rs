//! What is held: the newest in memory, and before that, where it was asked for, what is on a disk.

use std::thread::JoinHandle;
use std::time::Duration;

use super::ring::{Limits, Ring, Snapshot, before};
use super::shelf::Shelf;
use crate::MediaTime;
use crate::encode::Packet;
use crate::stats::ReplayReport;

/// A ring, and the shelf for what it has no room for.
#[derive(Debug)]
pub(super) struct Store {
    ring: Ring,
    shelf: Option<Shelf>,
}

impl Store {
    pub(super) const fn new(ring: Ring, shelf: Option<Shelf>) -> Self {
        Self { ring, shelf }
    }

    /// Takes a packet; see [`Ring::push`].
    pub(super) fn push(&mut self, packet: &Packet) {
        let given_up = self.ring.push(packet);
        let Some(shelf) = &mut self.shelf else { return };
        for stretch in given_up.stretches {
            shelf.put(stretch);
        }
        if given_up.hole {
            shelf.give_up();
        }
        if let Some(end) = self.ring.end() {
            shelf.trim(before(end, self.ring.limits().span), self.ring.starts().next());
        }
    }

    /// Everything that is held: handles only.
    pub(super) fn snapshot(&self) -> Snapshot {
        let shelved = self.shelf.as_ref().map(Shelf::snapshot).unwrap_or_default();
        Snapshot { shelved, ..self.ring.snapshot() }
    }

    /// Whether all pictures until then are there.
    pub(super) fn has_pictures(&self, until: MediaTime) -> bool {
        self.ring.end() >= Some(until)
    }

    /// Whether all sound until then is there.
    pub(super) fn has_sound(&self, until: MediaTime) -> bool {
        self.ring.has_sound(until)
    }

    /// What is kept in memory.
    pub(super) const fn limits(&self) -> Limits {
        self.ring.limits()
    }

    /// How much time is held, in pictures.
    pub(super) fn held(&self) -> Duration {
        let oldest = self.shelf.as_ref().and_then(|it| it.starts().next());
        match (oldest, self.ring.end()) {
            (Some(start), Some(end)) => {
                Duration::from_nanos(u64::try_from(end.nanos_since(start)).unwrap_or(0))
            }
            _ => self.ring.held(),
        }
    }

    /// Whether there was ever too little room for the time.
    pub(super) fn shortened(&self) -> bool {
        self.shelf.as_ref().map_or(self.ring.shortened(), Shelf::shortened)
    }

    /// Memory that is held, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.ring.bytes() + self.shelf.as_ref().map_or(0, Shelf::waiting)
    }

    /// What is told of it, beside what was `saved`.
    pub(super) fn report(&self, saved: &ReplayReport) -> ReplayReport {
        ReplayReport {
            held_seconds: self.held().as_secs_f64(),
            held_bytes: self.bytes(),
            disk_bytes: self.shelf.as_ref().map_or(0, Shelf::bytes),
            disk_failure: self.shelf.as_ref().and_then(Shelf::failure),
            shortened: self.shortened(),
            ..saved.clone()
        }
    }

    /// The thread that writes to the disk, to be joined: nothing more is pushed.
    pub(super) fn close(&mut self) -> Option<JoinHandle<()>> {
        self.ring.seal();
        self.shelf.as_mut().and_then(Shelf::close)
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
