//! The commands of one picture.

use ash::vk;
use ghoststream_picture::Size;

use super::light::LightWork;
use super::output::Shared;
use super::pointer::PointerImage;
use super::scale::Scalers;
use super::staging::{Region, Staged};
use crate::vulkan::{Imported, Pipeline};

/// What one picture is made of.
pub(super) struct Work<'a> {
    pub(super) step: Step<'a>,
    pub(super) sets: [vk::DescriptorSet; 3],
    pub(super) source: Source<'a>,
    /// From which memory which parts are copied into the staged images.
    pub(super) staging: Option<vk::Buffer>,
    pub(super) regions: &'a [Region],
    /// A pointer that is new: from which memory, and which part of its image.
    pub(super) new_pointer: Option<(vk::Buffer, vk::BufferImageCopy)>,
    /// What a conversion of light needs.
    pub(super) light: LightWork<'a>,
    pub(super) pointer: &'a PointerImage,
    pub(super) size: Size,
    pub(super) output: &'a Shared,
}

/// The shaders that make a picture.
pub(super) enum Step<'a> {
    /// One, where nothing is scaled, and the pixels that a workgroup of it makes, across and down.
    Convert(&'a Pipeline, (u32, u32)),
    /// What was prepared for its geometry, and whether the pointer is over the picture.
    Scale(&'a Scalers, bool),
}

/// Where the source is.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// In images of ours.
    Staged(&'a Staged),
    /// In another program's memory.
    Imported(&'a Imported),
}

/// # Safety
/// The list is being recorded; what `work` names lives until it is done.
pub(super) unsafe fn record(device: &ash::Device, list: vk::CommandBuffer, work: &Work<'_>) {
    // SAFETY: the caller's promises; every image is in the layout that the barriers say.
    unsafe {
        if let Some(timestamps) = &work.output.timestamps {
            timestamps.begin(list);
        }
        match (work.source, work.staging) {
            (Source::Staged(staged), Some(staging)) => copy_up(device, list, staged, staging, work.regions),
            (Source::Staged(_), None) => {}
            (Source::Imported(picture), _) => picture.acquire(list),
        }
        if let Some((staging, region)) = work.new_pointer {
            let image = work.pointer.image.raw();
            to_copy(device, list, image, work.pointer.used);
            let layout = vk::ImageLayout::TRANSFER_DST_OPTIMAL;
            device.cmd_copy_buffer_to_image(list, staging, image, layout, &[region]);
            to_read(device, list, image);
        }
        work.light.before(device, list);
        match work.step {
            Step::Convert(pipeline, pixels) => {
                let across = work.size.width.div_ceil(pixels.0);
                let down = work.size.height.div_ceil(pixels.1);
                dispatch(device, list, pipeline, &work.sets, (across, down));
            }
            Step::Scale(scalers, pointed) => scalers.record(device, list, work.sets, pointed),
        }
        work.light.after(device, list);
        if let Source::Imported(picture) = work.source {
            picture.release(list);
        }
        read_back(device, list, work.output);
        if let Some(timestamps) = &work.output.timestamps {
            timestamps.end(list);
        }
    }
}

/// Copies a picture that was just written to where the CPU reads it, if it does.
///
/// # Safety
/// The list is being recorded; the picture lives until it is done.
pub(super) unsafe fn read_back(device: &ash::Device, list: vk::CommandBuffer, output: &Shared) {
    let Some(readback) = &output.readback else { return };
    let region = vk::BufferCopy::default().size(output.buffer.len());
    // SAFETY: the caller's promises; the buffers are as long as the region.
    unsafe {
        barrier(device, list, WRITTEN, vk::PipelineStageFlags2::COPY, vk::AccessFlags2::TRANSFER_READ);
        device.cmd_copy_buffer(list, output.buffer.raw(), readback.raw(), &[region]);
        to_host(device, list);
    }
}

/// Runs so many workgroups of a shader, across and down.
///
/// # Safety
/// As for [`record`]; the sets are those of the pipeline's layout, from 0 on.
pub(super) unsafe fn dispatch(
    device: &ash::Device,
    list: vk::CommandBuffer,
    pipeline: &Pipeline,
    sets: &[vk::DescriptorSet],
    (across, down): (u32, u32),
) {
    // SAFETY: the caller's promises.
    unsafe {
        device.cmd_bind_pipeline(list, vk::PipelineBindPoint::COMPUTE, pipeline.raw());
        let layout = pipeline.layout().raw();
        device.cmd_bind_descriptor_sets(list, vk::PipelineBindPoint::COMPUTE, layout, 0, sets, &[]);
        device.cmd_dispatch(list, across, down, 1);
    }
}

/// What was copied before can be read by the CPU once the list is done.
///
/// # Safety
/// The list is being recorded.
pub(super) unsafe fn to_host(device: &ash::Device, list: vk::CommandBuffer) {
    let (host, read) = (vk::PipelineStageFlags2::HOST, vk::AccessFlags2::HOST_READ);
    // SAFETY: the caller's promise.
    unsafe { barrier(device, list, COPIED, host, read) };
}

pub(super) type From = (vk::PipelineStageFlags2, vk::AccessFlags2);
pub(super) const WRITTEN: From = (vk::PipelineStageFlags2::COMPUTE_SHADER, vk::AccessFlags2::SHADER_WRITE);
pub(super) const COPIED: From = (vk::PipelineStageFlags2::COPY, vk::AccessFlags2::TRANSFER_WRITE);

/// Copies what changed from staging memory into the images.
///
/// # Safety
/// As for [`record`].
pub(super) unsafe fn copy_up(
    device: &ash::Device,
    list: vk::CommandBuffer,
    staged: &Staged,
    staging: vk::Buffer,
    regions: &[Region],
) {
    for (plane, image) in staged.images.iter().enumerate() {
        let mut regions = regions.iter().filter(|(it, _)| *it == plane).map(|(_, it)| *it).peekable();
        if regions.peek().is_none() {
            continue;
        }
        // SAFETY: the caller's promises.
        unsafe {
            to_copy(device, list, image.raw(), staged.used);
            let layout = vk::ImageLayout::TRANSFER_DST_OPTIMAL;
            for region in regions {
                device.cmd_copy_buffer_to_image(list, staging, image.raw(), layout, &[region]);
            }
            to_read(device, list, image.raw());
        }
    }
}

/// Makes an image ready to be copied into, keeping what is in it or not.
///
/// # Safety
/// The list is being recorded; an image that is kept was made ready to be read before.
pub(super) unsafe fn to_copy(device: &ash::Device, list: vk::CommandBuffer, image: vk::Image, kept: bool) {
    let old = if kept { vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL } else { vk::ImageLayout::UNDEFINED };
    let barrier = vk::ImageMemoryBarrier2::default()
        .src_stage_mask(vk::PipelineStageFlags2::COMPUTE_SHADER)
        .dst_stage_mask(vk::PipelineStageFlags2::COPY)
        .dst_access_mask(vk::AccessFlags2::TRANSFER_WRITE)
        .old_layout(old)
        .new_layout(vk::ImageLayout::TRANSFER_DST_OPTIMAL)
        .image(image)
        .subresource_range(whole());
    // SAFETY: the caller's promises.
    unsafe { image_barrier(device, list, barrier) };
}

/// Makes an image that was copied into ready to be read by shaders.
///
/// # Safety
/// The list is being recorded, [`to_copy`] before in it.
pub(super) unsafe fn to_read(device: &ash::Device, list: vk::CommandBuffer, image: vk::Image) {
    let barrier = vk::ImageMemoryBarrier2::default()
        .src_stage_mask(vk::PipelineStageFlags2::COPY)
        .src_access_mask(vk::AccessFlags2::TRANSFER_WRITE)
        .dst_stage_mask(vk::PipelineStageFlags2::COMPUTE_SHADER)
        .dst_access_mask(vk::AccessFlags2::SHADER_SAMPLED_READ)
        .old_layout(vk::ImageLayout::TRANSFER_DST_OPTIMAL)
        .new_layout(vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL)
        .image(image)
        .subresource_range(whole());
    // SAFETY: the caller's promises.
    unsafe { image_barrier(device, list, barrier) };
}

unsafe fn image_barrier(device: &ash::Device, list: vk::CommandBuffer, barrier: vk::ImageMemoryBarrier2<'_>) {
    let barrier = barrier
        .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
        .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED);
    let barriers = [barrier];
    let info = vk::DependencyInfo::default().image_memory_barriers(&barriers);
    // SAFETY: the caller's promises.
    unsafe { device.cmd_pipeline_barrier2(list, &info) };
}

/// # Safety
/// The list is being recorded.
pub(super) unsafe fn barrier(
    device: &ash::Device,
    list: vk::CommandBuffer,
    from: From,
    stage: vk::PipelineStageFlags2,
    access: vk::AccessFlags2,
) {
    let barriers = [vk::MemoryBarrier2::default()
        .src_stage_mask(from.0)
        .src_access_mask(from.1)
        .dst_stage_mask(stage)
        .dst_access_mask(access)];
    let info = vk::DependencyInfo::default().memory_barriers(&barriers);
    // SAFETY: the caller's promises.
    unsafe { device.cmd_pipeline_barrier2(list, &info) };
}

fn whole() -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange::default()
        .aspect_mask(vk::ImageAspectFlags::COLOR)
        .level_count(1)
        .layer_count(1)
}
