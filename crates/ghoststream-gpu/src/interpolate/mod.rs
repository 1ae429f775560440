//! Pictures between two pictures, made by compute shaders.
//!
//! The shaders `interpolate_*.comp` do what the crate `ghoststream-interpolation` does on the CPU and says
//! why; both make the same pictures, to the bit.
//!
//! ```text
//! before, after ─ luma, halve ─ search, level by level ─ layers │ arrive ─ choose ─ make ─ shown
//!                               once for two pictures           │ for each time between
//! ```
//!
//! Where a GPU has an engine for optical flow, that can take the place of the first steps of the search ([`flow`]).
#![allow(unsafe_code)]

pub mod flow;
mod laps;
mod plan;
mod record;
mod search;

pub use laps::Laps;

use std::time::Duration;

use ghoststream_picture::{PixelFormat, Size};

use crate::cuda;
use crate::vulkan::{
    Binding, Buffer, Commands, DescriptorSet, Device, Layout, Pipeline, Timestamps, Use, VulkanError, vk,
};
use flow::{Flow, FlowError, Pyramids};
use plan::{Level, Plane, Push};
use record::Recorder;
use search::Search;

/// Parts of the way from one picture to the next: a time is so many of 256.
pub const WHOLE: u32 = 256;

/// Why pictures cannot be interpolated on the GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterpolateError {
    /// Vulkan failed.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    /// Only planes of luma and chroma are interpolated.
    #[error("pictures of {0:?} cannot be interpolated: use a planar YUV format, such as NV12")]
    Format(PixelFormat),
    /// The picture is too small or too large.
    #[error("pictures of {0} cannot be interpolated: each side has to be 16 to 8192 pixels")]
    Size(Size),
    /// The optical flow engine cannot be used.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

/// Makes pictures between pictures of one size and format, on a GPU. All calls come from one thread.
#[derive(Debug)]
pub struct Interpolator {
    device: Device,
    layout: Layout,
    /// Where the vectors come from.
    motion: Search,
    /// Where its first steps are the optical flow engine's.
    flow: Option<Flow>,
    shaders: Shaders,
    levels: Vec<Level>,
    planes: Vec<Plane>,
    /// What all steps are told alike.
    common: Push,
    /// Both pictures' luma in all sizes.
    pyramids: Buffer,
    /// What is known of each block: see `shaders/interpolate.glsl`.
    cells: Buffer,
}

#[derive(Debug)]
struct Shaders {
    luma: Pipeline,
    halve: Pipeline,
    layers: [Pipeline; 2],
    arrive: Pipeline,
    choose: Pipeline,
    make: Pipeline,
}

impl Shaders {
    fn new(layout: &Layout) -> Result<Self, VulkanError> {
        macro_rules! shader {
            ($name:literal, $mode:expr) => {
                Pipeline::new(
                    layout,
                    include_bytes!(concat!("../../shaders/interpolate_", $name, ".spv")),
                    &[$mode],
                )?
            };
        }
        Ok(Self {
            luma: shader!("luma", 0),
            halve: shader!("halve", 0),
            layers: [shader!("layers", 0), shader!("layers", 1)],
            arrive: shader!("arrive", 0),
            choose: shader!("choose", 0),
            make: shader!("make", 0),
        })
    }
}

/// Before, after, shown, pyramids and cells.
const BINDINGS: [Binding; 5] = [Binding::Storage; 5];

impl Interpolator {
    /// One for pictures whose planes lie in their buffers as `planes` says.
    ///
    /// # Errors
    /// The format is no planar YUV, a side is not 16 to 8192 pixels, or there is no memory.
    pub fn new(
        device: &Device,
        format: PixelFormat,
        size: Size,
        planes: &cuda::Layout,
    ) -> Result<Self, InterpolateError> {
        if !format.is_yuv() || format.packed_bytes().is_some() {
            return Err(InterpolateError::Format(format));
        }
        if size.width.min(size.height) < 16 || size.width.max(size.height) > 8192 {
            return Err(InterpolateError::Size(size));
        }
        let levels = plan::levels(size);
        let planes = plan::planes(format, size, planes);
        let common = Push::new(format, &levels);
        let layout = Layout::new(device, &[&BINDINGS], size_of::<Push>() as u32)?;
        let pyramids = Buffer::new(device, 2 * u64::from(common.pyramid) + 16, Use::Device)?;
        let cells = Buffer::new(device, plan::cell_bytes(common.cells), Use::Device)?;
        let (motion, shaders) = (Search::new(&layout)?, Shaders::new(&layout)?);
        let (device, flow) = (device.clone(), None);
        Ok(Self { device, layout, motion, flow, shaders, levels, planes, common, pyramids, cells })
    }

    /// The same, with motion that the GPU's optical flow engine finds. Its pictures are not the CPU's to the bit.
    ///
    /// # Errors
    /// As for [`Self::new`]; there is no such engine, or it does not take pictures of this size.
    pub fn with_optical_flow(
        device: &Device,
        format: PixelFormat,
        size: Size,
        planes: &cuda::Layout,
    ) -> Result<Self, InterpolateError> {
        let mut this = Self::new(device, format, size, planes)?;
        this.use_optical_flow()?;
        Ok(this)
    }

    /// Has the GPU's optical flow engine find what moves, from the next search on.
    ///
    /// # Errors
    /// There is no such engine, it does not take pictures of this size, or has no memory: the block search stays.
    pub fn use_optical_flow(&mut self) -> Result<(), FlowError> {
        if self.flow.is_none() {
            self.flow = Some(Flow::new(&self.device, &self.layout, &self.levels)?);
        }
        Ok(())
    }

