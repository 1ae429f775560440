//! An encoder that libavcodec has, and one that is open.

use std::ffi::CString;
use std::ptr::{self, NonNull};

use ffmpeg_next::Codec as AvCodec;

use super::picture::{av_color, av_pixel_format, av_range};
use super::{AvError, AvFrame, Dictionary, HardwareFrames, PacketRef, Parameters, Picture, check, ffi, log};
use crate::{Color, PixelFormat, Size};

/// An encoder of this FFmpeg, not open.
#[derive(Clone, Copy)]
pub struct EncoderInfo(AvCodec);

/// What a video encoder is opened with, beside its options.
#[derive(Clone, Copy, Debug)]
pub struct VideoFormat {
    /// How the pixels lie.
    pub format: PixelFormat,
    /// Pixels across and down.
    pub size: Size,
    /// What the code values mean.
    pub color: Color,
    /// Pictures a second, as a fraction; one over it is the time base.
    pub rate: (i32, i32),
}

/// Why an encoder did not open: the code, and what it logged while it tried.
#[derive(Clone, Debug)]
pub struct OpenFailure {
    /// What avcodec_open2 answered.
    pub error: AvError,
    /// Errors and warnings that it logged, in order.
    pub said: Vec<String>,
}

impl EncoderInfo {
    /// The encoder of this name, if this FFmpeg was built with it.
    pub fn find(name: &str) -> Option<Self> {
        ffmpeg_next::encoder::find_by_name(name).map(Self)
    }

    /// Whether it takes pictures of this format.
    pub fn takes(&self, format: PixelFormat) -> bool {
        let Some(wanted) = av_pixel_format(format) else {
            return false;
        };
        let formats = self.0.video().ok().and_then(|video| video.formats());
        formats.is_none_or(|mut formats| formats.any(|it| ffi::AVPixelFormat::from(it) == wanted))
    }

    /// Whether it has an option of this name, of its own or of every encoder.
    pub fn has_option(&self, name: &str) -> bool {
        self.find_option(name, None)
    }

    /// Whether its option knows this named value.
    pub fn has_value(&self, option: &str, value: &str) -> bool {
        self.find_option(value, Some(option))
    }

    fn find_option(&self, name: &str, unit: Option<&str>) -> bool {
        let Ok(name) = CString::new(name) else {
            return false;
        };
        let Ok(unit) = unit.map(CString::new).transpose() else {
            return false;
        };
        let unit = unit.as_ref().map_or(ptr::null(), |it| it.as_ptr());
        // SAFETY: AV_OPT_SEARCH_FAKE_OBJ takes a pointer to a class pointer, which these are; both
        // classes are static.
        unsafe {
            let own = &raw const (*self.0.as_ptr()).priv_class;
            let general = ffi::avcodec_get_class();
            let fake = ffi::AV_OPT_SEARCH_FAKE_OBJ;
            let find = |class: *const *const ffi::AVClass| {
                !ffi::av_opt_find(class.cast_mut().cast(), name.as_ptr(), unit, 0, fake).is_null()
            };
            (!(*own).is_null() && find(own)) || find(&raw const general)
        }
    }

