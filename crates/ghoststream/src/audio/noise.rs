//! Sound without a source, for what is measured.

use super::encoder::Encoder;
use super::{AudioError, CHANNELS, RATE};
use crate::encode::{Packet, Track, TrackKind};
use crate::{AudioCodec, MediaTime};

/// Noise: encoded once, and handed out over and over. Nothing is harder to encode, so that its packets are as large as
/// the bitrate lets them be.
pub(crate) struct Noise {
    track: Track,
    packets: Vec<Packet>,
    /// Packets handed out.
    count: usize,
}

impl Noise {
    /// Of a codec, at its usual bitrate.
    ///
    /// # Errors
    /// There is no encoder, or it failed.
    pub(crate) fn of(codec: AudioCodec) -> Result<Self, AudioError> {
        let mut encoder = Encoder::open(codec, None)?;
        let track = Track {
            kind: TrackKind::Audio { rate: RATE },
            parameters: encoder.parameters()?.into(),
            title: None,
            language: None,
        };
        let mut state = 0x2545_f491_u32;
        let samples = std::iter::repeat_with(|| {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
        });
        let samples: Vec<_> = samples.take(2 * RATE as usize * CHANNELS).collect();
        let mut packets = Vec::new();
        encoder.push(&samples, &mut |it| packets.push(it))?;
        Ok(Self { track, packets, count: 0 })
    }

    /// What a muxer must know.
    pub(crate) const fn track(&self) -> &Track {
        &self.track
    }

    /// The next packet, where it is heard before then.
    pub(crate) fn before(&mut self, then: MediaTime) -> Option<Packet> {
        let packet = self.packets.get(self.count % self.packets.len().max(1))?;
        let nanos = packet.duration.as_nanos() as i64 * self.count as i64;
        let pts = MediaTime::from_nanos(nanos);
        let is_before = pts < then;
        self.count += usize::from(is_before);
        is_before.then(|| Packet { pts, dts: pts, ..packet.clone() })
    }
}
