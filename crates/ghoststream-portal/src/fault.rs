//! What D-Bus and the portal say, in our words.

use std::time::Duration;

use ashpd::desktop::ResponseError;
use ashpd::zbus::{self, fdo};
use ashpd::{Error, PortalError};

/// Why the portal did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no session bus, or no portal on it; what D-Bus said.
    NoPortal(String),
    /// It has not got the interface.
    NoInterface,
    /// The user closed or refused its dialog.
    Refused,
    /// It does not do that for this program; why.
    NotAllowed(String),
    /// It failed in another way; what it said.
    Failed(String),
}

impl Fault {
    /// It said nothing for longer than anything but a dialog takes.
    pub(crate) fn silent(step: &str, waited: Duration) -> Self {
        Self::Failed(format!("it did not answer {step} within {waited:?}"))
    }
}

/// An answer to a request of ours.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Response(ResponseError::Cancelled) | Error::Portal(PortalError::Cancelled(_)) => {
                Self::Refused
            }
            Error::Response(ResponseError::Other) => {
                Self::Failed("it ended the request without saying why".into())
            }
            Error::Portal(PortalError::NotAllowed(why)) => Self::NotAllowed(why),
            Error::Portal(PortalError::ZBus(error)) | Error::Zbus(error) => error.into(),
            Error::Portal(error) => Self::Failed(error.to_string()),
            Error::PortalNotFound(_) => Self::NoInterface,
            Error::NoResponse => Self::Failed("it went away without an answer".into()),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A failure below the portal: the bus, or nobody on it.
impl From<zbus::Error> for Fault {
    fn from(error: zbus::Error) -> Self {
        match fdo::Error::from(error) {
            fdo::Error::ServiceUnknown(text)
            | fdo::Error::NameHasNoOwner(text)
            | fdo::Error::NoReply(text)
            | fdo::Error::Disconnected(text)
            | fdo::Error::Timeout(text) => Self::NoPortal(text),
            fdo::Error::ZBus(error) => untyped(error),
            other => Self::Failed(other.to_string()),
        }
    }
}

fn untyped(error: zbus::Error) -> Fault {
    match error {
        // The bus's errors about starting a service.
        zbus::Error::MethodError(name, text, _) if name.contains(".Spawn.") => {
            Fault::NoPortal(format!("it could not be started: {}", text.unwrap_or_else(|| name.to_string())))
        }
        zbus::Error::InputOutput(error) => Fault::NoPortal(format!("the session bus went away: {error}")),
        other => Fault::Failed(other.to_string()),
    }
}

/// What `Properties.Get` answers where there is no such interface: each implementation says it in
/// its own way, and a missing backend shows as a missing interface of the frontend.
pub(crate) const fn is_missing_interface(error: &fdo::Error) -> bool {
    matches!(
        error,
        fdo::Error::InvalidArgs(_)
            | fdo::Error::UnknownInterface(_)
            | fdo::Error::UnknownMethod(_)
            | fdo::Error::UnknownObject(_)
            | fdo::Error::UnknownProperty(_)
    )
}
