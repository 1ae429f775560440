//! The ScreenCast portal.

use super::{Capture, CaptureError, FrameSink};
use crate::CaptureConfig;

pub(super) fn open(_: &CaptureConfig, _: FrameSink) -> Result<Box<dyn Capture>, CaptureError> {
    Err(CaptureError::NoScreenCast)
}
