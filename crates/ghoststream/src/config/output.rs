//! Where the encoded picture goes.

use std::path::PathBuf;

use super::{Adaptation, ConfigError, PacketOptions, words};
use crate::{PixelFormat, ReplayOptions, output};

words! {
    /// What packets are put into: a file's format or that of a stream.
    Container: "container" {
        /// Matroska, `.mkv`: takes every codec.
        Matroska = "mkv",
        /// MP4 (ISO/IEC 14496-12), `.mp4`.
        Mp4 = "mp4",
        /// WebM, `.webm`: AV1 and Opus only.
        WebM = "webm",
        /// FLV, which RTMP carries: H.264, and HEVC and AV1 as Enhanced RTMP has them. No file is
        /// recorded in it.
        Flv = "flv",
        /// An MPEG transport stream (ISO/IEC 13818-1), which SRT carries: H.264 and HEVC. No file is
        /// recorded in it.
        MpegTs = "mpegts",
    }
}

impl Container {
    /// The container that goes with a file's extension.
    pub fn from_extension(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mkv" => Some(Self::Matroska),
            "mp4" | "m4v" => Some(Self::Mp4),
            "webm" => Some(Self::WebM),
            _ => None,
        }
    }
}

/// Where packets or frames go.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// A file.
    File {
        /// Where it is written.
        path: PathBuf,
        /// Its format.
        container: Container,
    },
    /// A PipeWire camera node that other programs open.
    VirtualCamera {
        /// The name that they show.
        name: String,
    },
    /// An RTMP or RTMPS server. The URL holds the stream key and is never printed whole.
    Rtmp {
        /// `rtmp://` or `rtmps://` server, application and key.
        url: String,
    },
    /// An SRT peer. The URL may hold a passphrase and is never printed whole.
    Srt {
        /// `srt://host:port` and options; the latency in milliseconds. `docs/streaming.md` has them
        /// all.
        url: String,
    },
    /// The last seconds, kept in memory and saved on demand.
    Replay {
        /// How much is kept.
        seconds: u32,
        /// Where saved clips go.
        directory: PathBuf,
    },
    /// Encoded packets, handed to the caller: see [`Pipeline::packets`](crate::Pipeline::packets).
    Packets,
    /// Pictures before any encoder, handed to the caller: see
    /// [`Pipeline::frames`](crate::Pipeline::frames). They have the size of the rendition.
    Frames {
        /// How their pixels lie: `Nv12`, `I420`, `P010`, `Bgrx` or `Rgbx`.
        format: PixelFormat,
    },
}

impl std::fmt::Debug for Output {
    /// Leaves out what may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path, container } => write!(f, "File({}, {container})", path.display()),
            Self::VirtualCamera { name } => write!(f, "VirtualCamera({name})"),
            Self::Rtmp { .. } => f.write_str("Rtmp(…)"),
            Self::Srt { .. } => f.write_str("Srt(…)"),
            Self::Replay { seconds, .. } => write!(f, "Replay({seconds} s)"),
            Self::Packets => f.write_str("Packets"),
            Self::Frames { format } => write!(f, "Frames({format:?})"),
        }
    }
}

/// An output and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputConfig {
    /// Where to.
    pub output: Output,
    /// Whether a file that exists is replaced. Otherwise it is an error.
    pub overwrite: bool,
    /// Which rendition it takes, counted from 0.
    pub rendition: usize,
    /// Which audio tracks it takes, counted from 0. `None` is all.
    pub audio_tracks: Option<Vec<usize>>,
    /// How an [`Output::Packets`] hands packets on.
    pub packets: PacketOptions,
    /// How a replay buffer keeps and saves, where it is one.
    pub replay: ReplayOptions,
    /// Whether its bitrate follows what its path carries, where it is a live one.
    pub adaptation: Adaptation,
    /// The V4L2 device that a camera's pictures are written to, such as v4l2loopback's. `None` makes a PipeWire node.
    pub v4l2: Option<PathBuf>,
    /// Whether a camera hands its pictures out in DMA-BUFs to programs that take them. Not by default: PipeWire gives a
    /// program that joins the same, also where it takes none.
    pub dmabuf: bool,
}

impl OutputConfig {
    /// This output, of the first rendition, with every audio track.
    pub const fn new(output: Output) -> Self {
        Self {
            output,
            overwrite: false,
            rendition: 0,
            audio_tracks: None,
            packets: PacketOptions::new(),
            replay: ReplayOptions::new(),
            adaptation: Adaptation::on(),
            v4l2: None,
            dmabuf: false,
        }
    }

    /// Whether a file that exists is replaced.
    #[must_use]
    pub const fn with_overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Which rendition it takes, counted from 0.
    #[must_use]
    pub const fn with_rendition(mut self, rendition: usize) -> Self {
        self.rendition = rendition;
        self
    }

    /// The V4L2 device that a camera's pictures are written to, in place of a PipeWire node.
    #[must_use]
    pub fn with_v4l2(mut self, device: impl Into<PathBuf>) -> Self {
        self.v4l2 = Some(device.into());
        self
    }

    /// Whether a camera hands its pictures out in DMA-BUFs to programs that take them.
    #[must_use]
    pub const fn with_dmabuf(mut self, dmabuf: bool) -> Self {
        self.dmabuf = dmabuf;
        self
    }

    /// How an [`Output::Packets`] hands packets on.
    #[must_use]
    pub const fn with_packets(mut self, packets: PacketOptions) -> Self {
        self.packets = packets;
        self
    }

    /// Whether its bitrate follows what its path carries, where it is a live one. By default it does.
    #[must_use]
    pub const fn with_adaptation(mut self, adaptation: Adaptation) -> Self {
        self.adaptation = adaptation;
        self
    }

    /// Which audio tracks it takes, counted from 0.
    #[must_use]
    pub fn with_audio_tracks(mut self, tracks: impl Into<Vec<usize>>) -> Self {
        self.audio_tracks = Some(tracks.into());
        self
    }

    /// How a replay buffer keeps and saves.
    #[must_use]
    pub fn with_replay(mut self, options: ReplayOptions) -> Self {
        self.replay = options;
        self
    }
}

impl OutputConfig {
    /// Whether a pipeline with so many renditions and audio tracks has what it takes.
    pub(crate) fn check(&self, renditions: usize, audio: usize) -> Result<(), ConfigError> {
        if self.rendition >= renditions {
            let allowed = format!("below {renditions}, the number of renditions");
            return Err(ConfigError::new("rendition", self.rendition, allowed));
        }
        let tracks = self.audio_tracks.iter().flatten();
        if let Some(track) = tracks.copied().find(|&it| it >= audio) {
            let allowed = format!("below {audio}, the number of audio tracks");
            return Err(ConfigError::new("audio-tracks", track, allowed));
        }
        if let Some(tracks) = self.audio_tracks.as_deref().filter(|it| it.len() > 1)
            && output::container(self) == Some(Container::Flv)
        {
            let given: Vec<String> = tracks.iter().map(ToString::to_string).collect();
            let allowed = "one track for RTMP, which carries no more: name one, or add a track of their mix \
                           (audio = mix) and name that";
            return Err(ConfigError::new("audio-tracks", given.join(","), allowed));
        }
        Ok(())
    }

    /// Whether it takes an audio track, counted from 0.
    pub(crate) fn takes_audio(&self, track: usize) -> bool {
        !output::takes_pictures(&self.output)
            && self.audio_tracks.as_ref().is_none_or(|tracks| tracks.contains(&track))
    }
}

impl From<Output> for OutputConfig {
    fn from(output: Output) -> Self {
        Self::new(output)
    }
}
