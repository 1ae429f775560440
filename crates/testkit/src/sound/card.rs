//! A microphone with a clock of its own.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use ghoststream::Timestamp;
use pipewire as pw;
use pw::properties::properties;
use pw::spa::pod::Pod;
use pw::spa::sys::{SPA_IO_Clock, spa_io_clock};
use pw::stream::{StreamFlags, StreamRc};

use super::thread::{LoopThread, fill, format};
use super::{RATE, Wave};

/// Samples of a cycle, where the graph does not say.
const QUANTUM: u64 = 1024;

/// A source that drives the graph by a clock that is off. It is unplugged when dropped.
#[derive(Debug)]
pub struct Card {
    _thread: LoopThread,
}

/// What the loop's thread tells the data thread of the cycle that it triggers.
#[derive(Debug, Default)]
struct Cycle {
    /// When the cycle's first sample is captured, in nanoseconds.
    time: AtomicI64,
    samples: AtomicU64,
}

impl Card {
    /// Plugs in a source of this name whose clock is `ppm` parts per million fast. What `wave` has at
    /// a time is what it captures at that time.
    ///
    /// # Errors
    /// PipeWire does not answer.
    pub fn plug_in(name: &str, ppm: f64, wave: Wave) -> Result<Self> {
        let name = name.to_owned();
        let sample_nanos = 1e9 / (f64::from(RATE) * (1.0 + ppm / 1e6));
        let thread = LoopThread::start("card", move |main_loop, core| {
            let properties = properties! {
                *pw::keys::MEDIA_CLASS => "Audio/Source",
                *pw::keys::NODE_NAME => name.as_str(),
                *pw::keys::NODE_DESCRIPTION => name.as_str(),
                *pw::keys::NODE_AUTOCONNECT => "false",
                // Above every other driver, so that the graph runs by this clock.
                "priority.driver" => "30000",
                "priority.session" => "3000",
            };
            let stream = StreamRc::new(core.clone(), "card", properties)?;
            let cycle = Arc::new(Cycle::default());
            let clock = Arc::new(AtomicPtr::<spa_io_clock>::new(std::ptr::null_mut()));
            let (told, area) = (Arc::clone(&cycle), Arc::clone(&clock));
            let listener = stream
                .add_local_listener::<()>()
                .io_changed(move |_, (), id, data, size| {
                    if id == SPA_IO_Clock {
                        let fits = size as usize >= std::mem::size_of::<spa_io_clock>();
                        area.store(if fits { data.cast() } else { std::ptr::null_mut() }, Ordering::Release);
                    }
                })
                .process(move |stream, ()| {
                    let from = told.time.load(Ordering::Acquire);
                    let count = told.samples.load(Ordering::Acquire) as usize;
                    fill(stream, count, |index| wave(from + (index as f64 * sample_nanos) as i64));
                })
                .register()?;
            let format = format()?;
            stream.connect(
                pw::spa::utils::Direction::Output,
                None,
                StreamFlags::DRIVER | StreamFlags::MAP_BUFFERS | StreamFlags::RT_PROCESS,
                &mut [Pod::from_bytes(&format).context("format")?],
            )?;
            let ticker =
                Ticker { stream: stream.clone(), clock, cycle, ppm, sample_nanos, next: None, position: 0 };
            let timer = start_timer(main_loop, ticker);
            Ok((timer, listener, stream))
        })?;
        Ok(Self { _thread: thread })
    }
}

/// Triggers a cycle whenever the card's clock says so.
struct Ticker {
    stream: StreamRc,
    clock: Arc<AtomicPtr<spa_io_clock>>,
    cycle: Arc<Cycle>,
    ppm: f64,
    sample_nanos: f64,
    /// When the next cycle is due, in nanoseconds of the monotonic clock.
    next: Option<f64>,
    position: u64,
}

impl Ticker {
    /// Triggers the cycle that is due, if one is.
    fn tick(&mut self) {
        let clock = self.clock.load(Ordering::Acquire);
        if clock.is_null() || !self.stream.is_driving() {
            self.next = None;
            return;
        }
        let now = Timestamp::now().as_nanos() as f64;
        let due = *self.next.get_or_insert(now);
        if due > now {
            return;
        }
        // SAFETY: PipeWire maps the area until it tells another in `io_changed`, which runs on this
        // thread; as the driver we alone write these fields.
        let clock = unsafe { &mut *clock };
        let samples = if clock.duration > 0 { clock.duration } else { QUANTUM };
        let next = due + samples as f64 * self.sample_nanos;
        clock.nsec = due as u64;
        clock.rate.num = 1;
        clock.rate.denom = RATE;
        clock.position = self.position;
        clock.duration = samples;
        clock.delay = 0;
        clock.rate_diff = 1.0 + self.ppm / 1e6;
        clock.next_nsec = next as u64;
        self.cycle.time.store(due as i64, Ordering::Release);
        self.cycle.samples.store(samples, Ordering::Release);
        self.position += samples;
        self.next = Some(next);
        // It fails while the stream is being unlinked; the next cycle will tell.
        let _ = self.stream.trigger_process();
    }
}

/// Looks each millisecond whether a cycle is due. The timer borrows the loop, which the returned value
/// keeps.
fn start_timer(main_loop: &pw::main_loop::MainLoopRc, ticker: Ticker) -> LoopTimer {
    let ticker = Rc::new(RefCell::new(ticker));
    let period = Duration::from_millis(1);
    LoopTimer::new(main_loop.clone(), period, move || ticker.borrow_mut().tick())
}

/// A timer together with the loop that it is on.
struct LoopTimer {
    // Dropped in this order.
    timer: Option<pw::loop_::TimerSource<'static>>,
    _main_loop: pw::main_loop::MainLoopRc,
}

impl LoopTimer {
    fn new(main_loop: pw::main_loop::MainLoopRc, period: Duration, tick: impl FnMut() + 'static) -> Self {
        // SAFETY: the loop outlives the timer, since `drop` ends the timer first and the reference
        // counted loop is held until after that.
        let on: &'static pw::loop_::Loop = unsafe { &*std::ptr::from_ref(main_loop.loop_()) };
        let cell = RefCell::new(tick);
        let timer = on.add_timer(move |_| (cell.borrow_mut())());
        let _ = timer.update_timer(Some(period), Some(period));
        Self { timer: Some(timer), _main_loop: main_loop }
    }
}

impl Drop for LoopTimer {
    fn drop(&mut self) {
        self.timer = None;
    }
}
