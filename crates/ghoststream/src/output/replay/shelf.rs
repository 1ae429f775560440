//! What memory has no room for, on a disk.
//!
//! ```text
//! output thread     Ring gives up a stretch ─► Shelf: an entry in time's order, its packets still in memory
//!    ▼ channel      bounded by the bytes that wait
//! writing thread    turns packets into a record of the spool; from then on the entry says where that is
//! ```
//!
//! Nobody waits for the disk but who saves. Where it is too slow or fails, what is older than the ring is
//! given up, and the ring goes on as if there were no disk; where it is full, the oldest makes room.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ghoststream_spool::{Place, Spool};

use super::record;
use super::ring::Stretch;
use crate::MediaTime;
use crate::encode::Track;

/// A stretch of the recording that memory had no room for.
#[derive(Debug)]
pub(super) struct Shelved {
    /// When its key picture is shown.
    pub(super) start: MediaTime,
    /// What makes its pictures, at first, and what makes them later on.
    pub(super) track: Arc<Track>,
    begun: Vec<Arc<Track>>,
    /// Bytes of its packets.
    pub(super) bytes: u64,
    /// Tracks of sound.
    sound: usize,
    content: Mutex<Content>,
}

#[derive(Debug)]
enum Content {
    /// To be written: still in memory.
    Waiting(Arc<Stretch>),
    Written(Place),
}

impl Shelved {
    fn new(stretch: Stretch) -> Self {
        let packets = stretch.group.packets.iter().chain(stretch.sound.iter().flatten());
        Self {
            start: stretch.group.start(),
            track: Arc::clone(&stretch.group.track),
            begun: record::begun(&stretch),
            bytes: packets.map(|it| it.data().len() as u64).sum(),
            sound: stretch.sound.len(),
            content: Mutex::new(Content::Waiting(Arc::new(stretch))),
        }
    }

    /// Its packets. Reads them from the disk where they are there.
    ///
    /// # Errors
    /// The disk does not work.
    pub(super) fn load(&self) -> io::Result<Arc<Stretch>> {
        let place = match &*self.content() {
            Content::Waiting(stretch) => return Ok(Arc::clone(stretch)),
            Content::Written(place) => place.clone(),
        };
        let stretch = record::from_bytes(&place.read()?, &self.track, &self.begun, self.sound)?;
        Ok(Arc::new(stretch))
    }

