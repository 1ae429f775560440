//! GhostStream captures a Linux desktop, encodes it and delivers it.

mod audio;
mod av;
mod capture;
mod clock;
mod color;
mod config;
mod encode;
mod error;
mod frame_rate;
mod geometry;
mod output;
mod pipeline;
mod preset;
mod processing;
mod stats;
pub mod test_card;

pub use audio::AudioError;
pub use av::{AvError, version as ffmpeg_version};
pub use capture::{CaptureError, LayoutError};
pub use clock::{MediaTime, Timeline, Timestamp};
pub use color::{Color, ColorRange, ColorSpace, PixelFormat};
pub use config::{
    AudioCodec, AudioConfig, AudioSource, CaptureConfig, CaptureSource, Codec, ConfigError, Container,
    CursorMode, EncoderChoice, EncoderConfig, EncoderPreset, FrameRateMode, Output, OutputConfig,
    RateControl, Scaler, SourceKinds,
};
pub use encode::EncodeError;
pub use error::Error;
pub use frame_rate::FrameRate;
pub use geometry::{Rect, Size, Transform};
pub use output::OutputError;
pub use pipeline::{Pipeline, PipelineBuilder, PipelineState, Status};
pub use preset::Preset;
pub use processing::ProcessError;
pub use stats::{AudioReport, OutputReport, Percentiles, Refusal, RenditionReport, Report};

/// What benches, fuzz targets and the test kit reach into. No stability is promised: it is not part
/// of the library's interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::capture::{Capture, ScreenCastAbilities, open as open_capture, probe_portal};
    pub use crate::capture::{
        CaptureEvent, CapturedFrame, CpuBuffer, Cursor, CursorBitmap, Damage, FrameQueue, FrameSink, Lease,
        Memory, Plane, Taken,
    };
    pub use crate::encode::{Packet, Track, TrackKind};
    pub use crate::stats::{Counters, Journal};
}