    /// Finds what moves by blocks alone, from the next search on. Waits for the engine, and lets it go.
    ///
    /// # Safety
    /// What was submitted of [`Self::record_search`] is done: it reads what the engine has found.
    pub unsafe fn use_block_search(&mut self) {
        self.flow = None;
    }

    /// Names two pictures, and where the one between goes, for the shaders: before, after and shown.
    ///
    /// # Errors
    /// The driver failed.
    pub fn bind(&self, pictures: [&Buffer; 3]) -> Result<DescriptorSet, VulkanError> {
        let mut set = DescriptorSet::new(&self.layout, 0)?;
        self.rebind(&mut set, pictures);
        Ok(set)
    }

    /// Names other pictures in a set that no GPU uses.
    pub fn rebind(&self, set: &mut DescriptorSet, [before, after, shown]: [&Buffer; 3]) {
        for (binding, buffer) in (0..).zip([before, after, shown, &self.pyramids, &self.cells]) {
            set.set_buffer(binding, buffer);
        }
    }

    /// Begins the search for what moves between the pictures of `set`, where the optical flow engine has a
    /// part in it: before the list with [`Self::record_search`] is submitted, which has to wait for the answer.
    ///
    /// # Errors
    /// The device is lost, or does not come back.
    ///
    /// # Safety
    /// As for [`Self::record_search`].
    pub unsafe fn begin(&mut self, set: &DescriptorSet) -> Result<Option<(vk::Semaphore, u64)>, VulkanError> {
        // SAFETY: the caller's promises.
        unsafe { self.begin_with(set, None, |_| ()) }
    }

    /// Waits until what was begun is done, where nothing that waits for it could be submitted.
    pub fn settle(&self) {
        if let Some(flow) = &self.flow {
            flow.settle();
        }
    }

    /// The same as [`Self::begin`], with something before all else.
    unsafe fn begin_with(
        &mut self,
        set: &DescriptorSet,
        laps: Option<&Laps>,
        first: impl FnOnce(vk::CommandBuffer),
    ) -> Result<Option<(vk::Semaphore, u64)>, VulkanError> {
        // While it records, what it records is all the rest of self.
        let Some(mut flow) = self.flow.take() else { return Ok(None) };
        let (sizes, length) = (flow::LEVEL + 1, self.common.pyramid);
        let pyramids = Pyramids { buffer: &self.pyramids, levels: &self.levels, length };
        // SAFETY: the caller's promises.
        let found = unsafe {
            flow.begin(&pyramids, |list| {
                first(list);
                self.recorder(list, laps).pyramids(set, sizes);
            })
        };
        self.flow = Some(flow);
        found.map(Some)
    }

    /// Records the search for what moves between the pictures of `set`.
    ///
    /// # Safety
    /// The list is being recorded. What `set` names and self live until it is done, the buffers are as long
    /// as the layout says, and the pictures are written before; nothing else uses self meanwhile.
    pub unsafe fn record_search(&self, list: vk::CommandBuffer, set: &DescriptorSet) {
        // SAFETY: the caller's promises.
        unsafe { self.recorder(list, None).search(set) };
    }

    /// Records the making of the picture at `time`, in 256ths of the way from the first to the second.
    /// Where the scene was cut it is the nearer of the two.
    ///
    /// # Safety
    /// As for [`Self::record_search`], which was recorded before for the same pictures.
    pub unsafe fn record_picture(&self, list: vk::CommandBuffer, set: &DescriptorSet, time: u32) {
        // SAFETY: the caller's promises.
        unsafe { self.recorder(list, None).picture(set, time.min(WHOLE)) };
    }

    const fn recorder<'a>(&'a self, list: vk::CommandBuffer, laps: Option<&'a Laps>) -> Recorder<'a> {
        Recorder { of: self, list, laps }
    }

    /// Makes the picture at `time` and waits for it; the answer is how long the GPU took for the search and
    /// the picture.
    ///
    /// # Errors
    /// The device is lost, or does not answer within a minute.
    ///
    /// # Safety
    /// As for [`Self::record_search`].
    pub unsafe fn run(&mut self, set: &DescriptorSet, time: u32) -> Result<Duration, VulkanError> {
        let timestamps = Timestamps::new(&self.device)?;
        // SAFETY: the caller's promises; the stretch is new.
        unsafe {
            let begun = self.begin_with(set, None, |list| timestamps.begin(list))?;
            Commands::run_once_after(&self.device, begun.as_slice(), |_, list| {
                if begun.is_none() {
                    timestamps.begin(list);
                }
                self.record_search(list, set);
                self.record_picture(list, set, time);
                timestamps.end(list);
            })?;
        }
        Ok(timestamps.read().unwrap_or_default())
    }

    /// The same, and how long the GPU took for each step.
    ///
    /// # Errors
    /// As for [`Self::run`].
    ///
    /// # Safety
    /// As for [`Self::record_search`].
    pub unsafe fn measure(
        &mut self,
        set: &DescriptorSet,
        time: u32,
    ) -> Result<Vec<(String, Duration)>, VulkanError> {
        let laps = Laps::new(&self.device)?;
        // SAFETY: the caller's promises; the laps are new.
        unsafe {
            let begun = self.begin_with(set, Some(&laps), |list| laps.begin(list))?;
            Commands::run_once_after(&self.device, begun.as_slice(), |_, list| {
                if begun.is_none() {
                    laps.begin(list);
                }
                let recorder = self.recorder(list, Some(&laps));
                recorder.search(set);
                recorder.picture(set, time);
            })?;
        }
        Ok(laps.read())
    }
}
