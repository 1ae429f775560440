//! The engine, set up for one size, with the pictures that it reads and writes.

use ash::{nv, vk};
use ghoststream_picture::Size;

use super::FlowError;
use super::limits::{GRID, LUMA, Limits, VECTORS};
use crate::vulkan::{Commands, Device, Image, VulkanError};

/// Pixels along each side for which there is one vector.
const PIXELS: u32 = 4;

/// How hard it tries. What it misses is found by the steps that follow: more effort takes up to four times as
/// long, and the pictures are no better for it.
const EFFORT: vk::OpticalFlowPerformanceLevelNV = vk::OpticalFlowPerformanceLevelNV::FAST;

/// An optical flow session: finds the motion from its first picture to its second, and back, for each block of
/// four by four pixels. Everything that it needs is made with it. It must not go while the GPU uses it.
pub struct Session {
    device: Device,
    functions: nv::optical_flow::DeviceFn,
    raw: vk::OpticalFlowSessionNV,
    /// The luma of both pictures.
    pictures: [Image; 2],
    /// The vectors of the first picture's blocks, and of the second's.
    vectors: [Image; 2],
}

impl Session {
    /// One for pictures of a size.
    ///
    /// # Errors
    /// There is no engine, it does not take this size, or there is no memory.
    pub fn new(device: &Device, size: Size) -> Result<Self, FlowError> {
        Limits::of(device.physical())?.check(size)?;
        let info = vk::OpticalFlowSessionCreateInfoNV::default()
            .width(size.width)
            .height(size.height)
            .image_format(LUMA)
            .flow_vector_format(VECTORS)
            .output_grid_size(GRID)
            .performance_level(EFFORT)
            .flags(vk::OpticalFlowSessionCreateFlagsNV::BOTH_DIRECTIONS);
        let blocks = Size::new(size.width.div_ceil(PIXELS), size.height.div_ceil(PIXELS));
        let picture = || image(device, LUMA, size, vk::OpticalFlowUsageFlagsNV::INPUT);
        let vectors = || image(device, VECTORS, blocks, vk::OpticalFlowUsageFlagsNV::OUTPUT);
        let functions = device.flow()?.functions().clone();
        let create = functions.create_optical_flow_session_nv;
        let mut this = Self {
            device: device.clone(),
            functions,
            raw: vk::OpticalFlowSessionNV::null(),
            pictures: [picture()?, picture()?],
            vectors: [vectors()?, vectors()?],
        };
        // SAFETY: the device has the extension, and what the structure says is what its limits allow.
        unsafe { create(device.raw().handle(), &info, std::ptr::null(), &mut this.raw) }
            .result()
            .map_err(VulkanError::of("vkCreateOpticalFlowSessionNV"))?;
        device.count();
        this.bind()?;
        // SAFETY: the images are new, and live until the call returns, which waits.
        unsafe { Commands::run_once(device, |_, list| this.prepare(list))? };
        Ok(this)
    }

    /// Says which picture is which, once and for all.
    fn bind(&self) -> Result<(), VulkanError> {
        use vk::OpticalFlowSessionBindingPointNV as Point;
        let bind = self.functions.bind_optical_flow_session_image_nv;
        let places = [
            (Point::INPUT, &self.pictures[0]),
            (Point::REFERENCE, &self.pictures[1]),
            (Point::FLOW_VECTOR, &self.vectors[0]),
            (Point::BACKWARD_FLOW_VECTOR, &self.vectors[1]),
        ];
        for (point, image) in places {
            // SAFETY: session and image are of this device, and go together.
            unsafe {
                bind(self.device.raw().handle(), self.raw, point, image.view(), vk::ImageLayout::GENERAL)
            }
            .result()
            .map_err(VulkanError::of("vkBindOpticalFlowSessionImageNV"))?;
        }
        Ok(())
    }

