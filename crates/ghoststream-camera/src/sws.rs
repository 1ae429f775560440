//! libswscale: one conversion between two formats and sizes.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr::NonNull;

use ffmpeg_next::ffi;
use ffmpeg_next::ffi::AVPixelFormat;
use ffmpeg_next::software::scaling::Flags;
use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size};

use crate::Pixels;
use crate::format::Plane;

/// What is said of a picture whose planes are not as large as its size has them.
pub(crate) const TOO_SMALL: &str = "the picture is smaller than it says";

/// A picture on one side of the conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) format: AVPixelFormat,
    pub(crate) size: Size,
    pub(crate) color: Color,
}

/// Owns libswscale's context.
#[derive(Debug)]
pub(crate) struct Sws {
    context: NonNull<ffi::SwsContext>,
    from: Side,
    /// Rows of each plane of what is read.
    rows: [usize; 3],
}

// SAFETY: a context has no thread affinity, and `&mut self` keeps calls apart.
unsafe impl Send for Sws {}

impl Sws {
    /// From pictures of [`Pixels`] to a picture in a buffer.
    pub(crate) fn new(from: Side, to: Side) -> Result<Self, String> {
        // SAFETY: returns a fresh context that we own, or null.
        let context = NonNull::new(unsafe { ffi::sws_alloc_context() }).ok_or("no memory for libswscale")?;
        let this = Self { context, from, rows: rows(from) };
        // The range is an option, since it decides which of its ways libswscale takes.
        for (name, value) in [
            (c"srcw", i64::from(from.size.width)),
            (c"srch", i64::from(from.size.height)),
            (c"src_format", from.format as i64),
            (c"src_range", range(from.color.range).into()),
            (c"dstw", i64::from(to.size.width)),
            (c"dsth", i64::from(to.size.height)),
            (c"dst_format", to.format as i64),
            (c"dst_range", range(to.color.range).into()),
            (c"sws_flags", Flags::BILINEAR.bits().into()),
        ] {
            // SAFETY: the context begins with its class; the name is a string.
            let set = unsafe { ffi::av_opt_set_int(context.as_ptr().cast(), name.as_ptr(), value, 0) };
            if set < 0 {
                return Err(format!("libswscale takes no {name:?} of {value}"));
            }
        }
        // SAFETY: the context is ours; filters are optional.
        let opened =
            unsafe { ffi::sws_init_context(context.as_ptr(), std::ptr::null_mut(), std::ptr::null_mut()) };
        if opened < 0 {
            return Err(format!("libswscale has no way from {:?} to {:?}", from.format, to.format));
        }
        // SAFETY: the context is ours; the tables are static ones of libswscale's, which it copies. It refuses where
        // neither side has colour to convert, which is fine.
        unsafe {
            ffi::sws_setColorspaceDetails(
                context.as_ptr(),
                ffi::sws_getCoefficients(matrix(from.color.space)),
                range(from.color.range),
                ffi::sws_getCoefficients(matrix(to.color.space)),
                range(to.color.range),
                0,
                1 << 16,
                1 << 16,
            );
        }
        Ok(this)
    }

    /// Converts into the part `at` of the picture whose planes lie in `to`.
    ///
    /// # Errors
    /// In words: the picture is smaller than it says, or libswscale refuses.
    pub(crate) fn run(&mut self, from: &dyn Pixels, to: [Option<(*mut u8, c_int)>; 3]) -> Result<(), String> {
        let mut sources = [std::ptr::null::<u8>(); 4];
        let mut strides = [0 as c_int; 4];
        for (index, rows) in self.rows.into_iter().enumerate().filter(|(_, rows)| *rows > 0) {
            let (bytes, stride) = from.plane(index);
            if bytes.len() < stride * (rows - 1) + row_bytes(self.from, index) {
                return Err(TOO_SMALL.into());
            }
            sources[index] = bytes.as_ptr();
            strides[index] = c_int::try_from(stride).map_err(|_| "its rows are too long".to_owned())?;
        }
        let targets = [0, 1, 2].map(|index| to[index].map_or(std::ptr::null_mut(), |(start, _)| start));
        let to_strides = [0, 1, 2].map(|index| to[index].map_or(0, |(_, stride)| stride));
        let targets = [targets[0], targets[1], targets[2], std::ptr::null_mut()];
        let to_strides = [to_strides[0], to_strides[1], to_strides[2], 0];
        // SAFETY: the source's planes were just measured and are borrowed; the caller of `run` gives planes that
        // hold the size and format that the context writes.
        let written = unsafe {
            ffi::sws_scale(
                self.context.as_ptr(),
                sources.as_ptr(),
                strides.as_ptr(),
                0,
                self.from.size.height as c_int,
                targets.as_ptr(),
                to_strides.as_ptr(),
            )
        };
        if written <= 0 { Err(format!("libswscale refused ({written})")) } else { Ok(()) }
    }
}

impl Drop for Sws {
    fn drop(&mut self) {
        // SAFETY: the context is ours, and nothing uses it any more.
        unsafe { ffi::sws_freeContext(self.context.as_ptr()) };
    }
}

/// Where the part `at` of a picture begins in its planes. Its sides are even.
pub(crate) fn part(planes: [Option<Plane>; 3], bytes_across: usize, at: Rect) -> [Option<Plane>; 3] {
    let several = planes[1].is_some();
    let three = planes[2].is_some();
    std::array::from_fn(|index| {
        let plane = planes[index]?;
        let (x, y) = (at.x as usize, at.y as usize);
        let (across, down) = match (several, index) {
            (false, _) => (x * bytes_across, y),
            (true, 0) => (x, y),
            (true, _) if three => (x / 2, y / 2),
            (true, _) => (x, y / 2),
        };
        Some(Plane { offset: plane.offset + down * plane.stride + across, stride: plane.stride })
    })
}

/// The libav format of what is shown.
pub(crate) const fn av_input(format: PixelFormat) -> Option<AVPixelFormat> {
    match format {
        PixelFormat::Nv12 => Some(AVPixelFormat::AV_PIX_FMT_NV12),
        PixelFormat::I420 => Some(AVPixelFormat::AV_PIX_FMT_YUV420P),
        _ => None,
    }
}

/// Rows of each plane of what is shown.
fn rows(side: Side) -> [usize; 3] {
    let (luma, chroma) = (side.size.height as usize, side.size.height.div_ceil(2) as usize);
    if side.format == AVPixelFormat::AV_PIX_FMT_NV12 { [luma, chroma, 0] } else { [luma, chroma, chroma] }
}

/// Bytes of a row of a plane of what is shown.
fn row_bytes(side: Side, plane: usize) -> usize {
    let width = side.size.width as usize;
    match (plane, side.format) {
        (0, _) => width,
        (_, AVPixelFormat::AV_PIX_FMT_NV12) => width.next_multiple_of(2),
        _ => width.div_ceil(2),
    }
}

const fn matrix(space: ColorSpace) -> c_int {
    match space {
        ColorSpace::Bt601 => ffi::SWS_CS_ITU601 as c_int,
        ColorSpace::Bt709 => ffi::SWS_CS_ITU709 as c_int,
        ColorSpace::Bt2020 => ffi::SWS_CS_BT2020 as c_int,
    }
}

const fn range(range: ColorRange) -> c_int {
    matches!(range, ColorRange::Full) as c_int
}
