//! What a run counts, notes and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

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

/// How a picture is known to be drawn, and its producer learns that it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FrameSync {
    /// It is in memory that the CPU reads: it was drawn when it came.
    SharedMemory,
    /// Points of timelines, explicitly.
    Timeline,
    /// Fences that drivers attach to the buffer.
    Fence,
    /// Nothing says so: each picture is held until the next one comes, or for the time of one.
    Hold,
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

/// A histogram of durations: 8 buckets to each power of two from a microsecond on, so that a
/// percentile is right to about 9%. Bounded, and cheap enough for every frame.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64; Self::BUCKETS]>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([const { AtomicU64::new(0) }; Self::BUCKETS]) }
    }
}

impl Histogram {
    const BUCKETS: usize = 8 * 28;

    /// Adds one value.
    pub fn record(&self, value: Duration) {
        let micros = (value.as_nanos() as f64 / 1e3).max(1.0);
        let bucket = ((micros.log2() * 8.0) as usize).min(Self::BUCKETS - 1);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// The p50, p95 and p99 of what was recorded.
    pub fn percentiles(&self) -> Percentiles {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let at = |share: f64| {
            let wanted = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            for (index, count) in counts.iter().enumerate() {
                seen += count;
                if seen >= wanted && *count > 0 {
                    return 2f64.powf((index as f64 + 0.5) / 8.0) / 1e3;
                }
            }
            0.0
        };
        Percentiles { p50_ms: at(0.50), p95_ms: at(0.95), p99_ms: at(0.99) }
    }
}

/// Percentiles of a latency, in milliseconds; zero where nothing was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Percentiles {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
}

/// What a user should know and would otherwise not see: fallbacks, refusals, sources that vanish.
///
/// Each note is kept for the report; showing them is the caller's business.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    inner: Arc<Mutex<JournalState>>,
}

#[derive(Debug, Default)]
struct JournalState {
    notes: Vec<String>,
    said: BTreeSet<&'static str>,
    left_out: u64,
}

impl Journal {
    /// Notes kept at most; what comes after is counted.
    const MOST: usize = 1000;

    /// Adds a note.
    pub fn note(&self, text: impl Into<String>) {
        let text = text.into();
        tracing::debug!(note = %text);
        let mut state = self.lock();
        if state.notes.len() < Self::MOST {
            state.notes.push(text);
        } else {
            state.left_out += 1;
        }
    }

    /// Adds a note the first time that `topic` comes up.
    pub fn once(&self, topic: &'static str, text: impl FnOnce() -> String) {
        if self.lock().said.insert(topic) {
            self.note(text());
        }
    }

    /// All notes so far, in order.
    pub fn notes(&self) -> Vec<String> {
        self.since(0)
    }

    /// Number of notes.
    pub fn count(&self) -> usize {
        self.lock().notes.len()
    }

    /// The notes after the first `known` ones.
    pub fn since(&self, known: usize) -> Vec<String> {
        let state = self.lock();
        let mut notes = state.notes.get(known..).unwrap_or_default().to_vec();
        if state.left_out > 0 && known <= Self::MOST {
            notes.push(format!("{} further notes were left out", state.left_out));
        }
        notes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JournalState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An encoder that was tried, and why it was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The encoder's name in libavcodec, such as `h264_nvenc`.
    pub encoder: String,
    /// What it or the driver said, in words.
    pub reason: String,
    /// What the user can do about it, where something can be done.
    pub remedy: Option<String>,
}

/// What became of one output.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OutputReport {
    /// The file, where it is one.
    pub path: Option<PathBuf>,
    /// Bytes written.
    pub bytes: u64,
    /// Length of what was written, in seconds.
    pub seconds: f64,
    /// What went wrong; what was written before is whole.
    pub error: Option<String>,
    /// The files in which it went on, in order, where another encoder made what the file before
    /// could not hold. Each begins at a time of its own zero.
    pub continued: Vec<OutputReport>,
}

impl OutputReport {
    /// Nothing was written yet.
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: Some(path.to_owned()), bytes: 0, seconds: 0.0, error: None, continued: vec![] }
    }
}

/// The encoder that one rendition used.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RenditionReport {
    /// The encoder's name in libavcodec: the last one, where others failed before.
    pub encoder: String,
    /// Codec, size and rate.
    pub codec: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures a second asked for.
    pub fps: f64,
    /// Who made its pictures.
    pub processing: ProcessingReport,
    /// Encoders that were tried before, in order.
    pub refused: Vec<Refusal>,
    /// Changes of the bitrate while it ran, in order: the first thousand.
    pub bitrate_changes: Vec<BitrateChange>,
    /// When its encoder failed while it ran, and who took over, in order: the first thousand times.
    pub failures: Vec<EncoderFailure>,
}

