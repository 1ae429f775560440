//! The test card as a source: a thread that draws a frame at each tick of `CLOCK_MONOTONIC`.
//!
//! Ticks are counted from a whole second of the clock, so that no error adds up and, at whole rates,
//! a frame falls on each flash and beep. A frame's number is its tick's: what this thread could not
//! draw in time, or had no buffer for, is missing in the numbers, and counted.
//!
//! It is drawn into plain memory ([`memory`]), or from there into a GPU's ([`gpu`]).

mod gpu;
mod memory;

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Capture, CaptureError, CapturedFrame, Damage, FrameSink, Memory};
use crate::test_card::{Card, Stamp};
use crate::{CaptureConfig, Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Timestamp, Transform};

/// The card's size where none is asked for.
const SIZE: Size = Size::new(1920, 1080);
/// Frames that may be lent out at once.
const BUFFERS: usize = 16;
/// Later than this, ticks are left out rather than drawn in a burst.
const LATEST: Duration = Duration::from_millis(100);

pub(super) fn open(config: &CaptureConfig, sink: FrameSink) -> Result<Box<dyn Capture>, CaptureError> {
    start(config, sink, |_| Ok(Paper::Memory(Arc::default())))
}

/// The same, drawn into the memory of the GPU with this UUID.
pub(super) fn open_on_gpu(
    config: &CaptureConfig,
    sink: FrameSink,
    uuid: Option<[u8; 16]>,
) -> Result<Box<dyn Capture>, CaptureError> {
    let refused = |reason: String| CaptureError::NoGpu { reason };
    let uuid = uuid.ok_or_else(|| refused("no GPU that lends its memory makes the pictures".to_owned()))?;
    start(config, sink, |size| match gpu::Sheets::new(uuid, size) {
        Ok(sheets) => Ok(Paper::Gpu(sheets)),
        Err(error) => Err(refused(error.to_string())),
    })
}

fn start(
    config: &CaptureConfig,
    sink: FrameSink,
    paper: impl FnOnce(Size) -> Result<Paper, CaptureError>,
) -> Result<Box<dyn Capture>, CaptureError> {
    config.validate()?;
    let size = config.test_card_size.unwrap_or(SIZE);
    let (stop, stopped) = mpsc::channel();
    let artist = Artist::new(size, config.fps, paper(size)?, sink);
    let thread = std::thread::Builder::new()
        .name("test-card".into())
        .spawn(move || artist.run(&stopped))
        .map_err(|source| CaptureError::Io { what: "starting the test card's thread", source })?;
    let description = format!("test card {size} at {} fps", config.fps);
    Ok(Box::new(TestCard { stop: Some(stop), thread: Some(thread), description }))
}

/// The running card; dropping it ends and joins its thread.
struct TestCard {
    /// Hanging up tells the thread to end.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    description: String,
}

impl Capture for TestCard {
    fn streams(&self) -> usize {
        1
    }

    fn description(&self) -> String {
        self.description.clone()
    }
}

impl Drop for TestCard {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic could leave broken, and the queues time out.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Artist {
    card: Card,
    ticks: Ticks,
    paper: Paper,
    sink: FrameSink,
}

/// What is drawn on.
enum Paper {
    Memory(Arc<memory::Pool>),
    Gpu(gpu::Sheets),
}

impl Artist {
    fn new(size: Size, fps: f64, paper: Paper, sink: FrameSink) -> Self {
        Self { card: Card::new(size), ticks: Ticks::new(Timestamp::now(), fps), paper, sink }
    }

    fn run(mut self, stopped: &mpsc::Receiver<()>) {
        let first = self.ticks.after(Timestamp::now());
        let (mut tick, mut shown) = (first, None);
        loop {
            let time = self.ticks.time(tick);
            let wait = time.since(Timestamp::now());
            if !matches!(stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
                return;
            }
            let stamp = Stamp { frame: (tick - first) as u32, time };
            let late = Timestamp::now().since(time) > LATEST;
            match (!late).then(|| self.draw(stamp)).flatten() {
                Some(memory) => {
                    self.sink.push(self.frame(stamp, memory, shown));
                    shown = Some(stamp);
                }
                None => self.sink.lost(1),
            }
            tick += 1;
        }
    }

    /// Draws a frame; nothing when every buffer is lent out.
    fn draw(&mut self, stamp: Stamp) -> Option<Memory> {
        if let Paper::Gpu(sheets) = &mut self.paper {
            match sheets.draw(&self.card, stamp) {
                Ok(memory) => return memory,
                Err(why) => {
                    let text = format!("the test card is drawn in system memory from here on: {why}");
                    self.sink.journal().note(text);
                    self.paper = Paper::Memory(Arc::default());
                }
            }
        }
        match &self.paper {
            Paper::Memory(pool) => memory::draw(&self.card, pool, stamp),
            Paper::Gpu(_) => None,
        }
    }

