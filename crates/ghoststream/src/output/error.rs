//! Why an output cannot be opened or written.

use std::io;
use std::path::{Path, PathBuf};

use ghoststream_camera::CameraError;

use super::live::{LinkError, LinkFault};
use crate::Container;
use crate::av::AvError;

/// Why an output failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The file exists and may not be replaced.
    #[error("{} exists; give another name, or --overwrite to replace it", .0.display())]
    Exists(PathBuf),
    /// The file cannot be made.
    #[error("{} cannot be written: {source}", path.display())]
    Create {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk is full.
    #[error("{} is full: what was recorded before is whole; free some space and record again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Writing failed.
    #[error("writing {} failed: {source}; what was recorded before is whole", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is to be saved at once does not fit on the disk.
    #[error("{} has no room for {} MB: free some space and save again", path.display(), bytes.div_ceil(1_000_000))]
    NoRoom {
        /// The directory.
        path: PathBuf,
        /// What is needed.
        bytes: u64,
    },
    /// A replay cannot be saved.
    #[error("the replay is not saved to {}: {reason}", directory.display())]
    Replay {
        /// Where to.
        directory: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The file was deleted under our hands.
    #[error("{} was deleted while it was being recorded: nothing of it is left", path.display())]
    Removed {
        /// Where it was.
        path: PathBuf,
    },
    /// The container does not take the codec.
    #[error("{container} does not take {codec}: {remedy}")]
    Unsuitable {
        /// The container.
        container: Container,
        /// The codec.
        codec: String,
        /// What would work.
        remedy: String,
    },
    /// A peer cannot be reached, or does not want the stream.
    #[error("{peer}: {reason}")]
    Link {
        /// The peer, without any secret.
        peer: String,
        /// What kind of failure it is.
        fault: LinkFault,
        /// What happened, and what to do.
        reason: String,
    },
    /// There is no camera.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// A thread could not be started, or ended by a panic, which is a bug.
    #[error("the thread {name} failed: {reason}")]
    Thread {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// libavformat refused.
    #[error("{what} failed in libavformat: {source}")]
    Mux {
        /// What was tried.
        what: &'static str,
        /// What it answered.
        source: AvError,
    },
}

impl OutputError {
    /// What became of a peer.
    pub(crate) fn link(peer: &str, error: LinkError) -> Self {
        Self::Link { peer: peer.to_owned(), fault: error.fault, reason: error.text }
    }

    pub(crate) fn thread(name: &str, error: &io::Error) -> Self {
        Self::Thread { name: name.to_owned(), reason: error.to_string() }
    }

    /// What the kernel answered to a write.
    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Write { path, source },
        }
    }

    /// There was no memory to go on with a stream that was begun elsewhere.
    pub(crate) const fn no_memory(source: AvError) -> Self {
        Self::Mux { what: "going on with a stream", source }
    }

    pub(crate) fn panicked(name: &str) -> Self {
        Self::Thread { name: name.to_owned(), reason: "it panicked".to_owned() }
    }
}
