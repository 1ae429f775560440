//! Where packets go.
//!
//! A backend is a small blocking [`Sink`]; its thread, its bounded queue and the interleaving of its
//! tracks belong to the pipeline. One that takes pictures is a [`PictureSink`].

pub(crate) mod camera;
mod error;
pub(crate) mod file;
mod frames;
mod id;
mod interleave;
pub(crate) mod live;
mod packets;
mod picture_sink;
pub(crate) mod replay;
mod rtmp;
mod services;
mod srt;

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use error::OutputError;
pub use file::{default_directory, default_path};
pub(crate) use frames::FramesQueue;
pub use frames::{FrameStream, VideoFrame};
pub use id::OutputId;
pub(crate) use interleave::Interleaver;
pub(crate) use packets::Queue as PacketQueue;
pub use packets::{Media, Packet as EncodedPacket, PacketStream, Track as EncodedTrack};
pub(crate) use picture_sink::{PictureOffer, PictureSink};

use crate::encode::{Packet, Track};
use crate::stats::{Journal, OutputReport};
use crate::{Container, EncoderConfig, Error, MediaTime, Output, OutputConfig, Timeline};

pub use live::LinkFault;
pub use replay::{ReplayDisk, ReplayOptions, SavedReplay};
pub use services::{Service, services};

/// To whom an output tells how it goes.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) journal: Journal,
    /// What a live output tells of itself while it runs.
    pub(crate) gauge: Arc<live::Gauge>,
    /// Raised when nobody waits any more for it to be opened.
    pub(crate) stop: live::Stop,
    /// The pipeline is being stopped: who waits for the caller does so no longer than need be.
    pub(crate) stopping: Arc<AtomicBool>,
}

impl Context {
    /// Of an output that nothing feeds but a test or a bench.
    pub(crate) fn alone() -> Self {
        Self {
            journal: Journal::default(),
            gauge: Arc::default(),
            stop: live::Stop::default(),
            stopping: Arc::default(),
        }
    }
}

/// A place in the recording that the caller has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Where it is.
    pub(crate) at: MediaTime,
    /// 1 to 200 characters, none of them a control character.
    pub(crate) title: String,
}

/// An open output. All calls come from one thread.
pub(crate) trait Sink: Send {
    /// Writes a packet; `packet.track` is an index into the tracks that it was opened with. Packets
    /// come in order of decoding time over all tracks.
    fn write(&mut self, packet: &Packet) -> Result<(), OutputError>;

    /// Hands on what has waited in memory for long. Called at least four times a second, also while
    /// no packet comes.
    fn idle(&mut self) -> Result<(), OutputError>;

    /// Notes a marker, which may lie before or after what was written. Only files have chapters.
    fn mark(&mut self, _marker: &Marker) {}

    /// Makes what was written whole. Called once, also after `write` or `idle` failed; what failed
    /// then is in the report and not an error again.
    fn finish(&mut self) -> Result<(), OutputError>;

    /// What was written so far.
    fn report(&self) -> OutputReport;
}

/// Whether this version has the output, and whether it fits: before anything is started.
pub(crate) fn check(config: &OutputConfig) -> Result<(), Error> {
    config.adaptation.validate()?;
    match &config.output {
        Output::File { path, container } => Ok(file::check(path, *container, config.overwrite)?),
        Output::VirtualCamera { name } => camera::check(name, config),
        Output::Rtmp { url } => {
            Ok(rtmp::parse(url).map(drop).map_err(|error| OutputError::link("RTMP", error))?)
        }
        Output::Srt { url } => {
            Ok(srt::parse(url).map(drop).map_err(|error| OutputError::link("SRT", error))?)
        }
        Output::Replay { seconds, directory } => replay::check(*seconds, directory, &config.replay),
        Output::Packets => Ok(packets::check(&config.packets)?),
        Output::Frames { format } => Ok(frames::check(*format)?),
    }
}

/// Whether a live service or a replay can do with what is asked of the encoder, as far as that is known before
/// anything is started.
pub(crate) fn check_service(config: &OutputConfig, encoder: &EncoderConfig, fps: f64) -> Result<(), Error> {
    match &config.output {
        Output::Rtmp { url } => {
            let wanted = services::Wanted {
                codec: Some(encoder.codec),
                rate_control: Some(encoder.rate_control),
                lossless: encoder.lossless,
                kbps: encoder.bitrate_kbps.filter(|_| encoder.rate_control.has_bitrate()),
                key_frames: Some(encoder.gop_seconds),
                size: encoder.size,
                fps: Some(fps),
                ..services::Wanted::default()
            };
            Ok(rtmp::parse(url)
                .and_then(|target| rtmp::check_service(&target, &wanted))
                .map_err(|error| OutputError::link("RTMP", error))?)
        }
        Output::Replay { .. } => replay::check_encoder(encoder),
        _ => Ok(()),
    }
}

/// What an output's packets are put into; `None` where they stay as they are.
pub(crate) const fn container(config: &OutputConfig) -> Option<Container> {
    match &config.output {
        Output::Replay { .. } => Some(config.replay.container),
        Output::File { container, .. } => Some(*container),
        Output::Rtmp { .. } => Some(Container::Flv),
        Output::Srt { .. } => Some(Container::MpegTs),
        _ => None,
    }
}

/// Whether an output goes to a peer over a network.
pub(crate) const fn is_live(output: &Output) -> bool {
    matches!(output, Output::Rtmp { .. } | Output::Srt { .. })
}

/// Whether an output takes pictures, for which no encoder is needed.
pub(crate) const fn takes_pictures(output: &Output) -> bool {
    matches!(output, Output::VirtualCamera { .. } | Output::Frames { .. })
}

