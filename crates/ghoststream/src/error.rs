//! What can go wrong, in one enumeration; the details are each area's own.

use ghoststream_camera::CameraError;

use crate::audio::AudioError;
use crate::capture::CaptureError;
use crate::config::ConfigError;
use crate::encode::EncodeError;
use crate::output::{LinkFault, OutputError};
use crate::processing::ProcessError;

/// Anything that a pipeline can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Pictures could not be captured.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Sound could not be captured or encoded.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// A picture could not be converted.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// No encoder could be opened, or one failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// An output could not be opened or written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// This version has not got it yet.
    #[error("{feature} is not built yet in this version of GhostStream; {instead}")]
    NotBuilt {
        /// What was asked for.
        feature: &'static str,
        /// What works today.
        instead: &'static str,
    },
    /// The call does not fit the pipeline's state.
    #[error("{0}")]
    State(&'static str),
    /// A thread could not be started, or ended by a panic, which is a bug.
    #[error("the {thread} thread failed: {reason}")]
    Thread {
        /// Its name.
        thread: String,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// Whether the user refused the portal's dialog.
    pub const fn is_refused_by_user(&self) -> bool {
        matches!(self, Self::Capture(CaptureError::Refused))
    }

    /// Whether the settings are at fault: trying again unchanged cannot help.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Config(_) | Self::NotBuilt { .. } | Self::State(_))
            || matches!(
                self,
                Self::Output(OutputError::Unsuitable { .. } | OutputError::Camera(CameraError::Name { .. }))
            )
            || matches!(self, Self::Output(OutputError::Link { fault: LinkFault::Address, .. }))
            || matches!(self, Self::Audio(AudioError::Unsuitable(_) | AudioError::Config(_)))
            || matches!(self, Self::Encode(EncodeError::Unsuitable(_)))
    }

    /// Whether the same call may succeed later, unchanged.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Capture(error) => error.is_retryable(),
            Self::Audio(error) => error.is_retryable(),
            _ => false,
        }
    }
}
