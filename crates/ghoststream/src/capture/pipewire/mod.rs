//! Video from PipeWire nodes.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Capture, CaptureError, FrameSink};
use crate::CaptureConfig;

/// The daemon to talk to.
#[derive(Debug)]
pub(super) enum Remote {
    /// The session's own, found by the environment.
    Default,
    /// A connection that the portal opened for us; it shows only what the user agreed to.
    Portal(OwnedFd),
}

/// How a node is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NodeName {
    /// The object id within its daemon; ids are used again when a node goes away.
    Id(u32),
    /// `object.serial`, which is never used again.
    Serial(u64),
    /// As a user typed it: `node.name`, an object id or a serial, in this order.
    Typed(String),
}

/// A node to capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Which.
    pub(super) node: NodeName,
    /// What to call it in the report; empty for the node's own description.
    pub(super) label: String,
}

/// Set once when the capture is being dropped; what takes long looks at it now and then.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether to give up at once.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Finds the source again after it was lost, as `CaptureConfig::resume` asks; called on the capture
/// thread, with pauses between the attempts, until it succeeds, fails for good (an error that is
/// not retryable) or the capture is stopped. The targets must be as many as before.
pub(super) type Reopen = Box<dyn FnMut(&Stop) -> Result<(Remote, Vec<Target>), CaptureError> + Send>;

/// Captures a node of the session's own daemon.
pub(super) fn open_node(
    config: &CaptureConfig,
    node: &str,
    sink: FrameSink,
) -> Result<Box<dyn Capture>, CaptureError> {
    let target = Target { node: NodeName::Typed(node.to_owned()), label: String::new() };
    open_streams(Remote::Default, vec![target], config, sink, None)
}

/// Captures `targets`, stream 0 being the first. Blocks until each has agreed on a format.
///
/// Without `reopen`, a lost source is sought again (where `config.resume` is set) at the default
/// daemon under the same name; a portal's connection cannot be used twice and ends.
///
/// # Errors
/// The daemon does not answer, a node is missing or not video, or no format suits both sides.
pub(super) fn open_streams(
    remote: Remote,
    targets: Vec<Target>,
    config: &CaptureConfig,
    sink: FrameSink,
    reopen: Option<Reopen>,
) -> Result<Box<dyn Capture>, CaptureError> {
    let _ = (remote, config, sink, reopen, Stop::default().is_set());
    Stop::default().set();
    let node = targets.first().map_or("(none)".into(), |target| format!("{:?}", target.node));
    Err(CaptureError::Node { node, reason: "being written".into() })
}
