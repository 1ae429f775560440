//! A Wayland window that fills the monitor with the test card.
//!
//! It draws a new frame each time the compositor has shown the last (or as often as asked, where
//! that is less), numbers them without gaps, and tells the compositor what changed. What a capture
//! of the monitor lost is thus seen in the numbers.

mod buffer;
mod client;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{EventfdFlags, eventfd};

const PATIENCE: Duration = Duration::from_secs(30);

/// The window; it closes when dropped.
#[derive(Debug)]
pub struct CardWindow {
    /// Readable once the window is to close.
    stop: Arc<OwnedFd>,
    drawn: Arc<AtomicU32>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl CardWindow {
    /// Opens the window at the compositor behind `socket` and waits until its first frame was shown.
    /// `fps` limits how often it draws.
    ///
    /// # Errors
    /// There is no compositor, or it lacks what every compositor has.
    pub fn open(socket: &Path, fps: Option<f64>) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("no compositor answers at {}", socket.display()))?;
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let drawn = Arc::new(AtomicU32::new(0));
        let (shown, first) = sync_channel(1);
        let (counter, stopped) = (Arc::clone(&drawn), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("card-window".into())
            .spawn(move || client::run(stream, &stopped, fps, counter, shown))?;
        let mut window = Self { stop, drawn, thread: Some(thread) };
        match first.recv_timeout(PATIENCE) {
            Ok(()) => Ok(window),
            Err(RecvTimeoutError::Disconnected) => {
                Err(window.wait().err().unwrap_or_else(|| anyhow!("it closed")))
            }
            Err(RecvTimeoutError::Timeout) => bail!("the compositor showed no frame within {PATIENCE:?}"),
        }
    }

    /// Frames drawn so far; the next one's number.
    pub fn drawn(&self) -> u32 {
        self.drawn.load(Ordering::Relaxed)
    }

    /// Waits until the window ends by itself: the compositor went away.
    ///
    /// # Errors
    /// Why it ended.
    pub fn wait(&mut self) -> Result<()> {
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| anyhow!("the window's thread failed"))?,
            None => Ok(()),
        }
    }
}

impl Drop for CardWindow {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
