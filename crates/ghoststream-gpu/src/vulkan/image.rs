//! Pictures as shaders read them.

use ash::vk;
use ghoststream_picture::Size;

use super::memory::Memory;
use super::{Device, VulkanError};

/// A picture of one plane in the device's memory, tiled as the driver likes. It must not go while the
/// GPU uses it.
#[derive(Debug)]
pub struct Image {
    device: Device,
    raw: vk::Image,
    view: vk::ImageView,
    _memory: Memory,
    size: Size,
}

impl Image {
    /// What is done with it.
    pub(super) const USAGE: vk::ImageUsageFlags = vk::ImageUsageFlags::from_raw(
        vk::ImageUsageFlags::SAMPLED.as_raw() | vk::ImageUsageFlags::TRANSFER_DST.as_raw(),
    );

    /// A picture to be copied into and read, whose pixels may be anything.
    ///
    /// # Errors
    /// There is no memory left, or the device does not know the format.
    pub fn new(device: &Device, format: vk::Format, size: Size) -> Result<Self, VulkanError> {
        let info = vk::ImageCreateInfo::default()
            .image_type(vk::ImageType::TYPE_2D)
            .format(format)
            .extent(vk::Extent3D { width: size.width, height: size.height, depth: 1 })
            .mip_levels(1)
            .array_layers(1)
            .samples(vk::SampleCountFlags::TYPE_1)
            .usage(Self::USAGE);
        // SAFETY: the structure is whole.
        unsafe { Self::of(device, &info) }
    }

    /// An image of one plane, with memory of its own and a view of all of it.
    ///
    /// # Errors
    /// There is no memory left, or the device cannot.
    ///
    /// # Safety
    /// What the structure says is what Vulkan's specification demands, and what it points to lives during
    /// the call.
    pub(crate) unsafe fn of(device: &Device, info: &vk::ImageCreateInfo<'_>) -> Result<Self, VulkanError> {
        let (format, size) = (info.format, Size::new(info.extent.width, info.extent.height));
        // SAFETY: the caller's promises.
        let raw =
            unsafe { device.raw().create_image(info, None) }.map_err(VulkanError::of("vkCreateImage"))?;
        device.count();
        // SAFETY: the image was just made.
        let needs = unsafe { device.raw().get_image_memory_requirements(raw) };
        let local = [vk::MemoryPropertyFlags::DEVICE_LOCAL];
        let memory = Memory::new(device, needs, &local, vk::MemoryAllocateInfo::default());
        let destroy = || {
            // SAFETY: nothing uses it.
            unsafe { device.raw().destroy_image(raw, None) };
        };
        let memory = memory.inspect_err(|_| destroy())?;
        // SAFETY: the memory is large enough for the image, of an allowed type, and belongs to it alone.
        unsafe { device.raw().bind_image_memory(raw, memory.raw, 0) }
            .map_err(VulkanError::of("vkBindImageMemory"))
            .inspect_err(|_| destroy())?;
        let view = view(device, raw, format, vk::ImageAspectFlags::COLOR, <_>::default())
            .inspect_err(|_| destroy())?;
        Ok(Self { device: device.clone(), raw, view, _memory: memory, size })
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::Image {
        self.raw
    }

    /// All of it, as shaders see it.
    pub const fn view(&self) -> vk::ImageView {
        self.view
    }

    /// Pixels across and down.
    pub const fn size(&self) -> Size {
        self.size
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: the GPU does not use it any more: see the module's documentation. The memory follows.
        unsafe {
            device.destroy_image_view(self.view, None);
            device.destroy_image(self.raw, None);
        }
    }
}

/// A view of one aspect of an image.
pub(super) fn view(
    device: &Device,
    image: vk::Image,
    format: vk::Format,
    aspect: vk::ImageAspectFlags,
    components: vk::ComponentMapping,
) -> Result<vk::ImageView, VulkanError> {
    let range = vk::ImageSubresourceRange::default().aspect_mask(aspect).level_count(1).layer_count(1);
    let info = vk::ImageViewCreateInfo::default()
        .image(image)
        .view_type(vk::ImageViewType::TYPE_2D)
        .format(format)
        .components(components)
        .subresource_range(range);
    // SAFETY: the image is of this device and bound to its memory.
    let view = unsafe { device.raw().create_image_view(&info, None) }
        .map_err(VulkanError::of("vkCreateImageView"))?;
    device.count();
    Ok(view)
}
