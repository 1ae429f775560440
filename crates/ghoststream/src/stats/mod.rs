//! What a run counts, notes and reports.

mod counters;
mod histogram;
mod journal;
mod pictures;
mod report;

pub use counters::{Counter, Counters};
pub use histogram::{Histogram, Percentiles};
pub use journal::Journal;
pub use pictures::PicturesReport;
pub use report::{
    AdaptationReport, AudioReport, BitrateChange, CameraReport, EncoderFailure, FrameRateChange, FrameSync,
    LiveReport, OutputReport, ProcessingReport, Refusal, RenditionReport, ReplayReport, Report,
};
