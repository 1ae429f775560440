//! From pictures to packets.
//!
//! A backend is a small blocking [`Encoder`]; [`open`] walks the ordered table of backends and
//! reports each refusal. The thread, the queue and the counting belong to the pipeline.

mod aom;
mod backend;
pub mod bench;
mod choice;
mod codec;
mod error;
mod filler;
mod hdr;
mod keys;
mod libav;
mod memory;
pub(crate) mod nvenc;
mod packet;
mod payload;
mod picture;
mod probe;
mod rows;
mod speed;
mod svtav1;
mod table;
mod timing;
mod x264;
mod x265;

pub use error::EncodeError;
pub(crate) use memory::PictureMemory;
pub use packet::{Packet, Track, TrackKind};
pub(crate) use payload::Payload;
pub(crate) use picture::AnyPicture;
pub(crate) use picture::GpuPicture;
pub use probe::{EncoderStatus, WouldChoose, probe_encoders, would_choose};
pub(crate) use rows::{Row, Terms, open_first, rows};

use crate::stats::Refusal;
use crate::{Codec, Color, Container, EncoderChoice, EncoderConfig, MediaTime, PixelFormat, Size, Timestamp};

/// A picture on its way into the encoder.
#[derive(Debug)]
pub(crate) struct Frame {
    /// When it is shown. Strictly increasing from frame to frame.
    pub(crate) pts: MediaTime,
    /// The pixels, in the format and size that [`Opened::input`] asked for.
    pub(crate) picture: AnyPicture,
    /// When its source frame arrived, for the latency figures.
    pub(crate) arrived: Timestamp,
}

/// What an encoder is opened for: the caller's wishes and what is known of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    /// The wishes, validated.
    pub(crate) config: &'a EncoderConfig,
    /// Output size, even.
    pub(crate) size: Size,
    /// Pictures a second at most; exactly, at a constant rate.
    pub(crate) fps: f64,
    /// The containers that the packets must fit; steers `Codec::Auto`.
    pub(crate) containers: &'a [Container],
}

/// What an encoder wants to be fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// How the pixels lie.
    pub format: PixelFormat,
    /// Pixels across and down.
    pub size: Size,
    /// What the code values mean; the same is written into the bitstream.
    pub color: Color,
}

impl InputSpec {
    /// Bytes of a picture, without what may lie between its rows.
    pub(crate) fn bytes(&self) -> u64 {
        let plane = |index| {
            let (row, rows) = self.format.plane_layout(index, self.size);
            (row * rows) as u64
        };
        (0..self.format.planes()).map(plane).sum()
    }
}

/// One open encoder. All calls come from one thread.
pub(crate) trait Encoder: Send {
    /// Takes a picture and appends the packets that are ready to `packets`.
    fn encode(&mut self, frame: Frame, packets: &mut Vec<Packet>) -> Result<(), EncodeError>;

    /// Appends every packet that is still inside. Nothing is encoded after.
    fn flush(&mut self, packets: &mut Vec<Packet>) -> Result<(), EncodeError>;

    /// Makes the next picture a key frame.
    fn force_key_frame(&mut self);

    /// Aims at another bitrate from the next picture on. Its ceiling and its buffer follow in
    /// proportion.
    ///
    /// Fails, and goes on as it was, where the encoder cannot do so while it runs: then
    /// [`Opened::follows_bitrate`] is false.
    fn set_bitrate(&mut self, kbps: u32) -> Result<(), EncodeError>;

    /// Says whether every second picture is left out from the next one on. Its bitrate, in time, stays what it
    /// was asked for, and so does the time from key frame to key frame.
    ///
    /// Only where its bitrate can be changed while it runs.
    fn set_half_rate(&mut self, half: bool);

    /// What came up that the report should say, in words; each thing once.
    fn note(&mut self) -> Option<String> {
        None
    }
}

/// An encoder that was opened, and what it took to get there.
pub(crate) struct Opened {
    /// The encoder.
    pub(crate) encoder: Box<dyn Encoder>,
    /// Its name in libavcodec.
    pub(crate) name: &'static str,
    /// Its codec; never `Auto`.
    pub(crate) codec: Codec,
    /// What it wants to be fed with.
    pub(crate) input: InputSpec,
    /// Where it would like that to lie, if not anywhere.
    pub(crate) memory: Option<PictureMemory>,
    /// What a muxer must know.
    pub(crate) track: Track,
    /// Its bitrate in kbit/s, where it goes by one.
    pub(crate) kbps: Option<u32>,
    /// Whether its bitrate can be changed while it runs.
    pub(crate) follows_bitrate: bool,
    /// Encoders that were tried before, in order.
    pub(crate) refused: Vec<Refusal>,
    /// What was chosen instead of what was asked, in words.
    pub(crate) notes: Vec<String>,
}

/// Begins to find out what hardware there is, if a wish may need it, while other things are opened.
pub(crate) fn prepare<'a>(mut wishes: impl Iterator<Item = &'a EncoderConfig>) {
    if wishes.any(|it| it.encoder != EncoderChoice::Software) {
        nvenc::probe::begin();
    }
}

/// Opens the first encoder of the table that takes the request.
///
/// # Errors
/// None did: every refusal is in the error. Or the codec that was asked for does not fit a container.
pub(crate) fn open(request: &Request<'_>) -> Result<Opened, EncodeError> {
    open_first(rows(request)?, request.config.codec).map(|(opened, _)| opened)
}

#[cfg(test)]
mod tests;
