//! Images in memory that others have, too: another program's DMA-BUF, or what another device of the same driver shares.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd};

use ash::vk;
use ghoststream_picture::Size;

use super::format::PlaneFormat;
use super::image::view;
use super::memory::Memory;
use super::{Device, ImportError, VulkanError};
use crate::{DmaBufPlane, PlaneLayout};

const HANDLE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;

/// An image in another program's memory. The image goes before its memory.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) image: Image,
    memory: Memory,
    /// Whether who else has it is of our driver, too.
    pub(super) same_driver: bool,
}

#[derive(Debug)]
pub(super) struct Image {
    pub(super) device: Device,
    pub(super) raw: vk::Image,
    pub(super) view: vk::ImageView,
    pub(super) words: vk::ImageView,
}

impl Plane {
    /// The image of a plane of a picture in a DMA-BUF, whose parts lie there so. `import` has looked whether that is
    /// what its memory is, and whether the driver knows such images.
    pub(super) fn new(
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
        // SAFETY: what the structure points to lives during the call; `import` was told by the driver
        // that it knows the format, the modifier and the size.
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
    // SAFETY: the descriptor is open, and of a DMA-BUF: `import` has looked.
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
