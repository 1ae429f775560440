//! The part of FFmpeg that we use, each handle with one owner.
//!
//! Everything here is a thin, safe face of libav* structures: pictures, packets, codec parameters,
//! dictionaries. What to do with them is decided elsewhere. Raw bindings come from `ffmpeg-next`.
#![allow(unsafe_code)]

mod dictionary;
mod encoder;
mod hardware;
mod hdr;
mod lent;
mod log;
mod packet;
mod parameters;
mod picture;

pub(crate) use dictionary::Dictionary;
pub(crate) use encoder::{EncoderInfo, OpenEncoder, OpenFailure, VideoFormat};
pub(crate) use ffmpeg_next::ffi;
pub(crate) use hardware::{DevicePicture, HardwareFrames};
pub(crate) use hdr::describe as describe_hdr;
pub(crate) use log::install as take_over_log;
pub(crate) use packet::PacketRef;
pub(crate) use parameters::Parameters;
pub(crate) use picture::Picture;

/// A picture that an encoder takes, wherever its pixels are.
pub(crate) trait AvFrame {
    /// The frame, for libav* calls that write to its properties.
    fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame;
}

/// What libav* answers when something fails: its code, and its own words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", ffmpeg_next::Error::from(self.0))]
pub struct AvError(pub i32);

impl AvError {
    /// The errno behind the code, where it is one.
    pub fn errno(self) -> Option<i32> {
        (0..4096).contains(&-self.0).then_some(-self.0)
    }
}

/// Turns a return value into a result; not negative is success.
pub(crate) fn check(code: i32) -> Result<i32, AvError> {
    if code < 0 { Err(AvError(code)) } else { Ok(code) }
}

/// FFmpeg's version at run time, such as `5.1.9-0+deb12u1`.
pub fn version() -> String {
    // SAFETY: av_version_info returns a static NUL-terminated string.
    let text = unsafe { std::ffi::CStr::from_ptr(ffi::av_version_info()) };
    text.to_string_lossy().into_owned()
}

/// The major version of this libavcodec: 59 in FFmpeg 5, 62 in FFmpeg 8.
pub(crate) fn codec_major() -> u32 {
    ffmpeg_next::codec::version() >> 16
}
