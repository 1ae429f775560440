//! Pictures between two others: on the GPU that made those, into the memory where the encoder reads them, and on
//! the CPU where there is no such GPU any more.

use std::time::Duration;

use ghoststream_gpu::pass::{Blame, PassError};
use ghoststream_interpolation::Time;

use super::{Gpu, Ways};
use crate::encode::{AnyPicture, GpuPicture};
use crate::processing::{BetweenError, Process};

impl Gpu {
    /// Hands the work for pictures between two of its own to the GPU.
    fn between(&mut self, pair: [&GpuPicture; 2], times: &[Time]) -> Result<Vec<AnyPicture>, PassError> {
        let times: Vec<u32> = times.iter().map(|it| it.parts().unsigned_abs()).collect();
        let made = self.maker.between(pair.map(GpuPicture::output), &times)?;
        let picture = |output| AnyPicture::Gpu(GpuPicture::new(output, self.recipe.output));
        Ok(made.into_iter().map(picture).collect())
    }
}

impl Ways {
    /// Gets ready for pictures between others, the GPU's way or the CPU's.
    pub(super) fn get_ready_between(&mut self, limit: Duration) -> Result<(), BetweenError> {
        self.between_limit = limit;
        loop {
            let Some(gpu) = &mut self.gpu else { return self.cpu_ready_between() };
            match gpu.decide_motion() {
                Ok(()) => break,
                // Opened anew it is asked once more; by then it works, or is there no more.
                Err(error) if error.blame() == Blame::Device => self.failed(&error),
                Err(error) => return Err(BetweenError::Pass(error)),
            }
            if self.again.is_some() {
                return Ok(());
            }
        }
        self.tell();
        let Some(gpu) = &self.gpu else { return Ok(()) };
        tracing::debug!(motion = gpu.motion.why, "interpolation");
        let (by, size, takes) = (gpu.physical().name.clone(), self.recipe.output.size, gpu.motion.takes);
        if takes > limit { Err(BetweenError::Slow { by, size, takes, limit }) } else { Ok(()) }
    }

    /// Makes the pictures where the two are.
    pub(super) fn make_between(
        &mut self,
        pair: [&AnyPicture; 2],
        times: &[Time],
    ) -> Result<Vec<AnyPicture>, BetweenError> {
        let is_up = self.again.is_none();
        let made = match (&mut self.gpu, pair) {
            (Some(_), [AnyPicture::Gpu(before), AnyPicture::Gpu(after)]) if is_up => {
                let made = self.between_on_gpu([before, after], times);
                made.map_err(|error| self.not_between(error))?
            }
            // The CPU made both, or reads what a GPU made that is no more.
            (_, [AnyPicture::Memory(_), AnyPicture::Memory(_)]) | (None, _) => {
                self.cpu_ready_between()?;
                self.cpu().between(pair, times)?
            }
            _ => return Err(BetweenError::Gone("the GPU and the CPU made one each".to_owned())),
        };
        self.count_between(&made);
        Ok(made)
    }

    /// Makes the pictures on the GPU that made the two, without its optical flow engine where that fails.
    fn between_on_gpu(
        &mut self,
        pair: [&GpuPicture; 2],
        times: &[Time],
    ) -> Result<Vec<AnyPicture>, PassError> {
        let Some(gpu) = &mut self.gpu else { return Err(PassError::Foreign) };
        match gpu.between(pair, times) {
            Err(error) if error.is_of_the_engine() => {
                gpu.without_engine(&error)?;
                let (name, made) = (gpu.physical().name.clone(), gpu.between(pair, times));
                self.journal.note(format!("{name} finds motion by block search from here on: {error}"));
                self.tell();
                made
            }
            made => made,
        }
    }

    /// What follows from a picture that was not made.
    fn not_between(&mut self, error: PassError) -> BetweenError {
        match (error.blame(), &error) {
            (_, PassError::Interpolate(_)) => return BetweenError::Pass(error),
            (Blame::Device, _) => self.failed(&error),
            _ => {}
        }
        BetweenError::Gone(error.to_string())
    }

    fn cpu_ready_between(&mut self) -> Result<(), BetweenError> {
        if !self.cpu_between {
            let limit = self.between_limit;
            self.cpu().get_ready_between(limit)?;
            self.cpu_between = true;
            self.tell();
        }
        Ok(())
    }

    fn count_between(&self, made: &[AnyPicture]) {
        let count = made.len() as u64;
        let through: u64 = made.iter().map(|it| self.through_system_memory(it)).sum();
        self.told.with(|it| {
            if matches!(made.first(), Some(AnyPicture::Gpu(_))) {
                it.gpu_interpolated += count;
            } else {
                it.cpu_interpolated += count;
            }
            it.system_memory_bytes += through;
        });
    }
}
