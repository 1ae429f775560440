//! Pictures that are drawn by the CPU and lent in a GPU's memory: what a compositor does, for sources of our own.
//!
//! ```text
//! draw into `Easel::bytes`, plain memory ── `Easel::show`: what changed is copied ──▶ a `Sheet`
//!                                                                                      │ Sheet::buffer
//!                                                         another device imports it ◀──┘
//! ```
//!
//! An [`Easel`] has a device of its own, as another program has. Its sheets are exported as opaque memory, since
//! that is what every driver knows that knows anything of the kind.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use ghoststream_picture::{PixelFormat, Rect, Size};

use crate::DmaBuf;
use crate::vulkan::{
    Buffer, Commands, Device, Exported, ImportError, Instance, Submission, Timeline, Use, VulkanError,
    VulkanLoadError, vk,
};

/// How long a copy may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a pixel.
const PIXEL: usize = 4;

/// Why nothing can be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawingError {
    /// There is no Vulkan.
    #[error(transparent)]
    Load(#[from] VulkanLoadError),
    /// Devices come and go.
    #[error("the GPU that was asked for is not there any more")]
    Gone,
    /// Of a pixel's four bytes the easel knows nothing else.
    #[error("{0:?} has pixels of another length than 4 bytes")]
    Format(PixelFormat),
    /// The driver exports no such pictures.
    #[error(transparent)]
    Export(#[from] ImportError),
    /// The driver failed.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    /// The GPU hangs.
    #[error("the GPU has not copied a picture within {} s", PATIENCE.as_secs())]
    Late,
}

/// A device that draws, and plain memory to draw in.
#[derive(Debug)]
pub struct Easel {
    commands: Commands,
    timeline: Timeline,
    shown: u64,
    staging: Buffer,
    device: Device,
    format: PixelFormat,
    size: Size,
}

/// A picture in the device's memory, which others import.
#[derive(Debug)]
pub struct Sheet {
    picture: Exported,
    buffer: Arc<DmaBuf>,
    /// Whether it was ever drawn, so that there is something to keep.
    drawn: bool,
}

impl Easel {
    /// Opens the GPU with this UUID, to draw pictures of this packed format.
    ///
    /// # Errors
    /// It is not there, or has no memory.
    pub fn open(uuid: [u8; 16], format: PixelFormat, size: Size) -> Result<Self, DrawingError> {
        if format.plane_layout(0, size).0 != size.width as usize * PIXEL {
            return Err(DrawingError::Format(format));
        }
        let all = Instance::open()?.physical()?;
        let device = Device::open(all.iter().find(|it| it.uuid == uuid).ok_or(DrawingError::Gone)?)?;
        // Who draws reads what is there, too: the processor's caches are wanted.
        let staging = Buffer::new(&device, size.area() * PIXEL as u64, Use::Readback)?;
        let (commands, timeline) = (Commands::new(&device)?, Timeline::new(&device)?);
        Ok(Self { commands, timeline, shown: 0, staging, device, format, size })
    }

    /// A further picture, never drawn yet.
    ///
    /// # Errors
    /// The driver exports none, or there is no memory.
    pub fn sheet(&self) -> Result<Sheet, DrawingError> {
        let picture = Exported::new(&self.device, self.format, self.size)?;
        let buffer = Arc::new(picture.describe()?);
        Ok(Sheet { picture, buffer, drawn: false })
    }

    /// The memory to draw in, and the bytes from row to row. It keeps what was drawn.
    pub fn bytes(&mut self) -> (&mut [u8], usize) {
        // SAFETY: the GPU does not use it: `show` has waited.
        (unsafe { self.staging.bytes_mut() }, self.size.width as usize * PIXEL)
    }

    /// Copies these parts of what was drawn to a sheet, and waits until they are there; all of it to one that
    /// was never drawn. Nobody else reads the sheet.
    ///
    /// # Errors
    /// The device is lost, or hangs.
    pub fn show(&mut self, sheet: &mut Sheet, parts: &[Rect]) -> Result<(), DrawingError> {
        let whole = [Rect::of(self.size)];
        let parts = if sheet.drawn { parts } else { &whole };
        let (image, size, kept) = (sheet.picture.raw(), self.size, sheet.drawn);
        let (staging, family) = (self.staging.raw(), self.device.family());
        self.shown += 1;
        // SAFETY: what is named lives until the work is waited for, below; nobody else uses the sheet.
        unsafe {
            self.commands.record(|device, list| {
                take_over(device, list, image, kept.then_some(family));
                for part in parts.iter().map(|it| it.intersection(whole[0])).filter(|it| !it.is_empty()) {
                    let layout = vk::ImageLayout::GENERAL;
                    device.cmd_copy_buffer_to_image(list, staging, image, layout, &[region(part, size)]);
                }
                hand_over(device, list, image, family);
            })?;
            self.commands.submit(Submission { wait: &[], signal: &[(self.timeline.raw(), self.shown)] })?;
        }
        if !self.timeline.wait(self.shown, PATIENCE)? {
            return Err(DrawingError::Late);
        }
        sheet.drawn = true;
        Ok(())
    }
}

impl Drop for Easel {
    fn drop(&mut self) {
        // After a failure the GPU may still be busy.
        self.timeline.settle(self.shown, PATIENCE);
    }
}

impl Sheet {
    /// What others import: always the same for this sheet.
    pub const fn buffer(&self) -> &Arc<DmaBuf> {
        &self.buffer
    }
}

const COPY: (vk::PipelineStageFlags2, vk::AccessFlags2) =
    (vk::PipelineStageFlags2::COPY, vk::AccessFlags2::TRANSFER_WRITE);

/// Makes a sheet ready to be copied into: from whoever else had it where this is the family of our queue.
///
/// # Safety
/// The list is being recorded; the image lives until it is done.
unsafe fn take_over(device: &ash::Device, list: vk::CommandBuffer, image: vk::Image, family: Option<u32>) {
    let (old, from, to) = match family {
        Some(ours) => (vk::ImageLayout::GENERAL, vk::QUEUE_FAMILY_EXTERNAL, ours),
        None => (vk::ImageLayout::UNDEFINED, vk::QUEUE_FAMILY_IGNORED, vk::QUEUE_FAMILY_IGNORED),
    };
    let barrier = barrier_of(image)
        .old_layout(old)
        .src_queue_family_index(from)
        .dst_queue_family_index(to)
        .dst_stage_mask(COPY.0)
        .dst_access_mask(COPY.1);
    let barriers = [barrier];
    // SAFETY: the caller's promises.
    unsafe {
        device.cmd_pipeline_barrier2(list, &vk::DependencyInfo::default().image_memory_barriers(&barriers));
    }
}

/// Gives a sheet to whoever imports it.
///
/// # Safety
/// As for [`take_over`].
unsafe fn hand_over(device: &ash::Device, list: vk::CommandBuffer, image: vk::Image, family: u32) {
    let barrier = barrier_of(image)
        .old_layout(vk::ImageLayout::GENERAL)
        .src_queue_family_index(family)
        .dst_queue_family_index(vk::QUEUE_FAMILY_EXTERNAL)
        .src_stage_mask(COPY.0)
        .src_access_mask(COPY.1);
    let barriers = [barrier];
    // SAFETY: the caller's promises.
    unsafe {
        device.cmd_pipeline_barrier2(list, &vk::DependencyInfo::default().image_memory_barriers(&barriers));
    }
}

fn barrier_of(image: vk::Image) -> vk::ImageMemoryBarrier2<'static> {
    let whole = vk::ImageSubresourceRange::default()
        .aspect_mask(vk::ImageAspectFlags::COLOR)
        .level_count(1)
        .layer_count(1);
    vk::ImageMemoryBarrier2::default()
        .new_layout(vk::ImageLayout::GENERAL)
        .image(image)
        .subresource_range(whole)
}

/// The copy of a part to where it lies in the drawing.
fn region(part: Rect, size: Size) -> vk::BufferImageCopy {
    let layers =
        vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1);
    let first = (u64::from(part.y) * u64::from(size.width) + u64::from(part.x)) * PIXEL as u64;
    vk::BufferImageCopy::default()
        .buffer_offset(first)
        .buffer_row_length(size.width)
        .image_subresource(layers)
        .image_offset(vk::Offset3D { x: part.x as i32, y: part.y as i32, z: 0 })
        .image_extent(vk::Extent3D { width: part.width, height: part.height, depth: 1 })
}
