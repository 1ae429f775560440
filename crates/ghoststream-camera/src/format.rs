//! The formats that a camera offers, and how a picture of each lies in a buffer.

use ffmpeg_next::ffi::AVPixelFormat;
use ghoststream_picture::Size;

/// What those who look at a camera can get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Format {
    Nv12,
    I420,
    Yuy2,
    Bgrx,
    Rgbx,
    Bgra,
    Rgba,
    Rgb,
    Bgr,
    /// Motion JPEG: a JPEG image for each picture.
    Mjpeg,
}

/// A plane of a picture in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) offset: usize,
    pub(crate) stride: usize,
}

impl Format {
    /// All, in the order in which they are offered. What costs least comes first, but for what USB cameras send: some
    /// programs take whatever is first, and OBS 32 crashes of NV12 whose planes share a buffer.
    pub const ALL: [Self; 10] = [
        Self::Yuy2,
        Self::Nv12,
        Self::I420,
        Self::Bgrx,
        Self::Rgbx,
        Self::Bgra,
        Self::Rgba,
        Self::Rgb,
        Self::Bgr,
        Self::Mjpeg,
    ];

    /// `SPA_VIDEO_FORMAT_*`; `None` for what is not raw.
    pub(crate) const fn spa(self) -> Option<u32> {
        Some(match self {
            Self::I420 => 2,
            Self::Yuy2 => 4,
            Self::Rgbx => 7,
            Self::Bgrx => 8,
            Self::Rgba => 11,
            Self::Bgra => 12,
            Self::Rgb => 15,
            Self::Bgr => 16,
            Self::Nv12 => 23,
            Self::Mjpeg => return None,
        })
    }

    /// The raw format of a `SPA_VIDEO_FORMAT_*`.
    pub(crate) fn from_spa(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.spa() == Some(number))
    }

    /// What libswscale writes. Unused bytes become opaque alpha, so that they never hold what was in the memory.
    pub(crate) const fn av(self) -> AVPixelFormat {
        match self {
            Self::Nv12 => AVPixelFormat::AV_PIX_FMT_NV12,
            // What JPEGs are made of.
            Self::I420 | Self::Mjpeg => AVPixelFormat::AV_PIX_FMT_YUV420P,
            Self::Yuy2 => AVPixelFormat::AV_PIX_FMT_YUYV422,
            Self::Bgrx | Self::Bgra => AVPixelFormat::AV_PIX_FMT_BGRA,
            Self::Rgbx | Self::Rgba => AVPixelFormat::AV_PIX_FMT_RGBA,
            Self::Rgb => AVPixelFormat::AV_PIX_FMT_RGB24,
            Self::Bgr => AVPixelFormat::AV_PIX_FMT_BGR24,
        }
    }

    /// Bytes of a pixel in one plane; `None` where there are several planes.
    const fn packed(self) -> Option<usize> {
        match self {
            Self::Nv12 | Self::I420 | Self::Mjpeg => None,
            Self::Yuy2 => Some(2),
            Self::Bgrx | Self::Rgbx | Self::Bgra | Self::Rgba => Some(4),
            Self::Rgb | Self::Bgr => Some(3),
        }
    }

    /// Whether pixels are of luma and chroma.
    pub(crate) const fn is_yuv(self) -> bool {
        matches!(self, Self::Nv12 | Self::I420 | Self::Yuy2 | Self::Mjpeg)
    }

    /// Bytes from one row of the first plane to the next: rows begin at multiples of four bytes, as programs take
    /// for granted that are not told otherwise. None where the picture is compressed.
    pub(crate) const fn stride(self, size: Size) -> usize {
        match (self, self.packed()) {
            (Self::Mjpeg, _) => 0,
            (_, Some(bytes)) => (size.width as usize * bytes).next_multiple_of(4),
            (_, None) => (size.width as usize).next_multiple_of(4),
        }
    }

    /// Where the planes of a raw picture of even sides begin in a buffer, one after the other.
    pub(crate) fn planes(self, size: Size) -> [Option<Plane>; 3] {
        let (stride, rows) = (self.stride(size), size.height as usize);
        let luma = stride * rows;
        let first = Some(Plane { offset: 0, stride });
        match self {
            Self::Nv12 => [first, Some(Plane { offset: luma, stride }), None],
            Self::I420 => {
                let plane = |offset| Some(Plane { offset, stride: stride / 2 });
                [first, plane(luma), plane(luma + stride / 2 * rows / 2)]
            }
            Self::Mjpeg => [None; 3],
            _ => [first, None, None],
        }
    }

    /// Bytes of a picture; of a JPEG, more than one ever takes that is worth being called compressed.
    pub(crate) const fn bytes(self, size: Size) -> usize {
        let rows = size.height as usize;
        match self {
            Self::Nv12 | Self::I420 => self.stride(size) * rows * 3 / 2,
            Self::Mjpeg => (size.width as usize * rows * 3 / 2).next_multiple_of(4096) + 64 * 1024,
            _ => self.stride(size) * rows,
        }
    }

    /// Whether all programs place the rows of such a picture alike. Those of a third plane are half as long as those of
    /// the first to some, and of their own multiple of four to others.
    pub(crate) const fn fits(self, size: Size) -> bool {
        let half = (size.width as usize / 2).next_multiple_of(4);
        !matches!(self, Self::I420) || half * 2 == self.stride(size)
    }
}

impl std::fmt::Display for Format {
    /// As PipeWire and GStreamer call it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nv12 => "NV12",
            Self::I420 => "I420",
            Self::Yuy2 => "YUY2",
            Self::Bgrx => "BGRx",
            Self::Rgbx => "RGBx",
            Self::Bgra => "BGRA",
            Self::Rgba => "RGBA",
            Self::Rgb => "RGB",
            Self::Bgr => "BGR",
            Self::Mjpeg => "MJPEG",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_lie_one_after_the_other_and_fill_the_buffer() {
        for width in (2..140).step_by(2) {
            let size = Size::new(width, 6);
            let [first, second, third] = Format::I420.planes(size).map(Option::unwrap);
            assert_eq!(first, Plane { offset: 0, stride: Format::I420.stride(size) });
            assert_eq!(second.offset, first.stride * 6);
            assert_eq!(third.offset - second.offset, second.stride * 3);
            assert_eq!(third.offset + third.stride * 3, Format::I420.bytes(size));
            assert!(second.stride >= width as usize / 2);
            let [_, chroma, none] = Format::Nv12.planes(size);
            assert_eq!((chroma.unwrap().offset, none), (first.stride * 6, None));
        }
        assert_eq!(Format::Rgb.stride(Size::new(6, 2)), 20);
        assert_eq!(Format::Yuy2.bytes(Size::new(6, 2)), 24);
    }

    #[test]
    fn rows_that_are_placed_in_two_ways_are_not_offered() {
        for (width, fits) in [(640, true), (426, false), (1366, true), (854, true), (850, false)] {
            assert_eq!(Format::I420.fits(Size::new(width, 480)), fits, "{width}");
            assert!(Format::Nv12.fits(Size::new(width, 480)));
        }
    }
}
