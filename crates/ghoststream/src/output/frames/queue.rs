//! Between the sink's thread and the caller.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::VideoFrame;

/// Pictures that wait for the caller, [`FramesQueue::DEPTH`] at most: when it is full the oldest goes, and is
/// counted. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FramesQueue(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<VideoFrame>,
    dropped: u64,
    ended: bool,
    /// Tasks that wait for a picture, or for the end.
    wakers: Vec<Waker>,
}

impl State {
    /// The next picture; the end, once all were taken.
    fn next(&mut self) -> Poll<Option<VideoFrame>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None if self.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl FramesQueue {
    /// Pictures held at most: as many as are made without a further allocation, with those that are being
    /// made and looked at.
    pub(crate) const DEPTH: usize = 4;

    /// Adds a picture; never waits.
    pub(super) fn push(&self, frame: VideoFrame) {
        self.change(|state| {
            if state.frames.len() == Self::DEPTH {
                state.frames.pop_front();
                state.dropped += 1;
            }
            state.frames.push_back(frame);
        });
    }

    /// No picture will follow.
    pub(super) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// The next picture, or a wait for it. `None` once there will be none.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<VideoFrame>> {
        let mut state = self.lock();
        let next = state.next();
        if next.is_pending() && !state.wakers.iter().any(|it| it.will_wake(context.waker())) {
            state.wakers.push(context.waker().clone());
        }
        next
    }

    /// The same for a thread, which waits for so long at most.
    pub(super) fn wait(&self, timeout: Duration) -> Poll<Option<VideoFrame>> {
        let until = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        loop {
            let next = state.next();
            let left = until.map(|it| it.saturating_duration_since(Instant::now()));
            if next.is_ready() || left == Some(Duration::ZERO) {
                return next;
            }
            let left = left.unwrap_or(Duration::MAX);
            (state, _) = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Pictures that nobody took in time.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.0.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
