//! Video from a PipeWire node.

use super::{Capture, CaptureError, FrameSink};
use crate::CaptureConfig;

pub(super) fn open_node(
    _: &CaptureConfig,
    node: &str,
    _: FrameSink,
) -> Result<Box<dyn Capture>, CaptureError> {
    Err(CaptureError::Node { node: node.to_owned(), reason: "being written".into() })
}
