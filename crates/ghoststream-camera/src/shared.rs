//! What the caller and the camera's thread share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ghoststream_picture::Size;

use crate::format::Layout;
use crate::{Format, Memory, Pixels};

/// A picture and its time, nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) type Shown = (Arc<dyn Pixels>, i64);

/// What those who look at the camera get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How pixels lie.
    pub format: Format,
    /// Pixels across and down.
    pub size: Size,
    /// Pictures a second, as numerator and denominator.
    pub rate: (u32, u32),
    /// Where they lie.
    pub memory: Memory,
}

impl Agreed {
    pub(crate) fn layout(&self) -> Layout {
        self.format.layout(self.size, self.memory)
    }
}

impl std::fmt::Display for Agreed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = f64::from(self.rate.0) / f64::from(self.rate.1);
        write!(f, "{} {} at {rate}", self.format, self.size)?;
        if self.memory == Memory::DmaBuf { f.write_str(" in DMA-BUFs") } else { Ok(()) }
    }
}

/// How a camera goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Pictures that were sent to whoever looked.
    pub shown: u64,
    /// Those of them that were sent in DMA-BUFs.
    pub in_dmabufs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Nanoseconds of a core that converting them took.
    pub converting: u64,
    /// Pictures that came while nobody looked.
    pub unwatched: u64,
    /// Pictures that were left out since a slower rate was agreed on.
    pub thinned: u64,
    /// Pictures that were not sent: the next one was there already, or no buffer was free, or they could not be
    /// converted.
    pub dropped: u64,
    /// Still cards that were sent.
    pub cards: u64,
    /// How often somebody began to look while nobody did.
    pub opened: u64,
    /// How often PipeWire told that a program and the camera could not agree. Older ones tell the program alone.
    pub refused: u64,
    /// How often PipeWire was lost and found again.
    pub reconnected: u64,
    /// How often all buffers were replaced, since those who looked held on to every one.
    pub replaced: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) shown: AtomicU64,
    pub(crate) in_dmabufs: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) converting: AtomicU64,
    pub(crate) unwatched: AtomicU64,
    pub(crate) thinned: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) cards: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) reconnected: AtomicU64,
    pub(crate) replaced: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// No node yet.
const NO_NODE: u32 = u32::MAX;

#[derive(Default)]
pub(crate) struct Shared {
    slot: Mutex<Option<Shown>>,
    agreed: Mutex<Option<Agreed>>,
    node: Mutex<Option<u32>>,
    pub(crate) watched: AtomicBool,
    pub(crate) stopping: AtomicBool,
    pub(crate) counters: Counters,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Puts a picture in place of the one that still waits. Returns whether none did: then the thread must be woken.
    pub(crate) fn put(&self, shown: Shown) -> bool {
        let replaced = lock(&self.slot).replace(shown);
        if replaced.is_some() {
            count(&self.counters.dropped);
        }
        replaced.is_none()
    }

    /// The picture that waits.
    pub(crate) fn take(&self) -> Option<Shown> {
        lock(&self.slot).take()
    }

    pub(crate) fn set_agreed(&self, agreed: Option<Agreed>) {
        *lock(&self.agreed) = agreed;
    }

    pub(crate) fn agreed(&self) -> Option<Agreed> {
        *lock(&self.agreed)
    }

    pub(crate) fn set_node(&self, node: Option<u32>) {
        *lock(&self.node) = node.filter(|&it| it != NO_NODE);
    }

    pub(crate) fn node(&self) -> Option<u32> {
        *lock(&self.node)
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn stats(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters {
            shown,
            bytes,
            unwatched,
            thinned,
            dropped,
            cards,
            opened,
            refused,
            reconnected,
            replaced,
            ..
        } = &self.counters;
        Stats {
            shown: of(shown),
            in_dmabufs: of(&self.counters.in_dmabufs),
            bytes: of(bytes),
            converting: of(&self.counters.converting),
            unwatched: of(unwatched),
            thinned: of(thinned),
            dropped: of(dropped),
            cards: of(cards),
            opened: of(opened),
            refused: of(refused),
            reconnected: of(reconnected),
            replaced: of(replaced),
        }
    }
}
