//! Why there is no sound.

use crate::ConfigError;
use crate::av::AvError;
use crate::output::OutputError;

/// Why sound cannot be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// PipeWire cannot be reached.
    #[error("PipeWire does not answer ({reason}); start it, or record with --audio none")]
    NoPipeWire {
        /// What failed.
        reason: String,
    },
    /// The node is there, but it is no sound.
    #[error("node {node} has no sound: {reason}; `pw-cli ls Node` lists what there is")]
    Node {
        /// Which.
        node: String,
        /// Why.
        reason: String,
    },
    /// That source cannot be taken here.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No encoder.
    #[error("this FFmpeg cannot encode {codec}: {reason}")]
    Encoder {
        /// The codec.
        codec: &'static str,
        /// Why, and what would work.
        reason: String,
    },
    /// The container does not take the codec.
    #[error(transparent)]
    Unsuitable(OutputError),
    /// The encoder failed.
    #[error("encoding sound failed: {0}")]
    Encode(#[from] AvError),
    /// A thread could not be started.
    #[error("the {thread} thread cannot be started: {reason}")]
    Thread {
        /// Its name.
        thread: &'static str,
        /// Why.
        reason: String,
    },
}

impl AudioError {
    /// Whether the same call may succeed later, unchanged.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::NoPipeWire { .. } | Self::Thread { .. })
    }
}
