//! What D-Bus and the portal say, in our words.

use std::time::Duration;

use ashpd::desktop::ResponseError;
use ashpd::zbus::{self, fdo};
use ashpd::{Error, PortalError};

use crate::CaptureError;

/// An answer to a request of ours.
pub(super) fn from_portal(error: Error) -> CaptureError {
    match error {
        Error::Response(ResponseError::Cancelled) | Error::Portal(PortalError::Cancelled(_)) => {
            CaptureError::Refused
        }
        Error::Response(ResponseError::Other) => portal("it ended the request without saying why"),
        Error::Portal(PortalError::ZBus(error)) | Error::Zbus(error) => from_bus(error),
        Error::Portal(error) => portal(error.to_string()),
        Error::PortalNotFound(_) => CaptureError::NoScreenCast,
        Error::NoResponse => portal("it went away without an answer"),
        other => portal(other.to_string()),
    }
}

/// A failure below the portal: the bus, or nobody on it.
pub(super) fn from_bus(error: zbus::Error) -> CaptureError {
    match fdo::Error::from(error) {
        fdo::Error::ServiceUnknown(text)
        | fdo::Error::NameHasNoOwner(text)
        | fdo::Error::NoReply(text)
        | fdo::Error::Disconnected(text)
        | fdo::Error::Timeout(text) => no_portal(text),
        fdo::Error::ZBus(error) => untyped(error),
        other => portal(other.to_string()),
    }
}

fn untyped(error: zbus::Error) -> CaptureError {
    match error {
        // The bus's errors about starting a service.
        zbus::Error::MethodError(name, text, _) if name.contains(".Spawn.") => {
            no_portal(format!("it could not be started: {}", text.unwrap_or_else(|| name.to_string())))
        }
        zbus::Error::InputOutput(error) => no_portal(format!("the session bus went away: {error}")),
        other => portal(other.to_string()),
    }
}

/// What `Properties.Get` answers where there is no such interface: each implementation says it in
/// its own way, and a missing backend shows as a missing interface of the frontend.
pub(super) const fn is_missing_interface(error: &fdo::Error) -> bool {
    matches!(
        error,
        fdo::Error::InvalidArgs(_)
            | fdo::Error::UnknownInterface(_)
            | fdo::Error::UnknownMethod(_)
            | fdo::Error::UnknownObject(_)
            | fdo::Error::UnknownProperty(_)
    )
}

/// The portal said nothing for longer than anything but a dialog takes.
pub(super) fn silent(step: &str, waited: Duration) -> CaptureError {
    portal(format!("it did not answer {step} within {waited:?}"))
}

pub(super) fn portal(reason: impl Into<String>) -> CaptureError {
    CaptureError::Portal { reason: reason.into() }
}

pub(super) fn no_portal(reason: impl Into<String>) -> CaptureError {
    CaptureError::NoPortal { reason: reason.into() }
}
