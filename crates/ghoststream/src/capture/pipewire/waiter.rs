//! A thread that waits, so that nobody else has to.
//!
//! A picture in a GPU's memory may arrive before it is drawn, and its buffer may come back before it was read. Most
//! do not: what is ready when it arrives goes straight to the sink, and this thread sleeps. The others wait
//! here, in order, [`LATE`] at most: a picture that is not drawn by then is dropped and counted, and what had
//! changed in it is added to the next one's damage.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ghoststream_gpu::DmaBuf;
use ghoststream_gpu::sync::{Timeline, fence};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::capture::{CapturedFrame, Damage, FrameSink};

/// How long a picture may take to be drawn after it was handed out.
pub(super) const LATE: Duration = Duration::from_millis(100);

/// How long our own reading may take before the buffer is given back regardless.
const READ_LATE: Duration = Duration::from_secs(1);

/// A wait that cannot be interrupted is made in pieces of this length.
const PIECE: Duration = Duration::from_millis(20);

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
            sleep.sleep(self);
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

/// What the thread waits for next, without the locks.
struct Sleep {
    until: Option<Until>,
    fences: Vec<Arc<OwnedFd>>,
    deadline: Option<Instant>,
}

impl Sleep {
    fn new(first: Option<(Until, Instant)>, keeping: &[Keeping]) -> Self {
        let (until, deadline) = first.unzip();
        let unsignalled = |fence: &&Arc<OwnedFd>| !fence::is_signalled(fence);
        Self {
            until,
            fences: keeping.iter().flat_map(|it| &it.fences).filter(unsignalled).cloned().collect(),
            deadline: deadline.into_iter().chain(keeping.iter().map(|it| it.deadline)).min(),
        }
    }

