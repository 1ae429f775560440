//! Pictures of other programs, imported.
//!
//! Each plane of a picture becomes an image of its own with the picture's modifier: that is how shaders
//! read them, it needs no driver that knows multi-planar formats, and planes may lie in one buffer or in
//! several. The planes that a modifier adds to a packed format (compression data) belong to its one image.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd};

use ash::vk;
use ghoststream_picture::{PixelFormat, Rect, Size};
use rustix::fs::fstat;

use super::format::{PlaneFormat, plane_formats};
use super::image::view;
use super::importable::{importable, modifiers};
use super::memory::Memory;
use super::{Device, VulkanError, opaque};
use crate::{DmaBuf, DmaBufError, DmaBufPlane, MemoryKind, PlaneLayout, check_layout, memory_length};

const HANDLE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;

/// Why a picture cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum ImportError {
    /// Nobody offered this to its producer.
    #[error("{device} does not import {size} {format:?} pictures with modifier {modifier:#x}")]
    Unsupported { device: String, format: PixelFormat, size: Size, modifier: u64 },
    /// Its description cannot be true.
    #[error(transparent)]
    Description(#[from] DmaBufError),
    /// An image is in one buffer.
    #[error("plane {plane} of a {format:?} picture lies in another buffer than the planes it belongs to")]
    Apart { plane: usize, format: PixelFormat },
    /// The driver lays it out otherwise than its producer.
    #[error("plane {plane}: the driver needs {needed} bytes, its memory has {length}")]
    TooShort { plane: usize, needed: u64, length: u64 },
    /// There are no descriptors left, say.
    #[error("its memory cannot be taken: {0}")]
    Descriptor(#[from] io::Error),
    /// Opaque memory is of use on its own device alone.
    #[error("{device} cannot read memory that was exported as opaque by another device")]
    Foreign { device: String },
    /// The driver cannot take over what is a DMA-BUF and large enough.
    #[error("{device} cannot reach its memory ({error}): most likely another GPU draws it")]
    Elsewhere { device: String, error: VulkanError },
    /// The driver refused.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
}

impl ImportError {
    /// Of memory that was asked for or taken over for a device of this name.
    fn of_memory(self, device: &str) -> Self {
        use vk::Result;
        match self {
            Self::Vulkan(error) => match error.result {
                Result::ERROR_INVALID_EXTERNAL_HANDLE | Result::ERROR_FEATURE_NOT_PRESENT => {
                    Self::Elsewhere { device: device.to_owned(), error }
                }
                _ => Self::Vulkan(error),
            },
            other => other,
        }
    }
}

/// A picture of another program, as shaders read it: an image for each plane of its format. It must not go
/// while the GPU uses it.
#[derive(Debug)]
pub struct Imported {
    planes: Vec<Plane>,
}

impl Imported {
    /// Imports a picture. Its descriptors are not needed after.
    ///
    /// # Errors
    /// Its description does not fit its memory, or the driver cannot read it.
    pub fn new(device: &Device, buffer: &DmaBuf) -> Result<Self, ImportError> {
        let DmaBuf { format, size, modifier, ref planes, .. } = *buffer;
        let unsupported =
            || ImportError::Unsupported { device: device.physical().name.clone(), format, size, modifier };
        if let MemoryKind::Opaque(of) = buffer.kind {
            return Ok(Self { planes: vec![opaque::import(device, buffer, of)?.ok_or_else(unsupported)?] });
        }
        let formats = plane_formats(format).ok_or_else(unsupported)?;
        let known = modifiers(device.physical(), format);
        let wanted = known.iter().find(|it| it.modifier == modifier).ok_or_else(unsupported)?.planes;
        let layouts = planes.iter().map(layout).collect::<Result<Vec<_>, _>>()?;
        check_layout(format, size, modifier, wanted, &layouts)?;
        // Of a packed format all of the memory's planes are its one image's, of others each has an image.
        let each = planes.len() / formats.len();
        let parts = planes.chunks(each).zip(layouts.chunks(each)).enumerate();
        let mut images = Vec::with_capacity(formats.len());
        for ((index, (memory, layouts)), plane) in parts.zip(&formats) {
            if let Some(other) = apart(memory)? {
                return Err(ImportError::Apart { plane: index * each + other, format });
            }
            let extent = importable(device.physical(), plane, modifier).ok_or_else(unsupported)?;
            let part = plane.words.part(Rect::of(size)).size();
            if part.width > extent.width || part.height > extent.height {
                return Err(unsupported());
            }
            images.push(Plane::new(device, *plane, part, modifier, index, &memory[0], layouts)?);
        }
        Ok(Self { planes: images })
    }

    /// What shaders read, plane by plane, in the layout `GENERAL`.
    pub fn views(&self) -> impl Iterator<Item = vk::ImageView> {
        self.planes.iter().map(|it| it.image.view)
    }

    /// The same as words: numbers, as they lie in memory.
    pub fn words(&self) -> impl Iterator<Item = vk::ImageView> {
        self.planes.iter().map(|it| it.image.words)
    }

    /// Takes the picture over from whoever drew it, before shaders read it.
    ///
    /// # Safety
    /// The list is being recorded; self lives until it is done. The picture may be read when it begins.
    pub unsafe fn acquire(&self, list: vk::CommandBuffer) {
        let shaders = (vk::PipelineStageFlags2::COMPUTE_SHADER, vk::AccessFlags2::SHADER_SAMPLED_READ);
        // SAFETY: the caller's promises.
        unsafe { self.hand_over(list, true, Default::default(), shaders) };
    }

    /// Gives it back, after shaders have read it.
    ///
    /// # Safety
    /// As for [`Self::acquire`], which stands before it in the list.
    pub unsafe fn release(&self, list: vk::CommandBuffer) {
        let shaders = (vk::PipelineStageFlags2::COMPUTE_SHADER, vk::AccessFlags2::empty());
        // SAFETY: the caller's promises.
        unsafe { self.hand_over(list, false, shaders, Default::default()) };
    }

    /// # Safety
    /// As for [`Self::acquire`].
    unsafe fn hand_over(&self, list: vk::CommandBuffer, to_us: bool, from: Access, to: Access) {
        let range = vk::ImageSubresourceRange::default()
            .aspect_mask(vk::ImageAspectFlags::COLOR)
            .level_count(1)
            .layer_count(1);
        let mut barriers = [vk::ImageMemoryBarrier2::default(); 4];
        for (barrier, plane) in barriers.iter_mut().zip(&self.planes) {
            let device = &plane.image.device;
            let theirs = match plane.same_driver || !device.physical().abilities.foreign_queue {
                true => vk::QUEUE_FAMILY_EXTERNAL,
                false => vk::QUEUE_FAMILY_FOREIGN_EXT,
            };
            let (source, destination) =
                if to_us { (theirs, device.family()) } else { (device.family(), theirs) };
            // Pictures with a modifier are handed over in this layout, which keeps their contents.
            *barrier = vk::ImageMemoryBarrier2::default()
                .old_layout(vk::ImageLayout::GENERAL)
                .new_layout(vk::ImageLayout::GENERAL)
                .src_stage_mask(from.0)
                .src_access_mask(from.1)
                .dst_stage_mask(to.0)
                .dst_access_mask(to.1)
                .src_queue_family_index(source)
                .dst_queue_family_index(destination)
                .image(plane.image.raw)
                .subresource_range(range);
        }
        let info = vk::DependencyInfo::default().image_memory_barriers(&barriers[..self.planes.len()]);
        if let Some(plane) = self.planes.first() {
            // SAFETY: the caller's promises; the images are of the device.
            unsafe { plane.image.device.raw().cmd_pipeline_barrier2(list, &info) };
        }
    }
}

type Access = (vk::PipelineStageFlags2, vk::AccessFlags2);

fn layout(plane: &DmaBufPlane) -> Result<PlaneLayout, DmaBufError> {
    let length = memory_length(plane.fd.as_fd(), true)?;
    Ok(PlaneLayout { offset: plane.offset, stride: plane.stride, length })
}

/// The first plane that is not in the memory of the one before it.
fn apart(planes: &[DmaBufPlane]) -> io::Result<Option<usize>> {
    let file = |plane: &DmaBufPlane| fstat(&plane.fd).map(|it| (it.st_dev, it.st_ino));
    for (index, pair) in planes.windows(2).enumerate() {
        if file(&pair[0])? != file(&pair[1])? {
            return Ok(Some(index + 1));
        }
    }
    Ok(None)
}

/// An image in another program's memory. The image goes before its memory.
#[derive(Debug)]
pub(super) struct Plane {
    image: Image,
    memory: Memory,
    /// Whether who else has it is of our driver, too.
    same_driver: bool,
}

#[derive(Debug)]
pub(super) struct Image {
    device: Device,
    pub(super) raw: vk::Image,
    view: vk::ImageView,
    words: vk::ImageView,
}

impl Plane {
    fn new(
        device: &Device,
        format: PlaneFormat,
        size: Size,
        modifier: u64,
        index: usize,
        memory: &DmaBufPlane,
        layouts: &[PlaneLayout],
    ) -> Result<Self, ImportError> {
        let image = Image::new(device, format, size, modifier, layouts)?;
        let mut needs = image.needs();
        let length = layouts[0].length;
        if needs.size > length {
            return Err(ImportError::TooShort { plane: index, needed: needs.size, length });
        }
        let fd = memory.fd.as_fd();
        let memory = memory_types(device, fd).map_err(ImportError::from).and_then(|types| {
            needs.memory_type_bits &= types;
            import_memory(device, image.raw, needs, fd, HANDLE)
        });
        let memory = memory.map_err(|error| error.of_memory(&device.physical().name))?;
        // SAFETY: the memory is large enough for the image, and of a type that both allow.
        unsafe { Self::bound(image, memory, &format, false) }.map_err(ImportError::from)
    }

    /// An image in its memory, with its views.
    ///
    /// # Safety
    /// The memory is large enough for the image, of a type that it allows, and belongs to it alone.
    pub(super) unsafe fn bound(
        mut image: Image,
        memory: Memory,
        format: &PlaneFormat,
        same_driver: bool,
    ) -> Result<Self, VulkanError> {
        let device = &image.device;
        // SAFETY: the caller's promises.
        unsafe { device.raw().bind_image_memory(image.raw, memory.raw, 0) }
            .map_err(VulkanError::of("vkBindImageMemory"))?;
        let color = vk::ImageAspectFlags::COLOR;
        image.view = view(device, image.raw, format.format, color, format.components)?;
        image.words = view(device, image.raw, format.words.format, color, vk::ComponentMapping::default())?;
        Ok(Self { image, memory, same_driver })
    }

    /// The image, valid as long as self lives.
    pub(super) const fn raw(&self) -> vk::Image {
        self.image.raw
    }

    /// Its memory.
    pub(super) const fn memory(&self) -> &Memory {
        &self.memory
    }
}

impl Image {
    /// An image with no memory and no view yet.
    fn new(
        device: &Device,
        format: PlaneFormat,
        size: Size,
        modifier: u64,
        layouts: &[PlaneLayout],
    ) -> Result<Self, VulkanError> {
        let mut planes = [vk::SubresourceLayout::default(); crate::MOST_PLANES];
        for (plane, layout) in planes.iter_mut().zip(layouts) {
            // The other members must be 0 here.
            (plane.offset, plane.row_pitch) = (layout.offset, layout.stride);
        }
        let mut modifier = vk::ImageDrmFormatModifierExplicitCreateInfoEXT::default()
            .drm_format_modifier(modifier)
            .plane_layouts(&planes[..layouts.len()]);
        let formats = [format.format, format.words.format];
        let mut formats = vk::ImageFormatListCreateInfo::default().view_formats(&formats);
        let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(HANDLE);
        let info = vk::ImageCreateInfo::default()
            .flags(vk::ImageCreateFlags::MUTABLE_FORMAT)
            .image_type(vk::ImageType::TYPE_2D)
            .format(format.format)
            .extent(vk::Extent3D { width: size.width, height: size.height, depth: 1 })
            .mip_levels(1)
            .array_layers(1)
            .samples(vk::SampleCountFlags::TYPE_1)
            .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
            .usage(vk::ImageUsageFlags::SAMPLED)
            .push_next(&mut modifier)
            .push_next(&mut external)
            .push_next(&mut formats);
        // SAFETY: what the structure points to lives during the call; `importable` said that the driver
        // knows the format, the modifier and the size.
        unsafe { Self::create(device, &info) }
    }

    /// # Safety
    /// The driver knows images like this.
    pub(super) unsafe fn create(
        device: &Device,
        info: &vk::ImageCreateInfo<'_>,
    ) -> Result<Self, VulkanError> {
        // SAFETY: the caller's promise.
        let raw =
            unsafe { device.raw().create_image(info, None) }.map_err(VulkanError::of("vkCreateImage"))?;
        device.count();
        let none = vk::ImageView::null();
        Ok(Self { device: device.clone(), raw, view: none, words: none })
    }

    /// The memory that it needs.
    pub(super) fn needs(&self) -> vk::MemoryRequirements {
        // SAFETY: the image is of this device.
        unsafe { self.device.raw().get_image_memory_requirements(self.raw) }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: the GPU does not use it any more: see the module's documentation. Null is allowed.
        unsafe {
            device.destroy_image_view(self.words, None);
            device.destroy_image_view(self.view, None);
            device.destroy_image(self.raw, None);
        }
    }
}

/// The types that the memory behind a DMA-BUF has.
fn memory_types(device: &Device, fd: BorrowedFd<'_>) -> Result<u32, VulkanError> {
    let mut properties = vk::MemoryFdPropertiesKHR::default();
    // SAFETY: the descriptor is open, and of a DMA-BUF: `layout` has looked.
    unsafe { device.memory_fd()?.get_memory_fd_properties(HANDLE, fd.as_raw_fd(), &mut properties) }
        .map_err(VulkanError::of("vkGetMemoryFdPropertiesKHR"))?;
    Ok(properties.memory_type_bits)
}

/// The memory behind a descriptor, for this image alone.
pub(super) fn import_memory(
    device: &Device,
    image: vk::Image,
    needs: vk::MemoryRequirements,
    fd: BorrowedFd<'_>,
    handle: vk::ExternalMemoryHandleTypeFlags,
) -> Result<Memory, ImportError> {
    let own = fd.try_clone_to_owned()?;
    let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(handle).fd(own.as_raw_fd());
    let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image);
    let info = vk::MemoryAllocateInfo::default().push_next(&mut import).push_next(&mut dedicated);
    let wanted = [vk::MemoryPropertyFlags::DEVICE_LOCAL, vk::MemoryPropertyFlags::empty()];
    let memory = Memory::new(device, needs, &wanted, info)?;
    // The driver has taken it, and closes it.
    let _ = own.into_raw_fd();
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    #[test]
    fn memory_that_a_driver_does_not_know_is_another_gpus() {
        let told = |result| {
            let error = VulkanError { call: "vkAllocateMemory", result };
            ImportError::Vulkan(error).of_memory("Radeon").to_string()
        };
        let elsewhere = told(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
        assert!(
            elsewhere.starts_with("Radeon cannot reach") && elsewhere.contains("another GPU"),
            "{elsewhere}"
        );
        assert!(!told(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY).contains("another GPU"));
    }

    #[test]
    fn planes_of_one_image_lie_in_one_buffer() {
        let file = || memfd_create("plane", MemfdFlags::CLOEXEC).expect("a file");
        let plane = |fd| DmaBufPlane { fd, offset: 0, stride: 64 };
        let first = file();
        let again = || first.try_clone().expect("a descriptor");
        assert_eq!(apart(&[plane(again())]).expect("it can be asked"), None);
        assert_eq!(apart(&[plane(again()), plane(again())]).expect("it can be asked"), None);
        let planes = [plane(again()), plane(again()), plane(file())];
        assert_eq!(apart(&planes).expect("it can be asked"), Some(2));
    }
}
