//! Pictures in a GPU's memory: handed on when they are drawn, and given up where none can be used.

use std::sync::Arc;

use super::{Frames, Keep};
use crate::Timestamp;
use crate::capture::pipewire::layout::Chunk;
use crate::capture::pipewire::lease::{Hold, Lent, Refusals, Release};
use crate::capture::pipewire::meta::SyncPoints;
use crate::capture::pipewire::waiter::Waiter;
use crate::capture::{Cursor, GpuBuffer, Memory};

/// What pictures in a GPU's memory need.
#[derive(Debug)]
pub(super) struct GpuFrames {
    pub(super) waiter: Waiter,
    refusals: Arc<Refusals>,
    /// Frames in a row that could not be used.
    pub(super) failures: u32,
    /// Whether the producer says how many bytes a picture has; not all do.
    pub(super) states_size: bool,
}

/// After so many frames in a row that cannot be used, buffers of another kind are asked for.
const MOST_FAILURES: u32 = 8;

impl Frames {
    /// Prepares for pictures in a GPU's memory.
    ///
    /// # Errors
    /// The thread that waits for them cannot be started.
    pub(in crate::capture::pipewire) fn prepare_gpu(
        &mut self,
        refusals: &Arc<Refusals>,
    ) -> std::io::Result<()> {
        if self.gpu.is_none() {
            let waiter = Waiter::start(self.sink.clone())?;
            let refusals = Arc::clone(refusals);
            self.gpu = Some(GpuFrames { waiter, refusals, failures: 0, states_size: false });
        }
        Ok(())
    }

    /// Hands on a picture in a GPU's memory, as soon as it is drawn.
    pub(super) fn gpu_picture(
        &mut self,
        index: usize,
        chunks: &[Chunk],
        points: Option<SyncPoints>,
        release: Option<Release>,
        (stated, arrived): (Option<i64>, Timestamp),
        cursor: Option<Cursor>,
    ) -> Result<Keep, String> {
        if self.slots.len() < 2 {
            return Err(
                "the source has one buffer only, which would not come back before the next picture".into()
            );
        }
        let slot = &mut self.slots[index];
        let (id, format) = (slot.id, slot.format);
        let blocks = slot.gpu.as_mut().ok_or("it is not in a GPU's memory")?;
        let blocks = blocks.as_mut().map_err(|why| why.clone())?;
        let buffer = blocks.picture(&format, chunks)?;
        let until = blocks.until(&buffer, points, format.framerate);
        let takes_fences = blocks.takes_fences();
        let gpu = self.gpu.as_mut().ok_or("no picture in a GPU's memory was expected")?;
        gpu.states_size |= chunks.iter().any(|chunk| chunk.size > 0);
        // The picture under the pointer would else hold the only buffer that there is.
        let ticket = self.returns.borrow_one(id).or_else(|| {
            self.last = None;
            self.returns.borrow_one(id)
        });
        let Some(ticket) = ticket else {
            self.no_room(index);
            return Ok(Keep::GiveBack);
        };
        let waits = Arc::clone(gpu.waiter.waits());
        let lent =
            Lent::new(Hold::new(ticket, release), Arc::clone(&buffer), takes_fences, &waits, &gpu.refusals);
        let memory = Memory::Gpu(GpuBuffer { buffer, lease: Arc::new(lent) });
        let pts = self.pts(stated, arrived);
        let frame = self.describe(index, pts, arrived, cursor, memory);
        waits.deliver(frame, until);
        Ok(Keep::Lent)
    }

    /// Asks for buffers of another kind when these cannot be used time and again.
    pub(super) fn failed(&mut self, index: usize, why: &str) {
        let modifier = self.slots.get(index).and_then(|slot| slot.format.modifier);
        if let (Some(gpu), Some(modifier)) = (&mut self.gpu, modifier) {
            gpu.failures += 1;
            if gpu.failures >= MOST_FAILURES {
                gpu.failures = 0;
                gpu.refusals.refuse(modifier, why);
            }
        }
    }
}
