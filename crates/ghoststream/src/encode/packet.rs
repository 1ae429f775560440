//! What comes out of an encoder, and what a muxer must know to write it.

use std::sync::Arc;
use std::time::Duration;

use super::payload::Payload;
use crate::av::{AvError, Parameters};
use crate::{MediaTime, Timestamp};

/// One encoded picture or stretch of sound. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The track: an index into the tracks of the output it is written to. The encoder leaves 0.
    pub track: usize,
    /// When it is shown or heard.
    pub pts: MediaTime,
    /// When it is decoded. Strictly increasing within a track; may be negative.
    pub dts: MediaTime,
    /// How long it is shown or heard; zero where that is not known.
    pub duration: Duration,
    /// Whether decoding can start here.
    pub key: bool,
    /// When the source frame arrived, where that is known; for the latency figures.
    pub(crate) arrived: Option<Timestamp>,
    /// What is made from here on, where another encoder has taken over. The packet is a key frame.
    pub(crate) begins: Option<Arc<Track>>,
    /// When the encoder let go of it.
    pub(crate) encoded: Timestamp,
    /// The bytes, and what the encoder says beside them.
    pub(crate) payload: Payload,
}

impl Packet {
    /// The encoded bytes: Annex B for H.264 and HEVC, OBUs for AV1.
    pub fn data(&self) -> &[u8] {
        self.payload.bytes()
    }
}

/// What a muxer must know of one track.
#[derive(Clone, Debug)]
pub struct Track {
    /// Picture or sound.
    pub kind: TrackKind,
    /// Codec, headers, size, colour, rate and channels.
    pub(crate) parameters: Arc<Parameters>,
    /// The title that players show.
    pub title: Option<String>,
    /// The language, ISO 639-2.
    pub language: Option<String>,
}

impl Track {
    /// The same track as an output has it that begins amid it: an encoder's padding at the start of its
    /// stream lies before.
    pub(crate) fn continued(&self) -> Result<Self, AvError> {
        Ok(Self { parameters: Arc::new(self.parameters.without_padding()?), ..self.clone() })
    }
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TrackKind {
    /// Pictures, at most this many a second; exactly, when `constant`.
    Video {
        /// Pictures a second.
        fps: f64,
        /// Whether the rate is constant.
        constant: bool,
    },
    /// Sound, at this many samples a second.
    Audio {
        /// Samples a second of one channel.
        rate: u32,
    },
}
