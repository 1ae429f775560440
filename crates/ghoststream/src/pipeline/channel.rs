//! The bounded channel from the thread that makes pictures to the one that takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::encode::{Frame, InputSpec};

/// A picture on its way to the encoder.
pub(super) struct Job {
    pub(super) frame: Frame,
    /// Recording went on after a pause here: players can seek to it, and editors cut.
    pub(super) after_pause: bool,
    /// Every second picture is left out from here on.
    pub(super) half_rate: bool,
}

/// The end that the rendition writes to.
pub(super) struct Frames {
    sender: SyncSender<Job>,
    shared: Arc<Both>,
    capacity: usize,
}

/// The end that the encoder thread reads from.
pub(super) struct ReceivedFrames {
    receiver: Receiver<Job>,
    shared: Arc<Both>,
}

/// What both ends know.
#[derive(Default)]
struct Both {
    queued: AtomicUsize,
    /// Whether anything came of a picture yet.
    flows: AtomicBool,
    /// Whether the reading end wants every second picture left out.
    half_rate: AtomicBool,
}

/// A channel that is deep enough to ride out a stall of the machine, within 64 MiB of pictures; two
/// pictures where latency matters.
pub(super) fn channel(input: InputSpec, low_latency: bool) -> (Frames, ReceivedFrames) {
    let fits = 64 * 1024 * 1024 / input.bytes().max(1);
    let capacity = if low_latency { 2 } else { fits.clamp(4, 32) as usize };
    let (sender, receiver) = sync_channel(capacity);
    let shared: Arc<Both> = Arc::default();
    (Frames { sender, shared: Arc::clone(&shared), capacity }, ReceivedFrames { receiver, shared })
}

impl Frames {
    pub(super) fn is_full(&self) -> bool {
        !self.has_room_for(1)
    }

    pub(super) fn has_room_for(&self, pictures: usize) -> bool {
        // Only this thread adds, so room that is seen stays.
        self.shared.queued.load(Ordering::Acquire) + pictures <= self.capacity
    }

    /// Whether anything came of a picture yet: an encoder may keep the first ones for a while.
    pub(super) fn is_flowing(&self) -> bool {
        self.shared.flows.load(Ordering::Relaxed)
    }

    /// Whether the other end wants every second picture left out.
    pub(super) fn half_rate(&self) -> bool {
        self.shared.half_rate.load(Ordering::Acquire)
    }

    /// Waits for room. False when the other end has gone.
    pub(super) fn send(&self, job: Job) -> bool {
        self.shared.queued.fetch_add(1, Ordering::AcqRel);
        self.sender.send(job).is_ok()
    }
}

impl ReceivedFrames {
    /// Waits for the next frame; `None` once the rendition has ended.
    pub(super) fn next(&self) -> Option<Job> {
        self.receiver.recv().ok().map(|job| self.took(job))
    }

    /// The next frame, if one waits.
    pub(super) fn try_next(&self) -> Option<Job> {
        self.receiver.try_recv().ok().map(|job| self.took(job))
    }

    /// Waits for the next frame, `timeout` at most.
    pub(super) fn next_within(&self, timeout: Duration) -> Result<Job, RecvTimeoutError> {
        self.receiver.recv_timeout(timeout).map(|job| self.took(job))
    }

    /// Something came of a picture.
    pub(super) fn flows(&self) {
        self.shared.flows.store(true, Ordering::Relaxed);
    }

    /// Asks for every second picture to be left out, or no more. Those that are under way come all the same; each
    /// says which it is.
    pub(super) fn ask_half_rate(&self, half: bool) {
        self.shared.half_rate.store(half, Ordering::Release);
    }

    fn took(&self, job: Job) -> Job {
        self.shared.queued.fetch_sub(1, Ordering::AcqRel);
        job
    }
}
