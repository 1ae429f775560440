//! The steps, in their order. Each reads what the one before wrote.

use ash::vk;

use super::plan::{Level, Push, arrivals, counts};
use super::{Interpolator, Laps, flow};
use crate::vulkan::{DescriptorSet, Pipeline};

/// Blocks along a workgroup.
const GROUP: u32 = 8;
/// Words along a workgroup that writes rows, and its rows.
const ROWS: (u32, u32) = (32, 4);

/// Who records, and where.
pub(super) struct Recorder<'a> {
    pub(super) of: &'a Interpolator,
    pub(super) list: vk::CommandBuffer,
    /// Where it is measured.
    pub(super) laps: Option<&'a Laps>,
}

impl Recorder<'_> {
    /// # Safety
    /// See [`Interpolator::record_search`].
    pub(super) unsafe fn search(&self, set: &DescriptorSet) {
        let of = self.of;
        // SAFETY: the caller's promises.
        unsafe {
            let known = of.flow.as_ref().map(|_| flow::LEVEL);
            if let Some(flow) = &of.flow {
                self.begin(set);
                self.lap(|| "optical flow".to_owned());
                flow.record(self);
                self.lap(|| "vectors to blocks".to_owned());
            } else {
                self.pyramids(set, of.levels.len());
            }
            let fields = of.motion.record(self, known);
            let push = Push { from: fields, ..of.common.on(&of.levels[0]) };
            for (shader, name) in of.shaders.layers.iter().zip(["match", "cover"]) {
                self.blocks(shader, push, 2);
                self.lap(|| name.to_owned());
            }
        }
    }

    /// # Safety
    /// See [`Interpolator::record_picture`].
    pub(super) unsafe fn picture(&self, set: &DescriptorSet, time: u32) {
        let of = self.of;
        let push = Push { time, ..of.common.on(&of.levels[0]) };
        // SAFETY: the caller's promises.
        unsafe {
            self.begin(set);
            self.fill(arrivals(of.common.cells), u32::MAX);
            self.blocks(&of.shaders.arrive, push, 2);
            self.lap(|| "arrive".to_owned());
            self.blocks(&of.shaders.choose, push, 1);
            self.lap(|| "choose".to_owned());
            for (index, plane) in of.planes.iter().enumerate() {
                let push = push.of(plane);
                let words = ((plane.size[0] as u32 * plane.channels) << push.deep).div_ceil(4);
                self.rows(&of.shaders.make, push, words, plane.size[1] as u32, 1);
                self.lap(|| format!("make plane {index}"));
            }
        }
    }

    /// Both pictures' luma, in so many sizes from the largest on. Begins a search.
    ///
    /// # Safety
    /// See [`Interpolator::begin`].
    pub(super) unsafe fn pyramids(&self, set: &DescriptorSet, sizes: usize) {
        let Interpolator { levels, planes, shaders, common, .. } = self.of;
        let first = &levels[0];
        let rows = |level: &Level| (level.stride / 4, level.rows());
        // SAFETY: the caller's promises.
        unsafe {
            self.begin(set);
            self.fill(counts(self.of.common.cells), 0);
            let (words, lines) = rows(first);
            self.rows(&shaders.luma, common.of(&planes[0]).on(first), words, lines, 2);
            self.lap(|| "luma".to_owned());
            for pair in levels[..sizes].windows(2) {
                let push = Push { other: pair[0].start, other_stride: pair[0].stride, ..common.on(&pair[1]) };
                let (words, lines) = rows(&pair[1]);
                self.rows(&shaders.halve, push, words, lines, 2);
                self.lap(|| format!("halve to {}", pair[1].width));
            }
        }
    }

    /// Waits for what was recorded or submitted before: it may have written the pictures, or use our memory.
    unsafe fn begin(&self, set: &DescriptorSet) {
        let (layout, at) = (self.of.layout.raw(), vk::PipelineBindPoint::COMPUTE);
        self.barrier();
        // SAFETY: the caller's promises.
        unsafe {
            self.of.device.raw().cmd_bind_descriptor_sets(self.list, at, layout, 0, &[set.raw()], &[]);
        }
    }

    /// One invocation for each block of the level, in each of `ways` directions.
    ///
    /// # Safety
    /// As for [`Interpolator::record_search`]; the set is bound.
    pub(super) unsafe fn blocks(&self, shader: &Pipeline, push: Push, ways: u32) {
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

    /// So many workgroups, and all after waits for them.
    ///
    /// # Safety
    /// As for [`Self::blocks`].
    pub(super) unsafe fn dispatch(&self, shader: &Pipeline, push: Push, [x, y, z]: [u32; 3]) {
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

    /// Says what was recorded since the last time, where it is measured.
    ///
    /// # Safety
    /// The list is being recorded.
    pub(super) unsafe fn lap(&self, name: impl FnOnce() -> String) {
        if let Some(laps) = self.laps {
            // SAFETY: the caller's promise; whoever measures began.
            unsafe { laps.lap(self.list, &name()) };
        }
    }

    /// Writes the same word everywhere in a stretch of the cells.
    ///
    /// # Safety
    /// The list is being recorded, as [`Interpolator::record_search`] says.
    pub(super) unsafe fn fill(&self, (offset, length): (u64, u64), word: u32) {
        // SAFETY: the caller's promises; the stretch lies within the cells.
        unsafe {
            self.of.device.raw().cmd_fill_buffer(self.list, self.of.cells.raw(), offset, length, word);
        }
        self.barrier();
    }

    /// All before is done and seen by all after.
    pub(super) fn barrier(&self) {
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
