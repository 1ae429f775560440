//! JPEG images, by libavcodec's encoder for Motion JPEG.
#![allow(unsafe_code)]

use std::ffi::c_int;

use ffmpeg_next::{Packet, Rational, codec, color, encoder, format, frame};
use ghoststream_picture::{Rect, Size};

/// libavcodec's quality of a picture, 1 to 31, smaller is better: no block is seen at this.
const QUALITY: i32 = 3;
/// What libavcodec multiplies a quality with (`FF_QP2LAMBDA`).
const LAMBDA: i32 = 118;

/// Makes images of one size.
pub(crate) struct Jpeg {
    encoder: encoder::Video,
    picture: frame::Video,
    number: i64,
    blackened: bool,
}

// SAFETY: encoder and picture have no thread affinity, and `&mut self` keeps calls apart.
unsafe impl Send for Jpeg {}

impl std::fmt::Debug for Jpeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jpeg({}x{})", self.picture.width(), self.picture.height())
    }
}

impl Jpeg {
    /// # Errors
    /// In words: this libavcodec has no such encoder, or refuses.
    pub(crate) fn new(size: Size, rate: (u32, u32)) -> Result<Self, String> {
        let refused = |error: ffmpeg_next::Error| format!("libavcodec's MJPEG encoder: {error}");
        let codec = encoder::find(codec::Id::MJPEG).ok_or("this libavcodec has no MJPEG encoder")?;
        let mut wish = codec::Context::new_with_codec(codec).encoder().video().map_err(refused)?;
        wish.set_width(size.width);
        wish.set_height(size.height);
        wish.set_format(format::Pixel::YUV420P);
        // Without it the encoder takes formats only whose name says that their range is full.
        wish.set_color_range(color::Range::JPEG);
        wish.set_time_base(Rational::new(rate.1 as i32, rate.0 as i32));
        wish.set_flags(codec::Flags::QSCALE);
        wish.set_global_quality(QUALITY * LAMBDA);
        let encoder = wish.open_as(codec).map_err(refused)?;
        let mut picture = frame::Video::new(format::Pixel::YUV420P, size.width, size.height);
        picture.set_color_range(color::Range::JPEG);
        Ok(Self { encoder, picture, number: 0, blackened: false })
    }

    /// Makes bars around the picture black; they stay.
    pub(crate) fn blacken_around(&mut self, area: Rect) {
        let whole = Rect::new(0, 0, self.picture.width(), self.picture.height());
        if area == whole || std::mem::replace(&mut self.blackened, true) {
            return;
        }
        self.picture.data_mut(0).fill(0);
        self.picture.data_mut(1).fill(128);
        self.picture.data_mut(2).fill(128);
    }

    /// Where a part of the picture is to be written.
    ///
    /// # Errors
    /// In words: no memory.
    pub(crate) fn planes(&mut self, at: Rect) -> Result<[Option<(*mut u8, c_int)>; 3], String> {
        // SAFETY: the frame is ours; libavcodec may keep a reference to the picture before, which is then copied.
        if unsafe { ffmpeg_next::ffi::av_frame_make_writable(self.picture.as_mut_ptr()) } < 0 {
            return Err("no memory for a picture".into());
        }
        Ok(std::array::from_fn(|index| {
            let half = usize::from(index > 0);
            let stride = self.picture.stride(index);
            let offset = ((at.y as usize) >> half) * stride + ((at.x as usize) >> half);
            let bytes = self.picture.data_mut(index);
            Some((bytes[offset..].as_mut_ptr(), stride as c_int))
        }))
    }

    /// Writes an image of the picture; returns its length.
    ///
    /// # Errors
    /// In words: the encoder refused, or there is no room.
    pub(crate) fn encode(&mut self, out: &mut [u8]) -> Result<usize, String> {
        let refused = |error: ffmpeg_next::Error| format!("libavcodec's MJPEG encoder: {error}");
        self.number += 1;
        self.picture.set_pts(Some(self.number));
        // SAFETY: the frame is ours; a plain number, for which the crate has no function.
        unsafe { (*self.picture.as_mut_ptr()).quality = QUALITY * LAMBDA };
        self.encoder.send_frame(&self.picture).map_err(refused)?;
        let mut packet = Packet::empty();
        self.encoder.receive_packet(&mut packet).map_err(refused)?;
        let image = packet.data().unwrap_or_default();
        let room = out.len();
        let target = out
            .get_mut(..image.len())
            .ok_or_else(|| format!("an image of {} bytes has no room in {room} bytes", image.len()))?;
        target.copy_from_slice(image);
        Ok(image.len())
    }
}
