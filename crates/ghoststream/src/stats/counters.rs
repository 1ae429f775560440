//! The running totals, shared between threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{FrameSync, Histogram};

/// A number that only grows, shared between threads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Sets it to `value`, if that is more.
    pub fn raise(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }

    /// Reads it.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The running totals of a pipeline.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames that the producer sent and that could be used.
    pub captured: Counter,
    /// Frames marked corrupt by the producer, or described wrongly.
    pub corrupt: Counter,
    /// Frames that a full queue before the pacer gave up.
    pub dropped_capture: Counter,
    /// Pictures in a GPU's memory that were not drawn in time.
    pub undrawn: Counter,
    /// How the pictures of each stream are known to be drawn.
    pub sync: SyncKinds,
    /// Frames that the pacer left out: the source was faster than the output.
    pub skipped: Counter,
    /// Ticks left out because a rendition ran at half its rate.
    pub thinned: Counter,
    /// Ticks for which the pacer had no new frame and repeated the last.
    pub repeated: Counter,
    /// Ticks for which a picture between two of the source's was made.
    pub interpolated: Counter,
    /// Ticks that were left out because the encoder did not keep up.
    pub dropped_encoder: Counter,
    /// Frames handed to an encoder.
    pub encoded: Counter,
    /// Those of them that were inside an encoder when it failed.
    pub lost: Counter,
    /// Video packets that came out of encoders.
    pub packets: Counter,
    /// Bytes of all packets, video and audio.
    pub bytes: Counter,
    /// Until when pictures were handed to encoders, in nanoseconds of media time.
    pub shown_until: Counter,
    /// Latency, by stage.
    pub latency: Stages,
}

impl Counters {
    /// Frames that were encoded, and came out.
    pub fn encoded(&self) -> u64 {
        self.encoded.get().saturating_sub(self.lost.get())
    }

    /// Frames that were lost on the way.
    pub fn dropped(&self) -> u64 {
        self.dropped_capture.get() + self.undrawn.get() + self.dropped_encoder.get() + self.lost.get()
    }
}

/// The kind of synchronisation of each stream, as it is now.
#[derive(Debug, Default)]
pub struct SyncKinds(Mutex<BTreeMap<usize, FrameSync>>);

impl SyncKinds {
    /// Tells that of a stream.
    pub fn set(&self, stream: usize, sync: FrameSync) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(stream, sync);
    }

    /// That of every stream which has told, in order.
    pub fn get(&self) -> Vec<FrameSync> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }
}

/// Latency histograms, each from the frame's arrival or the stage before.
#[derive(Debug, Default)]
pub struct Stages {
    /// From arrival to the pacer's pick.
    pub pace: Histogram,
    /// Conversion and scaling.
    pub process: Histogram,
    /// In the encoder, from handing in to packet out.
    pub encode: Histogram,
    /// From packet to written.
    pub write: Histogram,
    /// From arrival to written.
    pub total: Histogram,
}
