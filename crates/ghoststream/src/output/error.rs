//! Why an output cannot be opened or written.

use std::io;
use std::path::PathBuf;

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
    /// libavformat refused.
    #[error("{what} failed in libavformat: {source}")]
    Mux {
        /// What was tried.
        what: &'static str,
        /// What it answered.
        source: AvError,
    },
}
