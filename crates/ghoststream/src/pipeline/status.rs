//! How a pipeline goes, for a live line or a monitor.

use serde::Serialize;

use crate::stats::Percentiles;

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
    /// Frames encoded a second, since the call before.
    pub fps: f64,
    /// Kilobits a second of all packets, since the call before.
    pub bitrate_kbps: f64,
    /// From a frame's arrival to its packet being written.
    pub latency: Percentiles,
    /// The encoders in use, one for each rendition.
    pub encoders: Vec<String>,
    /// What is captured.
    pub source: String,
    /// The renditions' sizes.
    pub sizes: Vec<String>,
    /// Number of notes so far; see [`Pipeline::notes_since`](crate::Pipeline::notes_since).
    pub notes: usize,
}
