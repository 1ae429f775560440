//! What finds motion for pictures between two others: the block search in shaders, or the GPU's optical flow engine
//! where it has one.
//!
//! The block search is the faster the more shaders a GPU has; the engine's time does not depend on them. So both make
//! pictures before a recording begins, and the faster one is used for the recording's.

use std::time::{Duration, Instant};

use ghoststream_gpu::pass::{Output, PassError};
use ghoststream_interpolation::Time;

use super::{Gpu, moving};

/// How long its shaders may take to be compiled. There are thirteen; lavapipe takes seconds, and more where others
/// work too.
const COMPILED: Duration = Duration::from_secs(40);

/// For how long each of the two is measured: in this time a GPU that was idle raises its clock.
const MEASURED: Duration = Duration::from_millis(60);

/// What finds motion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Motion {
    /// Shaders that search by blocks.
    #[default]
    Blocks,
    /// The GPU's optical flow engine, for the first steps.
    OpticalFlow,
}

/// What was decided; from the beginning the block search, for no reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Decided {
    pub(super) motion: Motion,
    /// How long a picture takes by it.
    pub(super) takes: Duration,
    /// What it is and why.
    pub(super) why: String,
}

impl Decided {
    /// By what both take, or why there is no engine. In doubt it is the block search, whose pictures are the CPU's
    /// to the bit.
    pub(super) fn of(blocks: Duration, flow: Result<Duration, PassError>) -> Self {
        let millis = |it: Duration| it.as_secs_f64() * 1e3;
        let by_blocks = |why| Self { motion: Motion::Blocks, takes: blocks, why };
        match flow {
            Err(error) => by_blocks(format!("block search, {:.2} ms a picture: {error}", millis(blocks))),
            Ok(flow) if is_faster(flow, blocks) => Self {
                motion: Motion::OpticalFlow,
                takes: flow,
                why: format!(
                    "optical flow, measured: {:.2} ms a picture, {:.2} ms by block search",
                    millis(flow),
                    millis(blocks)
                ),
            },
            Ok(flow) => by_blocks(format!(
                "block search, measured: {:.2} ms a picture, {:.2} ms by optical flow",
                millis(blocks),
                millis(flow)
            )),
        }
    }

    /// From here on it is the block search.
    pub(super) fn forget(&mut self, why: &str) {
        if self.motion == Motion::OpticalFlow {
            (self.motion, self.why) = (Motion::Blocks, format!("block search, for {why}"));
        }
    }
}

/// Whether the engine is faster by more than what one measurement differs from the next.
fn is_faster(flow: Duration, blocks: Duration) -> bool {
    flow < blocks.mul_f64(0.9)
}

impl Gpu {
    /// Decides what finds motion from here on, by pictures in which all moves.
    ///
    /// # Errors
    /// The device fails, or pictures like these cannot be interpolated.
    pub(super) fn decide_motion(&mut self) -> Result<(), PassError> {
        let pair = moving::pair(&mut *self.maker, self.recipe.output, COMPILED)?;
        let mut blocks = self.takes(&pair)?;
        let mut flow = self.takes_by_engine(&pair)?;
        if matches!(flow, Ok(flow) if is_faster(flow, blocks)) {
            // The clock was perhaps still low when the blocks had their turn.
            self.maker.use_block_search()?;
            blocks = blocks.min(self.takes(&pair)?);
            if let Err(error) = of_the_engine(self.maker.use_optical_flow())? {
                flow = Err(error);
            }
        }
        self.motion = Decided::of(blocks, flow);
        match self.motion.motion {
            Motion::Blocks => self.maker.use_block_search(),
            Motion::OpticalFlow => Ok(()),
        }
    }

    /// Has a new maker find motion as it was decided.
    pub(super) fn restore_motion(&mut self) -> Result<(), PassError> {
        if self.motion.motion == Motion::Blocks {
            return Ok(());
        }
        match of_the_engine(self.maker.use_optical_flow())? {
            Ok(()) => Ok(()),
            Err(why) => self.without_engine(&why),
        }
    }

    /// Goes on by blocks, the engine having failed.
    pub(super) fn without_engine(&mut self, why: &PassError) -> Result<(), PassError> {
        self.motion.forget(&format!("optical flow failed: {why}"));
        self.maker.use_block_search()
    }

    /// How long a picture takes with the engine, or why there is none.
    fn takes_by_engine(&mut self, pair: &[Output; 2]) -> Result<Result<Duration, PassError>, PassError> {
        match of_the_engine(self.maker.use_optical_flow())? {
            Ok(()) => of_the_engine(self.takes(pair)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// How long a picture between these takes: the best of a few. The first is not measured, for which shaders
    /// are compiled and memory is made.
    fn takes(&mut self, [before, after]: &[Output; 2]) -> Result<Duration, PassError> {
        let mut one = || {
            let begin = Instant::now();
            for made in self.maker.between([before, after], &[Time::HALF.parts().unsigned_abs()])? {
                if !made.wait(COMPILED)? {
                    return Ok(COMPILED);
                }
            }
            Ok::<_, PassError>(begin.elapsed())
        };
        if one()? >= COMPILED {
            return Ok(COMPILED);
        }
        let begin = Instant::now();
        let mut best = one()?.min(one()?);
        while begin.elapsed() < MEASURED {
            best = best.min(one()?);
        }
        Ok(best)
    }
}

/// Parts the errors of the engine alone from those of the device.
fn of_the_engine<T>(result: Result<T, PassError>) -> Result<Result<T, PassError>, PassError> {
    match result {
        Err(error) if !error.is_of_the_engine() => Err(error),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use ghoststream_gpu::interpolate::InterpolateError;
    use ghoststream_gpu::interpolate::flow::FlowError;

    use super::*;

    #[test]
    fn the_engine_is_used_where_it_is_clearly_faster() {
        let ms = Duration::from_millis;
        for (blocks, flow, wanted) in [
            (ms(12), ms(22), (Motion::Blocks, ms(12))),
            (ms(20), ms(19), (Motion::Blocks, ms(20))),
            (ms(30), ms(22), (Motion::OpticalFlow, ms(22))),
        ] {
            let decided = Decided::of(blocks, Ok(flow));
            assert_eq!((decided.motion, decided.takes), wanted);
            assert!(decided.why.contains(&format!("{}.00 ms", flow.as_millis())), "{}", decided.why);
            assert!(decided.why.contains(&format!("{}.00 ms", blocks.as_millis())), "{}", decided.why);
        }
        let none = Decided::of(ms(90), Err(InterpolateError::from(FlowError::NoEngine).into()));
        assert_eq!((none.motion, none.takes), (Motion::Blocks, ms(90)));
        assert!(none.why.contains("90.00 ms") && none.why.contains("no optical flow engine"), "{}", none.why);
    }
}