    fn frame(&self, stamp: Stamp, memory: Memory, before: Option<Stamp>) -> CapturedFrame {
        let size = self.card.size();
        CapturedFrame {
            stream: 0,
            sequence: u64::from(stamp.frame),
            pts: stamp.time,
            arrived: Timestamp::now(),
            size,
            format: PixelFormat::Bgrx,
            color: Color::new(ColorSpace::Bt709, ColorRange::Full),
            crop: Rect::of(size),
            transform: Transform::Normal,
            damage: before.map_or(Damage::Full, |before| Damage::Rects(self.card.damage(before, stamp))),
            cursor: None,
            hdr: None,
            memory,
        }
    }
}

/// The instants at which frames are due.
struct Ticks {
    origin: Timestamp,
    interval_nanos: f64,
}

impl Ticks {
    /// Ticks from the whole second before `now` on.
    fn new(now: Timestamp, fps: f64) -> Self {
        let origin = now.offset(-now.as_nanos().rem_euclid(1_000_000_000));
        Self { origin, interval_nanos: 1e9 / fps }
    }

    /// When a tick is due. Exact to a nanosecond for years: it is computed from its number alone.
    fn time(&self, tick: u64) -> Timestamp {
        self.origin.offset((tick as f64 * self.interval_nanos).round() as i64)
    }

    /// The first tick after `now`.
    fn after(&self, now: Timestamp) -> u64 {
        (now.nanos_since(self.origin).max(0) as f64 / self.interval_nanos) as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CaptureSource;
    use crate::capture::{FrameQueue, Taken};
    use crate::stats::{Counters, Journal};
    use crate::test_card::{Luma, read};

    fn start(fps: f64, size: Size) -> (Box<dyn Capture>, FrameQueue, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let sink = FrameSink::new(Arc::clone(&counters), Journal::default());
        let queue = sink.subscribe(0);
        let config = CaptureConfig::default()
            .with_source(CaptureSource::TestCard)
            .with_fps(fps)
            .with_test_card_size(size.width, size.height);
        (open(&config, sink).unwrap(), queue, counters)
    }

    fn next(queue: &FrameQueue) -> CapturedFrame {
        match queue.take(Duration::from_secs(20)) {
            Taken::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    fn stamp(frame: &CapturedFrame) -> Stamp {
        let buffer = frame.memory.cpu().expect("the card draws into our memory");
        let (bytes, stride) = buffer.plane(0);
        let green: Vec<u8> = bytes.as_chunks::<4>().0.iter().map(|it| it[1]).collect();
        read(Luma { bytes: &green, stride: stride / 4, size: frame.size }).unwrap().stamp
    }

    #[test]
    fn frames_say_when_they_are_and_come_on_the_grid() {
        let (capture, queue, counters) = start(240.0, Size::new(160, 90));
        let mut last: Option<CapturedFrame> = None;
        for _ in 0..120 {
            let frame = next(&queue);
            let stamp = stamp(&frame);
            assert_eq!(u64::from(stamp.frame), frame.sequence);
            assert_eq!(stamp.time, frame.pts);
            assert!(frame.arrived >= frame.pts, "a frame is not shown before its time");
            let in_second = frame.pts.as_nanos().rem_euclid(1_000_000_000) as f64 * 240.0 / 1e9;
            assert!((in_second - in_second.round()).abs() < 1e-6, "{in_second} is off the grid");
            if let Some(last) = last {
                let ticks = (frame.pts.nanos_since(last.pts) as f64 * 240.0 / 1e9).round() as u64;
                assert_eq!(frame.sequence - last.sequence, ticks, "numbers follow the clock");
            }
            last = Some(frame);
        }
        drop(capture);
        let sent = last.unwrap().sequence + 1;
        assert!(
            counters.captured.get() + counters.dropped_capture.get() >= sent,
            "what is missing is counted"
        );
    }

    #[test]
    fn leases_outlive_the_capture() {
        let (capture, queue, _) = start(60.0, Size::new(160, 90));
        let frame = next(&queue);
        drop(capture);
        assert_eq!(u64::from(stamp(&frame).frame), frame.sequence);
    }

    #[test]
    fn ticks_do_not_drift() {
        let ticks = Ticks::new(Timestamp::from_nanos(5_700_000_000), 60.0);
        assert_eq!(ticks.time(0), Timestamp::from_nanos(5_000_000_000));
        let day = 60 * 86_400;
        assert_eq!(ticks.time(day), Timestamp::from_nanos(5_000_000_000 + 86_400_000_000_000));
        assert!(
            ticks.time(ticks.after(Timestamp::from_nanos(5_700_000_000)))
                > Timestamp::from_nanos(5_700_000_000)
        );
        let film = Ticks::new(Timestamp::from_nanos(0), 24000.0 / 1001.0);
        assert_eq!(film.time(24_000), Timestamp::from_nanos(1_001_000_000_000));
    }
}