    /// Its packets, where they are in memory.
    fn waiting(&self) -> Option<Arc<Stretch>> {
        match &*self.content() {
            Content::Waiting(stretch) => Some(Arc::clone(stretch)),
            Content::Written(_) => None,
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stretches in time's order, and the thread that writes them.
#[derive(Debug)]
pub(super) struct Shelf {
    stretches: VecDeque<Arc<Shelved>>,
    /// Bytes of their packets.
    bytes: u64,
    /// What it may take now, and what it may ever.
    most_bytes: u64,
    share: u64,
    segment: u64,
    most_waiting: u64,
    shared: Arc<Shared>,
    writer: Option<(Sender<Arc<Shelved>>, JoinHandle<()>)>,
    shortened: bool,
}

/// What the shelf and its thread tell each other.
#[derive(Debug, Default)]
struct Shared {
    /// Memory of stretches that are not written yet, in bytes.
    waiting: AtomicU64,
    /// The thread found no room on the disk, and tries again.
    is_full: AtomicBool,
    /// What the thread found the disk to have room for since, in bytes; 0 where it has not looked.
    free: AtomicU64,
    /// Why nothing can be written any more.
    failure: Mutex<Option<String>>,
    /// Nobody wants anything any more.
    closed: AtomicBool,
}

/// How much a shelf takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Bytes on the disk.
    pub(super) disk: u64,
    /// Memory that waits to be written, in bytes; or one stretch that is larger.
    pub(super) memory: u64,
}

impl Shelf {
    /// How many segments there must be room for beside, before a disk that was full is used for one more.
    const SPARE: u64 = 2;

    /// Sixteen segments or more are the disk's share, so that little of it is lost to what lies beside the oldest.
    fn segment_bytes(disk: u64) -> u64 {
        (disk / 16).clamp(64 << 10, 64 << 20)
    }

    /// A shelf in a directory, which is made where it is missing.
    ///
    /// # Errors
    /// It cannot be made or written to, or there is no thread.
    pub(super) fn open(directory: &Path, room: Room) -> io::Result<Self> {
        let segment = Self::segment_bytes(room.disk);
        let spool = Spool::open(directory, segment)?;
        let shared = Arc::<Shared>::default();
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("gs-replay-disk".into()).spawn({
            let shared = Arc::clone(&shared);
            move || write_all(spool, &receiver, &shared)
        })?;
        // The oldest segment may have been given up but for its end, and the newest is not full yet.
        let share = room.disk.saturating_sub(2 * segment);
        Ok(Self {
            stretches: VecDeque::new(),
            bytes: 0,
            most_bytes: share,
            share,
            segment,
            most_waiting: room.memory,
            shared,
            writer: Some((sender, thread)),
            shortened: false,
        })
    }

    /// Takes a stretch that follows the newest; never waits. Where it cannot, everything older is given up
    /// with it, for a clip has no holes.
    pub(super) fn put(&mut self, stretch: Stretch) {
        let (Some((sender, _)), None) = (&self.writer, self.failure()) else { return self.give_up() };
        let (cost, waiting) = (stretch.cost(), self.waiting());
        // One may wait, however large it is.
        if waiting > 0 && waiting + cost > self.most_waiting {
            tracing::debug!("the disk is too slow for what the replay buffer gives up");
            return self.give_up();
        }
        self.shared.waiting.fetch_add(cost, Ordering::Relaxed);
        let shelved = Arc::new(Shelved::new(stretch));
        self.bytes += shelved.bytes;
        self.stretches.push_back(Arc::clone(&shelved));
        // The thread lives as long as this.
        let _ = sender.send(shelved);
    }

    /// Gives up what is older than is kept, `until` on, and what there is no room for. `next` is where what
    /// follows the newest begins.
    pub(super) fn trim(&mut self, until: MediaTime, next: Option<MediaTime>) {
        if self.failure().is_some() {
            return self.give_up();
        }
        while self.starts().nth(1).or(next).is_some_and(|it| it <= until) && self.pop().is_some() {}
        let free = self.shared.free.swap(0, Ordering::AcqRel);
        if self.shared.is_full.swap(false, Ordering::AcqRel) {
            // The disk is shared with others: what it has no room for now is left to them.
            self.most_bytes = self.bytes.saturating_sub(self.segment).min(self.most_bytes);
        } else if free >= Self::SPARE * self.segment {
            self.most_bytes = (self.most_bytes + self.segment).min(self.share);
        }
        while self.bytes > self.most_bytes && self.pop().is_some() {
            self.shortened = true;
        }
    }

    /// Gives up all: what follows does not join on.
    pub(super) fn give_up(&mut self) {
        self.shortened = true;
        self.stretches.clear();
        self.bytes = 0;
    }

    fn pop(&mut self) -> Option<Arc<Shelved>> {
        let oldest = self.stretches.pop_front();
        self.bytes -= oldest.as_ref().map_or(0, |it| it.bytes);
        oldest
    }

    /// When each stretch begins.
    pub(super) fn starts(&self) -> impl Iterator<Item = MediaTime> {
        self.stretches.iter().map(|it| it.start)
    }

    /// Everything that is there.
    pub(super) fn snapshot(&self) -> VecDeque<Arc<Shelved>> {
        self.stretches.clone()
    }

    /// Bytes of packets that are there, on the disk but for those that wait.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it was ever too small, too slow, or broken.
    pub(super) const fn shortened(&self) -> bool {
        self.shortened
    }

    /// Memory of what is not written yet, in bytes.
    pub(super) fn waiting(&self) -> u64 {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Why nothing can be written any more.
    pub(super) fn failure(&self) -> Option<String> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The thread, to be joined: nothing more is put.
    pub(super) fn close(&mut self) -> Option<JoinHandle<()>> {
        self.shared.closed.store(true, Ordering::Release);
        self.writer.take().map(|(_, thread)| thread)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        if let Some(thread) = self.close()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes what is kept on the disk panicked; this is a bug");
        }
    }
}

/// Writes what comes until nothing more does.
fn write_all(mut spool: Spool, stretches: &Receiver<Arc<Shelved>>, shared: &Shared) {
    for shelved in stretches {
        let Some(stretch) = shelved.waiting() else { continue };
        if !shared.closed.load(Ordering::Acquire) {
            write(&mut spool, &shelved, &stretch, shared);
        }
        shared.waiting.fetch_sub(stretch.cost(), Ordering::Relaxed);
    }
}

/// Writes a stretch, for as long as somebody wants it; while the disk is full, waits for room.
fn write(spool: &mut Spool, shelved: &Arc<Shelved>, stretch: &Stretch, shared: &Shared) {
    const AGAIN: Duration = Duration::from_millis(20);
    let record = record::to_bytes(stretch);
    // It was given up where only this thread has it.
    while Arc::strong_count(shelved) > 1 && !shared.closed.load(Ordering::Acquire) {
        match spool.write(&record) {
            Ok(place) => {
                *shelved.content() = Content::Written(place);
                // A disk that does not say is taken for one without room.
                shared.free.store(spool.free().unwrap_or(0), Ordering::Release);
                return;
            }
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                shared.is_full.store(true, Ordering::Release);
                std::thread::sleep(AGAIN);
            }
            Err(error) => {
                let mut failure = shared.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| error.to_string());
                return;
            }
        }
    }
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