/// Who made a rendition's pictures from the captured ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProcessingReport {
    /// The CPU and its vectors, or the GPU and how its pictures got to the encoder: what it was at the end.
    pub way: String,
    /// Why it was chosen.
    pub reason: String,
    /// How often a GPU failed; it was opened anew, or the CPU took over.
    pub failures: u64,
    /// Pictures that were made.
    pub pictures: u64,
    /// Bytes of captured pixels that the CPU copied into a GPU's memory: none of what came in a DMA-BUF.
    pub uploaded_bytes: u64,
    /// Bytes of finished pictures that lay in system memory: none of what was exported to the encoder.
    pub system_memory_bytes: u64,
    /// Objects that were made on the GPU, all in all: their number does not grow with that of the pictures.
    pub objects: u64,
}

/// A bitrate that was changed while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BitrateChange {
    /// When in the recording, in seconds.
    pub seconds: f64,
    /// To how many kilobits a second.
    pub kbps: u32,
}

/// An encoder that failed while it ran, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EncoderFailure {
    /// When in the recording, in seconds.
    pub seconds: f64,
    /// The encoder's name in libavcodec.
    pub encoder: String,
    /// What it said, in words.
    pub reason: String,
    /// Who goes on: the same name where it was opened again. `None` where nobody does, or where
    /// nothing was left to encode.
    pub replaced_by: Option<String>,
    /// Who could not take over, in the order in which they were asked.
    pub refused: Vec<Refusal>,
    /// How long nothing was encoded, in milliseconds, from when the failure was known.
    pub milliseconds: f64,
    /// Pictures that were inside, and are lost.
    pub lost: u64,
    /// Whether a call never returned: its thread and what it holds stay until the process ends.
    pub left_behind: bool,
}

impl fmt::Display for EncoderFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed at {:.1} s: {}", self.encoder, self.seconds, self.reason)?;
        for it in &self.refused {
            write!(f, "; {} could not take over: {}", it.encoder, it.reason)?;
        }
        let after = self.milliseconds;
        match &self.replaced_by {
            Some(name) if *name == self.encoder => write!(f, "; it was opened again after {after:.0} ms")?,
            Some(name) => write!(f, "; {name} goes on after {after:.0} ms")?,
            None => {}
        }
        if self.lost > 0 {
            write!(f, "; {} pictures that were inside are lost", self.lost)?;
        }
        if self.left_behind {
            write!(f, "; its thread does not come back and was left behind")?;
        }
        Ok(())
    }
}

/// One audio track's sound.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AudioReport {
    /// What was recorded, in the words of the command line.
    pub source: String,
    /// Codec name.
    pub codec: String,
    /// How far the sound card's clock was from ours, parts per million.
    pub clock_ppm: f64,
    /// The largest distance between where sound was written and when it was captured, milliseconds.
    pub max_skew_ms: f64,
    /// Sound that never came, filled with silence, in seconds.
    pub silence_seconds: f64,
}

/// What a pipeline did, returned by `stop` and `wait`.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Length of the recording in seconds, pauses taken out.
    pub duration_seconds: f64,
    /// Frames that the source sent.
    pub captured: u64,
    /// Frames that were encoded.
    pub encoded: u64,
    /// Frames that were lost: a queue was full, the encoder too slow, or it failed with them inside.
    pub dropped: u64,
    /// Frames left out because the source is faster than the output.
    pub skipped: u64,
    /// Frames shown again because the source had no new one.
    pub repeated: u64,
    /// Pictures that were made between two of the source's.
    pub interpolated: u64,
    /// Frames that the producer marked corrupt or described wrongly.
    pub corrupt: u64,
    /// How each captured stream's pictures are known to be drawn; empty where nothing is captured.
    pub sync: Vec<FrameSync>,
    /// Bytes of all packets.
    pub bytes: u64,
    /// The worst A/V skew of all tracks, in milliseconds; `None` without sound.
    pub av_skew_ms: Option<f64>,
    /// From the buffer's arrival to the pacer's pick.
    pub latency_pace: Percentiles,
    /// Conversion.
    pub latency_process: Percentiles,
    /// Encoding.
    pub latency_encode: Percentiles,
    /// Writing.
    pub latency_write: Percentiles,
    /// From the buffer's arrival to the packet written.
    pub latency_total: Percentiles,
    /// Each rendition's encoder.
    pub renditions: Vec<RenditionReport>,
    /// Each audio track.
    pub audio: Vec<AudioReport>,
    /// Each output.
    pub outputs: Vec<OutputReport>,
    /// Why it ended, when it was not stopped.
    pub ended: Option<String>,
    /// What was chosen instead of what was asked, what came and went.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_bucket() {
        let histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        let p = histogram.percentiles();
        assert!((0.45..0.56).contains(&p.p50_ms), "{p:?}");
        assert!((0.86..1.05).contains(&p.p95_ms), "{p:?}");
        assert!(p.p50_ms <= p.p95_ms && p.p95_ms <= p.p99_ms);
    }

    #[test]
    fn a_journal_says_a_topic_once() {
        let journal = Journal::default();
        journal.once("x", || "first".into());
        journal.once("x", || "second".into());
        assert_eq!(journal.notes(), ["first"]);
    }
}
