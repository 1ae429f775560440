//! Where the encoded picture goes.

use std::path::PathBuf;

use super::words;

words! {
    /// A file format.
    Container: "container" {
        /// Matroska, `.mkv`: takes every codec.
        Matroska = "mkv",
        /// MP4 (ISO/IEC 14496-12), `.mp4`.
        Mp4 = "mp4",
        /// WebM, `.webm`: AV1 and Opus only.
        WebM = "webm",
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
        /// `srt://host:port` and options.
        url: String,
    },
    /// The last seconds, kept in memory and saved on demand.
    Replay {
        /// How much is kept.
        seconds: u32,
        /// Where saved clips go.
        directory: PathBuf,
    },
    /// Encoded packets, handed to the caller.
    Packets,
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
}

impl OutputConfig {
    /// This output, of the first rendition, with every audio track.
    pub const fn new(output: Output) -> Self {
        Self { output, overwrite: false, rendition: 0, audio_tracks: None }
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

    /// Which audio tracks it takes, counted from 0.
    #[must_use]
    pub fn with_audio_tracks(mut self, tracks: impl Into<Vec<usize>>) -> Self {
        self.audio_tracks = Some(tracks.into());
        self
    }
}

impl OutputConfig {
    /// Whether it takes an audio track, counted from 0.
    pub(crate) fn takes_audio(&self, track: usize) -> bool {
        self.audio_tracks.as_ref().is_none_or(|tracks| tracks.contains(&track))
    }
}

impl From<Output> for OutputConfig {
    fn from(output: Output) -> Self {
        Self::new(output)
    }
}
