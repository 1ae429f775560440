//! What the caller gets: packets, and what a decoder must know of each track.

use std::sync::Arc;
use std::time::Duration;

use crate::av::ffi::AVCodecID::*;
use crate::encode::{self, Payload, TrackKind};
use crate::output::OutputError;
use crate::output::file::decoder_configuration;
use crate::{AudioCodec, Codec, Container, MediaTime, PacketFormat, Size};

/// One encoded picture or stretch of sound. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Packet {
    track: usize,
    pts: MediaTime,
    dts: MediaTime,
    duration: Duration,
    key: bool,
    begins: Option<Arc<Track>>,
    pub(super) lost: u64,
    /// As the encoder made them, for every output; or in the form that was asked for.
    payload: Payload,
}

impl Packet {
    pub(super) fn new(packet: &encode::Packet, payload: Payload, begins: Option<Arc<Track>>) -> Self {
        Self {
            track: packet.track,
            pts: packet.pts,
            dts: packet.dts,
            duration: packet.duration,
            key: packet.key,
            begins,
            lost: 0,
            payload,
        }
    }

    /// The track: an index into [`PacketStream::tracks`](super::PacketStream::tracks).
    pub const fn track(&self) -> usize {
        self.track
    }

    /// When it is shown or heard, from the start of the recording.
    pub const fn pts(&self) -> MediaTime {
        self.pts
    }

    /// When it is decoded. Strictly increasing within a track; negative before the first picture where
    /// pictures are reordered.
    pub const fn dts(&self) -> MediaTime {
        self.dts
    }

    /// How long it is shown or heard; zero where that is not known.
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether decoding can start here. Always so for sound.
    pub const fn is_key(&self) -> bool {
        self.key
    }

    /// The encoded bytes, in the format that was asked for. Parameter sets may be in the track's extradata
    /// only.
    pub fn data(&self) -> &[u8] {
        self.payload.bytes()
    }

    /// Packets of this track that were dropped right before this one, because the caller read too slowly. Of
    /// pictures this one is a key frame then.
    pub const fn lost_before(&self) -> u64 {
        self.lost
    }

    /// What is made from here on, where another encoder has taken over from one that failed. A decoder
    /// needs its extradata before this packet, which is a key frame.
    pub fn begins(&self) -> Option<&Track> {
        self.begins.as_deref()
    }
}

/// What a decoder must know of a track before its first packet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Track {
    /// What it is.
    pub media: Media,
    /// The codec's headers. Of pictures: parameter sets in Annex B, or an AV1 sequence header; with
    /// [`PacketFormat::LengthPrefixed`](crate::PacketFormat::LengthPrefixed) the `avcC` (ISO/IEC 14496-15 5.3.3),
    /// `hvcC` (8.3.2) or `av1C` (AV1-ISOBMFF 2.3) record. Of sound: an `AudioSpecificConfig`, an `OpusHead`
    /// (RFC 7845 5.1) or FLAC's STREAMINFO.
    pub extradata: Vec<u8>,
    /// The title that players show.
    pub title: Option<String>,
    /// The language, ISO 639-2.
    pub language: Option<String>,
}

/// What a track is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Media {
    /// Pictures.
    #[non_exhaustive]
    Video {
        /// The codec; never `Auto`.
        codec: Codec,
        /// Pixels.
        size: Size,
        /// Pictures a second, at most so many; exactly, where `constant`.
        fps: f64,
        /// Whether the rate is constant.
        constant: bool,
    },
    /// Sound.
    #[non_exhaustive]
    Audio {
        /// The codec.
        codec: AudioCodec,
        /// Samples a second of one channel.
        rate: u32,
        /// Channels.
        channels: u16,
    },
}

impl Track {
    /// What the caller is told of a track.
    pub(super) fn of(track: &encode::Track, format: PacketFormat) -> Result<Self, OutputError> {
        let fields = track.parameters.fields();
        let unsuitable = || OutputError::Unsuitable {
            container: Container::Matroska,
            codec: format!("{:?}", fields.codec_id),
            remedy: "use H.264, HEVC or AV1, and AAC, Opus or FLAC".to_owned(),
        };
        let media = match track.kind {
            TrackKind::Video { fps, constant } => {
                let codec = match fields.codec_id {
                    AV_CODEC_ID_H264 => Codec::H264,
                    AV_CODEC_ID_HEVC => Codec::Hevc,
                    AV_CODEC_ID_AV1 => Codec::AV1,
                    _ => return Err(unsuitable()),
                };
                let size = Size { width: fields.width.unsigned_abs(), height: fields.height.unsigned_abs() };
                Media::Video { codec, size, fps, constant }
            }
            TrackKind::Audio { rate } => {
                let codec = match fields.codec_id {
                    AV_CODEC_ID_AAC => AudioCodec::Aac,
                    AV_CODEC_ID_OPUS => AudioCodec::Opus,
                    AV_CODEC_ID_FLAC => AudioCodec::Flac,
                    _ => return Err(unsuitable()),
                };
                let channels = u16::try_from(fields.ch_layout.nb_channels).unwrap_or(0);
                Media::Audio { codec, rate, channels }
            }
        };
        let extradata = match (format, &media) {
            (PacketFormat::LengthPrefixed, Media::Video { .. }) => decoder_configuration(track)?,
            _ => track.parameters.extradata().to_vec(),
        };
        Ok(Self { media, extradata, title: track.title.clone(), language: track.language.clone() })
    }
}
