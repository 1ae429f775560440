//! How a pipeline goes, for a live line or a monitor.

use serde::Serialize;

use crate::OutputId;
use crate::stats::{LiveReport, Percentiles, ReplayReport};

/// Where in its life a pipeline is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PipelineState {
    /// Not started.
    #[default]
    New,
    /// Being opened; the portal's dialog may be up.
    Starting,
    /// Recording.
    Running,
    /// Paused by the caller.
    Paused,
    /// Finishing its outputs.
    Stopping,
    /// Over; there is a report.
    Ended,
}

/// A snapshot of a running pipeline.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Where in its life it is.
    pub state: PipelineState,
    /// Seconds recorded, pauses taken out.
    pub seconds: f64,
    /// Frames that the source sent.
    pub captured: u64,
    /// Frames encoded.
    pub encoded: u64,
    /// Frames lost: a queue was full or the encoder too slow.
    pub dropped: u64,
    /// Frames shown again because the source had no new one.
    pub repeated: u64,
    /// Bytes of all packets so far.
    pub bytes: u64,
    /// Frames encoded a second, since the call before; the first call has it from the beginning on.
    pub fps: f64,
    /// Kilobits a second of all packets, since the call before; the first call has it from the beginning on.
    pub bitrate_kbps: f64,
    /// From a frame's arrival to its packet being written.
    pub latency: Percentiles,
    /// The encoders in use, one for each rendition that is encoded.
    pub encoders: Vec<String>,
    /// What is captured.
    pub source: String,
    /// The renditions' sizes.
    pub sizes: Vec<String>,
    /// Every output in the order in which they were added, those that have ended too.
    pub outputs: Vec<OutputStatus>,
    /// Number of notes so far; see [`Pipeline::notes_since`](crate::Pipeline::notes_since).
    pub notes: usize,
}

/// Where in its life an output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OutputState {
    /// Being opened: a file is made, a server is dialled.
    #[default]
    Opening,
    /// Open; it has no picture yet.
    Waiting,
    /// It takes what comes.
    Running,
    /// Its peer was lost and is dialled again.
    Reconnecting,
    /// It is being made whole.
    Finishing,
    /// It was ended and is whole.
    Ended,
    /// It failed; what was written before is whole, and nothing else was disturbed.
    Failed,
}

/// How one output goes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OutputStatus {
    /// Its number.
    pub id: OutputId,
    /// What the run file calls it; nothing where it was added later, or there is no such file.
    pub label: Option<String>,
    /// Its kind and place, without any secret.
    pub name: String,
    /// The rendition that it takes, counted from 0.
    pub rendition: usize,
    /// Where in its life it is.
    pub state: OutputState,
    /// Bytes that it took so far; what it wrote, once it has ended.
    pub bytes: u64,
    /// Seconds of pictures that it took so far, from its own beginning on.
    pub seconds: f64,
    /// Why it failed, where it did.
    pub error: Option<String>,
    /// How its connection goes so far, where it is one.
    pub live: Option<LiveReport>,
    /// What it holds and what was saved of it, where it is a replay buffer.
    pub replay: Option<ReplayReport>,
}
