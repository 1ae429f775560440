//! Pictures in memory of the CPU, on their way up.

use ghoststream_picture::{PixelFormat, Rect, Size};

use super::{Frame, PassError};
use crate::vulkan::{Buffer, DescriptorSet, Device, Image, Layout, Words, vk, words};

/// Where each rectangle begins in the staging memory: a multiple of every texel's size.
const ALIGNMENT: usize = 16;

/// A rectangle on its way from the staging memory to the image of a plane.
pub(super) type Region = (usize, vk::BufferImageCopy);

/// Images that hold the last frame from memory of the CPU.
#[derive(Debug)]
pub(super) struct Staged {
    format: PixelFormat,
    size: Size,
    planes: Vec<Words>,
    pub(super) images: Vec<Image>,
    pub(super) set: DescriptorSet,
    /// Whether they hold the frame before, so that what changed is enough.
    filled: bool,
    /// Whether anything was ever copied into them.
    pub(super) used: bool,
    /// Bytes that the last frame took.
    copied: u64,
}

impl Staged {
    pub(super) fn new(device: &Device, layout: &Layout, frame: &Frame<'_>) -> Result<Self, PassError> {
        let planes = words(frame.format);
        if planes.is_empty() {
            return Err(PassError::Format(frame.format));
        }
        let mut images = Vec::with_capacity(planes.len());
        for plane in &planes {
            let size = plane.part(Rect::of(frame.size)).size();
            let fits = |(width, height)| size.width <= width && size.height <= height;
            if !device.physical().largest(plane.format).is_some_and(fits) {
                return Err(PassError::Unreadable(frame.format, frame.size));
            }
            images.push(Image::new(device, plane.format, size)?);
        }
        let mut set = DescriptorSet::new(layout, 1)?;
        // A plane that the format lacks is never read, but a binding must name something.
        for (binding, image) in (0..3).zip(images.iter().cycle()) {
            set.set_picture(binding, image.view(), vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL);
        }
        let (format, size) = (frame.format, frame.size);
        Ok(Self { format, size, planes, images, set, filled: false, used: false, copied: 0 })
    }

    pub(super) fn fits(&self, frame: &Frame<'_>) -> bool {
        (self.format, self.size) == (frame.format, frame.size)
    }

    /// Bytes of staging memory that no frame needs more of.
    pub(super) fn length(&self) -> u64 {
        self.room(Rect::of(self.size)) as u64
    }

    /// Bytes that a rectangle takes, over all planes.
    fn room(&self, rect: Rect) -> usize {
        let plane = |it: &Words| it.part(rect).size().area() as usize * it.texel;
        self.planes.iter().map(|it| plane(it).next_multiple_of(ALIGNMENT)).sum()
    }

    /// Copies what changed into the staging memory. `regions` then says what is to be copied from there
    /// into each plane's image.
    ///
    /// # Errors
    /// A plane has fewer bytes than its rows take.
    pub(super) fn fill(
        &mut self,
        staging: &mut Buffer,
        sources: &[(&[u8], usize); 3],
        changed: Option<&[Rect]>,
        regions: &mut Vec<Region>,
    ) -> Result<(), PassError> {
        regions.clear();
        self.check(sources)?;
        let whole = [Rect::of(self.size)];
        let room =
            |rects: &[Rect]| -> usize { rects.iter().map(|it| self.room(it.intersection(whole[0]))).sum() };
        let most = self.length() as usize;
        // Rectangles that overlap may be more than all of it.
        let changed = changed.filter(|it| self.filled && room(it) <= most).unwrap_or(&whole);
        // SAFETY: the slot that the memory is of is free: the GPU does not read it now.
        let bytes = unsafe { staging.bytes_mut() };
        let (mut at, mut copied) = (0, 0);
        for rect in changed.iter().map(|it| it.intersection(whole[0])).filter(|it| !it.is_empty()) {
            for (index, (plane, source)) in self.planes.iter().zip(sources).enumerate() {
                let part = plane.part(rect);
                let length = copy_rows(&mut bytes[at..], *source, part, plane.texel);
                regions.push((index, region(at, part)));
                at += length.next_multiple_of(ALIGNMENT);
                copied += length as u64;
            }
        }
        self.copied = copied;
        Ok(())
    }

    /// Bytes that the last [`fill`](Self::fill) copied.
    pub(super) const fn copied(&self) -> u64 {
        self.copied
    }

    /// The images hold the frame once what was submitted is done.
    pub(super) const fn filled(&mut self) {
        (self.filled, self.used) = (true, true);
    }

    /// A frame has passed by: what changes from it is no longer enough.
    pub(super) const fn missed(&mut self) {
        self.filled = false;
    }

    /// That each plane's rows are all there.
    fn check(&self, sources: &[(&[u8], usize); 3]) -> Result<(), PassError> {
        for (index, (bytes, stride)) in sources.iter().enumerate().take(self.planes.len()) {
            let (row, rows) = self.format.plane_layout(index, self.size);
            let needs = (rows - 1).saturating_mul(*stride).saturating_add(row);
            if *stride < row || bytes.len() < needs {
                return Err(PassError::Short { plane: index, has: bytes.len(), stride: *stride, row, rows });
            }
        }
        Ok(())
    }
}

/// Copies a rectangle of texels, its rows right after each other. Gives back how many bytes it takes.
fn copy_rows(to: &mut [u8], (from, stride): (&[u8], usize), part: Rect, texel: usize) -> usize {
    let (row, left) = (part.width as usize * texel, part.x as usize * texel);
    let length = row * part.height as usize;
    for (out, y) in to[..length].chunks_exact_mut(row).zip(part.y as usize..) {
        out.copy_from_slice(&from[y * stride + left..][..row]);
    }
    length
}

/// The copy of texels that begin at a byte of the staging memory.
pub(super) fn region(at: usize, part: Rect) -> vk::BufferImageCopy {
    let layers =
        vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1);
    vk::BufferImageCopy::default()
        .buffer_offset(at as u64)
        .image_subresource(layers)
        .image_offset(vk::Offset3D { x: part.x as i32, y: part.y as i32, z: 0 })
        .image_extent(vk::Extent3D { width: part.width, height: part.height, depth: 1 })
}
