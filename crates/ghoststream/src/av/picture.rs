//! An owned, reference-counted picture.

use std::ptr::NonNull;

use super::{AvError, AvFrame, check, ffi};
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Size, Transfer};

/// An `AVFrame` with pixels. Sharing it is cheap; writing needs the only reference.
pub struct Picture(NonNull<ffi::AVFrame>);

// SAFETY: an AVFrame has no thread affinity, and its buffers' reference counts are atomic.
unsafe impl Send for Picture {}
// SAFETY: through `&Picture` the frame and its pixels are only read.
unsafe impl Sync for Picture {}

impl Picture {
    /// A picture with pixels of its own, not initialised, rows aligned to 64 bytes.
    ///
    /// # Errors
    /// Out of memory, or a size that libavutil refuses.
    pub fn alloc(format: PixelFormat, size: Size, color: Color) -> Result<Self, AvError> {
        let mut picture = Self::empty()?;
        picture.describe(format, size, color)?;
        // SAFETY: the frame is ours alone, and av_frame_get_buffer fills in data and linesize.
        check(unsafe { ffi::av_frame_get_buffer(picture.0.as_ptr(), 64) })?;
        Ok(picture)
    }

    /// Writes down what the pixels are.
    pub(super) fn describe(&mut self, format: PixelFormat, size: Size, color: Color) -> Result<(), AvError> {
        let invalid = AvError(-libc::EINVAL);
        // SAFETY: self owns a valid frame.
        let frame = unsafe { self.0.as_mut() };
        frame.format = av_pixel_format(format).ok_or(invalid)? as i32;
        frame.width = i32::try_from(size.width).map_err(|_| invalid)?;
        frame.height = i32::try_from(size.height).map_err(|_| invalid)?;
        let (space, primaries, transfer) = av_color(color);
        frame.colorspace = space;
        frame.color_primaries = primaries;
        frame.color_trc = transfer;
        frame.color_range = av_range(color.range);
        if format.is_yuv() {
            // Where the processor puts it, and where players look for it unless told otherwise.
            frame.chroma_location = ffi::AVChromaLocation::AVCHROMA_LOC_LEFT;
        }
        Ok(())
    }

    pub(super) fn empty() -> Result<Self, AvError> {
        // SAFETY: returns a fresh frame that we own, or null.
        let frame = unsafe { ffi::av_frame_alloc() };
        NonNull::new(frame).map(Self).ok_or(AvError(-libc::ENOMEM))
    }

    /// The frame, of which self is the owner.
    pub(super) const fn raw(&mut self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }

    /// Another reference to the same pixels.
    ///
    /// # Errors
    /// Out of memory.
    pub fn share(&self) -> Result<Self, AvError> {
        let copy = Self::empty()?;
        // SAFETY: copy is an empty frame, self a valid one.
        check(unsafe { ffi::av_frame_ref(copy.0.as_ptr(), self.0.as_ptr()) })?;
        Ok(copy)
    }

    /// Whether nothing else holds the pixels, so that they may be written.
    pub fn is_writable(&self) -> bool {
        // SAFETY: reads reference counts only, in spite of the non-const signature.
        unsafe { ffi::av_frame_is_writable(self.0.as_ptr()) > 0 }
    }

    /// Pixels across and down.
    pub fn size(&self) -> Size {
        // SAFETY: self owns a valid frame.
        let frame = unsafe { self.0.as_ref() };
        Size::new(frame.width as u32, frame.height as u32)
    }

    /// The bytes of a plane and its stride; empty for a plane that the format lacks.
    pub fn plane(&self, index: usize) -> (&[u8], usize) {
        let (data, len, stride) = self.raw_plane(index);
        if data.is_null() {
            return (&[], 0);
        }
        // SAFETY: raw_plane computed len within the buffer that av_frame_get_buffer allocated or `lent` checked,
        // which lives as long as self.
        (unsafe { std::slice::from_raw_parts(data, len) }, stride)
    }

    /// The bytes of the first planes for writing, with their strides: as many as the format has,
    /// empty slices for the rest. `None` while something else holds the pixels.
    pub fn planes_mut(&mut self) -> Option<[(&mut [u8], usize); 3]> {
        if !self.is_writable() {
            return None;
        }
        Some([0, 1, 2].map(|index| {
            let (data, len, stride) = self.raw_plane(index);
            if data.is_null() {
                return (&mut [][..], 0);
            }
            // SAFETY: as in `plane`; is_writable says that no one else has a reference, &mut self
            // that no one else borrows ours, and the planes do not overlap.
            (unsafe { std::slice::from_raw_parts_mut(data, len) }, stride)
        }))
    }

