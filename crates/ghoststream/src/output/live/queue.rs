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

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::encode::{Packet, Track};
use crate::{MediaTime, Timestamp};

/// What bounds a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The longest that a picture waits.
    pub(crate) age: Duration,
    /// The most bytes that wait.
    pub(crate) bytes: usize,
}

/// What the head of the queue is.
#[derive(Debug)]
pub(super) enum Next {
    Packet(Packet),
    /// Nothing came in the time.
    Nothing,
    /// Nothing waits, and nothing more comes.
    Closed,
}

/// What was dropped since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) pictures: u64,
    pub(super) gaps: u64,
}

#[derive(Debug)]
pub(super) struct Queue {
    bounds: Bounds,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Timestamp, Packet)>,
    bytes: usize,
    /// Whether a peer takes packets.
    connected: bool,
    /// When the picture is shown with which the peer began.
    begins: Option<MediaTime>,
    /// Pictures are dropped until a key frame comes.
    skipping: bool,
    /// Some were, since the last key frame: the next one is awaited before its time.
    broken: bool,
    dropped: Dropped,
    closed: bool,
    /// What an encoder that took over makes, where the picture that said so was dropped.
    untold: Option<Arc<Track>>,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        let state = State { skipping: true, ..State::default() };
        Self { bounds, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Takes a packet; drops older ones where there is no room for it.
    pub(super) fn push(&self, packet: Packet, now: Timestamp) {
        let mut state = self.lock();
        state.push(packet, now);
        state.trim(self.bounds, now);
        drop(state);
        self.changed.notify_one();
    }

    /// The next packet, waited for.
    pub(super) fn pop(&self, patience: Duration) -> Next {
        let empty = |state: &mut State| state.head().is_none() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, empty);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.trim(self.bounds, Timestamp::now());
        match state.pop() {
            Some(packet) => Next::Packet(packet),
            None if state.closed => Next::Closed,
            None => Next::Nothing,
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

    /// How long its head has waited, and how many bytes wait.
    pub(super) fn jam(&self, now: Timestamp) -> (Duration, u64) {
        let state = self.lock();
        let head = state.head().and_then(|index| state.waiting.get(index));
        let age = head.map_or(Duration::ZERO, |it| now.since(it.0));
        (age, state.bytes as u64)
    }

    /// Whether a peer is there for which everything is dropped until a key frame comes.
    pub(super) fn needs_key_frame(&self) -> bool {
        let state = self.lock();
        state.connected && state.broken
    }

    /// Drops pictures down to the newest key frame that waits, or up to the next one that comes.
    pub(super) fn drop_pictures(&self) {
        self.lock().drop_pictures();
    }

    /// What was dropped since the last call.
    pub(super) fn take_dropped(&self) -> Dropped {
        std::mem::take(&mut self.lock().dropped)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn is_picture(packet: &Packet) -> bool {
    packet.track == 0
}

impl State {
    fn push(&mut self, mut packet: Packet, now: Timestamp) {
        if is_picture(&packet) {
            if packet.key {
                (self.skipping, self.broken) = (false, false);
                if !self.connected {
                    self.clear();
                }
                self.tell(&mut packet);
            } else if self.skipping {
                self.dropped.pictures += 1;
                return;
            }
        } else if !self.connected && self.skipping || self.begins.is_some_and(|it| packet.pts < it) {
            // Sound before the first picture.
            return;
        }
        self.bytes += packet.data().len();
        self.waiting.push_back((now, packet));
    }

    /// What is next: the first of all, but at the beginning the first picture.
    fn head(&self) -> Option<usize> {
        match self.begins {
            Some(_) => (!self.waiting.is_empty()).then_some(0),
            None => self.waiting.iter().position(|it| is_picture(&it.1)),
        }
    }

    fn pop(&mut self) -> Option<Packet> {
        let packet = self.remove(self.head()?)?;
        if self.begins.is_none() {
            self.begins = Some(packet.pts);
            self.leave_out_sound(packet.pts);
        }
        Some(packet)
    }

    fn remove(&mut self, index: usize) -> Option<Packet> {
        let (_, packet) = self.waiting.remove(index)?;
        self.bytes -= packet.data().len();
        Some(packet)
    }

    /// The sound that waits and is heard before this.
    fn leave_out_sound(&mut self, begins: MediaTime) {
        let bytes = &mut self.bytes;
        self.waiting.retain(|(_, packet)| {
            let kept = is_picture(packet) || packet.pts >= begins;
            *bytes -= if kept { 0 } else { packet.data().len() };
            kept
        });
    }

    /// Packets go that nobody gets.
    fn lose(&mut self, lost: impl IntoIterator<Item = (Timestamp, Packet)>) {
        let mut pictures = 0;
        for (_, packet) in lost {
            self.bytes -= packet.data().len();
            if is_picture(&packet) {
                pictures += 1;
                self.untold = packet.begins.or(self.untold.take());
            }
        }
        self.dropped.pictures += pictures;
        self.dropped.gaps += u64::from(pictures > 0);
    }

    /// A key picture after those that were dropped says what they would have.
    fn tell(&mut self, key: &mut Packet) {
        let untold = self.untold.take();
        key.begins = key.begins.take().or(untold);
    }

    /// Nobody gets these: a newer key frame is what a peer will begin with.
    fn clear(&mut self) {
        let all = std::mem::take(&mut self.waiting);
        self.lose(all);
    }

    /// What is before the newest key frame cannot be decoded by a peer that begins there.
    fn forget_broken(&mut self) {
        match self.newest_key() {
            Some(index) => {
                let kept = self.waiting.split_off(index);
                let lost = std::mem::replace(&mut self.waiting, kept);
                self.lose(lost);
                self.tell_newest();
            }
            None => {
                self.clear();
                (self.skipping, self.broken) = (true, true);
            }
        }
    }

    /// Of the pictures that wait, the newest key frame is the first.
    fn tell_newest(&mut self) {
        let Some(index) = self.newest_key() else { return };
        let mut key = self.waiting[index].1.clone();
        self.tell(&mut key);
        self.waiting[index].1 = key;
    }

    fn newest_key(&self) -> Option<usize> {
        self.waiting.iter().rposition(|(_, packet)| is_picture(packet) && packet.key)
    }

    fn trim(&mut self, bounds: Bounds, now: Timestamp) {
        let oldest = self.waiting.iter().find(|it| is_picture(&it.1)).map(|it| it.0);
        let stale = oldest.is_some_and(|at| now.since(at) > bounds.age);
        // Without a peer a whole group waits for one, however long it is: it is bounded by its bytes.
        if (stale && self.connected) || self.bytes > bounds.bytes {
            self.drop_pictures();
        }
        // Sound alone cannot fill it in practice; it is bounded all the same.
        while self.bytes > bounds.bytes && self.remove(0).is_some() {}
    }

    /// Drops pictures down to the newest key frame, or all and what follows them before the next.
    fn drop_pictures(&mut self) {
        // A key frame at the very head has been waiting itself: what is too old goes with it.
        let key = self.newest_key().filter(|&index| index > 0);
        let last = key.unwrap_or(self.waiting.len());
        let all = std::mem::take(&mut self.waiting).into_iter().enumerate();
        let (lost, kept): (Vec<_>, Vec<_>) = all.partition(|(index, it)| *index < last && is_picture(&it.1));
        self.waiting = kept.into_iter().map(|it| it.1).collect();
        self.skipping = key.is_none();
        self.broken |= self.skipping && !lost.is_empty();
        self.lose(lost.into_iter().map(|it| it.1));
        self.tell_newest();
    }
}
