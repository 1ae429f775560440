//! Between the output's thread and the caller.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::{Packet, Track};
use crate::{PacketOptions, WhenFull};

/// Packets that wait for the caller, bounded in number and bytes.
///
/// With [`WhenFull::Drop`] a picture that finds no room is dropped, and every further one before a key frame
/// that finds some: what was queued before stays, and decodes. Sound that finds no room is dropped alone.
#[derive(Debug)]
pub(crate) struct Queue {
    options: PacketOptions,
    tracks: Vec<Track>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Packet>,
    bytes: usize,
    /// Pictures are dropped until a key frame finds room.
    skipping: bool,
    /// Packets that were dropped since the last one that was not, by track.
    lost: BTreeMap<usize, u64>,
    /// Pictures that were dropped.
    dropped: u64,
    /// A stream was handed out.
    taken: bool,
    /// It was dropped: nobody reads.
    left: bool,
    ended: bool,
    /// Until when one who takes nothing is waited for, while the pipeline is being stopped.
    give_up: Option<Instant>,
    waker: Option<Waker>,
}

impl Queue {
    /// How long one who takes nothing is waited for while the pipeline is being stopped.
    const LAST: Duration = Duration::from_secs(2);

    pub(super) fn new(options: PacketOptions, tracks: Vec<Track>) -> Self {
        Self { options, tracks, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(super) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Adds a packet, or drops it, or waits for room.
    pub(super) fn push(&self, mut packet: Packet, stopping: &AtomicBool) {
        let mut state = self.lock();
        if self.options.when_full == WhenFull::Wait {
            state = self.wait_for_room(state, &packet, stopping);
        }
        if state.left {
            return;
        }
        let picture = packet.track() == 0;
        let skipped = picture && state.skipping && !packet.is_key();
        if skipped || !self.has_room(&state, &packet) {
            state.skipping |= picture;
            state.dropped += u64::from(picture);
            *state.lost.entry(packet.track()).or_default() += 1;
            return;
        }
        if picture {
            state.skipping = false;
        }
        packet.lost = state.lost.remove(&packet.track()).unwrap_or(0);
        state.bytes += packet.data().len();
        state.waiting.push_back(packet);
        self.tell(state);
    }

    fn has_room(&self, state: &State, packet: &Packet) -> bool {
        let bytes = state.bytes.saturating_add(packet.data().len());
        let fits = state.waiting.len() < self.options.most_packets && bytes <= self.options.most_bytes;
        fits || state.waiting.is_empty()
    }

    fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        packet: &Packet,
        stopping: &AtomicBool,
    ) -> MutexGuard<'a, State> {
        const SLICE: Duration = Duration::from_millis(50);
        while !self.has_room(&state, packet) && !state.left {
            if stopping.load(Ordering::Acquire) {
                let until = *state.give_up.get_or_insert_with(|| Instant::now() + Self::LAST);
                if Instant::now() >= until {
                    break;
                }
            }
            state = self.changed.wait_timeout(state, SLICE).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        self.tell(state);
    }

    /// Pictures that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Hands the reading end out; false where it was already.
    pub(super) fn take(&self) -> bool {
        !std::mem::replace(&mut self.lock().taken, true)
    }

    /// Nobody reads any more: what comes is let go.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.left = true;
        state.waiting.clear();
        self.tell(state);
    }

    /// The next packet, or a wait for it; nothing once there will be none.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Packet>> {
        let mut state = self.lock();
        let next = self.next(&mut state);
        if next.is_pending() {
            state.waker = Some(context.waker().clone());
        }
        next
    }

    /// The same for a thread, which waits for so long at most.
    pub(super) fn wait(&self, most: Duration) -> Poll<Option<Packet>> {
        let until = Instant::now().checked_add(most);
        let mut state = self.lock();
        loop {
            let next = self.next(&mut state);
            let left = until.map_or(Duration::MAX, |it| it.saturating_duration_since(Instant::now()));
            if next.is_ready() || left.is_zero() {
                return next;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn next(&self, state: &mut State) -> Poll<Option<Packet>> {
        match state.waiting.pop_front() {
            Some(packet) => {
                state.bytes -= packet.data().len();
                state.give_up = None;
                self.changed.notify_all();
                Poll::Ready(Some(packet))
            }
            None if state.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
