//! Pictures of other programs, imported.
//!
//! Each plane of a picture becomes an image of its own with the picture's modifier: that is how shaders
//! read them, it needs no driver that knows multi-planar formats, and planes may lie in one buffer or in
//! several. The planes that a modifier adds to a packed format (compression data) belong to its one image.

use std::io;
use std::os::fd::AsFd;

use ash::vk;
use ghoststream_picture::Rect;
use rustix::fs::fstat;

use super::external::Plane;
use super::format::plane_formats;
use super::importable::{importable, modifiers};
use super::{Device, ImportError, opaque};
use crate::{DmaBuf, DmaBufError, DmaBufPlane, MemoryKind, PlaneLayout, check_layout, memory_length};

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

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

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
