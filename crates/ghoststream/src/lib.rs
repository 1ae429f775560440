//! GhostStream captures a Linux desktop, encodes it in hardware or software, and delivers it.
//!
//! ```no_run
//! use ghoststream::{CaptureConfig, Container, EncoderConfig, Output, Pipeline};
//!
//! # async fn record() -> Result<(), ghoststream::Error> {
//! let capture = CaptureConfig::default().with_fps(60).with_show_cursor(true);
//! let output = Output::File { path: "recording.mkv".into(), container: Container::Matroska };
//! let pipeline = Pipeline::new(capture, EncoderConfig::default(), output)?;
//! pipeline.start().await?; // the portal asks which screen; resolves when a picture is in the file
//! // … the recording runs …
//! let report = pipeline.stop().await?; // the file is whole
//! println!("{} frames, {} dropped", report.encoded, report.dropped);
//! # Ok(())
//! # }
//! ```
//!
//! The source can be the portal's choice, a PipeWire node, or the [`test_card`], which needs no
//! desktop at all:
//!
//! ```
//! use ghoststream::{CaptureConfig, CaptureSource, Container, EncoderConfig, EncoderPreset, Output, Pipeline};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("card.mkv");
//! let capture = CaptureConfig::default()
//!     .with_source(CaptureSource::TestCard)
//!     .with_test_card_size(320, 180)
//!     .with_fps(30);
//! let encoder = EncoderConfig::default().with_preset(EncoderPreset::Fastest);
//! let pipeline = Pipeline::new(capture, encoder, Output::File { path, container: Container::Matroska })?;
//! pipeline.start().await?;
//! let report = pipeline.stop().await?;
//! assert!(report.encoded > 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Several renditions, outputs and audio tracks
//!
//! A *rendition* is one size, rate and codec of the picture. One capture feeds any number of them,
//! and each any number of outputs:
//!
//! ```no_run
//! use ghoststream::{
//!     AudioConfig, AudioSource, CaptureConfig, Codec, Container, EncoderConfig, Output, OutputConfig, Pipeline,
//! };
//!
//! # fn build() -> Result<Pipeline, ghoststream::Error> {
//! let full = Output::File { path: "full.mkv".into(), container: Container::Matroska };
//! let small = Output::File { path: "small.mp4".into(), container: Container::Mp4 };
//! let pipeline = Pipeline::builder(CaptureConfig::default())
//!     .rendition(EncoderConfig::default().with_codec(Codec::Hevc))
//!     .rendition(EncoderConfig::default().with_codec(Codec::H264).with_resolution(1280, 720))
//!     .audio(AudioConfig::new(AudioSource::Desktop))
//!     .audio(AudioConfig::new(AudioSource::Microphone).with_title("Me"))
//!     .output(full)
//!     .output(OutputConfig::new(small).with_rendition(1).with_audio_tracks([0]))
//!     .build()?;
//! # Ok(pipeline)
//! # }
//! ```
//!
//! # Sound from another program
//!
//! Anything that is a PipeWire node can be recorded, by its id or name:
//!
//! ```no_run
//! # use ghoststream::{CaptureConfig, Codec, Container, EncoderConfig, EncoderPreset, Output, Pipeline};
//! # struct GhostWave;
//! # impl GhostWave { fn output_node(&self) -> u32 { 42 } }
//! # async fn record() -> Result<(), ghoststream::Error> {
//! # let audio = GhostWave;
//! # let (capture, output) = (CaptureConfig::default(), Output::VirtualCamera { name: "x".into() });
//! let encoder = EncoderConfig::default()
//!     .with_codec(Codec::AV1)
//!     .with_resolution(1920, 1080)
//!     .with_bitrate_kbps(8000)
//!     .with_preset(EncoderPreset::Quality);
//! let video = Pipeline::new(capture, encoder, output)?;
//! video.set_audio_source(audio.output_node())?;
//! # Ok(())
//! # }
//! ```
//!
//! # The last seconds, on demand
//!
//! ```
//! use std::time::Duration;
//!
//! use ghoststream::{CaptureConfig, CaptureSource, EncoderConfig, EncoderPreset, Output, Pipeline};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let clips = tempfile::tempdir()?;
//! # let directory = clips.path().to_owned();
//! let capture = CaptureConfig::default()
//!     .with_source(CaptureSource::TestCard)
//!     .with_test_card_size(320, 180)
//!     .with_fps(30);
//! let encoder = EncoderConfig::default().with_preset(EncoderPreset::Fastest);
//! let pipeline = Pipeline::new(capture, encoder, Output::Replay { seconds: 30, directory })?;
//! pipeline.start().await?;
//! // … something worth keeping happens …
//! let clips = pipeline.save_replay(Some(Duration::from_secs(10))).await?;
//! assert!(clips[0].path.exists());
//! # pipeline.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! Every failure is an [`Error`] that says what failed, why, and what to do; [`Error::is_usage`],
//! [`Error::is_retryable`] and [`Error::is_refused_by_user`] answer what a program asks of it. What
//! was chosen instead of what was asked is never an error: it is in [`Report::notes`], each with its
//! reason.
//!
//! # A process of its own for NVIDIA's driver
//!
//! What NVIDIA's GPUs can encode is asked in a child process, so that a driver that crashes or hangs
//! takes nothing down. **The child is your own program, executed again**: this library puts an entry
//! into `.init_array` that runs before `main`. It looks at one environment variable
//! (`GHOSTSTREAM_NVENC_PROBE`, which holds the parent's process id) and returns; in the child it asks
//! the driver, writes the answer to standard output and ends the process before `main` is reached.
//! Nothing is executed where there is no NVIDIA driver, nor where this library is not part of the
//! program but was loaded by it as a plugin.
//!
//! # Stability
//!
//! Structs and enumerations that will grow are `#[non_exhaustive]`. Before 1.0 a minor version may
//! change the interface; `CHANGELOG.md` says how.
#![warn(missing_docs)]

