//! What the portal's failures mean to a capture.

use ghoststream_portal::Fault;

use crate::CaptureError;

impl From<Fault> for CaptureError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoPortal(reason) => no_portal(reason),
            Fault::NoInterface => Self::NoScreenCast,
            Fault::Refused => Self::Refused,
            Fault::NotAllowed(reason) | Fault::Failed(reason) => portal(reason),
        }
    }
}

pub(super) fn portal(reason: impl Into<String>) -> CaptureError {
    CaptureError::Portal { reason: reason.into() }
}

pub(super) fn no_portal(reason: impl Into<String>) -> CaptureError {
    CaptureError::NoPortal { reason: reason.into() }
}
