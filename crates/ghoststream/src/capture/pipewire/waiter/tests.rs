//! Pictures and holds that wait, for fences that are pipes and timelines that are numbers.

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
