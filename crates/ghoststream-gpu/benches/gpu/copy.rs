//! What a plain copy reaches.
#![allow(unsafe_code)]

use std::collections::HashMap;

use ghoststream_gpu::vulkan::{
    Binding, Buffer, Commands, DescriptorSet, Device, Layout, Pipeline, Timestamps, Use, vk,
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
        let stamps = Timestamps::new(&self.device).expect("a query");
        let mut rates: Vec<f64> = (0..48)
            .map(|turn| {
                self.copy(turn % self.pairs.len(), bytes, &stamps);
                2.0 * bytes as f64 / stamps.read().expect("it is done").as_secs_f64()
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        let median = rates[rates.len() / 2];
        self.known.insert(bytes, median);
        median
    }

    /// The most that is moved at a time.
    pub const fn most(&self) -> u64 {
        2 * self.length
    }

    fn copy(&self, pair: usize, bytes: u64, stamps: &Timestamps) {
        let (layout, set) = (self.pipeline.layout().raw(), self.pairs[pair].2.raw());
        let length = (bytes / 16) as u32;
        // SAFETY: run_once waits, so that all outlives it.
        unsafe {
            Commands::run_once(&self.device, |vulkan, list| {
                let point = vk::PipelineBindPoint::COMPUTE;
                vulkan.cmd_bind_pipeline(list, point, self.pipeline.raw());
                vulkan.cmd_bind_descriptor_sets(list, point, layout, 0, &[set], &[]);
                let stage = vk::ShaderStageFlags::COMPUTE;
                vulkan.cmd_push_constants(list, layout, stage, 0, &length.to_ne_bytes());
                stamps.begin(list);
                vulkan.cmd_dispatch(list, (bytes / 16).div_ceil(GROUP) as u32, 1, 1);
                stamps.end(list);
            })
            .expect("it runs");
        }
    }
}
