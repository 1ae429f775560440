//! The pointer, as the shaders read it.

use ghoststream_picture::{Conversion, Rect, Size};

use super::staging::region;
use super::{PassError, Pointer};
use crate::vulkan::{Buffer, DescriptorSet, Device, Image, Layout, VulkanError, vk};

/// Pixels across and down that an image has room for at least: more than desktops' pointers have.
const ROOM: u32 = 256;

/// The pointer's picture. It may be larger than the pointer, which lies in its upper left corner.
#[derive(Debug)]
pub(super) struct PointerImage {
    pub(super) image: Image,
    pub(super) set: DescriptorSet,
    /// The bitmap that is in it; `None` where there is none.
    id: Option<u64>,
    /// Whether anything was ever copied into it.
    pub(super) used: bool,
}

impl PointerImage {
    pub(super) fn new(device: &Device, layout: &Layout, size: Size) -> Result<Self, VulkanError> {
        let room = |side: u32| side.max(ROOM).next_power_of_two();
        let size = Size::new(room(size.width), room(size.height));
        let image = Image::new(device, vk::Format::R8G8B8A8_UNORM, size)?;
        let mut set = DescriptorSet::new(layout, 2)?;
        set.set_picture(0, image.view(), vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL);
        Ok(Self { image, set, id: None, used: false })
    }

    /// Whether a pointer of this size fits.
    pub(super) const fn holds(&self, size: Size) -> bool {
        let room = self.image.size();
        size.width <= room.width && size.height <= room.height
    }

    /// Bytes that its bitmap takes on its way up, and those of a new slot.
    pub(super) fn length(pointer: Option<&Pointer<'_>>) -> u64 {
        pointer.map_or(0, |it| it.size.area() * 4).max(u64::from(ROOM * ROOM * 4))
    }

    /// Puts a bitmap that is not in the image yet into staging memory, and says what is to be copied
    /// from there. An image that was never used becomes readable by a copy, too.
    ///
    /// # Errors
    /// The bitmap has too few bytes.
    pub(super) fn fill(
        &mut self,
        staging: &mut Buffer,
        pointer: Option<&Pointer<'_>>,
        conversion: impl FnOnce() -> Option<Conversion>,
    ) -> Result<Option<vk::BufferImageCopy>, PassError> {
        // SAFETY: the slot that the memory is of is free: the GPU does not read it now.
        let bytes = unsafe { staging.bytes_mut() };
        match pointer {
            Some(pointer) if self.id != Some(pointer.id) => {
                let length = pointer.size.area() as usize * 4;
                let has = pointer.rgba.len();
                let rgba = pointer.rgba.get(..length).ok_or(PassError::ShortPointer(pointer.size, has))?;
                bytes[..length].copy_from_slice(rgba);
                if let Some(conversion) = conversion() {
                    bytes[..length].as_chunks_mut().0.iter_mut().for_each(|it| convert(&conversion, it));
                }
                self.id = Some(pointer.id);
                Ok(Some(region(0, Rect::of(pointer.size))))
            }
            None if !self.used => {
                bytes[..4].fill(0);
                Ok(Some(region(0, Rect::new(0, 0, 1, 1))))
            }
            _ => Ok(None),
        }
    }

    /// Forgets what is in it: the copy was never made.
    pub(super) const fn forget(&mut self) {
        self.id = None;
    }
}

/// Gives a premultiplied pixel the output's colours.
fn convert(conversion: &Conversion, pixel: &mut [u8; 4]) {
    let [.., alpha] = *pixel;
    if alpha > 0 {
        let share = f64::from(alpha) / 255.0;
        let [r, g, b, _] = pixel.map(|it| f64::from(it) / 255.0 / share);
        let [r, g, b] = conversion.apply([r, g, b]).map(|it| (it * share * 255.0).round() as u8);
        *pixel = [r, g, b, alpha];
    }
}
