//! What every test here needs: a session, and a capture whose frames can be taken.

use std::sync::Arc;
use std::time::Duration;

use ghoststream::internals::{
    Capture, CapturedFrame, Counters, FrameQueue, FrameSink, Imports, Journal, Taken, open_capture,
};
use ghoststream::{CaptureConfig, CaptureError, CaptureSource};
use testkit::Session;
use testkit::producer::pattern;

/// A safety net, far beyond what anything here takes.
pub const LONG: Duration = Duration::from_secs(20);

/// A session that this test's process is part of.
pub fn session() -> Session {
    let session = Session::start().unwrap();
    session.enter();
    session
}

/// A running capture and what comes out of it.
pub struct Rig {
    pub capture: Option<Box<dyn Capture>>,
    pub queue: FrameQueue,
    pub counters: Arc<Counters>,
    pub journal: Journal,
}

pub fn config(node: &str) -> CaptureConfig {
    let config = CaptureConfig::default().with_source(CaptureSource::Node(node.to_owned())).with_fps(240);
    // On a busy machine the session manager alone takes seconds to start.
    config.with_first_frame_timeout(LONG)
}

impl Rig {
    pub fn open(node: &str) -> Self {
        Self::with(&config(node)).unwrap()
    }

    pub fn with(config: &CaptureConfig) -> Result<Self, CaptureError> {
        Self::importing(config, None)
    }

    pub fn importing(config: &CaptureConfig, imports: Option<Imports>) -> Result<Self, CaptureError> {
        let counters = Arc::new(Counters::default());
        let journal = Journal::default();
        let sink = FrameSink::new(Arc::clone(&counters), journal.clone());
        let queue = sink.subscribe(0);
        let capture = open_capture(config, sink, imports)?;
        Ok(Self { capture: Some(capture), queue, counters, journal })
    }

    fn state(&self) -> String {
        let counters = &self.counters;
        let (captured, corrupt) = (counters.captured.get(), counters.corrupt.get());
        let (dropped, notes) = (counters.dropped_capture.get(), self.journal.notes());
        format!("{captured} captured, {corrupt} corrupt, {dropped} dropped, {notes:?}")
    }

    /// What comes next.
    pub fn take(&self) -> Taken {
        self.queue.take(LONG)
    }

    /// The next frame.
    pub fn frame(&self) -> CapturedFrame {
        match self.queue.take(LONG) {
            Taken::Frame(frame) => frame,
            other => panic!("{other:?}; {}", self.state()),
        }
    }

    /// Takes frames until one fits.
    pub fn frame_where(&self, fits: impl Fn(&CapturedFrame) -> bool) -> CapturedFrame {
        let deadline = std::time::Instant::now() + LONG;
        loop {
            let frame = self.frame();
            if fits(&frame) {
                return frame;
            }
            assert!(std::time::Instant::now() < deadline, "no such frame came; the last: {frame:?}");
        }
    }

    /// Waits until something holds.
    pub fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = std::time::Instant::now() + LONG;
        while !holds(self) {
            let notes = self.journal.notes();
            assert!(
                std::time::Instant::now() < deadline,
                "{what} did not happen: {:?} {notes:?}",
                self.counters
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The end of the stream: the reason, past all frames that are left.
    pub fn ended(&self) -> String {
        let deadline = std::time::Instant::now() + LONG;
        loop {
            match self.queue.take(LONG) {
                Taken::Frame(_) if std::time::Instant::now() < deadline => {}
                Taken::Ended(reason) => return reason,
                _ => panic!("it did not end: {}", self.state()),
            }
        }
    }
}

/// Which frame's pattern it shows in every byte of every plane; `None` for no single one.
pub fn pattern_number(frame: &CapturedFrame) -> Option<u64> {
    let buffer = frame.memory.cpu().expect("memory of the CPU");
    // The first byte tells the number to 8 bits; 31 is odd, so every one of 256 differs.
    let first = buffer.plane(0).0[0];
    let number = (0..256).find(|number| pattern(*number, 0, 0, 0) == first)?;
    (0..frame.format.planes())
        .all(|plane| {
            let (bytes, stride) = buffer.plane(plane);
            let (row_bytes, rows) = frame.format.plane_layout(plane, frame.size);
            (0..rows).all(|row| {
                let row_of = &bytes[row * stride..row * stride + row_bytes];
                row_of.iter().enumerate().all(|(column, byte)| *byte == pattern(number, plane, row, column))
            })
        })
        .then_some(number)
}
