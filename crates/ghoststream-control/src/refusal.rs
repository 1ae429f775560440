//! Why a request was not done.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a [`Refusal`], for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// The line is not a message: not JSON, not an object, or a field is missing or of a wrong type.
    Malformed,
    /// The line is longer than 64 KiB. The connection is closed.
    TooLong,
    /// The message is of a version of the protocol that is not spoken here.
    Version,
    /// There is no such command.
    UnknownCommand,
    /// A value cannot be used.
    Invalid,
    /// It cannot be done now: nothing runs yet, or no more.
    State,
    /// This version of GhostStream, or this encoder, cannot do it.
    Unsupported,
    /// It was tried and failed.
    Failed,
    /// All places are taken. The connection is closed.
    Busy,
    /// The place is given to another client, because nothing was said for long. The connection is
    /// closed.
    Idle,
    /// The client is another user. The connection is closed.
    NotAllowed,
    /// A kind that this version does not know.
    #[serde(other)]
    Other,
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind of refusal it is.
    pub code: Code,
    /// What happened, and what to do: for people.
    pub message: String,
}

impl Refusal {
    /// A refusal with these words.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
