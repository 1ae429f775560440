//! What every test here needs: a capture whose frames can be taken and read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ghoststream::internals::{
    Capture, CapturedFrame, Counters, FrameQueue, FrameSink, Journal, Taken, open_capture,
};
use ghoststream::test_card::{self, Luma, Reading};
use ghoststream::{CaptureConfig, CaptureError, PixelFormat};

/// A safety net, far beyond what anything here takes.
pub const LONG: Duration = Duration::from_secs(30);

/// A capture through the portal and what comes out of it, a queue for each stream.
pub struct Rig {
    pub capture: Box<dyn Capture>,
    pub queues: Vec<FrameQueue>,
    pub journal: Journal,
}

impl Rig {
    /// Opens a capture of which at most two streams are looked at.
    pub fn open(config: &CaptureConfig) -> Result<Self, CaptureError> {
        let journal = Journal::default();
        let sink = FrameSink::new(Arc::new(Counters::default()), journal.clone());
        let queues = vec![sink.subscribe(0), sink.subscribe(1)];
        Ok(Self { capture: open_capture(config, sink, None)?, queues, journal })
    }

    /// The next frame of a stream.
    pub fn frame(&self, stream: usize) -> CapturedFrame {
        match self.queues[stream].take(LONG) {
            Taken::Frame(frame) => frame,
            other => panic!("{other:?}; {:?}", self.journal.notes()),
        }
    }

    /// Takes a stream's frames until one shows the card as wanted.
    pub fn card_where(
        &self,
        stream: usize,
        fits: impl Fn(&CapturedFrame, &Reading) -> bool,
    ) -> (CapturedFrame, Reading) {
        let deadline = Instant::now() + LONG;
        loop {
            let frame = self.frame(stream);
            if let Some(reading) = read(&frame)
                && fits(&frame, &reading)
            {
                return (frame, reading);
            }
            assert!(Instant::now() < deadline, "no such card came; the last: {frame:?}");
        }
    }

    /// The end of a stream: the reason, past all frames that are left.
    pub fn ended(&self, stream: usize) -> String {
        let deadline = Instant::now() + LONG;
        while Instant::now() < deadline {
            match self.queues[stream].take(LONG) {
                Taken::Frame(_) => {}
                Taken::Ended(reason) => return reason,
                Taken::Timeout => break,
            }
        }
        panic!("it did not end: {:?}", self.journal.notes())
    }
}

/// Reads the card out of a packed frame's green.
fn read(frame: &CapturedFrame) -> Option<Reading> {
    let buffer = frame.memory.cpu().expect("memory of the CPU");
    let (bytes, stride) = buffer.plane(0);
    let green = match frame.format {
        PixelFormat::Bgrx | PixelFormat::Rgbx => 1,
        PixelFormat::Xrgb | PixelFormat::Xbgr => 2,
        other => panic!("no packed format of 32 bits: {other:?}"),
    };
    let crop = frame.crop;
    let mut luma = Vec::with_capacity(crop.width as usize * crop.height as usize);
    for row in crop.y..crop.bottom() {
        let start = row as usize * stride + crop.x as usize * 4;
        let pixels = bytes[start..start + crop.width as usize * 4].chunks_exact(4);
        luma.extend(pixels.map(|pixel| pixel[green]));
    }
    test_card::read(Luma { bytes: &luma, stride: crop.width as usize, size: crop.size() })
}