    fn sleep(&self, waits: &Waits) {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(Until::Point(timeline, point)) = &self.until {
            // There is no descriptor to poll. A timeline that cannot be asked is as late as one that says no.
            if timeline.wait(*point, left.unwrap_or(PIECE).min(PIECE)).is_err() {
                std::thread::sleep(PIECE);
            }
            return;
        }
        let planes = match &self.until {
            Some(Until::Written(buffer)) => &buffer.planes[..],
            _ => &[],
        };
        let undrawn = planes.iter().map(|plane| plane.fd.as_fd()).filter(|fd| !fence::is_signalled(fd));
        let all = undrawn.chain(self.fences.iter().map(|fence| fence.as_fd())).chain([waits.wake.as_fd()]);
        let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        // A millisecond more, so that it does not wake just before the deadline.
        let most = left.map(|left| left + Duration::from_millis(1));
        let most = most.and_then(|most| Timespec::try_from(most).ok());
        if poll(&mut polled, most.as_ref()).is_ok() {
            // Counts how often it was woken, which is of no interest.
            let _ = rustix::io::read(&waits.wake, &mut [0u8; 8]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{CpuBuffer, FrameQueue, Memory, Plane, Taken};
    use crate::stats::{Counters, Journal};
    use crate::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Timestamp, Transform};
    use ghoststream_gpu::{DmaBufPlane, LINEAR};
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(10);

    struct Bench {
        waiter: Waiter,
        queue: FrameQueue,
        counters: Arc<Counters>,
    }

    fn bench() -> Bench {
        let counters = Arc::new(Counters::default());
        let sink = FrameSink::new(Arc::clone(&counters), Journal::default());
        let queue = sink.subscribe(0);
        Bench { waiter: Waiter::start(sink).unwrap(), queue, counters }
    }

    impl Bench {
        fn deliver(&self, sequence: u64, until: Option<Until>) {
            self.waiter.waits().deliver(frame(sequence), until);
        }

        fn next(&self) -> CapturedFrame {
            match self.queue.take(LONG) {
                Taken::Frame(frame) => frame,
                other => panic!("{other:?}"),
            }
        }

        fn is_empty(&self) -> bool {
            matches!(self.queue.take(Duration::ZERO), Taken::Timeout)
        }
    }

    fn frame(sequence: u64) -> CapturedFrame {
        let size = Size::new(1, 1);
        let planes = [Plane { offset: 0, stride: 4 }];
        let buffer = CpuBuffer::new(Arc::new(vec![0u8; 4]), PixelFormat::Bgrx, size, &planes).unwrap();
        CapturedFrame {
            stream: 0,
            sequence,
            pts: Timestamp::now(),
            arrived: Timestamp::now(),
            size,
            format: PixelFormat::Bgrx,
            color: Color::new(ColorSpace::Bt709, ColorRange::Full),
            crop: Rect::of(size),
            transform: Transform::default(),
            damage: Damage::Rects(vec![Rect::new(sequence as u32, 0, 1, 1)]),
            cursor: None,
            hdr: None,
            memory: Memory::Cpu(buffer),
        }
    }

    /// A buffer whose descriptor becomes readable, as a DMA-BUF does when it is drawn, on a word from us.
    fn undrawn() -> (Until, OwnedFd) {
        let (fd, drawn) = rustix::pipe::pipe().unwrap();
        let plane = DmaBufPlane { fd, offset: 0, stride: 4 };
        let buffer = DmaBuf::new(PixelFormat::Bgrx, Size::new(1, 1), LINEAR, vec![plane]);
        (Until::Written(Arc::new(buffer)), drawn)
    }

    /// A timeline whose points signal when we say so.
    #[derive(Debug)]
    struct Points(Mutex<u64>);

    impl Timeline for Points {
        fn wait(&self, point: u64, most: Duration) -> std::io::Result<bool> {
            if *self.0.lock().unwrap() < point && !most.is_zero() {
                std::thread::sleep(most);
            }
            Ok(*self.0.lock().unwrap() >= point)
        }

        fn signal(&self, point: u64) -> std::io::Result<()> {
            *self.0.lock().unwrap() = point;
            Ok(())
        }

        fn signal_with(&self, _: u64, _: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
            Err(std::io::ErrorKind::Unsupported.into())
        }
    }

    #[test]
    fn a_picture_that_is_drawn_goes_straight_on() {
        let bench = bench();
        let (until, drawn) = undrawn();
        rustix::io::write(&drawn, b"!").unwrap();
        bench.deliver(1, Some(until));
        bench.deliver(2, None);
        // On this thread: nothing has to be waited for.
        assert!(matches!(bench.queue.take(Duration::ZERO), Taken::Frame(frame) if frame.sequence == 1));
        assert!(matches!(bench.queue.take(Duration::ZERO), Taken::Frame(frame) if frame.sequence == 2));
    }

    #[test]
    fn pictures_wait_until_they_are_drawn_and_keep_their_order() {
        let bench = bench();
        let (until, drawn) = undrawn();
        let points = Arc::new(Points(Mutex::new(0)));
        bench.deliver(1, Some(until));
        bench.deliver(2, Some(Until::Point(Arc::clone(&points) as Arc<dyn Timeline>, 5)));
        bench.deliver(3, None);
        points.signal(5).unwrap();
        assert!(bench.is_empty(), "the first is not drawn");
        rustix::io::write(&drawn, b"!").unwrap();
        assert_eq!([1, 2, 3].map(|_| bench.next().sequence), [1, 2, 3]);
        assert_eq!(bench.counters.undrawn.get(), 0);
    }

    #[test]
    fn what_is_never_drawn_is_dropped_counted_and_its_damage_kept() {
        let bench = bench();
        let (until, _drawn) = undrawn();
        let points = Arc::new(Points(Mutex::new(0)));
        bench.deliver(1, Some(until));
        bench.deliver(2, Some(Until::Point(points, 5)));
        bench.deliver(3, None);
        let next = bench.next();
        assert_eq!((next.sequence, bench.counters.undrawn.get()), (3, 2));
        let all = [3, 1, 2].map(|x| Rect::new(x, 0, 1, 1)).to_vec();
        assert_eq!(next.damage, Damage::Rects(all));
    }

    #[test]
    fn a_picture_of_which_nothing_is_known_waits_for_the_next_or_a_tick() {
        let bench = bench();
        bench.deliver(1, Some(Until::Tick(LONG)));
        assert!(bench.is_empty());
        bench.deliver(2, Some(Until::Tick(Duration::from_millis(5))));
        assert_eq!([1, 2].map(|_| bench.next().sequence), [1, 2]);
    }

    #[test]
    fn what_is_kept_is_let_go_of_when_every_fence_has_signalled() {
        let bench = bench();
        let (one, signal_one) = rustix::pipe::pipe().unwrap();
        let (other, signal_other) = rustix::pipe::pipe().unwrap();
        let (hold, held) = mpsc::channel::<()>();
        bench.waiter.waits().keep(vec![one, other], Box::new(hold));
        rustix::io::write(&signal_one, b"!").unwrap();
        assert_eq!(held.recv_timeout(Duration::from_millis(20)), Err(mpsc::RecvTimeoutError::Timeout));
        rustix::io::write(&signal_other, b"!").unwrap();
        assert_eq!(held.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected), "it was dropped");
    }

    #[test]
    fn stopping_lets_go_of_everything() {
        let Bench { waiter, queue, .. } = bench();
        let (until, _drawn) = undrawn();
        let (hold, held) = mpsc::channel::<()>();
        let (never, _signal) = rustix::pipe::pipe().unwrap();
        waiter.waits().deliver(frame(1), Some(until));
        waiter.waits().keep(vec![never], Box::new(hold));
        drop(waiter);
        assert_eq!(held.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
        assert!(matches!(queue.take(Duration::ZERO), Taken::Timeout));
    }
}
