//! Streams and events.
//!
//! Work is done when it is given, so a stream has something to wait for only while a callback runs.

use std::thread::JoinHandle;

use super::Driver;
use crate::argument::Handle;
use crate::code::{Code, Result};

/// A stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// In which context it was made.
    pub(crate) context: Handle,
    /// As it was created.
    pub(crate) flags: u32,
    /// The last callback, which waits for those before it.
    pub(crate) callback: Option<JoinHandle<()>>,
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// In which context it was made.
    pub(crate) context: Handle,
    /// Whether it keeps times.
    pub(crate) timed: bool,
    /// When it was recorded.
    pub(crate) recorded: Option<std::time::Instant>,
}

/// Whether this is a stream that is always there: null, `CU_STREAM_LEGACY` or `CU_STREAM_PER_THREAD`.
pub(crate) const fn is_builtin(stream: Handle) -> bool {
    stream.0 <= 2
}

impl Driver {
    /// The context of a stream, which may be another than the current one: copies go into it all the
    /// same, and it can be waited for.
    pub(crate) fn context_of(&self, stream: Handle) -> Result<Handle> {
        let current = self.current()?;
        if is_builtin(stream) {
            return Ok(current);
        }
        self.streams.get(&stream).map(|stream| stream.context).ok_or(Code::ERROR_INVALID_HANDLE)
    }

    /// An event, whichever context it is of.
    pub(crate) fn event(&mut self, event: Handle) -> Result<&mut Event> {
        self.events.get_mut(&event).ok_or(Code::ERROR_INVALID_HANDLE)
    }

    /// Takes the callbacks that are to be waited for: of one stream, or of all that a builtin one waits for.
    pub(crate) fn take_callbacks(&mut self, stream: Handle) -> Vec<JoinHandle<()>> {
        let streams = self.streams.iter_mut();
        streams
            .filter(|(handle, _)| is_builtin(stream) || **handle == stream)
            .filter_map(|(_, stream)| stream.callback.take())
            .collect()
    }
}

/// Waits for all that was given to a stream. The driver must not be locked: callbacks may be in it.
pub(crate) fn wait(stream: Handle) {
    let callbacks = Driver::lock().take_callbacks(stream);
    for callback in callbacks {
        // One that panicked has ended, too.
        let _ = callback.join();
    }
}
