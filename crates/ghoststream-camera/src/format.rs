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

/// In what memory those who look get their pictures. PipeWire has the first one choose it with the format, and gives the
/// next ones the same, whether they offered to take it or not: for programs that take no DMA-BUFs, while another one has
/// them, there has to be another camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Memory {
    /// In memory that both sides map.
    Shared,
    /// In linear DMA-BUFs, which a GPU imports.
    DmaBuf,
}

/// A plane of a picture in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) offset: usize,
    pub(crate) stride: usize,
}

/// How a picture lies in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Its planes, one after the other; none of what is compressed.
    pub(crate) planes: [Option<Plane>; 3],
    /// Bytes of all; of a JPEG, more than one ever takes that is worth being called compressed.
    pub(crate) bytes: usize,
}

impl Layout {
    /// Bytes from one row of the first plane to the next; none where the picture is compressed.
    pub(crate) fn stride(&self) -> usize {
        self.planes[0].map_or(0, |plane| plane.stride)
    }

    /// The planes with the bytes of each.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (Plane, usize)> {
        let planes: Vec<Plane> = self.planes.into_iter().flatten().collect();
        let ends: Vec<usize> = planes.iter().skip(1).map(|it| it.offset).chain([self.bytes]).collect();
        planes.into_iter().zip(ends).map(|(plane, end)| (plane, end - plane.offset))
    }
}

/// What GPUs want the rows of a linear picture to begin at multiples of: AMD's the most.
const GPU_PITCH: usize = 256;

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
    pub(crate) const fn packed(self) -> Option<usize> {
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

    /// Bytes from one row of the first plane to the next in shared memory: rows begin at multiples of four bytes, as
    /// programs take for granted that are not told otherwise. None where the picture is compressed.
    pub(crate) const fn stride(self, size: Size) -> usize {
        self.aligned(size, 4)
    }

    /// Bytes of a picture in shared memory.
    pub(crate) fn bytes(self, size: Size) -> usize {
        self.layout(size, Memory::Shared).bytes
    }

    const fn aligned(self, size: Size, pitch: usize) -> usize {
        match (self, self.packed()) {
            (Self::Mjpeg, _) => 0,
            (_, Some(bytes)) => (size.width as usize * bytes).next_multiple_of(pitch),
            (_, None) => (size.width as usize).next_multiple_of(pitch),
        }
    }

    /// How a picture of even sides lies in a buffer.
    pub(crate) fn layout(self, size: Size, memory: Memory) -> Layout {
        let pitch = match (memory, self) {
            (Memory::Shared, _) => 4,
            // The rows of chroma, half as long, are to be aligned as well.
            (Memory::DmaBuf, Self::I420) => 2 * GPU_PITCH,
            (Memory::DmaBuf, _) => GPU_PITCH,
        };
        let (stride, rows) = (self.aligned(size, pitch), size.height as usize);
        let luma = stride * rows;
        let plane = |offset, stride| Some(Plane { offset, stride });
        let first = plane(0, stride);
        let (planes, bytes) = match self {
            Self::Nv12 => ([first, plane(luma, stride), None], luma * 3 / 2),
            Self::I420 => {
                let half = stride / 2;
                ([first, plane(luma, half), plane(luma + half * rows / 2, half)], luma * 3 / 2)
            }
            Self::Mjpeg => {
                let bytes = (size.width as usize * rows * 3 / 2).next_multiple_of(4096) + 64 * 1024;
                ([None; 3], bytes)
            }
            _ => ([first, None, None], luma),
        };
        Layout { planes, bytes }
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
        for (width, memory) in (2..140).step_by(2).flat_map(|it| [(it, Memory::Shared), (it, Memory::DmaBuf)])
        {
            let size = Size::new(width, 6);
            for format in Format::ALL.into_iter().filter(|it| *it != Format::Mjpeg) {
                let layout = format.layout(size, memory);
                let mut end = 0;
                for (plane, bytes) in layout.spans() {
                    assert_eq!((plane.offset, bytes % plane.stride), (end, 0), "{format} {width}");
                    end += bytes;
                    let aligned = memory == Memory::Shared || plane.stride % 256 == 0;
                    assert!(aligned && plane.offset % plane.stride == 0, "{format} {width}: {layout:?}");
                }
                assert_eq!(end, layout.bytes);
                assert!(layout.stride() >= width as usize * format.packed().unwrap_or(1));
            }
            let i420: Vec<_> = Format::I420.layout(size, memory).spans().collect();
            let nv12: Vec<_> = Format::Nv12.layout(size, memory).spans().collect();
            let (luma, chroma) = (i420[0].0.stride, i420[1].0.stride);
            assert_eq!((i420.len(), i420[2].0.stride, luma), (3, chroma, chroma * 2));
            assert_eq!((nv12.len(), nv12[1].0.stride, nv12[1].1), (2, nv12[0].0.stride, nv12[0].1 / 2));
        }
        assert_eq!(Format::Rgb.stride(Size::new(6, 2)), 20);
        assert_eq!(Format::Yuy2.bytes(Size::new(6, 2)), 24);
        assert_eq!(Format::Mjpeg.layout(Size::new(6, 2), Memory::Shared).spans().count(), 0);
    }

    #[test]
    fn rows_that_are_placed_in_two_ways_are_not_offered() {
        for (width, fits) in [(640, true), (426, false), (1366, true), (854, true), (850, false)] {
            assert_eq!(Format::I420.fits(Size::new(width, 480)), fits, "{width}");
            assert!(Format::Nv12.fits(Size::new(width, 480)));
        }
    }
}
