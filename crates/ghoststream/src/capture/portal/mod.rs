//! The ScreenCast portal: the user picks what to share, PipeWire carries it.
//!
//! D-Bus is spoken on a thread of its own (see [`thread`]), which keeps the session alive and hears
//! when the desktop closes it. Each session has a bus connection of its own: whatever way it ends,
//! leaving the bus makes the portal withdraw its dialog and drop what it held for us.

mod choice;
mod error;
mod probe;
mod session;
mod thread;
mod token;

pub use probe::{ScreenCastAbilities, probe};

use std::time::Duration;

use ghoststream_gpu::Imports;

use super::pipewire::{self, Remote, Stop, Target};
use super::{Capture, CaptureError, FrameSink};
use crate::CaptureConfig;
use session::Opened;
use thread::PortalThread;

const INTERFACE: &str = "org.freedesktop.portal.ScreenCast";
/// How often a wait for the portal looks whether it was called off.
const LOOK: Duration = Duration::from_millis(20);

/// Asks the portal and captures every stream that the user picked, in the portal's order.
pub(super) fn open(
    config: &CaptureConfig,
    sink: FrameSink,
    imports: Option<Imports>,
) -> Result<Box<dyn Capture>, CaptureError> {
    let portal = PortalThread::start(session::Wish::new(config, &sink), sink.clone())?;
    let opened = portal.requests().open(&|| sink.is_given_up())?;
    // The pointer may have to come another way than was asked.
    let config = config.clone().with_cursor(opened.cursor);
    let reopen = config.resume.then(|| reopen(&portal));
    let (remote, targets) = split(opened);
    let streams = pipewire::open_streams(remote, targets, &config, sink, imports, reopen)?;
    Ok(Box::new(PortalCapture { streams, _portal: portal }))
}

/// A capture through the portal.
struct PortalCapture {
    // Dropped first: its threads may be asking the portal for a new session.
    streams: Box<dyn Capture>,
    _portal: PortalThread,
}

impl Capture for PortalCapture {
    fn streams(&self) -> usize {
        self.streams.streams()
    }

    fn description(&self) -> String {
        self.streams.description()
    }
}

/// Seeks the source again with a new session. Only a refusal ends the search: a portal that is not
/// there may be a compositor that is starting again.
fn reopen(portal: &PortalThread) -> pipewire::Reopen {
    let requests = portal.requests();
    Box::new(move |stop: &Stop| match requests.open(&|| stop.is_set()) {
        Ok(opened) => Ok(split(opened)),
        Err(CaptureError::Refused) => Err(CaptureError::Refused),
        Err(error) => Err(CaptureError::Ended(error.to_string())),
    })
}

fn split(opened: Opened) -> (Remote, Vec<Target>) {
    (Remote::Portal(opened.remote), opened.targets)
}
