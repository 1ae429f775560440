//! How a command can fail, and the exit status that goes with it.

use std::borrow::Cow;
use std::process::ExitCode;

use ghoststream::{
    CameraError, CaptureError, EncodeError, Error, LinkFault, OutputError, ProcessError, ProfileError,
};

use crate::print;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The command line or a profile is wrong.
    Usage(String),
    /// The user refused the portal's dialog.
    Refused(String),
    /// Anything else.
    Failed(String),
    /// What is said of a live server or peer, or by the process that `ctl` asks: they know what is secret and
    /// leave it out, so that the address can stay.
    Said {
        /// The text.
        message: String,
        /// Whether something typed cannot be used.
        usage: bool,
    },
}

impl Failure {
    /// Something typed that cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// What goes to the user.
    pub fn message(&self) -> &str {
        match self {
            Self::Usage(message) | Self::Refused(message) | Self::Failed(message) => message,
            Self::Said { message, .. } => message,
        }
    }

    /// The same without a secret that may have been typed.
    fn clean(&self) -> Cow<'_, str> {
        match self {
            Self::Said { message, .. } => message.into(),
            other => print::without_secrets(other.message()).into(),
        }
    }

    /// The exit status of product's table.
    pub const fn status(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Said { usage: false, .. } => 1,
            Self::Usage(_) | Self::Said { usage: true, .. } => 2,
            Self::Refused(_) => 3,
        }
    }

    /// Says it, as JSON on standard output or as a line on standard error, and ends with its status.
    pub fn exit(&self, json: bool) -> ExitCode {
        let message = self.clean();
        if json {
            let object = serde_json::json!({
                "type": "error", "message": message, "exit_status": self.status(),
            });
            print::line(&object.to_string());
        } else {
            print::warn(&format!("error: {message}"));
        }
        ExitCode::from(self.status())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Config(_)
            | Error::Capture(CaptureError::Config(_))
            | Error::Process(ProcessError::Region(_))
            | Error::Encode(EncodeError::Unsuitable(_))
            | Error::Output(OutputError::Unsuitable { .. } | OutputError::Camera(CameraError::Name { .. })) => {
                Self::Usage(message)
            }
            Error::Output(OutputError::Link { fault, .. }) => {
                Self::Said { message, usage: fault == LinkFault::Address }
            }
            _ if error.is_refused_by_user() => Self::Refused(message),
            _ => Self::Failed(message),
        }
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}
