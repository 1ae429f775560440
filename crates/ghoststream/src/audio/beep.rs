//! The test card's sound, made against the monotonic clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::ring::{Header, Writer};
use super::{AudioError, CHANNELS, RATE, Source};
use crate::{Timestamp, test_card};

/// Samples made at a time.
const BLOCK: i64 = RATE as i64 / 100;

/// The thread that beeps.
pub(super) struct Beeper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Source for Beeper {}

impl Beeper {
    pub(super) fn start(writer: Writer) -> Result<Self, AudioError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("gs-beep".into())
            .spawn(move || beep(writer, &stopped))
            .map_err(|error| AudioError::Thread { thread: "gs-beep", reason: error.to_string() })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Beeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn beep(mut writer: Writer, stop: &AtomicBool) {
    let start = Timestamp::now();
    let at = |position: i64| start.offset(position * 1_000_000_000 / i64::from(RATE));
    writer.live().set(true);
    let mut position = 0;
    while !stop.load(Ordering::Relaxed) {
        while at(position + BLOCK) <= Timestamp::now() {
            let header = Header { position: position as u64, time: at(position), fresh: position == 0 };
            let samples = (0..BLOCK as usize * CHANNELS).map(|index| {
                let frame = position + (index / CHANNELS) as i64;
                test_card::beep_at(at(frame))
            });
            writer.push(header, samples);
            position += BLOCK;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
