//! Pictures between two pictures, made by compute shaders.
//!
//! The shaders `interpolate_*.comp` do what the crate `ghoststream-interpolation` does on the CPU and says
//! why; both make the same pictures, to the bit.
//!
//! ```text
//! before, after ─ luma, halve ─ search, level by level ─ layers │ arrive ─ choose ─ make ─ shown
//!                               once for two pictures           │ for each time between
//! ```
#![allow(unsafe_code)]

mod plan;
mod record;

use std::time::Duration;

use ghoststream_picture::{PixelFormat, Size};

use crate::cuda;
use crate::vulkan::{
    Binding, Buffer, Commands, DescriptorSet, Device, Layout, Pipeline, Timestamps, Use, VulkanError, vk,
};
use plan::{Level, Plane, Push};

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
}

/// Makes pictures between pictures of one size and format, on a GPU. All calls come from one thread.
#[derive(Debug)]
pub struct Interpolator {
    device: Device,
    layout: Layout,
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
    /// By the number of the step, see `shaders/search.glsl`.
    search: [Pipeline; 5],
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
            search: [
                shader!("hunt", 0),
                shader!("search", 1),
                shader!("search", 2),
                shader!("hunt", 3),
                shader!("hunt", 4),
            ],
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
        let shaders = Shaders::new(&layout)?;
        Ok(Self { device: device.clone(), layout, shaders, levels, planes, common, pyramids, cells })
    }

    /// Names two pictures, and where the one between goes, for the shaders.
    ///
    /// # Errors
    /// The driver failed.
    pub fn bind(
        &self,
        before: &Buffer,
        after: &Buffer,
        shown: &Buffer,
    ) -> Result<DescriptorSet, VulkanError> {
        let mut set = DescriptorSet::new(&self.layout, 0)?;
        for (binding, buffer) in (0..).zip([before, after, shown, &self.pyramids, &self.cells]) {
            set.set_buffer(binding, buffer);
        }
        Ok(set)
    }

    /// Records the search for what moves between the pictures of `set`.
    ///
    /// # Safety
    /// The list is being recorded. What `set` names and self live until it is done, the buffers are as long
    /// as the layout says, and the pictures are written before; nothing else uses self meanwhile.
    pub unsafe fn record_search(&self, list: vk::CommandBuffer, set: &DescriptorSet) {
        // SAFETY: the caller's promises.
        unsafe { record::search(self, list, set) };
    }

    /// Records the making of the picture at `time`, in 256ths of the way from the first to the second.
    /// Where the scene was cut it is the nearer of the two.
    ///
    /// # Safety
    /// As for [`Self::record_search`], which was recorded before for the same pictures.
    pub unsafe fn record_picture(&self, list: vk::CommandBuffer, set: &DescriptorSet, time: u32) {
        // SAFETY: the caller's promises.
        unsafe { record::picture(self, list, set, time.min(WHOLE)) };
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
            Commands::run_once(&self.device, |_, list| {
                timestamps.begin(list);
                self.record_search(list, set);
                self.record_picture(list, set, time);
                timestamps.end(list);
            })?;
        }
        Ok(timestamps.read().unwrap_or_default())
    }
}