/// An output that takes pictures and is open.
pub(crate) struct OpenedPictures {
    /// Belongs to the output's thread.
    pub(crate) sink: Box<dyn PictureSink>,
    /// Belongs to the pipeline.
    pub(crate) remote: Remote,
    /// What it does otherwise than was asked for, and why.
    pub(crate) note: Option<String>,
}

/// Opens an output that takes pictures; `timeline` says when they were made.
pub(crate) fn open_pictures(
    config: &OutputConfig,
    offer: &PictureOffer,
    timeline: &Timeline,
) -> Result<OpenedPictures, Error> {
    check(config)?;
    match &config.output {
        Output::Frames { format } => {
            let queue = FramesQueue::default();
            let sink = Box::new(frames::FramesSink::new(*format, offer, queue.clone()));
            Ok(OpenedPictures { sink, remote: Remote::Frames(queue), note: None })
        }
        Output::VirtualCamera { name } => {
            let (sink, note): (Box<dyn PictureSink>, _) = match &config.v4l2 {
                Some(device) => (Box::new(camera::DeviceSink::open(name, device, offer)?), None),
                None => {
                    let (device, note) = camera::dmabufs(config.dmabuf);
                    (Box::new(camera::CameraSink::open(name, offer, timeline.clone(), device)?), note)
                }
            };
            Ok(OpenedPictures { sink, remote: Remote::None, note })
        }
        _ => Err(Error::State("an output passed its check that cannot be opened")),
    }
}

/// An output's kind and place, without any secret: for status and report.
pub(crate) fn name(output: &Output) -> String {
    match output {
        Output::File { path, .. } => path.display().to_string(),
        Output::VirtualCamera { name } => format!("camera {name:?}"),
        Output::Rtmp { url } => rtmp::parse(url).map_or_else(|_| "RTMP".to_owned(), |it| it.to_string()),
        Output::Srt { url } => srt::parse(url).map_or_else(|_| "SRT".to_owned(), |it| it.to_string()),
        Output::Replay { seconds, directory } => format!("replay of {seconds} s in {}", directory.display()),
        Output::Packets => "packets".to_owned(),
        Output::Frames { format } => format!("{format:?} pictures").to_lowercase(),
    }
}

/// The file that both write, where they write the same.
pub(crate) fn same_file<'a>(one: &'a Output, other: &Output) -> Option<&'a Path> {
    let (Output::File { path: one, .. }, Output::File { path: other, .. }) = (one, other) else {
        return None;
    };
    // A directory may have several names; what is not there yet is told apart by what was said.
    let place = |path: &Path| {
        let parent = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        (parent.canonicalize().unwrap_or_else(|_| parent.to_owned()), path.file_name().map(OsStr::to_owned))
    };
    (place(one) == place(other)).then_some(one)
}

/// An output that is open.
pub(crate) struct Opened {
    /// Belongs to the output's thread.
    pub(crate) sink: Box<dyn Sink>,
    /// Belongs to the pipeline.
    pub(crate) remote: Remote,
}

/// What the pipeline holds of an output that runs on its own thread: what can be asked of it from outside.
#[derive(Debug, Default)]
pub(crate) enum Remote {
    /// Nothing but its end.
    #[default]
    None,
    /// How its connection goes.
    Live(Arc<live::Gauge>),
    /// Pictures for the caller.
    Frames(FramesQueue),
    /// Packets for the caller.
    Packets(Arc<PacketQueue>),
    /// What it holds, to be saved.
    Replay(Arc<replay::Buffer>),
}

impl Remote {
    /// Whether what was written has left for where it is to go. A live output has a queue of its own.
    pub(crate) fn has_delivered(&self) -> bool {
        match self {
            Self::None | Self::Frames(_) | Self::Packets(_) | Self::Replay(_) => true,
            Self::Live(gauge) => gauge.packets.get() > 0,
        }
    }
}

/// Opens an output for these tracks. May take as long as a peer takes to answer.
pub(crate) fn open(config: &OutputConfig, tracks: &[Track], context: &Context) -> Result<Opened, Error> {
    check(config)?;
    context.gauge.rate.adapt(config.adaptation);
    match &config.output {
        Output::File { path, container } => {
            let sink = file::create(path, *container, config.overwrite, tracks)?;
            Ok(Opened { sink, remote: Remote::None })
        }
        Output::Rtmp { url } => {
            let target = rtmp::parse(url).map_err(|error| OutputError::link("RTMP", error))?;
            open_live(Box::new(rtmp::RtmpDial::new(target, context.journal.clone())), tracks, context)
        }
        Output::Packets => {
            let (sink, queue) = packets::open(config.packets, tracks, context)?;
            Ok(Opened { sink: Box::new(sink), remote: Remote::Packets(queue) })
        }
        Output::Srt { url } => {
            let target = srt::parse(url).map_err(|error| OutputError::link("SRT", error))?;
            open_live(Box::new(srt::SrtDial::new(target)), tracks, context)
        }
        Output::Replay { seconds, directory } => {
            let (sink, buffer) = replay::open((*seconds, directory), &config.replay, tracks, context)?;
            Ok(Opened { sink, remote: Remote::Replay(buffer) })
        }
        _ => Err(Error::State("an output passed its check that cannot be opened")),
    }
}

fn open_live(dial: Box<dyn live::Dial>, tracks: &[Track], context: &Context) -> Result<Opened, Error> {
    let sink = Box::new(live::LiveSink::open(dial, tracks, context)?);
    Ok(Opened { sink, remote: Remote::Live(Arc::clone(&context.gauge)) })
}
