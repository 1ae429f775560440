//! Sound from PipeWire.
//!
//! One named thread for each track. It keeps a picture of the [`graph`], owns one capture stream that
//! no session manager touches, and links to it whatever the track's source is at the moment: the
//! default sink's monitor, every stream of an application (PipeWire mixes what is linked to one
//! port), a device that came back. Samples go from PipeWire's data thread into the ring
//! ([`stream`]). When the daemon goes away it is sought again.

mod connection;
mod cycle;
mod daemon;
mod graph;
mod stream;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use pipewire as pw;

use super::ring::Writer;
use super::{AudioError, Source};
use crate::AudioSource;
use crate::stats::Journal;
use connection::Connection;

/// How often to look for a daemon that went away.
const SEEK: Duration = Duration::from_millis(500);

/// A running capture of sound. Dropping it stops it.
pub(super) struct Capture {
    stop: Arc<AtomicBool>,
    wake: pw::channel::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Source for Capture {}

impl Capture {
    /// Connects to the session's daemon and looks for the source.
    ///
    /// # Errors
    /// The daemon does not answer, or the source is a node that has no sound.
    pub(super) fn start(source: &AudioSource, writer: Writer, journal: &Journal) -> Result<Self, AudioError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (wake, woken) = pw::channel::channel();
        let (ready, opened) = mpsc::sync_channel(1);
        let task = Task {
            source: source.clone(),
            writer: stream::Shared::new(writer),
            journal: journal.clone(),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("gs-audio-pw".into())
            .spawn(move || task.run(woken, &ready))
            .map_err(|error| AudioError::Thread { thread: "gs-audio-pw", reason: error.to_string() })?;
        let capture = Self { stop, wake, thread: Some(thread) };
        let ended = || AudioError::NoPipeWire { reason: "its thread ended early".into() };
        opened.recv().map_err(|_| ended())??;
        Ok(capture)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Nobody to wake when the thread has ended.
        let _ = self.wake.send(());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the audio thread panicked");
        }
    }
}

/// What the thread does.
struct Task {
    source: AudioSource,
    writer: stream::Shared,
    journal: Journal,
    stop: Arc<AtomicBool>,
}

impl Task {
    fn run(self, woken: pw::channel::Receiver<()>, ready: &mpsc::SyncSender<Result<(), AudioError>>) {
        pw::init();
        let main_loop = match pw::main_loop::MainLoopRc::new(None) {
            Ok(main_loop) => main_loop,
            Err(error) => {
                let _ = ready.send(Err(AudioError::NoPipeWire { reason: error.to_string() }));
                return;
            }
        };
        // It only has to wake the loop: who wakes it has set `stop`.
        let _attached = woken.attach(main_loop.loop_(), |()| {});
        let mut connection = match self.open(&main_loop) {
            Ok(connection) => connection,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(()));
        while let Some(why) = connection.watch(&self.stop) {
            drop(connection);
            let source = &self.source;
            self.journal.note(format!("{source}: PipeWire went away ({why}); silent until it is back"));
            match self.seek(&main_loop) {
                Some(found) => connection = found,
                None => return,
            }
            self.journal.note(format!("{source}: PipeWire is back"));
        }
    }

    fn open(&self, main_loop: &pw::main_loop::MainLoopRc) -> Result<Connection, AudioError> {
        Connection::open(main_loop, &self.source, self.writer.clone(), &self.journal)
    }

    /// Looks for the daemon until it is there; `None` when the capture stops.
    fn seek(&self, main_loop: &pw::main_loop::MainLoopRc) -> Option<Connection> {
        loop {
            main_loop.loop_().iterate(pw::loop_::Timeout::Finite(SEEK));
            if self.stop.load(Ordering::Acquire) {
                return None;
            }
            match self.open(main_loop) {
                Ok(connection) => return Some(connection),
                Err(error) => tracing::debug!(%error, "PipeWire is not back yet"),
            }
        }
    }
}