mod audio;
mod av;
mod bitstream;
mod capture;
mod clock;
mod config;
pub mod control;
pub mod doctor;
mod encode;
mod error;
mod frame_rate;
mod idle;
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
pub use config::{
    Adaptation, AudioCodec, AudioConfig, AudioSource, BReference, ByteSize, CaptureConfig, CaptureSource,
    Chroma, Codec, ConfigError, Container, CursorMode, EncoderChoice, EncoderConfig, EncoderPreset,
    FrameRateMode, Hdr, Interpolate, Multipass, NvencConfig, Output, OutputConfig, PacketFormat,
    PacketOptions, Place, Processing, Profile, ProfileError, Profiles, RateControl, Resolved, RunFile,
    Scaler, Settings, SourceKinds, SplitEncode, ToneCurve, Tune, WhenFull,
};
pub use encode::bench;
pub use encode::{EncodeError, EncoderStatus, WouldChoose, probe_encoders, would_choose};
pub use error::Error;
pub use frame_rate::FrameRate;
pub use ghoststream_camera::CameraError;
pub use ghoststream_picture::hdr::{Chromaticity, ContentLight, MasteringDisplay};
pub use ghoststream_picture::{
    Color, ColorRange, ColorSpace, HdrMetadata, PixelFormat, Rect, ShapeError, Size, Transfer, Transform,
};
#[doc(inline)]
pub use ghoststream_portal::hotkeys;
pub use output::{EncodedPacket as Packet, EncodedTrack as Track};
pub use output::{
    FrameStream, LinkFault, Media, OutputError, OutputId, PacketStream, ReplayDisk, ReplayOptions,
    SavedReplay, Service, VideoFrame, default_directory, default_path, services,
};
pub use pipeline::{OutputState, OutputStatus, Pipeline, PipelineBuilder, PipelineState, Status};
pub use preset::Preset;
pub use processing::ProcessError;
pub use stats::{
    AdaptationReport, AudioReport, BitrateChange, CameraReport, EncoderFailure, FrameRateChange, FrameSync,
    LiveReport, OutputReport, Percentiles, PicturesReport, ProcessingReport, Refusal, RenditionReport,
    ReplayReport, Report,
};

/// What benches, fuzz targets and the test kit reach into. No stability is promised: it is not part
/// of the library's interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::capture::pipewire::{format, layout, meta, untrusted::read as read_untrusted};
    pub use crate::capture::{Capture, ScreenCastAbilities, open as open_capture, probe_portal};
    pub use crate::capture::{
        CaptureEvent, CapturedFrame, CpuBuffer, Cursor, CursorBitmap, Damage, FrameQueue, FrameSink,
        GpuBuffer, GpuLease, Lease, Memory, Plane, Taken,
    };
    pub use crate::encode::{InputSpec, Packet, Track, TrackKind};
    pub use crate::output::replay::ReplayTrial;
    pub use crate::pipeline::Trial;
    pub use crate::processing::{Process, Recipe, ToneMapping, open as open_processor};
    pub use crate::stats::{Counters, Journal};
    pub use ghoststream_gpu::{Imports, Modifier};
    pub use ghoststream_pod as pod;
}