    /// Opens it for real; with `frames` for pictures in a GPU's memory, else in ours.
    ///
    /// # Errors
    /// The encoder refused, or does not know one of the options.
    pub fn open(
        &self,
        video: &VideoFormat,
        options: &[(&'static str, String)],
        frames: Option<&HardwareFrames>,
    ) -> Result<OpenEncoder, OpenFailure> {
        let silent = |error| OpenFailure { error, said: vec![] };
        let mut dictionary = Dictionary::new();
        for (key, value) in options {
            dictionary.set(key, value).map_err(silent)?;
        }
        // SAFETY: the codec is static; returns a fresh context that we own, or null.
        let context = unsafe { ffi::avcodec_alloc_context3(self.0.as_ptr()) };
        let context = NonNull::new(context).ok_or(silent(AvError(-libc::ENOMEM)))?;
        let ends_before_close = self.0.name() == "libsvtav1";
        let mut encoder = OpenEncoder {
            context,
            ends_before_close,
            format: *video,
            state: State::Closed,
            opened_with: Rate::default(),
            asked: None,
            half_rate: false,
        };
        encoder.describe(video).map_err(silent)?;
        if let Some(frames) = frames {
            encoder.take_from_device(frames).map_err(silent)?;
        }
        let (opened, said) = log::capture(|| {
            // SAFETY: the context is fresh and of this codec; the dictionary is valid.
            check(unsafe {
                ffi::avcodec_open2(encoder.context.as_ptr(), self.0.as_ptr(), dictionary.as_mut_ptr())
            })
        });
        opened.map_err(|error| OpenFailure { error, said })?;
        encoder.state = State::Fresh;
        encoder.opened_with = encoder.rate();
        let unknown = dictionary.keys();
        if unknown.is_empty() {
            return Ok(encoder);
        }
        let said = vec![format!("it has no option {}", unknown.join(", "))];
        Err(OpenFailure { error: AvError(-libc::EINVAL), said })
    }
}

/// An `AVCodecContext` for encoding video.
pub struct OpenEncoder {
    context: NonNull<ffi::AVCodecContext>,
    /// SVT-AV1 hangs for good when it is closed before the end of its stream came out, and when its
    /// stream ends without a picture.
    ends_before_close: bool,
    format: VideoFormat,
    /// How far it got.
    state: State,
    /// What it was opened with.
    opened_with: Rate,
    /// The average that was asked for since, in bits a second.
    asked: Option<i64>,
    /// Whether it gets every second picture only, and takes each for one of the full rate.
    half_rate: bool,
}

/// A bitrate, its ceiling and the size of the buffer that smooths it, in bits; zero where not set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rate {
    average: i64,
    most: i64,
    buffer: i64,
}

impl Rate {
    /// The same shape at another average: a buffer of as many seconds, as much room above.
    fn scaled_to(self, average: i64) -> Self {
        let scale = |value: i64| {
            let scaled = i128::from(value) * i128::from(average) / i128::from(self.average.max(1));
            i64::try_from(scaled).unwrap_or(i64::MAX)
        };
        // libavcodec keeps the buffer in 32 bits.
        let buffer = scale(self.buffer).min(i64::from(i32::MAX));
        Self { average, most: scale(self.most), buffer }
    }

    /// The same in time, for who takes half the pictures for all of them: twice the bits for each, and no more of
    /// them in the buffer.
    fn of_half_the_pictures(self) -> Self {
        Self { average: self.average.saturating_mul(2), most: self.most.saturating_mul(2), ..self }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not open yet, or refused.
    Closed,
    /// Open, and nothing was handed in.
    Fresh,
    /// Pictures were handed in.
    Busy,
    /// It was told that no more pictures come.
    Ended,
}

// SAFETY: a codec context may be used from any thread, by one at a time.
unsafe impl Send for OpenEncoder {}

impl OpenEncoder {
    fn describe(&mut self, video: &VideoFormat) -> Result<(), AvError> {
        let invalid = AvError(-libc::EINVAL);
        // SAFETY: self owns the context.
        let context = unsafe { self.context.as_mut() };
        context.width = i32::try_from(video.size.width).map_err(|_| invalid)?;
        context.height = i32::try_from(video.size.height).map_err(|_| invalid)?;
        context.pix_fmt = av_pixel_format(video.format).ok_or(invalid)?;
        context.sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
        context.framerate = ffi::AVRational { num: video.rate.0, den: video.rate.1 };
        context.time_base = ffi::AVRational { num: video.rate.1, den: video.rate.0 };
        context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
        let (space, primaries, transfer) = av_color(video.color);
        context.colorspace = space;
        context.color_primaries = primaries;
        context.color_trc = transfer;
        context.color_range = av_range(video.color.range);
        // Where processing puts it, and what decoders take it for anyway.
        context.chroma_sample_location = ffi::AVChromaLocation::AVCHROMA_LOC_LEFT;
        Ok(())
    }

    /// Before it is opened: pictures come in a GPU's memory.
    fn take_from_device(&mut self, frames: &HardwareFrames) -> Result<(), AvError> {
        // SAFETY: self owns the context, which takes over the reference.
        let context = unsafe { self.context.as_mut() };
        context.sw_pix_fmt = context.pix_fmt;
        context.pix_fmt = ffi::AVPixelFormat::AV_PIX_FMT_CUDA;
        context.hw_frames_ctx = frames.reference();
        if context.hw_frames_ctx.is_null() { Err(AvError(-libc::ENOMEM)) } else { Ok(()) }
    }

    /// Hands in a picture, `pts` in units of the time base; with `key` it becomes a key frame.
    ///
    /// # Errors
    /// `EAGAIN` while packets must be taken out first; or the encoder failed.
    pub fn send(&mut self, picture: &mut impl AvFrame, pts: i64, key: bool) -> Result<(), AvError> {
        let frame = picture.as_mut_ptr();
        // SAFETY: the picture owns the frame and &mut says that no one else uses its properties; the
        // encoder takes its own reference to the pixels.
        unsafe {
            (*frame).pts = pts;
            (*frame).pict_type = if key {
                ffi::AVPictureType::AV_PICTURE_TYPE_I
            } else {
                ffi::AVPictureType::AV_PICTURE_TYPE_NONE
            };
            check(ffi::avcodec_send_frame(self.context.as_ptr(), frame))?;
        }
        self.state = State::Busy;
        Ok(())
    }

