//! The search for motion, block by block: one source of vectors, for every device.

use super::plan::{Push, counts};
use super::record::Recorder;
use crate::vulkan::{Layout, Pipeline, VulkanError};

/// Steps of the search, as `shaders/search.glsl` numbers them.
const AROUND_REST: usize = 0;
const FROM_PARENTS: usize = 1;
const REFINED: usize = 2;
const WIDE: usize = 3;
const AMONG_LOST: usize = 4;

/// Blocks that a workgroup lists.
const LISTED: u32 = 64;
/// Workgroups that hunt, at most. Each takes the next of the lost blocks, until there are none.
const HUNTERS: u32 = 4096;

const NAMES: [&str; 5] = ["around rest", "from parents", "refined", "wide", "among lost"];

/// On this level, or the smallest, what has found no match is searched for farther away.
const WIDE_LEVEL: usize = 2;

/// Finds the vectors of all blocks, from the smallest level of the pyramids to the largest.
#[derive(Debug)]
pub(super) struct Search {
    /// By the number of the step.
    shaders: [Pipeline; 5],
    /// Lists what is lost.
    lost: Pipeline,
}

impl Search {
    pub(super) fn new(layout: &Layout) -> Result<Self, VulkanError> {
        macro_rules! shader {
            ($name:literal, $step:expr) => {
                Pipeline::new(
                    layout,
                    include_bytes!(concat!("../../shaders/interpolate_", $name, ".spv")),
                    &[$step as u32],
                )?
            };
        }
        Ok(Self {
            shaders: [
                shader!("hunt", AROUND_REST),
                shader!("search", FROM_PARENTS),
                shader!("search", REFINED),
                shader!("hunt", WIDE),
                shader!("hunt", AMONG_LOST),
            ],
            lost: shader!("lost", 0),
        })
    }

    /// Records what finds vector and cost of every block of the largest level, in both directions. It begins
    /// with the smallest, or where those of a level are in the first field already, with `known`. The answer
    /// is in which of the two fields they are (`field_at` in `shaders/interpolate.glsl`).
    ///
    /// # Safety
    /// See [`Interpolator::record_search`](super::Interpolator::record_search); the pyramids are recorded before.
    pub(super) unsafe fn record(&self, recorder: &Recorder<'_>, known: Option<usize>) -> u32 {
        let (levels, common) = (&recorder.of.levels, recorder.of.common);
        let top = known.unwrap_or(levels.len() - 1);
        let mut from = 0;
        for (index, level) in levels[..=top].iter().enumerate().rev() {
            let above = levels.get(index + 1).map_or([0; 2], super::Level::blocks);
            let push = Push { above, ..common.on(level) };
            for (mode, step, reach) in steps(index, top, known.is_some()) {
                let push = Push { from, into: 1 - from, step, reach, ..push };
                let shader = &self.shaders[mode];
                // SAFETY: the caller's promises.
                unsafe {
                    if mode == WIDE || mode == AMONG_LOST {
                        recorder.fill(counts(common.cells), 0);
                        recorder.dispatch(&self.lost, push, [push.block_count().div_ceil(LISTED), 1, 2]);
                    }
                    match mode {
                        AROUND_REST | WIDE | AMONG_LOST => {
                            recorder.dispatch(shader, push, [push.block_count().min(HUNTERS), 1, 2]);
                        }
                        _ => recorder.blocks(shader, push, 2),
                    }
                    recorder.lap(|| format!("level {index}, {} {step} {reach}", NAMES[mode]));
                }
                from = 1 - from;
            }
        }
        from
    }
}

/// The steps on a level, `top` being where the search begins: which, how far it goes in quarters of a pixel, and
/// how many blocks away it looks for vectors. Where vectors are known, fewer are needed.
fn steps(level: usize, top: usize, known: bool) -> Vec<(usize, i32, i32)> {
    let mut steps = Vec::new();
    if level < top {
        steps.push((FROM_PARENTS, 0, 0));
    } else if !known {
        steps.push((AROUND_REST, 0, 0));
    }
    steps.push((REFINED, 4, 1));
    if level == WIDE_LEVEL.min(top) && !known {
        steps.push((WIDE, 0, 0));
    }
    if level == 0 {
        steps.push((AMONG_LOST, 0, 0));
    }
    if !known {
        steps.push((REFINED, 4, 2));
    }
    if level == 0 {
        steps.extend([(REFINED, 2, 1), (REFINED, 1, 1)]);
    }
    steps
}
