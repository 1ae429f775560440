//! Pictures between two that a pass has made, in the same ring.
//!
//! They are read where they lie and the new one is written where the encoder reads it, so that it is
//! delivered like every other: none is copied.

use super::output::{Slot, layout_of};
use super::{Output, Pass, PassError, record};
use crate::interpolate::flow::FlowError;
use crate::interpolate::{InterpolateError, Interpolator};
use crate::vulkan::Submission;

impl Pass {
    /// Makes pictures between two of its own, at each of `times`: in 256ths of the way from the first to the
    /// second. Hands the work to the GPU and returns.
    ///
    /// # Errors
    /// The pictures are not this pass's, are none that can be interpolated, or so many are held that there would
    /// be none left for the next of the source's; the device is lost or has no memory. Where the optical flow
    /// engine has failed, [`Self::use_block_search`] helps.
    pub fn between(&mut self, pair: [&Output; 2], times: &[u32]) -> Result<Vec<Output>, PassError> {
        let ours = |it: &&Output| self.slots.iter().any(|slot| it.is_in(&slot.shared));
        if !pair.iter().all(ours) {
            return Err(PassError::Foreign);
        }
        let reached = self.timeline.value()?;
        let free = self.slots.iter().filter(|it| it.is_free(reached)).count();
        if self.most - self.slots.len() + free <= times.len() {
            return Err(PassError::Full(self.most));
        }
        self.interpolator()?;
        let mut made = Vec::with_capacity(times.len());
        for time in times {
            let output = self.make_between(pair, *time, made.is_empty())?;
            made.push(output);
        }
        Ok(made)
    }

    /// Has the GPU's optical flow engine find what moves, from the next pictures on.
    ///
    /// # Errors
    /// There is no such engine, it does not take pictures like these, or there is no memory: the block search
    /// stays, and [`PassError::is_of_the_engine`] says whether that works.
    pub fn use_optical_flow(&mut self) -> Result<(), PassError> {
        let found = self.interpolator()?.use_optical_flow();
        Ok(found.map_err(InterpolateError::from)?)
    }

    /// Finds what moves by blocks, from the next pictures on, as it does from the beginning. Waits until the
    /// GPU is done with all that it was given.
    ///
    /// # Errors
    /// The device is lost, or hangs.
    pub fn use_block_search(&mut self) -> Result<(), PassError> {
        let Some(interpolator) = &mut self.interpolator else { return Ok(()) };
        if !self.timeline.wait(self.submitted, self.patience)? {
            return Err(PassError::Late(self.patience));
        }
        // SAFETY: all that was submitted is done.
        unsafe { interpolator.use_block_search() };
        Ok(())
    }

    /// Made when it is needed.
    fn interpolator(&mut self) -> Result<&mut Interpolator, PassError> {
        let new = match self.interpolator.take() {
            Some(it) => it,
            None => {
                let (layout, target) = (layout_of(&self.target), &self.target);
                Interpolator::new(&self.device, target.format, target.size, &layout)?
            }
        };
        Ok(self.interpolator.insert(new))
    }

    /// The first picture of a pair comes with the search for what moves.
    fn make_between(&mut self, pair: [&Output; 2], time: u32, first: bool) -> Result<Output, PassError> {
        let index = self.free_slot()?;
        let (slot, done) = (&mut self.slots[index], self.submitted + 1);
        let Some(interpolator) = &mut self.interpolator else { return Err(PassError::Foreign) };
        let Slot { between, commands, shared, .. } = slot;
        let buffers = [pair[0].buffer(), pair[1].buffer(), &shared.buffer];
        let set = match between {
            Some(set) => {
                interpolator.rebind(set, buffers);
                set
            }
            None => between.insert(interpolator.bind(buffers)?),
        };
        let mut signal = [(self.timeline.raw(), done); 2];
        let signals = match &self.handed_over {
            Some(other) => {
                signal[1].0 = other.raw();
                2
            }
            None => 1,
        };
        // SAFETY: the slot is free: its last work is done. What the work names belongs to the slot, to self,
        // which waits before it goes, and to the pair, which is not written again before this is done.
        unsafe {
            commands.record(|device, list| {
                if let Some(timestamps) = &shared.timestamps {
                    timestamps.begin(list);
                }
                if first {
                    interpolator.record_search(list, set);
                }
                interpolator.record_picture(list, set, time);
                record::read_back(device, list, shared);
                if let Some(timestamps) = &shared.timestamps {
                    timestamps.end(list);
                }
            })?;
            let found = if first {
                let begun = interpolator.begin(set).inspect_err(|_| interpolator.settle());
                begun.map_err(|error| InterpolateError::from(FlowError::from(error)))?
            } else {
                None
            };
            let submission = Submission { wait: found.as_slice(), signal: &signal[..signals] };
            commands.submit(submission).inspect_err(|_| interpolator.settle())?;
        }
        self.submitted = done;
        pair.iter().for_each(|it| it.is_read_until(done));
        Ok(self.slots[index].shared.hold(done))
    }
}
