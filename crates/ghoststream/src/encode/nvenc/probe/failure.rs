//! Why it is not known what the GPUs can encode.

use std::time::Duration;

use crate::encode::backend::Unmet;

/// How [`ProbeFailure::NoDriver`] is told.
pub(crate) const NO_DRIVER: &str = "libcuda.so.1 is not there: no NVIDIA driver is installed";

/// Why the driver gave no abilities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProbeFailure {
    /// There is none.
    #[error("{NO_DRIVER}")]
    NoDriver,
    /// It answered that it cannot be used.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
        /// What can be done.
        remedy: String,
    },
    /// It crashed, or ended the process that asked it.
    #[error("the NVIDIA driver crashed in {step} ({how})")]
    Crashed {
        /// What it had been asked.
        step: String,
        /// The signal or the exit status.
        how: String,
    },
    /// It did not answer.
    #[error("the NVIDIA driver hangs in {step}: no answer within {limit:?}")]
    Hung {
        /// What it had been asked.
        step: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// A GPU has no encoder session left just now. Another time it may have.
    #[error("a GPU has no encoder session left, so that it cannot be asked what it encodes")]
    Busy,
    /// It could not be asked, which says nothing about it.
    #[error("the NVIDIA driver could not be asked: {0}")]
    NotAsked(String),
}

impl ProbeFailure {
    /// What to do.
    pub(crate) fn remedy(&self) -> &str {
        match self {
            Self::NoDriver => "install NVIDIA's driver, 525 or newer, or use a software encoder",
            Self::Refused { remedy, .. } => remedy,
            Self::Crashed { .. } | Self::Hung { .. } => {
                "check it with nvidia-smi; after a driver update, restart the machine"
            }
            Self::Busy => {
                "end other recordings and streams, or update the driver: newer ones allow more sessions"
            }
            Self::NotAsked(_) => "nothing: NVENC's encoders are opened to see what they can do",
        }
    }

    /// Why no NVENC encoder needs to be tried, and what to do; nothing where only trying can tell.
    pub(in crate::encode) fn unmet(&self) -> Option<Unmet> {
        let unknown = matches!(self, Self::Busy | Self::NotAsked(_));
        (!unknown).then(|| Unmet::new(self.to_string(), self.remedy()))
    }
}
