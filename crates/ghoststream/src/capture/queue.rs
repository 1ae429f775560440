//! The slot between capture and a rendition's pacer.
//!
//! Holds at most [`FrameQueue::DEPTH`] frames, fewer than any stream has buffers, so that a slow
//! encoder cannot starve the compositor. When it is full the oldest frame goes, is counted, and its
//! damage is added to the frame that follows it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::CapturedFrame;
use crate::stats::Counters;

/// What happened to a stream, in order with its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureEvent {
    /// The producer stopped sending, and may go on later.
    Paused,
    /// It goes on.
    Resumed,
    /// It will send no more: the reason, in words.
    Ended(String),
}

/// What the pacer takes out.
#[derive(Debug)]
pub enum Taken {
    /// The next frame.
    Frame(CapturedFrame),
    /// Nothing came in time.
    Timeout,
    /// The stream ended and every frame was taken.
    Ended(String),
}

/// The bounded queue of one rendition.
#[derive(Clone, Debug)]
pub struct FrameQueue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<CapturedFrame>,
    ended: Option<String>,
}

impl FrameQueue {
    /// Frames held at most.
    pub const DEPTH: usize = 3;

    /// An empty queue that counts its drops into `counters`.
    pub fn new(counters: Arc<Counters>) -> Self {
        let inner = Inner { state: Mutex::default(), changed: Condvar::new(), counters };
        Self { inner: Arc::new(inner) }
    }

    /// Adds a frame; never blocks. The oldest makes room.
    pub fn push(&self, frame: CapturedFrame) {
        let mut state = self.lock();
        if state.frames.len() == Self::DEPTH
            && let Some(dropped) = state.frames.pop_front()
        {
            self.inner.counters.dropped_capture.add(1);
            let next = state.frames.front_mut();
            if let Some(next) = next {
                next.damage.merge(&dropped.damage);
            }
        }
        state.frames.push_back(frame);
        drop(state);
        self.inner.changed.notify_one();
    }

    /// No frame will follow. The first reason stays.
    pub fn end(&self, reason: impl Into<String>) {
        self.lock().ended.get_or_insert_with(|| reason.into());
        self.inner.changed.notify_all();
    }

    /// Waits for the next frame, `timeout` at most.
    pub fn take(&self, timeout: Duration) -> Taken {
        let waiting = |state: &mut State| state.frames.is_empty() && state.ended.is_none();
        let (mut state, _) = self
            .inner
            .changed
            .wait_timeout_while(self.lock(), timeout, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        match (state.frames.pop_front(), &state.ended) {
            (Some(frame), _) => Taken::Frame(frame),
            (None, Some(reason)) => Taken::Ended(reason.clone()),
            (None, None) => Taken::Timeout,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a capture backend puts its frames: every queue that wants this stream.
#[derive(Clone, Debug)]
pub struct FrameSink {
    queues: Arc<Mutex<Vec<(usize, FrameQueue)>>>,
    counters: Arc<Counters>,
    journal: crate::stats::Journal,
}

impl FrameSink {
    /// A sink without queues.
    pub fn new(counters: Arc<Counters>, journal: crate::stats::Journal) -> Self {
        Self { queues: Arc::default(), counters, journal }
    }

    /// Opens a queue for the frames of `stream`.
    pub fn subscribe(&self, stream: usize) -> FrameQueue {
        let queue = FrameQueue::new(Arc::clone(&self.counters));
        self.lock().push((stream, queue.clone()));
        queue
    }

    /// Hands a frame to every queue of its stream; never blocks for long.
    pub fn push(&self, frame: CapturedFrame) {
        self.counters.captured.add(1);
        for (stream, queue) in self.lock().iter() {
            if *stream == frame.stream {
                queue.push(frame.clone());
            }
        }
    }

    /// Counts a frame that the producer marked corrupt or described wrongly; it is not handed on.
    pub fn corrupt(&self, why: &str) {
        self.counters.corrupt.add(1);
        self.journal
            .once("corrupt-frame", || format!("the producer sent a frame that cannot be used: {why}"));
    }

    /// Tells what happened to a stream.
    pub fn event(&self, stream: usize, event: CaptureEvent) {
        match event {
            CaptureEvent::Paused => self.journal.note("the source paused; the last picture is held"),
            CaptureEvent::Resumed => self.journal.note("the source goes on"),
            CaptureEvent::Ended(reason) => {
                for (of, queue) in self.lock().iter() {
                    if *of == stream {
                        queue.end(reason.as_str());
                    }
                }
            }
        }
    }

    /// Ends every queue, as at `stop`.
    pub fn end_all(&self, reason: &str) {
        for (_, queue) in self.lock().iter() {
            queue.end(reason);
        }
    }

    /// Where backends report what a user should know.
    pub fn journal(&self) -> &crate::stats::Journal {
        &self.journal
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, FrameQueue)>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
