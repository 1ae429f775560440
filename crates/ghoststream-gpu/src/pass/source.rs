//! Where pictures come from.

use std::sync::Arc;

use ghoststream_picture::{Color, HdrMetadata, PixelFormat, Rect, Size, View};

use super::PassError;
use crate::vulkan::{Buffer, Commands, DescriptorSet, Device, Image, Layout, Use, VulkanError, vk};
use crate::{Acquire, DmaBuf};

/// A captured picture.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The whole buffer, in pixels.
    pub size: Size,
    /// How the pixels lie.
    pub format: PixelFormat,
    /// What the code values mean.
    pub color: Color,
    /// What its maker says of an HDR picture.
    pub hdr: Option<HdrMetadata>,
    /// Which part of it is shown, and how it is turned.
    pub view: View,
    /// The pointer, where it is to be drawn.
    pub pointer: Option<Pointer<'a>>,
    /// The pixels.
    pub pixels: Pixels<'a>,
}

/// Where the pixels are.
#[derive(Debug)]
pub enum Pixels<'a> {
    /// In memory that the CPU reads.
    Memory {
        /// The bytes of each plane from its first row on, and its stride. Each holds all of its rows.
        planes: [(&'a [u8], usize); 3],
        /// What changed since the frame before, in pixels of the buffer; `None` is everything.
        changed: Option<&'a [Rect]>,
    },
    /// In the device's own memory: [`super::Pass::keep`].
    Resident(&'a Resident),
    /// In memory of a GPU.
    DmaBuf {
        /// What it is; found again by its id.
        buffer: &'a Arc<DmaBuf>,
        /// When it may be read.
        acquire: Acquire,
    },
}

/// The pointer.
#[derive(Clone, Copy, Debug)]
pub struct Pointer<'a> {
    /// Where its first pixel is in the buffer; may lie outside.
    pub place: (i32, i32),
    /// Pixels across and down.
    pub size: Size,
    /// Premultiplied RGBA, 8 bits each, rows without padding.
    pub rgba: &'a [u8],
    /// Tells one bitmap from another: the same as before, and nothing is copied.
    pub id: u64,
}

/// The format of each plane's image, and its size.
pub(super) fn images(format: PixelFormat, size: Size) -> Option<Vec<(vk::Format, Size)>> {
    match format {
        PixelFormat::Bgrx => Some(vec![(vk::Format::B8G8R8A8_UNORM, size)]),
        PixelFormat::Rgbx => Some(vec![(vk::Format::R8G8B8A8_UNORM, size)]),
        _ => None,
    }
}

/// Bytes that a frame takes on its way up.
pub(super) fn staging_length(format: PixelFormat, size: Size) -> u64 {
    let plane = |index| {
        let (row, rows) = format.plane_layout(index, size);
        (row * rows).next_multiple_of(16) as u64
    };
    (0..format.planes()).map(plane).sum()
}

/// Images that hold the last frame from memory of the CPU.
#[derive(Debug)]
pub(super) struct Staged {
    format: PixelFormat,
    size: Size,
    pub(super) images: Vec<Image>,
    pub(super) set: DescriptorSet,
    /// Whether a frame was ever copied into them.
    pub(super) filled: bool,
    /// Bytes that the last frame took.
    copied: u64,
}

impl Staged {
    pub(super) fn new(device: &Device, layout: &Layout, frame: &Frame<'_>) -> Result<Self, PassError> {
        let planes = images(frame.format, frame.size).ok_or(PassError::Format(frame.format))?;
        let images: Vec<Image> = planes
            .iter()
            .map(|(format, size)| Image::new(device, *format, *size))
            .collect::<Result<_, _>>()?;
        let mut set = DescriptorSet::new(layout, 1)?;
        // A plane that the format lacks is never read, but a binding must name something.
        for (binding, image) in (0..3).zip(images.iter().cycle()) {
            set.set_picture(binding, image.view(), vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL);
        }
        Ok(Self { format: frame.format, size: frame.size, images, set, filled: false, copied: 0 })
    }

    pub(super) fn fits(&self, frame: &Frame<'_>) -> bool {
        (self.format, self.size) == (frame.format, frame.size)
    }

    /// Copies what changed into the staging memory. What is given back is to be copied from there into
    /// each plane's image.
    pub(super) fn fill(
        &mut self,
        staging: &mut Buffer,
        planes: &[(&[u8], usize); 3],
        changed: Option<&[Rect]>,
    ) -> Vec<(usize, vk::BufferImageCopy)> {
        let whole = [Rect::of(self.size)];
        let changed = changed.filter(|_| self.filled).unwrap_or(&whole);
        // SAFETY: the slot that the memory is of is free: the GPU does not read it now.
        let bytes = unsafe { staging.bytes_mut() };
        let (source, stride) = planes[0];
        let mut at = 0;
        let mut regions = Vec::with_capacity(changed.len());
        for rect in changed.iter().map(|it| it.intersection(whole[0])).filter(|it| !it.is_empty()) {
            let row = rect.width as usize * 4;
            for y in rect.y..rect.bottom() {
                let from = y as usize * stride + rect.x as usize * 4;
                bytes[at..at + row].copy_from_slice(&source[from..from + row]);
                at += row;
            }
            let region = vk::BufferImageCopy::default()
                .buffer_offset((at - row * rect.height as usize) as u64)
                .image_subresource(
                    vk::ImageSubresourceLayers::default()
                        .aspect_mask(vk::ImageAspectFlags::COLOR)
                        .layer_count(1),
                )
                .image_offset(vk::Offset3D { x: rect.x as i32, y: rect.y as i32, z: 0 })
                .image_extent(vk::Extent3D { width: rect.width, height: rect.height, depth: 1 });
            regions.push((0, region));
        }
        self.copied = at as u64;
        regions
    }

    /// Bytes that the last [`fill`](Self::fill) copied.
    pub(super) const fn copied(&self) -> u64 {
        self.copied
    }

    /// The images hold the frame once what was submitted is done.
    pub(super) const fn filled(&mut self) {
        self.filled = true;
    }
}

/// A picture in the device's memory. It must not go before what was made of it is there.
#[derive(Debug)]
pub struct Resident(pub(super) Staged);

impl Resident {
    /// Copies a picture from memory of the CPU, and waits until it is there.
    pub(super) fn new(device: &Device, layout: &Layout, frame: &Frame<'_>) -> Result<Self, PassError> {
        let Pixels::Memory { planes, .. } = &frame.pixels else {
            return Err(PassError::Import("only memory of the CPU is copied up".into()));
        };
        let mut staged = Staged::new(device, layout, frame)?;
        let mut staging = Buffer::new(device, staging_length(frame.format, frame.size), Use::Upload)?;
        let regions = staged.fill(&mut staging, planes, None);
        // SAFETY: run_once waits, so that the staging memory outlives it.
        unsafe {
            Commands::run_once(device, |device, list| {
                super::record::copy_up(device, list, &staged, staging.raw(), &regions);
            })?;
        }
        staged.filled();
        Ok(Self(staged))
    }
}

/// The pointer's picture, as the shader reads it.
#[derive(Debug)]
pub(super) struct PointerImage {
    image: Image,
    pub(super) set: DescriptorSet,
    id: Option<u64>,
}

impl PointerImage {
    pub(super) fn new(device: &Device, layout: &Layout) -> Result<Self, VulkanError> {
        let image = Image::new(device, vk::Format::R8G8B8A8_UNORM, Size::new(1, 1))?;
        let mut set = DescriptorSet::new(layout, 2)?;
        set.set_picture(0, image.view(), vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL);
        let this = Self { image, set, id: None };
        this.upload(device, &[0; 4])?;
        Ok(this)
    }

    /// Makes it the pointer that is given. Its place in the buffer and its size; no size where there is
    /// none.
    pub(super) fn update(
        &mut self,
        device: &Device,
        pointer: Option<&Pointer<'_>>,
    ) -> Result<[i32; 4], VulkanError> {
        let Some(pointer) = pointer.filter(|it| !it.size.is_empty()) else { return Ok([0; 4]) };
        if self.id != Some(pointer.id) {
            // A pointer changes rarely, and the GPU may still read the old one.
            device.wait_idle()?;
            if self.image.size() != pointer.size {
                self.image = Image::new(device, vk::Format::R8G8B8A8_UNORM, pointer.size)?;
                let layout = vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL;
                self.set.set_picture(0, self.image.view(), layout);
            }
            self.upload(device, pointer.rgba)?;
            self.id = Some(pointer.id);
        }
        let ((x, y), size) = (pointer.place, pointer.size);
        Ok([x, y, size.width as i32, size.height as i32])
    }

    fn upload(&self, device: &Device, rgba: &[u8]) -> Result<(), VulkanError> {
        let size = self.image.size();
        let mut staging = Buffer::new(device, size.area() * 4, Use::Upload)?;
        // SAFETY: the buffer is new.
        unsafe { staging.bytes_mut() }.copy_from_slice(&rgba[..size.area() as usize * 4]);
        let region = vk::BufferImageCopy::default()
            .image_subresource(
                vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1),
            )
            .image_extent(vk::Extent3D { width: size.width, height: size.height, depth: 1 });
        // SAFETY: run_once waits, so that the staging memory outlives it.
        unsafe {
            Commands::run_once(device, |device, list| {
                super::record::to_copy(device, list, self.image.raw(), false);
                let layout = vk::ImageLayout::TRANSFER_DST_OPTIMAL;
                device.cmd_copy_buffer_to_image(list, staging.raw(), self.image.raw(), layout, &[region]);
                super::record::to_read(device, list, self.image.raw());
            })
        }
    }
}
