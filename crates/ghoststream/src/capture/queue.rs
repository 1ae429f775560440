//! The slot between capture and a rendition's pacer.
//!
//! Holds at most [`FrameQueue::DEPTH`] frames. When it is full the oldest frame goes, is counted, and
//! its damage is added to the frame that follows it. Backends whose buffers are few lend out fewer
//! (see [`Lease`](super::Lease)), so that a slow encoder cannot starve the compositor.
//!
//! Until the recording begins, while encoders and outputs are being opened, a queue that is on hold
//! keeps just the newest frame and counts nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::CapturedFrame;
use crate::Timestamp;
use crate::stats::{Counters, FrameSync, Journal};

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
    held: bool,
    /// Why no frame will follow, and since when.
    ended: Option<(String, Timestamp)>,
    /// Whether that was not the source's doing: everything ends.
    closed: bool,
    /// Nobody takes anything any more.
    left: bool,
}

impl FrameQueue {
    /// Frames held at most.
    pub const DEPTH: usize = 6;

    /// An empty queue that counts its drops into `counters`.
    pub fn new(counters: Arc<Counters>) -> Self {
        let inner = Inner { state: Mutex::default(), changed: Condvar::new(), counters };
        Self { inner: Arc::new(inner) }
    }

    /// Adds a frame; never blocks. The oldest makes room.
    pub fn push(&self, frame: CapturedFrame) {
        let mut state = self.lock();
        if state.left {
            return;
        }
        let mut frame = frame;
        if state.held {
            if let Some(before) = state.frames.pop_front() {
                frame.damage.merge(&before.damage);
            }
        } else if state.frames.len() == Self::DEPTH
            && let Some(dropped) = state.frames.pop_front()
        {
            self.inner.counters.dropped_capture.add(1);
            if let Some(next) = state.frames.front_mut() {
                next.damage.merge(&dropped.damage);
            }
        }
        state.frames.push_back(frame);
        drop(state);
        self.inner.changed.notify_one();
    }

    /// Keeps only the newest frame from now on, or, with `false`, all that it can.
    pub fn hold(&self, held: bool) {
        self.lock().held = held;
    }

    /// No frame of after `at` will follow. The first reason stays.
    pub fn end(&self, reason: impl Into<String>, at: Timestamp) {
        self.lock().ended.get_or_insert_with(|| (reason.into(), at));
        self.inner.changed.notify_all();
    }

    /// The same where it is not the source that ends, but everything.
    fn close(&self, reason: &str, at: Timestamp) {
        self.lock().closed = true;
        self.end(reason, at);
    }

    /// Why the source ended, where it did so by itself and frames are still wanted.
    pub fn lost_source(&self) -> Option<String> {
        let state = self.lock();
        let reason = state.ended.as_ref().map(|(reason, _)| reason.clone());
        reason.filter(|_| !state.closed && !state.left)
    }

    /// Waits until everything ends or nobody wants frames any more, `timeout` at most. Returns whether that
    /// is so.
    pub fn wait_over(&self, timeout: Duration) -> bool {
        let goes_on = |state: &mut State| !state.closed && !state.left;
        let waited = self.inner.changed.wait_timeout_while(self.lock(), timeout, goes_on);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.closed || state.left
    }

    /// Nobody takes frames out any more: what waits goes back to its producer, and nothing is kept.
    pub fn leave(&self) {
        let mut state = self.lock();
        state.left = true;
        let reason = || ("nobody takes its frames any more".to_owned(), Timestamp::now());
        state.ended.get_or_insert_with(reason);
        let frames = std::mem::take(&mut state.frames);
        drop(state);
        self.inner.changed.notify_all();
        // Outside the lock: to give a frame back may take a while.
        drop(frames);
    }

    /// Whether somebody said that.
    pub fn is_left(&self) -> bool {
        self.lock().left
    }

    /// When the stream ended, which may be a while before its last frame is taken.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.lock().ended.as_ref().map(|(_, at)| *at)
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
            (None, Some((reason, _))) => Taken::Ended(reason.clone()),
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
    held: Arc<AtomicBool>,
    given_up: Arc<AtomicBool>,
    counters: Arc<Counters>,
    journal: Journal,
}

impl FrameSink {
    /// A sink without queues.
    pub fn new(counters: Arc<Counters>, journal: Journal) -> Self {
        Self { queues: Arc::default(), held: Arc::default(), given_up: Arc::default(), counters, journal }
    }

    /// Shares the flag that says that nobody wants the frames any more.
    #[must_use]
    pub fn given_up_with(mut self, flag: Arc<AtomicBool>) -> Self {
        self.given_up = flag;
        self
    }

    /// Whether a source that is still being opened can be left alone: nobody waits for it.
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Opens a queue for the frames of `stream`.
    pub fn subscribe(&self, stream: usize) -> FrameQueue {
        self.subscribe_counting(stream, Arc::clone(&self.counters))
    }

    /// The same for somebody who counts what the queue drops apart from everybody else's.
    pub fn subscribe_counting(&self, stream: usize, counters: Arc<Counters>) -> FrameQueue {
        let queue = FrameQueue::new(counters);
        queue.hold(self.held.load(Ordering::Relaxed));
        self.lock().push((stream, queue.clone()));
        queue
    }

    /// Holds back: until `hold(false)` only the newest frame is kept and nothing is counted.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
        for (_, queue) in self.lock().iter() {
            queue.hold(held);
        }
    }

    /// Hands a frame to every queue of its stream; never blocks for long.
    pub fn push(&self, frame: CapturedFrame) {
        if !self.held.load(Ordering::Relaxed) {
            self.counters.captured.add(1);
        }
        self.lock().retain(|(stream, queue)| {
            if *stream == frame.stream {
                queue.push(frame.clone());
            }
            !queue.is_left()
        });
    }

    /// Counts frames that the source should have sent and could not.
    pub fn lost(&self, frames: u64) {
        self.counters.dropped_capture.add(frames);
    }

    /// Counts a frame that was given back unread: too many are out already.
    pub fn drop_frame(&self) {
        self.counters.captured.add(1);
        self.counters.dropped_capture.add(1);
    }

    /// Counts a picture that was not drawn in time; it is not handed on.
    pub fn undrawn(&self) {
        self.counters.captured.add(1);
        self.counters.undrawn.add(1);
        self.journal.once("undrawn-frame", || {
            "the producer handed out pictures that were not drawn within 100 ms; they are left out".to_owned()
        });
    }

    /// Tells how the pictures of a stream are known to be drawn.
    pub fn synced(&self, stream: usize, sync: FrameSync) {
        self.counters.sync.set(stream, sync);
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
                let now = Timestamp::now();
                for (of, queue) in self.lock().iter() {
                    if *of == stream {
                        queue.end(reason.as_str(), now);
                    }
                }
            }
        }
    }

    /// Ends every queue, as at `stop`: what was captured until `at` belongs to the recording.
    pub fn end_all(&self, reason: &str, at: Timestamp) {
        for (_, queue) in self.lock().iter() {
            queue.close(reason, at);
        }
    }

    /// Where backends report what a user should know.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, FrameQueue)>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
