//! Packets in MPEG-TS.

use crate::av::ffi::AVCodecID::*;
use crate::encode::{Packet, Track, TrackKind};
use crate::output::OutputError;
use crate::output::file::muxer::{Muxer, Stream};
use crate::output::live::{LinkError, LinkFault};

/// Bytes of one of its packets (ISO/IEC 13818-1, 2.4.3).
#[cfg(test)]
const TS_PACKET: usize = 188;
/// Ticks a second of its times.
const TIMESCALE: u32 = 90_000;
/// How far all times are moved, so that none is negative: those at which pictures are decoded are at the
/// start, where there are B-frames. The same for all connections, so that time goes on.
const SHIFT_NANOS: i64 = 2_000_000_000;

/// A transport stream that begins with its tables (PAT, PMT), and has them again ten times a second.
#[derive(Debug)]
pub(super) struct TransportStream {
    muxer: Muxer,
    tracks: Vec<Track>,
    /// Counts how often what the tables say has changed, modulo 32.
    version: u8,
}

impl TransportStream {
    pub(super) fn new(tracks: &[Track]) -> Result<Self, LinkError> {
        Ok(Self { muxer: open(tracks, 0)?, tracks: tracks.to_vec(), version: 0 })
    }

    /// What is sent for a packet: whole transport packets.
    ///
    /// # Errors
    /// It cannot go on in this stream, but in the next.
    pub(super) fn write(&mut self, packet: &Packet) -> Result<Vec<u8>, LinkError> {
        if let Some(track) = &packet.begins {
            self.begin(packet.track, track)?;
        }
        let (pts, dts) = (packet.pts.offset(SHIFT_NANOS), packet.dts.offset(SHIFT_NANOS));
        let moved = Packet { pts, dts, ..packet.clone() };
        self.muxer.write(&moved).and_then(|()| self.muxer.flush()).map_err(|error| unmuxed(&error))?;
        Ok(self.muxer.take())
    }

    /// Another encoder has taken over: its parameter sets, and perhaps its codec, are others.
    fn begin(&mut self, index: usize, track: &Track) -> Result<(), LinkError> {
        let Some(before) = self.tracks.get_mut(index) else { return Ok(()) };
        if before.parameters.fields().codec_id != track.parameters.fields().codec_id {
            // The tables could say so; FFmpeg, for one, would not listen.
            let text = "another encoder has taken over, with another codec; the peer is called anew for it";
            return Err(LinkError::new(LinkFault::Closed, text));
        }
        *before = track.clone();
        self.version = (self.version + 1) % 32;
        self.muxer = open(&self.tracks, self.version)?;
        Ok(())
    }
}

fn unmuxed(error: &OutputError) -> LinkError {
    LinkError::new(LinkFault::Protocol, error.to_string())
}

fn open(tracks: &[Track], version: u8) -> Result<Muxer, LinkError> {
    let streams: Vec<_> =
        tracks.iter().map(|track| Stream { track, timescale: TIMESCALE, tag: None }).collect();
    let version = std::ffi::CString::new(version.to_string()).unwrap_or_default();
    Muxer::open(
        c"mpegts",
        &streams,
        &[
            // Sound goes out packet by packet, and does not wait to fill a unit.
            (c"pes_payload_size", c"0"),
            // Its clock is twice this, a tenth of a second, ahead of what is shown.
            (c"max_delay", c"50000"),
            // Who writes connections one after the other into a file is told where the next begins.
            (c"mpegts_flags", c"+initial_discontinuity"),
            (c"tables_version", &version),
        ],
    )
    .map_err(|error| unmuxed(&error))
}

/// Whether a transport stream holds these tracks.
pub(super) fn check(tracks: &[Track]) -> Result<(), LinkError> {
    let unfit = |text: &str| Err(LinkError::new(LinkFault::Address, text));
    for track in tracks {
        let codec = track.parameters.fields().codec_id;
        match (track.kind, codec) {
            (TrackKind::Video { .. }, AV_CODEC_ID_H264 | AV_CODEC_ID_HEVC) => {}
            (TrackKind::Video { .. }, _) => {
                return unfit("MPEG-TS, which SRT carries, holds H.264 and HEVC; take codec h264 or hevc");
            }
            (_, AV_CODEC_ID_AAC | AV_CODEC_ID_OPUS) => {}
            _ => return unfit("MPEG-TS, which SRT carries, holds AAC and Opus; take --audio-codec aac"),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