    fn rate(&self) -> Rate {
        // SAFETY: self owns the context.
        let context = unsafe { self.context.as_ref() };
        Rate {
            average: context.bit_rate,
            most: context.rc_max_rate,
            buffer: i64::from(context.rc_buffer_size),
        }
    }

    /// Sets the bitrate that a wrapper which follows takes up with the next picture, in bits a
    /// second. Its ceiling and buffer keep their proportion to it.
    pub fn set_bitrate(&mut self, bits_per_second: i64) {
        self.asked = Some(bits_per_second);
        self.apply_rate();
    }

    /// Says whether every second picture is left out, to an encoder that counts pictures and not their time: what
    /// it is asked for stays what comes out a second. It is taken up with the next picture, as a bitrate is.
    pub fn set_half_rate(&mut self, half: bool) {
        self.half_rate = half;
        self.apply_rate();
    }

    fn apply_rate(&mut self) {
        let rate = self.opened_with.scaled_to(self.asked.unwrap_or(self.opened_with.average));
        let rate = if self.half_rate { rate.of_half_the_pictures() } else { rate };
        // SAFETY: self owns the context, and libavcodec reads these within our own calls only.
        let context = unsafe { self.context.as_mut() };
        context.bit_rate = rate.average;
        context.rc_max_rate = rate.most;
        context.rc_buffer_size = i32::try_from(rate.buffer).unwrap_or(i32::MAX);
    }

    /// Says that no picture follows.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn end(&mut self) -> Result<(), AvError> {
        if self.state == State::Fresh {
            return Ok(());
        }
        self.state = State::Ended;
        // SAFETY: the context is open; null begins the flush.
        match unsafe { ffi::avcodec_send_frame(self.context.as_ptr(), ptr::null()) } {
            ffi::AVERROR_EOF => Ok(()),
            code => check(code).map(|_| ()),
        }
    }

    /// The next packet that is ready.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn receive(&mut self) -> Result<Option<PacketRef>, AvError> {
        if self.state == State::Fresh {
            return Ok(None);
        }
        let mut packet = PacketRef::empty()?;
        // SAFETY: the context is open and the packet empty.
        match unsafe { ffi::avcodec_receive_packet(self.context.as_ptr(), packet.as_mut_ptr()) } {
            code if code == ffi::AVERROR(libc::EAGAIN) || code == ffi::AVERROR_EOF => return Ok(None),
            code => check(code)?,
        };
        packet.forget_statistics();
        Ok(Some(packet))
    }

    /// What a muxer must know, headers included.
    ///
    /// # Errors
    /// Out of memory.
    pub fn parameters(&self) -> Result<Parameters, AvError> {
        // SAFETY: `open` hands out contexts only when they are open.
        unsafe { Parameters::of_context(self.context.as_ptr()) }
    }
}

impl OpenEncoder {
    /// Lets the stream end, with a picture in it.
    fn run_out(&mut self) -> Result<(), AvError> {
        if self.state == State::Fresh {
            let mut picture = Picture::alloc(self.format.format, self.format.size, self.format.color)?;
            for (plane, _) in picture.planes_mut().into_iter().flatten() {
                plane.fill(0);
            }
            self.send(&mut picture, 0, false)?;
        }
        self.end()?;
        while self.receive()?.is_some() {}
        Ok(())
    }
}

impl Drop for OpenEncoder {
    fn drop(&mut self) {
        if self.ends_before_close && matches!(self.state, State::Fresh | State::Busy) {
            // What comes out is dropped: whoever wanted it would have ended the encoder before. And
            // an error here leaves nothing to do but to close it.
            let _ = self.run_out();
        }
        let mut context = self.context.as_ptr();
        // SAFETY: self owns the context; this closes the codec and frees it.
        unsafe { ffi::avcodec_free_context(&mut context) };
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn ceiling_and_buffer_keep_their_proportion() {
        let opened = Rate { average: 6_000_000, most: 9_000_000, buffer: 18_000_000 };
        let half = Rate { average: 3_000_000, most: 4_500_000, buffer: 9_000_000 };
        assert_eq!(opened.scaled_to(3_000_000), half);
        assert_eq!(opened.scaled_to(800_000_000).buffer, i64::from(i32::MAX), "what libavcodec can hold");
        let twice = Rate { average: 6_000_000, most: 9_000_000, buffer: 9_000_000 };
        assert_eq!(half.of_half_the_pictures(), twice, "as many bits a second, for as long");
        let none = Rate::default();
        assert_eq!(none.scaled_to(5), Rate { average: 5, ..none });
    }
}
