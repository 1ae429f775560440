//! Motion from the GPU's optical flow engine, `VK_NV_optical_flow`, in place of the first steps of the
//! block search.
//!
//! ```text
//! computing   luma, halve, copy ┐                ┌ vectors to blocks ─ search on ─ layers …
//! the engine                    └ optical flow ──┘
//! ```
//!
//! A timeline orders both queues, so that the CPU waits for neither.

mod limits;
mod session;

use std::time::Duration;

use ash::vk;
use ghoststream_picture::Size;

use super::plan::{Level, Push, arrivals};
use super::record::Recorder;
use crate::vulkan::{Buffer, Commands, Device, Layout, Pipeline, Submission, Timeline, VulkanError};
pub use session::Session;

/// On which level of the pyramids the engine looks. On half the size it takes a quarter of the time, and the
/// pictures are better for it: on smooth parts of the largest level its vectors are arbitrary.
pub(super) const LEVEL: usize = 1;
/// Searches that may be under way at once before the CPU waits for the oldest.
const TURNS: usize = 3;
/// How long it waits for that.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the optical flow engine is not used.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// There is none.
    #[error("the GPU has no optical flow engine, or its driver no VK_NV_optical_flow")]
    NoEngine,
    /// It cannot do what is needed.
    #[error("the GPU's optical flow engine does not take or make {0}")]
    Lacks(&'static str),
    /// It does not take pictures of this size.
    #[error("the GPU's optical flow engine takes pictures of {smallest} to {largest}, not of {size}")]
    Size {
        /// That of what it would be given.
        size: Size,
        /// The smallest that it takes.
        smallest: Size,
        /// The largest.
        largest: Size,
    },
    /// Vulkan failed.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
}

/// The engine, set up for the pictures of one interpolator.
#[derive(Debug)]
pub(super) struct Flow {
    session: Session,
    /// Where its vectors become those of the search.
    vectors: Pipeline,
    turns: [Turn; TURNS],
    next: usize,
    timeline: Timeline,
    /// What the timeline comes to with all that is submitted.
    submitted: u64,
}

/// The lists of one search.
#[derive(Debug)]
struct Turn {
    before: Commands,
    engine: Commands,
    /// When they are done with.
    done: u64,
}

impl Turn {
    fn new(device: &Device) -> Result<Self, VulkanError> {
        let (before, engine) = (Commands::new(device)?, Commands::for_optical_flow(device)?);
        Ok(Self { before, engine, done: 0 })
    }
}

impl Flow {
    /// Sets the engine up for pyramids of these levels.
    pub(super) fn new(device: &Device, layout: &Layout, levels: &[Level]) -> Result<Self, FlowError> {
        let level = levels.get(LEVEL).ok_or(FlowError::Lacks("pictures as small as these"))?;
        let session = Session::new(device, Size::new(level.width, level.height))?;
        Ok(Self {
            session,
            vectors: Pipeline::new(layout, include_bytes!("../../../shaders/interpolate_flow.spv"), &[0])?,
            turns: [Turn::new(device)?, Turn::new(device)?, Turn::new(device)?],
            next: 0,
            timeline: Timeline::new(device)?,
            submitted: 0,
        })
    }

    /// Submits what `before` records, which makes the pyramids, and then the engine's search. The answer is
    /// when its vectors are there.
    ///
    /// # Errors
    /// The device is lost, or does not come back.
    ///
    /// # Safety
    /// As for [`Interpolator::begin`](super::Interpolator::begin); the pyramids are in this buffer.
    pub(super) unsafe fn begin(
        &mut self,
        pyramids: &Pyramids<'_>,
        before: impl FnOnce(vk::CommandBuffer),
    ) -> Result<(vk::Semaphore, u64), VulkanError> {
        let (timeline, session) = (self.timeline.raw(), &self.session);
        let turn = &mut self.turns[self.next];
        if !self.timeline.wait(turn.done, Duration::ZERO)? && !self.timeline.wait(turn.done, PATIENCE)? {
            return Err(VulkanError { call: "vkWaitSemaphores", result: vk::Result::TIMEOUT });
        }
        let (copied, found) = (self.submitted + 1, self.submitted + 2);
        // SAFETY: the turn's lists are done; the rest is the caller's promise. The engine's list waits for
        // the other, and that for all that was submitted before it, the last reading of the vectors too.
        unsafe {
            turn.before.record(|_, list| {
                before(list);
                pyramids.copy(session, list);
            })?;
            turn.engine.record(|_, list| session.execute(list))?;
            turn.before.submit(Submission { wait: &[], signal: &[(timeline, copied)] })?;
            (self.submitted, turn.done) = (copied, copied);
            turn.engine.submit(Submission { wait: &[(timeline, copied)], signal: &[(timeline, found)] })?;
            (self.submitted, turn.done) = (found, found);
        }
        self.next = (self.next + 1) % TURNS;
        Ok((timeline, found))
    }

    /// Waits until all that is submitted is done: what it uses must not go before. A device that is lost uses
    /// nothing any more.
    pub(super) fn settle(&self) {
        self.timeline.settle(self.submitted, PATIENCE);
    }

    /// Records how the engine's vectors become the first of the search's fields on [`LEVEL`].
    ///
    /// # Safety
    /// As for [`Interpolator::record_search`](super::Interpolator::record_search).
    pub(super) unsafe fn record(&self, recorder: &Recorder<'_>) {
        let of = recorder.of;
        let (first, length) = arrivals(of.common.cells);
        // SAFETY: the caller's promises. There is room for a word for each block of the largest level, twice.
        unsafe {
            self.session.read(recorder.list, of.cells.raw(), [first, first + length / 2]);
            recorder.barrier();
            let push = Push { into: 0, ..of.common.on(&of.levels[LEVEL]) };
            recorder.blocks(&self.vectors, push, 2);
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.settle();
    }
}

/// Where the pyramids are.
pub(super) struct Pyramids<'a> {
    pub(super) buffer: &'a Buffer,
    pub(super) levels: &'a [Level],
    /// Bytes of one.
    pub(super) length: u32,
}

impl Pyramids<'_> {
    /// Records the copies of what the engine looks at.
    ///
    /// # Safety
    /// See [`Session::fill`].
    unsafe fn copy(&self, session: &Session, list: vk::CommandBuffer) {
        let level = &self.levels[LEVEL];
        let start = u64::from(level.first_pixel());
        let starts = [start, start + u64::from(self.length)];
        // SAFETY: the caller's promises.
        unsafe { session.fill(list, self.buffer.raw(), starts, level.stride) };
    }
}
