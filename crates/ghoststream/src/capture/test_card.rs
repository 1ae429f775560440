//! The test card: a moving picture that says which frame it is and when it was made.

use super::{Capture, CaptureError, FrameSink};
use crate::CaptureConfig;

pub(super) fn open(_: &CaptureConfig, _: FrameSink) -> Result<Box<dyn Capture>, CaptureError> {
    Err(CaptureError::Ended("being written".into()))
}
