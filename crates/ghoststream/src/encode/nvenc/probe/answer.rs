//! What the child writes, a line of JSON each.

use serde::{Deserialize, Serialize};

use super::ProbeFailure;
use crate::encode::nvenc::abilities::Abilities;

/// What the child is to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// What the GPUs can encode.
    Abilities,
    /// What goes on on them, too, which takes half a second more for each.
    Everything,
}

impl Question {
    /// The variable's value: the question, and whose child is meant.
    pub(super) fn word(self, parent: u32) -> String {
        match self {
            Self::Abilities => format!("abilities:{parent}"),
            Self::Everything => format!("everything:{parent}"),
        }
    }
}

/// What goes on on a GPU, as the driver's management library tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activity {
    /// Where the GPU sits, such as `0000:01:00.0`.
    pub(crate) address: String,
    /// Encoder sessions of all programs.
    pub(crate) sessions: Option<u32>,
    /// How busy the encoder is, of a hundred.
    pub(crate) encoder_percent: Option<u32>,
    /// The memory clock with a CUDA context at work.
    pub(crate) memory: Option<MemoryClock>,
}

/// The memory clock of a GPU on which CUDA works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemoryClock {
    /// The highest that it has, in MHz.
    pub(crate) max_mhz: u32,
    /// The highest that it reached, in MHz.
    pub(crate) cuda_mhz: u32,
    /// The performance state that it was in then: 0 is the fastest.
    pub(crate) state: u32,
}

/// A line from the child to its parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// What it does next, so that a crash or a hang has a name.
    Step(String),
    /// What goes on on the GPUs. Only a [`Question::Everything`] is answered with it.
    Activity(Vec<Activity>),
    /// What it found. The last line.
    Answer(Answer),
}

/// What the driver said.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// It spoke of each GPU.
    Abilities(Abilities),
    /// It cannot be used.
    Refused {
        /// Why.
        reason: String,
        /// What can be done.
        remedy: String,
    },
    /// A GPU has no encoder session left, so that it could not be asked.
    Busy,
}

impl Answer {
    /// It cannot be used.
    pub(super) fn refused(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), remedy: remedy.into() }
    }

    /// As the parent tells it.
    pub(super) fn abilities(self) -> Result<Abilities, ProbeFailure> {
        match self {
            Self::Abilities(abilities) => Ok(abilities),
            Self::Refused { reason, remedy } => Err(ProbeFailure::Refused { reason, remedy }),
            Self::Busy => Err(ProbeFailure::Busy),
        }
    }
}
