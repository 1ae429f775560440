//! Pictures' formats, in Vulkan's words.

use ash::vk;
use ghoststream_picture::{PixelFormat, Rect};

/// The image of one plane of a picture as shaders gather it: numbers, as they lie in memory, four at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// Vulkan demands of every device that it reads images of these formats.
    pub(crate) format: vk::Format,
    /// Bytes of one of its texels.
    pub(crate) texel: usize,
    /// Texels to a pixel: three where each is one of its bytes.
    across: u32,
    /// Pixels to a texel, across and down.
    shared: (u32, u32),
}

impl Words {
    const BYTE: Self = Self::of(vk::Format::R8_UINT, 1);
    const HALF: Self = Self::of(vk::Format::R16_UINT, 2);
    const WORD: Self = Self::of(vk::Format::R32_UINT, 4);
    const TWO: Self = Self::of(vk::Format::R32G32_UINT, 8);

    const fn of(format: vk::Format, texel: usize) -> Self {
        Self { format, texel, across: 1, shared: (1, 1) }
    }

    const fn shared(self, across: u32, down: u32) -> Self {
        Self { shared: (across, down), ..self }
    }

    /// The texels that pixels of a rectangle are in.
    pub(crate) const fn part(&self, rect: Rect) -> Rect {
        let (across, down) = self.shared;
        let (x, y) = (rect.x / across, rect.y / down);
        let (right, bottom) = (rect.right().div_ceil(across), rect.bottom().div_ceil(down));
        Rect::new(x * self.across, y, (right - x) * self.across, bottom - y)
    }
}

/// Each plane of a format; none where no shader reads it.
pub(crate) fn words(format: PixelFormat) -> Vec<Words> {
    let (byte, half, word) = (Words::BYTE, Words::HALF, Words::WORD);
    match format {
        PixelFormat::Bgrx
        | PixelFormat::Rgbx
        | PixelFormat::Xrgb
        | PixelFormat::Xbgr
        | PixelFormat::Xrgb2101010
        | PixelFormat::Xbgr2101010
        | PixelFormat::Rgbx1010102
        | PixelFormat::Bgrx1010102 => vec![word],
        PixelFormat::Rgb24 | PixelFormat::Bgr24 => vec![Words { across: 3, ..byte }],
        PixelFormat::Rgba16f => vec![Words::TWO],
        PixelFormat::Nv12 => vec![byte, half.shared(2, 2)],
        PixelFormat::P010 => vec![half, word.shared(2, 2)],
        PixelFormat::I420 => vec![byte, byte.shared(2, 2), byte.shared(2, 2)],
        PixelFormat::I010 => vec![half, half.shared(2, 2), half.shared(2, 2)],
        PixelFormat::Yuy2 => vec![word.shared(2, 1)],
        PixelFormat::I444 | PixelFormat::I444P10 | PixelFormat::I444P16 => Vec::new(),
    }
}

/// The image of one plane of a picture that another program drew: what its components are, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlaneFormat {
    /// The format of the image.
    pub(super) format: vk::Format,
    /// Which of the image's components are red, green, blue and alpha.
    pub(super) components: vk::ComponentMapping,
    /// The same texels as numbers.
    pub(super) words: Words,
}

/// Each plane of a format; `None` where Vulkan has no image whose components are like its.
pub(super) fn plane_formats(format: PixelFormat) -> Option<Vec<PlaneFormat>> {
    use vk::ComponentSwizzle as From;
    const OWN: [From; 4] = [From::IDENTITY; 4];
    // The first of these formats' four bytes is not used.
    const AFTER_X: [From; 4] = [From::G, From::B, From::A, From::ONE];
    const AFTER_X_REVERSED: [From; 4] = [From::A, From::B, From::G, From::ONE];
    let (components, formats): (_, &[vk::Format]) = match format {
        PixelFormat::Bgrx => (OWN, &[vk::Format::B8G8R8A8_UNORM]),
        PixelFormat::Rgbx => (OWN, &[vk::Format::R8G8B8A8_UNORM]),
        PixelFormat::Xrgb => (AFTER_X, &[vk::Format::R8G8B8A8_UNORM]),
        PixelFormat::Xbgr => (AFTER_X_REVERSED, &[vk::Format::R8G8B8A8_UNORM]),
        PixelFormat::Xrgb2101010 => (OWN, &[vk::Format::A2R10G10B10_UNORM_PACK32]),
        PixelFormat::Xbgr2101010 => (OWN, &[vk::Format::A2B10G10R10_UNORM_PACK32]),
        PixelFormat::Rgba16f => (OWN, &[vk::Format::R16G16B16A16_SFLOAT]),
        PixelFormat::Nv12 => (OWN, &[vk::Format::R8_UNORM, vk::Format::R8G8_UNORM]),
        PixelFormat::P010 => (OWN, &[vk::Format::R16_UNORM, vk::Format::R16G16_UNORM]),
        PixelFormat::I420 => (OWN, &[vk::Format::R8_UNORM; 3]),
        _ => return None,
    };
    let [r, g, b, a] = components;
    let components = vk::ComponentMapping { r, g, b, a };
    let plane = |(&format, words)| PlaneFormat { format, components, words };
    Some(formats.iter().zip(words(format)).map(plane).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghoststream_picture::Size;

    const PICTURE: Size = Size::new(101, 57);

    #[test]
    fn words_have_the_rows_of_the_planes() {
        use PixelFormat::*;
        let packed = [Bgrx, Rgbx, Xrgb, Xbgr, Rgb24, Bgr24, Rgba16f, Yuy2];
        let tens = [Xrgb2101010, Xbgr2101010, Rgbx1010102, Bgrx1010102];
        for format in packed.into_iter().chain(tens).chain([Nv12, P010, I420, I010]) {
            let planes = words(format);
            assert_eq!(planes.len(), format.planes(), "{format:?}");
            for (index, plane) in planes.iter().enumerate() {
                let texels = plane.part(Rect::of(PICTURE));
                let row = texels.width as usize * plane.texel;
                assert_eq!((row, texels.height as usize), format.plane_layout(index, PICTURE), "{format:?}");
            }
        }
    }

    #[test]
    fn texels_have_the_size_of_their_words() {
        use PixelFormat::*;
        let bytes = |format| match format {
            vk::Format::R8_UNORM => 1,
            vk::Format::R8G8_UNORM | vk::Format::R16_UNORM => 2,
            vk::Format::R16G16B16A16_SFLOAT => 8,
            _ => 4,
        };
        for format in [Bgrx, Rgbx, Xrgb, Xbgr, Xrgb2101010, Xbgr2101010, Rgba16f, Nv12, P010, I420] {
            let planes = plane_formats(format).unwrap();
            assert_eq!(planes.len(), format.planes(), "{format:?}");
            planes.iter().for_each(|it| assert_eq!(bytes(it.format), it.words.texel, "{format:?}"));
        }
    }

    #[test]
    fn a_part_is_every_texel_that_any_of_its_pixels_is_in() {
        let chroma = words(PixelFormat::Nv12)[1];
        assert_eq!(chroma.part(Rect::new(3, 1, 2, 2)), Rect::new(1, 0, 2, 2));
        assert_eq!(words(PixelFormat::Rgb24)[0].part(Rect::new(3, 1, 2, 2)), Rect::new(9, 1, 6, 2));
        assert_eq!(words(PixelFormat::Yuy2)[0].part(Rect::new(3, 1, 2, 2)), Rect::new(1, 1, 2, 2));
    }
}
