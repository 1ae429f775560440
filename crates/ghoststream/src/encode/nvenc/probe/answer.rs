//! What the child writes, a line of JSON each.

use serde::{Deserialize, Serialize};

use super::ProbeFailure;
use crate::encode::nvenc::abilities::Abilities;

/// A line from the child to its parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// What it does next, so that a crash or a hang has a name.
    Step(String),
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
