//! A PipeWire node that sends pictures as a script says, truthfully or not.
//!
//! It stands in for a compositor where a test must do what no compositor does on demand: any
//! format, size and rate, pauses, changes in mid-stream, and every lie about a buffer. It runs on a
//! thread of its own; dropping it removes the node.

mod draft;
mod memory;
mod run;
mod script;
mod timeline;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
pub use draft::{Draft, cursor_meta, pattern};
use ghoststream::Size;
use ghoststream::internals::layout::Chunk;
use ghoststream::test_card::{Card, Stamp};
pub use script::{Blocks, Gpu, Memory, Metas, Offer, Script, Timelines, pixel_format, spa_format};

/// Fills a frame in: its pixels, its metadata, and its lies.
pub type Painter = Box<dyn FnMut(&mut Draft<'_>) + Send>;

/// What the producer's thread tells.
#[derive(Debug, Default)]
struct Status {
    node: AtomicU32,
    sent: AtomicU64,
    starved: AtomicU64,
    released: AtomicU64,
    unreleased: AtomicU64,
    buffers: AtomicUsize,
    streaming: AtomicBool,
    error: Mutex<Option<String>>,
}

enum Command {
    SetActive(bool),
    Offer(Vec<Offer>),
    Stop,
}

/// A running producer. Dropping it removes its node.
pub struct Producer {
    status: Arc<Status>,
    commands: pipewire::channel::Sender<Command>,
    thread: Option<JoinHandle<()>>,
    name: String,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer")
            .field("name", &self.name)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Producer {
    /// Makes the node, in the session that the environment names, and waits until it is there.
    ///
    /// # Errors
    /// PipeWire does not answer, or refuses the node.
    pub fn start(script: Script, painter: Painter) -> Result<Self> {
        let status = Arc::new(Status { node: AtomicU32::new(u32::MAX), ..Status::default() });
        let (commands, receiver) = pipewire::channel::channel();
        let name = script.name.clone();
        let (ready, started) = mpsc::sync_channel(1);
        let shared = Arc::clone(&status);
        let thread = std::thread::Builder::new()
            .name("producer".into())
            .spawn(move || run::run(script, painter, receiver, &shared, &ready))?;
        let this = Self { status, commands, thread: Some(thread), name };
        started.recv().context("the producer's thread ended")??;
        this.wait("the node", |status| status.node.load(Ordering::Acquire) != u32::MAX)?;
        Ok(this)
    }

    /// The test card at a size and rate, as BGRx in shared memory, with header and damage.
    ///
    /// # Errors
    /// As [`Producer::start`].
    pub fn test_card(name: &str, size: Size, fps: f64) -> Result<Self> {
        let metas = Metas { header: true, damage: true, ..Metas::default() };
        let script = Script { metas, ..Script::new(name, "BGRx", size, fps) };
        Self::start(script, test_card(size))
    }

    /// `node.name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node's object id.
    pub fn node(&self) -> u32 {
        self.status.node.load(Ordering::Acquire)
    }

    /// Frames sent.
    pub fn sent(&self) -> u64 {
        self.status.sent.load(Ordering::Acquire)
    }

    /// Frames that could not be sent, since the consumer had every buffer.
    pub fn starved(&self) -> u64 {
        self.status.starved.load(Ordering::Acquire)
    }

    /// Frames whose release point was signalled, and those where it was not within a second.
    pub fn released(&self) -> (u64, u64) {
        let of = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        (of(&self.status.released), of(&self.status.unreleased))
    }

    /// Buffers that the stream has.
    pub fn buffers(&self) -> usize {
        self.status.buffers.load(Ordering::Acquire)
    }

    /// Stops sending, as a compositor does when its screen goes off.
    pub fn pause(&self) {
        self.send(Command::SetActive(false));
    }

    /// Goes on.
    pub fn resume(&self) {
        self.send(Command::SetActive(true));
    }

    /// Offers other formats in mid-stream.
    pub fn offer(&self, offers: Vec<Offer>) {
        self.send(Command::Offer(offers));
    }

    /// Waits until `frames` frames were sent in all.
    ///
    /// # Errors
    /// They were not within ten seconds.
    pub fn wait_sent(&self, frames: u64) -> Result<()> {
        self.wait("frames", |status| status.sent.load(Ordering::Acquire) >= frames)
    }

    /// Waits until it has ended by itself, see [`Script::frames`].
    pub fn wait_end(&self) {
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn send(&self, command: Command) {
        // It fails only when the thread is gone, which whoever waits for its frames will notice.
        let _ = self.commands.send(command);
    }

    fn wait(&self, what: &str, done: impl Fn(&Status) -> bool) -> Result<()> {
        let start = Instant::now();
        while !done(&self.status) {
            let error = self.status.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(error) = error {
                return Err(anyhow!(error));
            }
            if start.elapsed() > Duration::from_secs(10) {
                bail!("the producer did not come to {what} within 10 s: {:?}", self.status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Paints the test card into BGRx frames of a size: all of it once into each buffer, then what
/// moves; the damage is what changed since the frame before.
pub fn test_card(size: Size) -> Painter {
    let card = Card::new(size);
    let mut before = None;
    Box::new(move |draft| {
        let stamp = Stamp { frame: draft.number as u32, time: ghoststream::Timestamp::from_nanos(draft.pts) };
        let (stride, first_use) = (draft.stride, draft.first_use);
        if draft.size != size {
            return;
        }
        let Some(bytes) = draft.blocks.first_mut() else { return };
        let painted =
            if first_use { card.paint(bytes, stride, stamp) } else { card.repaint(bytes, stride, stamp) };
        if painted.is_err() {
            draft.skip = true;
        }
        if let Some(before) = before.replace(stamp) {
            let damage = card.damage(before, stamp);
            draft.damage = damage.iter().map(|r| [r.x, r.y, r.width, r.height].map(|n| n as i32)).collect();
        }
    })
}

/// Paints [`pattern`] into every plane, in whatever format the frame has.
pub fn patterned() -> Painter {
    Box::new(|draft| draft.fill())
}

/// Paints the pattern, then lets `lie` falsify the first block's chunk.
pub fn lying(lie: impl Fn(u64, &mut Chunk) + Send + 'static) -> Painter {
    Box::new(move |draft| {
        draft.fill();
        let number = draft.number;
        if let Some(chunk) = draft.chunks.first_mut() {
            lie(number, chunk);
        }
    })
}
