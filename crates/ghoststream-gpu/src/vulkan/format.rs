//! Pictures' formats, in Vulkan's words.

use ash::vk;
use ghoststream_picture::{PixelFormat, Size};

/// How a shader sees a plane of a picture: an image of its own, whatever the picture's format is.
#[derive(Clone, Copy, Debug)]
pub struct PlaneFormat {
    /// The format of the image.
    pub format: vk::Format,
    /// One whole pixel of it as a number, or as two: shaders gather four of these at a time.
    pub words: vk::Format,
    /// Which of the image's components are red, green, blue and alpha.
    pub components: vk::ComponentMapping,
    /// Pixels of the picture for one of the image's, across and down.
    pub subsampling: u32,
}

/// Each plane of a format; `None` where Vulkan has no image like it.
pub fn plane_formats(format: PixelFormat) -> Option<&'static [PlaneFormat]> {
    use vk::ComponentSwizzle as From;
    const fn plane(format: vk::Format, subsampling: u32) -> PlaneFormat {
        let own = From::IDENTITY;
        let components = vk::ComponentMapping { r: own, g: own, b: own, a: own };
        PlaneFormat { format, words: words(format), components, subsampling }
    }
    /// Four bytes, of which the first is not used.
    const fn padded(r: From, g: From, b: From) -> PlaneFormat {
        let components = vk::ComponentMapping { r, g, b, a: From::ONE };
        PlaneFormat { components, ..plane(vk::Format::R8G8B8A8_UNORM, 1) }
    }
    const BGRX: &[PlaneFormat] = &[plane(vk::Format::B8G8R8A8_UNORM, 1)];
    const RGBX: &[PlaneFormat] = &[plane(vk::Format::R8G8B8A8_UNORM, 1)];
    const XRGB: &[PlaneFormat] = &[padded(From::G, From::B, From::A)];
    const XBGR: &[PlaneFormat] = &[padded(From::A, From::B, From::G)];
    const XRGB_10: &[PlaneFormat] = &[plane(vk::Format::A2R10G10B10_UNORM_PACK32, 1)];
    const XBGR_10: &[PlaneFormat] = &[plane(vk::Format::A2B10G10R10_UNORM_PACK32, 1)];
    const RGBA_F16: &[PlaneFormat] = &[plane(vk::Format::R16G16B16A16_SFLOAT, 1)];
    const NV12: &[PlaneFormat] = &[plane(vk::Format::R8_UNORM, 1), plane(vk::Format::R8G8_UNORM, 2)];
    const P010: &[PlaneFormat] = &[plane(vk::Format::R16_UNORM, 1), plane(vk::Format::R16G16_UNORM, 2)];
    const I420: &[PlaneFormat] =
        &[plane(vk::Format::R8_UNORM, 1), plane(vk::Format::R8_UNORM, 2), plane(vk::Format::R8_UNORM, 2)];
    match format {
        PixelFormat::Bgrx => Some(BGRX),
        PixelFormat::Rgbx => Some(RGBX),
        PixelFormat::Xrgb => Some(XRGB),
        PixelFormat::Xbgr => Some(XBGR),
        PixelFormat::Xrgb2101010 => Some(XRGB_10),
        PixelFormat::Xbgr2101010 => Some(XBGR_10),
        PixelFormat::Rgba16f => Some(RGBA_F16),
        PixelFormat::Nv12 => Some(NV12),
        PixelFormat::P010 => Some(P010),
        PixelFormat::I420 => Some(I420),
        _ => None,
    }
}

const fn words(format: vk::Format) -> vk::Format {
    match format {
        vk::Format::R8_UNORM => vk::Format::R8_UINT,
        vk::Format::R8G8_UNORM | vk::Format::R16_UNORM => vk::Format::R16_UINT,
        vk::Format::R16G16B16A16_SFLOAT => vk::Format::R32G32_UINT,
        _ => vk::Format::R32_UINT,
    }
}

impl PlaneFormat {
    /// Pixels of the image, of a picture of this size.
    pub const fn size(&self, picture: Size) -> Size {
        Size::new(picture.width.div_ceil(self.subsampling), picture.height.div_ceil(self.subsampling))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of one pixel of an image.
    fn bytes(format: vk::Format) -> usize {
        match format {
            vk::Format::R8_UNORM => 1,
            vk::Format::R8G8_UNORM | vk::Format::R16_UNORM => 2,
            vk::Format::R16G16B16A16_SFLOAT => 8,
            _ => 4,
        }
    }

    #[test]
    fn images_have_the_rows_of_the_planes() {
        use PixelFormat::*;
        for format in [Bgrx, Rgbx, Xrgb, Xbgr, Xrgb2101010, Xbgr2101010, Rgba16f, Nv12, P010, I420] {
            let planes = plane_formats(format).unwrap();
            assert_eq!(planes.len(), format.planes(), "{format:?}");
            for (index, plane) in planes.iter().enumerate() {
                let picture = Size::new(101, 57);
                let image = plane.size(picture);
                let row = image.width as usize * bytes(plane.format);
                assert_eq!((row, image.height as usize), format.plane_layout(index, picture), "{format:?}");
            }
        }
    }
}
