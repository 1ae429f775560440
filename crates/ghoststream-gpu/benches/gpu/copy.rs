//! What a plain copy reaches.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::time::Duration;

use ghoststream_gpu::vulkan::{
    Binding, Buffer, Commands, DescriptorSet, Device, Layout, Pipeline, Submission, Timeline, Timestamps,
    Use, vk,
};

/// Invocations of a workgroup, each of which copies 16 bytes.
const GROUP: u64 = 256;

/// Copies by a shader, of as many bytes as a case moves.
pub struct Copies {
    device: Device,
    pipeline: Pipeline,
    /// Pairs of buffers, rotated through so that no cache holds them.
    pairs: Vec<(Buffer, Buffer, DescriptorSet)>,
    length: u64,
    known: HashMap<u64, f64>,
}

impl Copies {
    /// Through so many MiB.
    pub fn new(device: &Device, mebibytes: u64) -> Self {
        let layout = Layout::new(device, &[&[Binding::Storage, Binding::Storage]], 4).expect("a layout");
        let pipeline = Pipeline::new(&layout, include_bytes!("copy.spv"), &[]).expect("the shader");
        let length = (mebibytes << 20) / 8;
        let pair = |_| {
            let new = || Buffer::new(device, length, Use::Device).expect("memory");
            let (from, to) = (new(), new());
            let mut set = DescriptorSet::new(&layout, 0).expect("a set");
            set.set_buffer(0, &from);
            set.set_buffer(1, &to);
            (from, to, set)
        };
        let pairs = (0..8).map(pair).collect();
        Self { device: device.clone(), pipeline, pairs, length, known: HashMap::new() }
    }

    /// Bytes read and written a second where `moved` of them are, half of them read.
    pub fn rate(&mut self, moved: u64) -> f64 {
        let bytes = (moved / 2).min(self.length) & !15;
        if let Some(rate) = self.known.get(&bytes) {
            return *rate;
        }
        let mut rates = self.copies(bytes, 96);
        // Until the GPU has woken up.
        rates.drain(..32);
        rates.sort_by(f64::total_cmp);
        let median = rates[rates.len() / 2];
        self.known.insert(bytes, median);
        median
    }

    /// The most that is moved at a time.
    pub const fn most(&self) -> u64 {
        2 * self.length
    }

    /// The rates of copies that follow each other at once, as a pass's pictures do.
    fn copies(&self, bytes: u64, count: usize) -> Vec<f64> {
        let timeline = Timeline::new(&self.device).expect("a timeline");
        let new = || {
            (Commands::new(&self.device).expect("a list"), Timestamps::new(&self.device).expect("queries"))
        };
        let mut lists: Vec<_> = (0..count).map(|_| new()).collect();
        for (index, (commands, stamps)) in lists.iter_mut().enumerate() {
            let signal = [(timeline.raw(), index as u64 + 1)];
            // SAFETY: all of it outlives the wait below.
            unsafe {
                commands
                    .record(|vulkan, list| self.record(vulkan, list, index, bytes, stamps))
                    .expect("recorded");
                commands.submit(Submission { wait: &[], signal: &signal }).expect("submitted");
            }
        }
        assert!(
            timeline.wait(count as u64, Duration::from_secs(30)).expect("no loss"),
            "the GPU does not come back"
        );
        let took = |(_, stamps): &(Commands, Timestamps)| stamps.read().expect("it is done");
        lists.iter().map(|it| 2.0 * bytes as f64 / took(it).as_secs_f64()).collect()
    }

    /// # Safety
    /// The list is being recorded; self lives until it is done.
    unsafe fn record(
        &self,
        vulkan: &ash::Device,
        list: vk::CommandBuffer,
        turn: usize,
        bytes: u64,
        stamps: &Timestamps,
    ) {
        let (layout, point) = (self.pipeline.layout().raw(), vk::PipelineBindPoint::COMPUTE);
        let (set, length) = (self.pairs[turn % self.pairs.len()].2.raw(), (bytes / 16) as u32);
        // SAFETY: the caller's promises.
        unsafe {
            vulkan.cmd_bind_pipeline(list, point, self.pipeline.raw());
            vulkan.cmd_bind_descriptor_sets(list, point, layout, 0, &[set], &[]);
            let stage = vk::ShaderStageFlags::COMPUTE;
            vulkan.cmd_push_constants(list, layout, stage, 0, &length.to_ne_bytes());
            stamps.begin(list);
            vulkan.cmd_dispatch(list, (bytes / 16).div_ceil(GROUP) as u32, 1, 1);
            stamps.end(list);
        }
    }
}
