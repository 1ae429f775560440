//! Video from PipeWire nodes.
//!
//! One named thread for each capture: it connects ([`connection`]), finds the nodes ([`daemon`]), agrees
//! on formats ([`format`]) and watches over its streams ([`source`]); where `CaptureConfig::resume` asks
//! for it, it looks for a lost source again. Each [`stream`] turns the buffers it gets ([`buffer`], their
//! memory in [`blocks`], checked by [`layout`] and [`meta`]) into [`frames`] on PipeWire's own data thread
//! and pushes them into the [`FrameSink`]; what is out and comes back is counted ([`returns`]). Pictures in
//! a GPU's memory stay there ([`gpu`], [`lease`]); what is not drawn yet waits in a thread of its own
//! ([`waiter`]), what cannot be used is asked for otherwise ([`negotiation`], [`ladder`]), and that another
//! GPU draws them is told ([`elsewhere`]). Everything that reads what another process wrote is a pure
//! function over bytes and lives in [`pod`], [`format`], [`layout`] and [`meta`].

mod blocks;
mod buffer;
mod callbacks;
mod connection;
mod daemon;
mod elsewhere;
pub mod format;
mod frames;
mod gpu;
mod ladder;
pub mod layout;
mod lease;
mod mapping;
pub mod meta;
mod negotiation;
mod offers;
mod returns;
mod source;
mod stream;
pub mod untrusted;
mod waiter;

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use connection::{Connection, Context};
use ghoststream_gpu::Imports;
pub(crate) use ghoststream_pod as pod;
use gpu::Access;
use ladder::Ladder;
use negotiation::Asking;
use offers::Wish;
use pipewire as pw;

use super::{Capture, CaptureError, CaptureEvent, FrameSink};
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
    imports: Option<Imports>,
) -> Result<Box<dyn Capture>, CaptureError> {
    let target = Target { node: NodeName::Typed(node.to_owned()), label: String::new() };
    open_streams(Remote::Default, vec![target], config, sink, imports, None)
}

/// Captures `targets`, stream 0 being the first. Blocks until each has agreed on a format,
/// `config.first_frame_timeout` at most.
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
    imports: Option<Imports>,
    reopen: Option<Reopen>,
) -> Result<Box<dyn Capture>, CaptureError> {
    let stop = Stop::default();
    let (wake, woken) = pw::channel::channel();
    let (ready, opened) = mpsc::sync_channel(1);
    let streams = targets.len();
    let asking = Asking {
        wish: Wish { fps: config.fps, hdr: config.hdr, shared_hdr: matches!(remote, Remote::Default) },
        access: imports.as_ref().map(Access::new),
        ladder: Ladder::new(imports),
        wake: {
            let wake = wake.clone();
            // Nobody to wake when the thread has ended.
            Arc::new(move || {
                let _ = wake.send(());
            })
        },
    };
    let task = Task { targets, config: config.clone(), sink, asking, reopen, stop: stop.clone() };
    let thread = std::thread::Builder::new()
        .name("gs-pipewire".into())
        .spawn(move || task.run(remote, woken, &ready))
        .map_err(|source| CaptureError::Io { what: "starting the PipeWire thread", source })?;
    let mut running = Running { stop, wake, thread: Some(thread), streams, description: String::new() };
    running.description =
        opened.recv().map_err(|_| CaptureError::Ended("the PipeWire thread ended early".into()))??;
    Ok(Box::new(running))
}

/// A capture whose thread runs.
struct Running {
    stop: Stop,
    wake: pw::channel::Sender<()>,
    thread: Option<JoinHandle<()>>,
    streams: usize,
    description: String,
}

impl Capture for Running {
    fn streams(&self) -> usize {
        self.streams
    }

    fn description(&self) -> String {
        self.description.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.set();
        // Nobody to wake when the thread has ended.
        let _ = self.wake.send(());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the PipeWire thread panicked");
        }
    }
}

/// What the thread does.
struct Task {
    targets: Vec<Target>,
    config: CaptureConfig,
    sink: FrameSink,
    /// What a new stream asks for.
    asking: Asking,
    reopen: Option<Reopen>,
    stop: Stop,
}

type Ready = mpsc::SyncSender<Result<String, CaptureError>>;

impl Task {
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(2);

    fn run(mut self, remote: Remote, woken: pw::channel::Receiver<()>, ready: &Ready) {
        pw::init();
        let main_loop = match pw::main_loop::MainLoopRc::new(None) {
            Ok(main_loop) => main_loop,
            Err(error) => {
                let _ = ready.send(Err(CaptureError::NoPipeWire { reason: error.to_string() }));
                return;
            }
        };
        // It only has to wake the loop: who wakes it has set `stop`.
        let _attached = woken.attach(main_loop.loop_(), |()| {});
        let default_remote = matches!(remote, Remote::Default);
        let connection = match Connection::open(&self.context(&main_loop), remote, &self.targets) {
            Ok(connection) => connection,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        if self.reopen.is_none() && default_remote {
            let names = connection.names(&self.targets);
            self.reopen = Some(Box::new(move |_| Ok((Remote::Default, names.clone()))));
        }
        let _ = ready.send(Ok(connection.description()));
        let _stopped = self.watch(&main_loop, connection);
    }

    fn context<'a>(&'a self, main_loop: &'a pw::main_loop::MainLoopRc) -> Context<'a> {
        Context { main_loop, config: &self.config, sink: &self.sink, asking: &self.asking, stop: &self.stop }
    }

    /// Watches over the streams, and looks for their sources again when they are lost.
    fn watch(&mut self, main_loop: &pw::main_loop::MainLoopRc, mut connection: Connection) -> Option<()> {
        let resumes = self.config.resume && self.reopen.is_some();
        loop {
            let why = connection.watch(&self.context(main_loop), !resumes)?;
            drop(connection);
            if !resumes {
                return Some(());
            }
            self.sink.journal().note(format!("the source was lost ({why}); looking for it again"));
            connection = match self.seek(main_loop)? {
                Ok(connection) => connection,
                Err(error) => {
                    let why = format!("{why}; it cannot be found again: {error}");
                    for stream in 0..self.targets.len() {
                        self.sink.event(stream, CaptureEvent::Ended(why.clone()));
                    }
                    return Some(());
                }
            };
            self.sink.journal().note("the source is back");
        }
    }

    /// Tries to open the sources until it works, fails for good, or (`None`) the capture stops.
    fn seek(&mut self, main_loop: &pw::main_loop::MainLoopRc) -> Option<Result<Connection, CaptureError>> {
        let mut pause = Self::FIRST_PAUSE;
        loop {
            // Nothing else is attached to the loop now: it sleeps, and wakes to stop.
            self.context(main_loop).turn(pause);
            if self.stop.is_set() {
                return None;
            }
            pause = (pause * 2).min(Self::LONGEST_PAUSE);
            let reopened = match &mut self.reopen {
                Some(reopen) => reopen(&self.stop),
                None => return Some(Err(CaptureError::Ended("there is no way to it".into()))),
            };
            match reopened {
                Ok((remote, targets)) => match Connection::open(&self.context(main_loop), remote, &targets) {
                    Ok(connection) => return Some(Ok(connection)),
                    Err(error) => tracing::debug!(%error, "the source is not back yet"),
                },
                Err(error) if error.is_retryable() => tracing::debug!(%error, "the source is not back yet"),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
