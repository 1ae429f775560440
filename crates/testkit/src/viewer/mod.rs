//! A program that looks at a camera as a script says: in a format of its choice, holding on to buffers, slow to take
//! them, and reading what the test card says in each picture.

mod dmabuf;
mod picture;
mod run;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ghoststream::test_card::Stamp;
use ghoststream::{Size, Timestamp};

/// What a viewer asks for, and how it behaves.
#[derive(Clone, Debug)]
pub struct Wish {
    /// By PipeWire's name, such as `NV12`.
    pub format: String,
    /// Any, where it is not said.
    pub size: Option<Size>,
    /// Pictures a second; any, where it is not said.
    pub fps: Option<u32>,
    /// So many buffers are kept and never given back.
    pub holds: usize,
    /// Whether it reads the test card, which takes time.
    pub reads: bool,
    /// How long it sits on each picture.
    pub sleeps: Duration,
    /// In what memory it takes them.
    pub takes: Takes,
}

/// In what memory a viewer takes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// In what PipeWire maps. Knows nothing of modifiers, and does not read DMA-BUFs.
    Shared,
    /// In linear DMA-BUFs if it can be, else in shared memory.
    DmaBufs,
    /// The same, but once DMA-BUFs are agreed on it finds that it cannot import them.
    DmaBufsUntilTried,
}

impl Wish {
    /// A truthful viewer of a format.
    pub fn new(format: &str) -> Self {
        Self {
            format: format.to_owned(),
            size: None,
            fps: None,
            holds: 0,
            reads: true,
            sleeps: Duration::ZERO,
            takes: Takes::Shared,
        }
    }

    /// The same in such memory.
    #[must_use]
    pub const fn taking(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    /// The same at this size only.
    #[must_use]
    pub const fn sized(mut self, size: Size) -> Self {
        self.size = Some(size);
        self
    }
}

/// A picture that it got.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// When it came.
    pub at: Timestamp,
    /// The time in its header.
    pub pts: i64,
    /// The number in its header.
    pub number: u64,
    /// What the test card in it says; nothing where it is another picture.
    pub stamp: Option<Stamp>,
    /// Whether it came in a DMA-BUF.
    pub in_dmabuf: bool,
    /// The least and the greatest value of its chroma, where that has planes of its own in a DMA-BUF and was read.
    pub chroma: Option<(u8, u8)>,
}

#[derive(Debug, Default)]
struct Told {
    size: Option<Size>,
    /// How often a format was agreed on.
    agreements: u64,
    seen: Vec<Seen>,
    /// Pictures whose buffer said that nothing is in it.
    empty: u64,
    /// Pictures in DMA-BUFs that were not agreed on.
    unasked: u64,
    error: Option<String>,
    /// It is to end, also in the middle of what it is slow at.
    ends: bool,
}

/// What its thread is told.
#[derive(Debug)]
enum Command {
    Agree,
    Stop,
}

type Shared = Arc<Mutex<Told>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Told> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running viewer. Dropping it lets go of the camera.
pub struct Viewer {
    told: Shared,
    commands: pipewire::channel::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Viewer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Viewer").field("frames", &self.count()).finish_non_exhaustive()
    }
}

impl Viewer {
    /// Looks at a node of the session that the environment names.
    ///
    /// # Errors
    /// PipeWire does not answer.
    pub fn open(node: u32, wish: Wish) -> Result<Self> {
        let told = Shared::default();
        let (commands, received) = pipewire::channel::channel();
        let (ready, started) = mpsc::sync_channel(1);
        let shared = Arc::clone(&told);
        let thread = std::thread::Builder::new()
            .name("viewer".into())
            .spawn(move || run::run(node, wish, received, &shared, &ready))?;
        let this = Self { told, commands, thread: Some(thread) };
        started.recv().context("the viewer's thread ended")??;
        Ok(this)
    }

    /// Waits until it has so many pictures in all.
    ///
    /// # Errors
    /// It has not within half a minute, or the stream failed.
    pub fn wait(&self, frames: usize) -> Result<()> {
        let start = Instant::now();
        while self.count() < frames {
            if let Some(error) = self.error() {
                bail!("{error}");
            }
            if start.elapsed() > Duration::from_secs(30) {
                bail!("it has {} pictures after half a minute, not {frames}", self.count());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Pictures that it got.
    pub fn count(&self) -> usize {
        lock(&self.told).seen.len()
    }

    /// Says once more what it takes, so that a format is agreed on anew, with new buffers.
    pub fn agree_again(&self) {
        let _ = self.commands.send(Command::Agree);
    }

    /// How often a format was agreed on.
    pub fn agreements(&self) -> u64 {
        lock(&self.told).agreements
    }

    /// What it got, in order.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.told).seen.clone()
    }

    /// The size that was agreed on.
    pub fn size(&self) -> Option<Size> {
        lock(&self.told).size
    }

    /// Buffers that came without a picture.
    pub fn empty(&self) -> u64 {
        lock(&self.told).empty
    }

    /// Pictures that came in DMA-BUFs to one that does not know them, and were not read.
    pub fn unasked(&self) -> u64 {
        lock(&self.told).unasked
    }

    /// Why there is no stream, if there is none.
    pub fn error(&self) -> Option<String> {
        lock(&self.told).error.clone()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        lock(&self.told).ends = true;
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
