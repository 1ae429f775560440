//! Pictures that two devices of one driver have in common, as opaque descriptors.
//!
//! What DMA-BUFs are between drivers these are within one, and drivers know them that have no DMA-BUFs: NVIDIA's
//! on a machine without `/dev/dri`, and lavapipe before Mesa 24.2. The image is tiled as the driver likes, and
//! both sides have to make it exactly alike (Vulkan 1.3, 12.2.4, "Compatible External Memory Handle Types"):
//! here one function does.

use std::os::fd::AsFd;

use ash::vk;
use ghoststream_picture::{PixelFormat, Size};

use super::external::{Image, Plane, import_memory};
use super::format::{PlaneFormat, plane_formats};
use super::memory::Memory;
use super::{Device, ImportError, VulkanError};
use crate::DmaBuf;

const HANDLE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;

/// A picture of one plane that its device draws, for other devices of the same driver to read.
#[derive(Debug)]
pub struct Exported {
    plane: Plane,
    device: Device,
    format: PixelFormat,
    size: Size,
}

impl Exported {
    /// A picture whose pixels may be anything, in the layout `UNDEFINED`.
    ///
    /// # Errors
    /// The driver exports no such pictures, or there is no memory left.
    pub fn new(device: &Device, format: PixelFormat, size: Size) -> Result<Self, ImportError> {
        let unsupported = || ImportError::Unsupported {
            device: device.physical().name.clone(),
            format,
            size,
            modifier: crate::IMPLICIT,
        };
        let known = known(device, format, size).ok_or_else(unsupported)?;
        let image = create(device, &known, size)?;
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(HANDLE);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(image.raw);
        let info = vk::MemoryAllocateInfo::default().push_next(&mut export).push_next(&mut dedicated);
        let memory = Memory::new(device, image.needs(), &[vk::MemoryPropertyFlags::DEVICE_LOCAL], info)?;
        // SAFETY: the memory was allocated for this image.
        let plane = unsafe { Plane::bound(image, memory, &known, true) }?;
        Ok(Self { plane, device: device.clone(), format, size })
    }

    /// The picture for others: what they import. Its contents are theirs and ours in turns.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn describe(&self) -> Result<DmaBuf, VulkanError> {
        // SAFETY: `new` has allocated it so.
        let fd = unsafe { self.plane.memory().export() }?;
        Ok(DmaBuf::opaque(self.format, self.size, fd, self.device.physical().uuid))
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::Image {
        self.plane.raw()
    }
}

/// Imports what the device with the UUID `of` has exported. `None` where no such picture can be had.
pub(super) fn import(device: &Device, buffer: &DmaBuf, of: [u8; 16]) -> Result<Option<Plane>, ImportError> {
    let physical = device.physical();
    if of != physical.uuid || !physical.abilities.export_memory {
        return Err(ImportError::Foreign { device: physical.name.clone() });
    }
    let ([memory], Some(known)) = (&buffer.planes[..], known(device, buffer.format, buffer.size)) else {
        return Ok(None);
    };
    let image = create(device, &known, buffer.size)?;
    let memory = import_memory(device, image.raw, image.needs(), memory.fd.as_fd(), HANDLE)?;
    // SAFETY: the memory was allocated for an image that was made alike.
    Ok(Some(unsafe { Plane::bound(image, memory, &known, true) }?))
}

/// The image of a format that has one, of a size that the device makes.
fn known(device: &Device, format: PixelFormat, size: Size) -> Option<PlaneFormat> {
    let [plane] = plane_formats(format)?[..] else { return None };
    let (width, height) = device.physical().largest(plane.format)?;
    (!size.is_empty() && size.width <= width && size.height <= height).then_some(plane)
}

/// An image with no memory and no view yet, the same whoever makes it.
fn create(device: &Device, plane: &PlaneFormat, size: Size) -> Result<Image, VulkanError> {
    let formats = [plane.format, plane.words.format];
    let mut formats = vk::ImageFormatListCreateInfo::default().view_formats(&formats);
    let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(HANDLE);
    let info = vk::ImageCreateInfo::default()
        .flags(vk::ImageCreateFlags::MUTABLE_FORMAT)
        .image_type(vk::ImageType::TYPE_2D)
        .format(plane.format)
        .extent(vk::Extent3D { width: size.width, height: size.height, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
        .usage(super::Image::USAGE)
        .push_next(&mut external)
        .push_next(&mut formats);
    // SAFETY: what the structure points to lives during the call; `known` has asked for the format and the size.
    unsafe { Image::create(device, &info) }
}
