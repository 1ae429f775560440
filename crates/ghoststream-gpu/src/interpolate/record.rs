//! The steps, in their order. Each reads what the one before wrote.

use ash::vk;

use super::Interpolator;
use super::plan::{Level, Push, arrivals, counts};
use crate::vulkan::{DescriptorSet, Pipeline};

/// Steps of the search, as `shaders/search.glsl` numbers them.
const AROUND_REST: usize = 0;
const FROM_PARENTS: usize = 1;
const REFINED: usize = 2;
const WIDE: usize = 3;
const AMONG_LOST: usize = 4;

/// On this level, or the smallest, what has found no match is searched for farther away.
const WIDE_LEVEL: usize = 2;

/// Blocks along a workgroup.
const GROUP: u32 = 8;
/// Words along a workgroup that writes rows, and its rows.
const ROWS: (u32, u32) = (32, 4);

/// Who records, and where.
struct Recorder<'a> {
    of: &'a Interpolator,
    list: vk::CommandBuffer,
}

/// # Safety
/// See [`Interpolator::record_search`].
pub(super) unsafe fn search(of: &Interpolator, list: vk::CommandBuffer, set: &DescriptorSet) {
    let recorder = Recorder { of, list };
    // SAFETY: the caller's promises.
    unsafe {
        recorder.bind(set);
        recorder.fill(counts(of.common.cells), 0);
        recorder.pyramids();
        let fields = recorder.fields();
        let push = Push { from: fields, ..of.common.on(&of.levels[0]) };
        for shader in &of.shaders.layers {
            recorder.blocks(shader, push, 2);
        }
    }
}

/// # Safety
/// See [`Interpolator::record_picture`].
pub(super) unsafe fn picture(of: &Interpolator, list: vk::CommandBuffer, set: &DescriptorSet, time: u32) {
    let recorder = Recorder { of, list };
    let push = Push { time, ..of.common.on(&of.levels[0]) };
    // SAFETY: the caller's promises.
    unsafe {
        recorder.bind(set);
        recorder.fill(arrivals(of.common.cells), u32::MAX);
        recorder.blocks(&of.shaders.arrive, push, 2);
        recorder.blocks(&of.shaders.choose, push, 1);
        for plane in &of.planes {
            let push = push.of(plane);
            let words = ((plane.size[0] as u32 * plane.channels) << push.deep).div_ceil(4);
            recorder.rows(&of.shaders.make, push, words, plane.size[1] as u32, 1);
        }
    }
}

impl Recorder<'_> {
    /// Both pictures' luma in all sizes.
    unsafe fn pyramids(&self) {
        let Interpolator { levels, planes, shaders, common, .. } = self.of;
        let first = &levels[0];
        let rows = |level: &Level| (level.stride / 4, level.rows());
        // SAFETY: the caller's promises.
        unsafe {
            let (words, lines) = rows(first);
            self.rows(&shaders.luma, common.of(&planes[0]).on(first), words, lines, 2);
            for pair in levels.windows(2) {
                let push = Push { other: pair[0].start, other_stride: pair[0].stride, ..common.on(&pair[1]) };
                let (words, lines) = rows(&pair[1]);
                self.rows(&shaders.halve, push, words, lines, 2);
            }
        }
    }

    /// The search in both directions, from the smallest level to the largest. The answer is which of the
    /// fields has the result.
    unsafe fn fields(&self) -> u32 {
        let Interpolator { levels, common, .. } = self.of;
        let top = levels.len() - 1;
        let mut from = 0;
        for (index, level) in levels.iter().enumerate().rev() {
            let above = levels.get(index + 1).map_or([0; 2], Level::blocks);
            let push = Push { above, ..common.on(level) };
            let begin = if index == top { AROUND_REST } else { FROM_PARENTS };
            let mut steps = vec![(begin, 0, 0), (REFINED, 4, 1)];
            if index == WIDE_LEVEL.min(top) {
                steps.push((WIDE, 0, 0));
            }
            if index == 0 {
                steps.push((AMONG_LOST, 0, 0));
            }
            steps.push((REFINED, 4, 2));
            if index == 0 {
                steps.extend([(REFINED, 2, 1), (REFINED, 1, 1)]);
            }
            for (mode, step, reach) in steps {
                let push = Push { from, into: 1 - from, step, reach, ..push };
                let shader = &self.of.shaders.search[mode];
                // SAFETY: the caller's promises.
                unsafe {
                    match mode {
                        // A group for each block, or for a square of them.
                        AROUND_REST | WIDE => {
                            let [columns, rows] = push.blocks.map(|it| it as u32);
                            self.dispatch(shader, push, [columns, rows, 2]);
                        }
                        _ => self.blocks(shader, push, 2),
                    }
                }
                from = 1 - from;
            }
        }
        from
    }

    unsafe fn bind(&self, set: &DescriptorSet) {
        let (layout, at) = (self.of.layout.raw(), vk::PipelineBindPoint::COMPUTE);
        // SAFETY: the caller's promises.
        unsafe {
            self.of.device.raw().cmd_bind_descriptor_sets(self.list, at, layout, 0, &[set.raw()], &[]);
        }
    }

    /// One invocation for each block of the level, in each of `ways` directions.
    unsafe fn blocks(&self, shader: &Pipeline, push: Push, ways: u32) {
        let groups = |it: i32| (it as u32).div_ceil(GROUP);
        // SAFETY: the caller's promises.
        unsafe { self.dispatch(shader, push, [groups(push.blocks[0]), groups(push.blocks[1]), ways]) };
    }

    /// One invocation for each word of each row, of each of `pictures`.
    unsafe fn rows(&self, shader: &Pipeline, push: Push, words: u32, rows: u32, pictures: u32) {
        let groups = [words.div_ceil(ROWS.0), rows.div_ceil(ROWS.1), pictures];
        // SAFETY: the caller's promises.
        unsafe { self.dispatch(shader, push, groups) };
    }

    unsafe fn dispatch(&self, shader: &Pipeline, push: Push, [x, y, z]: [u32; 3]) {
        let device = self.of.device.raw();
        let stage = vk::ShaderStageFlags::COMPUTE;
        // SAFETY: the caller's promises; the push constants are as many as the layout has.
        unsafe {
            device.cmd_bind_pipeline(self.list, vk::PipelineBindPoint::COMPUTE, shader.raw());
            device.cmd_push_constants(self.list, self.of.layout.raw(), stage, 0, &push.bytes());
            device.cmd_dispatch(self.list, x, y, z);
        }
        self.barrier();
    }

    /// Writes the same word everywhere in a stretch of the cells.
    unsafe fn fill(&self, (offset, length): (u64, u64), word: u32) {
        // SAFETY: the caller's promises; the stretch lies within the cells.
        unsafe {
            self.of.device.raw().cmd_fill_buffer(self.list, self.of.cells.raw(), offset, length, word);
        }
        self.barrier();
    }

    /// All before is done and seen by all after.
    fn barrier(&self) {
        let stages = vk::PipelineStageFlags2::COMPUTE_SHADER | vk::PipelineStageFlags2::ALL_TRANSFER;
        let access = vk::AccessFlags2::MEMORY_READ | vk::AccessFlags2::MEMORY_WRITE;
        let barriers = [vk::MemoryBarrier2::default()
            .src_stage_mask(stages)
            .src_access_mask(access)
            .dst_stage_mask(stages)
            .dst_access_mask(access)];
        let info = vk::DependencyInfo::default().memory_barriers(&barriers);
        // SAFETY: the list is being recorded, as every caller promises.
        unsafe { self.of.device.raw().cmd_pipeline_barrier2(self.list, &info) };
    }
}
