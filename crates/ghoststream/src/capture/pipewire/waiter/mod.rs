//! A thread that waits, so that nobody else has to.
//!
//! A picture in a GPU's memory may arrive before it is drawn, and its buffer may come back before it was read. Most
//! do not: what is ready when it arrives goes straight to the sink, and this thread sleeps. The others wait
//! here, in order, [`LATE`] at most: a picture that is not drawn by then is dropped and counted, and what had
//! changed in it is added to the next one's damage.

mod sleep;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ghoststream_gpu::DmaBuf;
use ghoststream_gpu::sync::{Timeline, fence};
use rustix::event::{EventfdFlags, eventfd};
use sleep::Sleep;

use crate::capture::{CapturedFrame, Damage, FrameSink};

/// How long a picture may take to be drawn after it was handed out.
pub(super) const LATE: Duration = Duration::from_millis(100);

/// How long our own reading may take before the buffer is given back regardless.
const READ_LATE: Duration = Duration::from_secs(1);

/// What a picture waits for.
#[derive(Clone, Debug)]
pub(super) enum Until {
    /// All who write to its buffer are done.
    Written(Arc<DmaBuf>),
    /// A point of a timeline.
    Point(Arc<dyn Timeline>, u64),
    /// The next picture, or this time: nothing says when it is drawn.
    Tick(Duration),
}

impl Until {
    /// Whether it is over, asked without waiting.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Written(buffer) => buffer.planes.iter().all(|plane| fence::is_signalled(&plane.fd)),
            Self::Point(timeline, point) => timeline.wait(*point, Duration::ZERO).unwrap_or(false),
            Self::Tick(_) => false,
        }
    }
}

#[derive(Debug)]
struct Waiting {
    frame: CapturedFrame,
    until: Until,
    deadline: Instant,
}

/// What is let go of when fences have signalled.
struct Keeping {
    fences: Vec<Arc<OwnedFd>>,
    deadline: Instant,
    _what: Box<dyn Send>,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Waiting>,
    /// What changed in pictures that were dropped.
    missed: Option<Damage>,
}

/// Where waiting things are handed in.
pub(super) struct Waits {
    state: Mutex<State>,
    /// Behind a lock of its own: a picture that is handed on may push out an older one, whose hold is then
    /// handed in here.
    keeping: Mutex<Vec<Keeping>>,
    stopped: AtomicBool,
    wake: OwnedFd,
    sink: FrameSink,
}

/// The thread. Dropping it stops it: what waits is let go of.
pub(super) struct Waiter {
    waits: Arc<Waits>,
    thread: Option<JoinHandle<()>>,
}

impl Waiter {
    /// Starts the thread.
    pub(super) fn start(sink: FrameSink) -> std::io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let waits = Arc::new(Waits {
            state: Mutex::default(),
            keeping: Mutex::default(),
            stopped: AtomicBool::new(false),
            wake,
            sink,
        });
        let thread = std::thread::Builder::new().name("gs-fences".into()).spawn({
            let waits = Arc::clone(&waits);
            move || waits.run()
        })?;
        Ok(Self { waits, thread: Some(thread) })
    }

    pub(super) const fn waits(&self) -> &Arc<Waits> {
        &self.waits
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waits.stopped.store(true, Ordering::Release);
        self.waits.wake();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that waits for fences panicked");
        }
    }
}

impl Waits {
    /// Hands a picture on as soon as it is drawn, after those before it.
    pub(super) fn deliver(&self, frame: CapturedFrame, until: Option<Until>) {
        let until = until.filter(|until| !until.is_over());
        if self.stopped.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.lock();
        match until {
            None if state.frames.is_empty() => self.push(&mut state, frame),
            until => {
                let until = until.unwrap_or(Until::Tick(Duration::ZERO));
                let most = if let Until::Tick(most) = until { most } else { LATE };
                state.frames.push_back(Waiting { frame, until, deadline: Instant::now() + most });
                drop(state);
                self.wake();
            }
        }
    }

    /// Lets go of `what` when every fence has signalled. Without a thread to wait for them, at once.
    pub(super) fn keep(&self, fences: Vec<OwnedFd>, what: Box<dyn Send>) {
        if self.stopped.load(Ordering::Acquire) {
            return;
        }
        let fences = fences.into_iter().map(Arc::new).collect();
        self.keeping().push(Keeping { fences, deadline: Instant::now() + READ_LATE, _what: what });
        self.wake();
    }

    fn push(&self, state: &mut State, mut frame: CapturedFrame) {
        if let Some(missed) = state.missed.take() {
            frame.damage.merge(&missed);
        }
        self.sink.push(frame);
    }

    fn run(&self) {
        while !self.stopped.load(Ordering::Acquire) {
            self.settle_kept();
            let first = self.settle(&mut self.lock());
            // The lock is let go of before it sleeps.
            let sleep = Sleep::new(first, &self.keeping());
            sleep.sleep(&self.wake);
        }
        // What these hold may come back here: not under the locks.
        let frames = std::mem::take(&mut *self.lock());
        let keeping = std::mem::take(&mut *self.keeping());
        drop((frames, keeping));
    }

    fn settle_kept(&self) {
        let now = Instant::now();
        self.keeping().retain(|it| now < it.deadline && !it.fences.iter().all(fence::is_signalled));
    }

    /// Hands on and drops the pictures that need not wait any more; what the first of the others waits for.
    fn settle(&self, state: &mut State) -> Option<(Until, Instant)> {
        let now = Instant::now();
        while let Some(first) = state.frames.front() {
            let late = now >= first.deadline;
            let followed = state.frames.len() > 1;
            let over = match first.until {
                Until::Tick(_) => late || followed,
                _ => first.until.is_over(),
            };
            if !over && !late {
                return Some((first.until.clone(), first.deadline));
            }
            let first = state.frames.pop_front()?;
            if over {
                self.push(state, first.frame);
                continue;
            }
            self.sink.undrawn();
            let damage = first.frame.damage;
            state.missed = Some(match state.missed.take() {
                None => damage,
                Some(mut before) => {
                    before.merge(&damage);
                    before
                }
            });
        }
        None
    }

    fn wake(&self) {
        // It fails only when it was woken so often that it is awake anyway.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    fn keeping(&self) -> MutexGuard<'_, Vec<Keeping>> {
        self.keeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waits").finish_non_exhaustive()
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").finish_non_exhaustive()
    }
}