    /// Whether there is one row of chroma for two of luma: so in every planar format but 4:4:4.
    fn has_half_chroma(&self) -> bool {
        use ffi::AVPixelFormat::*;
        // SAFETY: self owns a valid frame.
        let format = unsafe { self.0.as_ref() }.format;
        ![AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10LE, AV_PIX_FMT_YUV444P16LE]
            .iter()
            .any(|&it| it as i32 == format)
    }

    fn raw_plane(&self, index: usize) -> (*mut u8, usize, usize) {
        // SAFETY: self owns a valid frame.
        let frame = unsafe { self.0.as_ref() };
        let data = frame.data[index];
        let stride = frame.linesize[index] as usize;
        let rows = if index > 0 && self.has_half_chroma() {
            (frame.height as usize).div_ceil(2)
        } else {
            frame.height as usize
        };
        (data, stride * rows, stride)
    }
}

impl AvFrame for Picture {
    fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: self owns the frame; av_frame_free drops its references and frees it.
        unsafe { ffi::av_frame_free(&mut frame) };
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({})", self.size())
    }
}

/// libavutil's name of a pixel format.
pub(crate) fn av_pixel_format(format: PixelFormat) -> Option<ffi::AVPixelFormat> {
    use ffi::AVPixelFormat::*;
    Some(match format {
        PixelFormat::Bgrx => AV_PIX_FMT_BGR0,
        PixelFormat::Rgbx => AV_PIX_FMT_RGB0,
        PixelFormat::Xrgb => AV_PIX_FMT_0RGB,
        PixelFormat::Xbgr => AV_PIX_FMT_0BGR,
        PixelFormat::Rgb24 => AV_PIX_FMT_RGB24,
        PixelFormat::Bgr24 => AV_PIX_FMT_BGR24,
        PixelFormat::Xrgb2101010 => AV_PIX_FMT_X2RGB10LE,
        PixelFormat::Xbgr2101010 => AV_PIX_FMT_X2BGR10LE,
        PixelFormat::Nv12 => AV_PIX_FMT_NV12,
        PixelFormat::I420 => AV_PIX_FMT_YUV420P,
        PixelFormat::Yuy2 => AV_PIX_FMT_YUYV422,
        PixelFormat::P010 => AV_PIX_FMT_P010LE,
        PixelFormat::I010 => AV_PIX_FMT_YUV420P10LE,
        PixelFormat::I444 => AV_PIX_FMT_YUV444P,
        PixelFormat::I444P10 => AV_PIX_FMT_YUV444P10LE,
        PixelFormat::I444P16 => AV_PIX_FMT_YUV444P16LE,
        PixelFormat::Rgbx1010102 | PixelFormat::Bgrx1010102 | PixelFormat::Rgba16f => return None,
    })
}

/// libavutil's matrix, primaries and transfer (ITU-T H.273) of a colour.
///
/// Light itself has no place in an encoded picture: it is tagged as what processing makes of it, SDR.
pub(crate) fn av_color(
    color: Color,
) -> (ffi::AVColorSpace, ffi::AVColorPrimaries, ffi::AVColorTransferCharacteristic) {
    use ffi::{AVColorPrimaries::*, AVColorSpace::*, AVColorTransferCharacteristic::*};
    let (space, primaries, sdr) = match color.space {
        ColorSpace::Bt601 => (AVCOL_SPC_SMPTE170M, AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M),
        ColorSpace::Bt709 => (AVCOL_SPC_BT709, AVCOL_PRI_BT709, AVCOL_TRC_BT709),
        ColorSpace::Bt2020 => (AVCOL_SPC_BT2020_NCL, AVCOL_PRI_BT2020, AVCOL_TRC_BT2020_10),
    };
    let transfer = match color.transfer {
        Transfer::Pq => AVCOL_TRC_SMPTE2084,
        Transfer::Hlg => AVCOL_TRC_ARIB_STD_B67,
        Transfer::Sdr | Transfer::Linear => sdr,
    };
    (space, primaries, transfer)
}

/// libavutil's name of a range.
pub(crate) fn av_range(range: ColorRange) -> ffi::AVColorRange {
    match range {
        ColorRange::Limited => ffi::AVColorRange::AVCOL_RANGE_MPEG,
        ColorRange::Full => ffi::AVColorRange::AVCOL_RANGE_JPEG,
    }
}