    /// Puts the images into the layout in which they stay.
    unsafe fn prepare(&self, list: vk::CommandBuffer) {
        let range = vk::ImageSubresourceRange::default()
            .aspect_mask(vk::ImageAspectFlags::COLOR)
            .level_count(1)
            .layer_count(1);
        let barriers = [&self.pictures[0], &self.pictures[1], &self.vectors[0], &self.vectors[1]].map(|it| {
            vk::ImageMemoryBarrier2::default()
                .image(it.raw())
                .new_layout(vk::ImageLayout::GENERAL)
                .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                .dst_stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)
                .dst_access_mask(vk::AccessFlags2::MEMORY_READ | vk::AccessFlags2::MEMORY_WRITE)
                .subresource_range(range)
        });
        let info = vk::DependencyInfo::default().image_memory_barriers(&barriers);
        // SAFETY: the list is being recorded, and nothing uses the images yet.
        unsafe { self.device.raw().cmd_pipeline_barrier2(list, &info) };
    }

    /// Records the copies of both pictures, whose rows have `stride` pixels, from a buffer in which they
    /// begin at `starts`.
    ///
    /// # Safety
    /// The list is being recorded for the queue that computes; the buffer is as long as it has to be, and a
    /// barrier is before and behind.
    pub unsafe fn fill(&self, list: vk::CommandBuffer, from: vk::Buffer, starts: [u64; 2], stride: u32) {
        for (image, start) in self.pictures.iter().zip(starts) {
            let copy = region(image.size()).buffer_offset(start).buffer_row_length(stride);
            // SAFETY: the caller's promises.
            unsafe {
                let layout = vk::ImageLayout::GENERAL;
                self.device.raw().cmd_copy_buffer_to_image(list, from, image.raw(), layout, &[copy]);
            }
        }
    }

    /// Records the search.
    ///
    /// # Safety
    /// The list is being recorded for the engine's queue, and the pictures are there when it is done.
    pub unsafe fn execute(&self, list: vk::CommandBuffer) {
        // Each pair is looked at by itself: what moved before the first picture may have stopped.
        let info = vk::OpticalFlowExecuteInfoNV::default()
            .flags(vk::OpticalFlowExecuteFlagsNV::DISABLE_TEMPORAL_HINTS);
        let execute = self.functions.cmd_optical_flow_execute_nv;
        // SAFETY: the caller's promises; all pictures are bound.
        unsafe { execute(list, self.raw, &info) };
    }

    /// Records the copies of the vectors, those of the first picture's blocks and those of the second's, to where
    /// they begin in a buffer: row by row, x and y of 16 bits each, in 32nds of a pixel.
    ///
    /// # Safety
    /// As for [`Self::fill`], and the engine is done.
    pub unsafe fn read(&self, list: vk::CommandBuffer, into: vk::Buffer, starts: [u64; 2]) {
        for (image, start) in self.vectors.iter().zip(starts) {
            let copy = region(image.size()).buffer_offset(start);
            // SAFETY: the caller's promises.
            unsafe {
                let layout = vk::ImageLayout::GENERAL;
                self.device.raw().cmd_copy_image_to_buffer(list, image.raw(), layout, into, &[copy]);
            }
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("size", &self.pictures[0].size()).finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        let destroy = self.functions.destroy_optical_flow_session_nv;
        // SAFETY: the engine does not use it any more, as the documentation demands; null is allowed. The images follow.
        unsafe { destroy(device.handle(), self.raw, std::ptr::null()) };
    }
}

/// A picture that both queues use, without handing it over: there is one of each, and it is small.
fn image(
    device: &Device,
    format: vk::Format,
    size: Size,
    purpose: vk::OpticalFlowUsageFlagsNV,
) -> Result<Image, VulkanError> {
    // Nothing samples it, but without such a use it could have no view, and the engine takes views.
    let usage =
        vk::ImageUsageFlags::TRANSFER_SRC | vk::ImageUsageFlags::TRANSFER_DST | vk::ImageUsageFlags::SAMPLED;
    let mut purpose = vk::OpticalFlowImageFormatInfoNV::default().usage(purpose);
    let families = [device.family(), device.flow()?.family()];
    let info = vk::ImageCreateInfo::default()
        .image_type(vk::ImageType::TYPE_2D)
        .format(format)
        .extent(vk::Extent3D { width: size.width, height: size.height, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
        .usage(usage)
        .sharing_mode(vk::SharingMode::CONCURRENT)
        .queue_family_indices(&families)
        .push_next(&mut purpose);
    // SAFETY: the format is one that the engine said it knows for this purpose.
    unsafe { Image::of(device, &info) }
}

/// All of an image, its rows one after the other.
fn region(size: Size) -> vk::BufferImageCopy {
    let layers =
        vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1);
    vk::BufferImageCopy::default().image_subresource(layers).image_extent(vk::Extent3D {
        width: size.width,
        height: size.height,
        depth: 1,
    })
}
