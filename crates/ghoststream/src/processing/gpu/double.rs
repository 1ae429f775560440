//! What tests put in a pass's place: the real one, which is asked after a check that may fail or take its time.

use ghoststream_gpu::pass::{Frame, GiveBack, Output, PassError, Resident};

use super::Maker;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A picture.
    Picture,
    /// So many pictures between two others, with motion found by the optical flow engine or by blocks.
    Between { pictures: usize, by_engine: bool },
}

/// `real`, whose pictures are made once `check` has let them through.
pub(crate) fn checked(real: Box<dyn Maker>, check: impl Check) -> Box<dyn Maker> {
    Box::new(Checked { real, check, has_engine: false, by_engine: false })
}

/// The same, which pretends to have an optical flow engine: the block search does its work.
pub(crate) fn checked_with_engine(real: Box<dyn Maker>, check: impl Check) -> Box<dyn Maker> {
    Box::new(Checked { real, check, has_engine: true, by_engine: false })
}

pub(crate) trait Check: FnMut(Asked) -> Result<(), PassError> + Send + 'static {}

impl<F: FnMut(Asked) -> Result<(), PassError> + Send + 'static> Check for F {}

struct Checked<F> {
    real: Box<dyn Maker>,
    check: F,
    has_engine: bool,
    by_engine: bool,
}

impl<F: Check> Maker for Checked<F> {
    fn run(&mut self, frame: &Frame<'_>) -> Result<Output, PassError> {
        (self.check)(Asked::Picture)?;
        self.real.run(frame)
    }

    fn between(&mut self, pair: [&Output; 2], times: &[u32]) -> Result<Vec<Output>, PassError> {
        (self.check)(Asked::Between { pictures: times.len(), by_engine: self.by_engine })?;
        self.real.between(pair, times)
    }

    fn use_optical_flow(&mut self) -> Result<(), PassError> {
        if self.has_engine {
            self.by_engine = true;
            return Ok(());
        }
        self.real.use_optical_flow()
    }

    fn use_block_search(&mut self) -> Result<(), PassError> {
        self.by_engine = false;
        self.real.use_block_search()
    }

    fn keep(&self, frame: &Frame<'_>) -> Result<Resident, PassError> {
        self.real.keep(frame)
    }

    fn give_back(&mut self) -> GiveBack {
        self.real.give_back()
    }

    fn copied_up(&self) -> u64 {
        self.real.copied_up()
    }

    fn created(&self) -> u64 {
        self.real.created()
    }
}
