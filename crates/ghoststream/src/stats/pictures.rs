//! What an output that takes pictures was given.

use serde::Serialize;

use super::{Counters, Percentiles, ProcessingReport};

/// The pictures of an output that takes no packets: a camera's, or those for the caller's code.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct PicturesReport {
    /// How their pixels lie, such as `NV12`.
    pub format: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures that it was given, repeated ones included.
    pub shown: u64,
    /// Frames and pictures that were lost: a queue was full, or a GPU did not make them.
    pub dropped: u64,
    /// Frames left out because the source is faster than the output.
    pub skipped: u64,
    /// Frames shown again because the source had no new one.
    pub repeated: u64,
    /// Who made them.
    pub processing: ProcessingReport,
    /// From the buffer's arrival to the output having the picture.
    pub latency: Percentiles,
}

impl PicturesReport {
    /// What was counted.
    pub(crate) fn of(counters: &Counters) -> Self {
        Self {
            shown: counters.packets.get(),
            dropped: counters.dropped(),
            skipped: counters.skipped.get(),
            repeated: counters.repeated.get(),
            latency: counters.latency.total.percentiles(),
            ..Self::default()
        }
    }
}
