//! The bounded ring between a capture callback and a track's thread.
//!
//! One writer, one reader, no locks: the writer may be PipeWire's real-time thread. It holds
//! [`SECONDS`] of sound. Drop policy: when it is full the newest block is dropped and counted; the
//! blocks' positions show the hole, which becomes silence of the right length.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::{CHANNELS, RATE};
use crate::Timestamp;

/// Sound held at most, in seconds.
const SECONDS: usize = 4;
/// Blocks held at most: enough for blocks of 64 samples.
const BLOCKS: usize = SECONDS * RATE as usize / 64;
/// Samples held at most, of all channels.
const SAMPLES: usize = SECONDS * RATE as usize * CHANNELS;

/// Where a block of sound belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Number of the first sample by the source's own count, in samples at [`RATE`]. Blocks that
    /// follow on one another without loss have consecutive positions.
    pub position: u64,
    /// When the first sample was captured, by the source's word; it may jitter.
    pub time: Timestamp,
    /// The source was started anew: position and time have nothing to do with the block before.
    pub fresh: bool,
}

#[derive(Debug)]
struct Slot {
    position: AtomicU64,
    time: AtomicI64,
    fresh: AtomicBool,
    /// Samples of one channel.
    frames: AtomicU32,
}

#[derive(Debug)]
struct Shared {
    slots: Box<[Slot]>,
    samples: Box<[AtomicU32]>,
    /// Blocks ever written and read. The writer owns the first, the reader the second.
    written: AtomicUsize,
    read: AtomicUsize,
    /// Samples ever read, for the writer to see what is free.
    samples_read: AtomicUsize,
    live: AtomicBool,
    dropped: AtomicU64,
}

/// The capture's end.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    samples_written: usize,
}

/// The track's end.
#[derive(Debug)]
pub(super) struct Reader {
    shared: Arc<Shared>,
}

/// Tells the track whether its source is sending.
#[derive(Clone, Debug)]
pub(super) struct Live(Arc<Shared>);

/// A ring, and its two ends.
pub(super) fn ring() -> (Writer, Reader) {
    let slot = || Slot {
        position: AtomicU64::new(0),
        time: AtomicI64::new(0),
        fresh: AtomicBool::new(false),
        frames: AtomicU32::new(0),
    };
    let shared = Arc::new(Shared {
        slots: (0..BLOCKS).map(|_| slot()).collect(),
        samples: (0..SAMPLES).map(|_| AtomicU32::new(0)).collect(),
        written: AtomicUsize::new(0),
        read: AtomicUsize::new(0),
        samples_read: AtomicUsize::new(0),
        live: AtomicBool::new(false),
        dropped: AtomicU64::new(0),
    });
    (Writer { shared: Arc::clone(&shared), samples_written: 0 }, Reader { shared })
}

impl Writer {
    /// Adds a block of interleaved samples; never blocks nor allocates. Dropped and counted when
    /// there is no room.
    pub(super) fn push(&mut self, header: Header, samples: impl ExactSizeIterator<Item = f32>) {
        let shared = &*self.shared;
        let count = samples.len();
        let written = shared.written.load(Ordering::Relaxed);
        let blocks = written.wrapping_sub(shared.read.load(Ordering::Acquire));
        let held = self.samples_written.wrapping_sub(shared.samples_read.load(Ordering::Acquire));
        if blocks >= BLOCKS || count > SAMPLES - held {
            shared.dropped.fetch_add((count / CHANNELS) as u64, Ordering::Relaxed);
            return;
        }
        for (at, sample) in samples.enumerate() {
            let cell = &shared.samples[self.samples_written.wrapping_add(at) % SAMPLES];
            cell.store(sample.to_bits(), Ordering::Relaxed);
        }
        self.samples_written = self.samples_written.wrapping_add(count);
        let slot = &shared.slots[written % BLOCKS];
        slot.position.store(header.position, Ordering::Relaxed);
        slot.time.store(header.time.as_nanos(), Ordering::Relaxed);
        slot.fresh.store(header.fresh, Ordering::Relaxed);
        slot.frames.store((count / CHANNELS) as u32, Ordering::Relaxed);
        // Releases everything above to the reader.
        shared.written.store(written.wrapping_add(1), Ordering::Release);
    }

    /// The handle that says whether the source is sending.
    pub(super) fn live(&self) -> Live {
        Live(Arc::clone(&self.shared))
    }
}

impl Reader {
    /// Takes the oldest block; its samples replace what `samples` held.
    pub(super) fn pop(&mut self, samples: &mut Vec<f32>) -> Option<Header> {
        let shared = &*self.shared;
        let read = shared.read.load(Ordering::Relaxed);
        if read == shared.written.load(Ordering::Acquire) {
            return None;
        }
        let slot = &shared.slots[read % BLOCKS];
        let header = Header {
            position: slot.position.load(Ordering::Relaxed),
            time: Timestamp::from_nanos(slot.time.load(Ordering::Relaxed)),
            fresh: slot.fresh.load(Ordering::Relaxed),
        };
        let count = slot.frames.load(Ordering::Relaxed) as usize * CHANNELS;
        let from = shared.samples_read.load(Ordering::Relaxed);
        let sample =
            |at: usize| f32::from_bits(shared.samples[(from + at) % SAMPLES].load(Ordering::Relaxed));
        samples.clear();
        samples.extend((0..count).map(sample));
        shared.samples_read.store(from.wrapping_add(count), Ordering::Release);
        shared.read.store(read.wrapping_add(1), Ordering::Release);
        Some(header)
    }

    /// Whether the source is sending: blocks are on their way.
    pub(super) fn is_live(&self) -> bool {
        self.shared.live.load(Ordering::Relaxed)
    }

    /// Samples of one channel that were dropped since the last call.
    pub(super) fn take_dropped(&self) -> u64 {
        self.shared.dropped.swap(0, Ordering::Relaxed)
    }
}

impl Live {
    /// Says whether the source is sending.
    pub(super) fn set(&self, live: bool) {
        self.0.live.store(live, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(position: u64) -> Header {
        Header { position, time: Timestamp::from_nanos(7), fresh: position == 0 }
    }

    #[test]
    fn hands_blocks_over_in_order() {
        let (mut writer, mut reader) = ring();
        let mut samples = Vec::new();
        for round in 0..3 * BLOCKS as u64 {
            writer.push(header(round), [round as f32, -1.0].into_iter());
            assert_eq!(reader.pop(&mut samples), Some(header(round)));
            assert_eq!(samples, [round as f32, -1.0]);
        }
        assert_eq!(reader.pop(&mut samples), None);
    }

    #[test]
    fn a_full_ring_drops_the_newest_and_counts_it() {
        let (mut writer, mut reader) = ring();
        let second = vec![0.5; RATE as usize * CHANNELS];
        for position in 0..SECONDS as u64 + 2 {
            writer.push(header(position), second.iter().copied());
        }
        assert_eq!(reader.take_dropped(), 2 * u64::from(RATE));
        let mut samples = Vec::new();
        let positions: Vec<_> =
            std::iter::from_fn(|| reader.pop(&mut samples)).map(|it| it.position).collect();
        assert_eq!(positions, [0, 1, 2, 3]);
    }
}
