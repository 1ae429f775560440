//! Sound encoders of libavcodec: AAC, Opus, FLAC.
//!
//! Samples go in interleaved, stereo, 32-bit float at [`RATE`]; packets come out with times in
//! samples. An encoder that looks ahead says by how much in its parameters (`initial_padding`), and
//! its first packet begins that much before zero, so that what is *heard* at zero is the first
//! sample that went in.

use std::ffi::CStr;
use std::time::Duration;

use super::codec::{Context, Frame};
use super::{AudioError, CHANNELS, RATE};
use crate::av::{AvError, PacketRef, Parameters, ffi, take_over_log};
use crate::encode::{Packet, Payload};
use crate::{AudioCodec, MediaTime, Timestamp};
use ffi::AVSampleFormat::{AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S32};

/// Bits a second, in thousands, where none are asked for.
const DEFAULT_KBPS: u32 = 160;

/// libavcodec's encoders of each codec, the better first, with the sample formats that we can make.
const fn candidates(codec: AudioCodec) -> &'static [(&'static CStr, ffi::AVSampleFormat)] {
    match codec {
        AudioCodec::Aac => &[(c"aac", AV_SAMPLE_FMT_FLTP), (c"libfdk_aac", AV_SAMPLE_FMT_S16)],
        AudioCodec::Opus => &[(c"libopus", AV_SAMPLE_FMT_FLT), (c"opus", AV_SAMPLE_FMT_FLTP)],
        AudioCodec::Flac => &[(c"flac", AV_SAMPLE_FMT_S32)],
    }
}

/// An open encoder.
pub(super) struct Encoder {
    context: Context,
    format: ffi::AVSampleFormat,
    /// Samples of one channel in a packet.
    frame_size: usize,
    /// Interleaved samples that do not fill a frame yet.
    pending: Vec<f32>,
    /// Samples of one channel handed to the encoder.
    position: i64,
    name: &'static CStr,
}

impl Encoder {
    /// Opens the first encoder of this codec that works. `kbps` is ignored by FLAC.
    pub(super) fn open(codec: AudioCodec, kbps: Option<u32>) -> Result<Self, AudioError> {
        // Sound may be the first that libavcodec is asked for.
        take_over_log();
        let mut reasons = Vec::new();
        for &(name, format) in candidates(codec) {
            match Context::open(name, format, kbps.unwrap_or(DEFAULT_KBPS)) {
                Ok(context) => {
                    // FLAC alone leaves the choice to us in some versions.
                    let frame_size = match context.fields().frame_size {
                        size if size > 0 => size as usize,
                        _ => 4096,
                    };
                    let pending = Vec::with_capacity(2 * frame_size * CHANNELS);
                    return Ok(Self { context, format, frame_size, pending, position: 0, name });
                }
                Err(reason) => reasons.push(format!("{}: {reason}", name.to_string_lossy())),
            }
        }
        Err(AudioError::Encoder {
            codec: codec.word(),
            reason: format!("{}; try another --audio-codec", reasons.join(", ")),
        })
    }

    /// The encoder's name in libavcodec.
    pub(super) fn name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    /// What a muxer must know.
    pub(super) fn parameters(&self) -> Result<Parameters, AvError> {
        self.context.parameters()
    }

    /// Encodes interleaved samples; what does not fill a frame waits for more.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut impl FnMut(Packet)) -> Result<(), AvError> {
        // Encoders refuse what is no number, and a broken application may well play it.
        let sound = |it: &f32| if it.is_finite() { it.clamp(-8.0, 8.0) } else { 0.0 };
        let frame = self.frame_size * CHANNELS;
        // A frame's worth at a time: of seconds that come late at once none stay in memory.
        for samples in samples.chunks(frame) {
            self.pending.extend(samples.iter().map(sound));
            if self.pending.len() >= frame {
                self.send(0..frame)?;
                self.pending.drain(..frame);
                self.receive(out)?;
            }
        }
        Ok(())
    }

    /// Encodes what waits and drains the encoder. Nothing can follow.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(Packet)) -> Result<(), AvError> {
        if !self.pending.is_empty() {
            self.send(0..self.pending.len())?;
            self.pending.clear();
        }
        self.context.end()?;
        self.receive(out)
    }

    fn send(&mut self, range: std::ops::Range<usize>) -> Result<(), AvError> {
        let samples = &self.pending[range];
        let frame = Frame::of(&self.context, self.format, samples, self.position)?;
        self.position += (samples.len() / CHANNELS) as i64;
        self.context.send(&frame)
    }

    fn receive(&mut self, out: &mut impl FnMut(Packet)) -> Result<(), AvError> {
        while let Some(packet) = self.context.receive()? {
            // FLAC ends with a packet of side data alone, a checksum for a header that the
            // containers have written long before.
            if !packet.data().is_empty() {
                out(self.packet(&packet)?);
            }
        }
        Ok(())
    }

    fn packet(&self, av: &PacketRef) -> Result<Packet, AvError> {
        let fields = av.fields();
        let pts = media_time(fields.pts);
        let length = if fields.duration > 0 { fields.duration } else { self.frame_size as i64 };
        let nanos = media_time(fields.pts + length).nanos_since(pts);
        Ok(Packet {
            track: 0,
            pts,
            dts: pts,
            duration: Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)),
            key: true,
            arrived: None,
            begins: None,
            encoded: Timestamp::now(),
            payload: Payload::of(av)?,
        })
    }
}

/// When sample `index` is heard, to the nearest nanosecond.
pub(super) fn media_time(index: i64) -> MediaTime {
    let nanos = (i128::from(index) * 1_000_000_000 + i128::from(RATE / 2)).div_euclid(i128::from(RATE));
    MediaTime::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::decode::decode;

    fn encode(codec: AudioCodec, samples: &[f32]) -> (Vec<Packet>, Parameters) {
        let mut encoder = Encoder::open(codec, None).unwrap();
        let mut packets = Vec::new();
        for piece in samples.chunks(700 * CHANNELS) {
            encoder.push(piece, &mut |it| packets.push(it)).unwrap();
        }
        encoder.finish(&mut |it| packets.push(it)).unwrap();
        (packets, encoder.parameters().unwrap())
    }

    /// A second and a bit of 997 Hz, as loud as it gets in its middle, where there is a click too.
    fn tone_and_click() -> Vec<f32> {
        let sample = |frame: usize| {
            let tone = (frame as f64 * 997.0 / 48000.0 * std::f64::consts::TAU).sin() as f32 * 0.25;
            if frame == 24_000 { 1.0 } else { tone }
        };
        (0..60_000).flat_map(|frame| [sample(frame); CHANNELS]).collect()
    }

    /// The power at a frequency, against all power.
    fn share_of(left: &[f32], frequency: f64) -> f64 {
        let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
        for (index, &sample) in left.iter().enumerate() {
            let angle = index as f64 * frequency / 48000.0 * std::f64::consts::TAU;
            sine += f64::from(sample) * angle.sin();
            cosine += f64::from(sample) * angle.cos();
            all += f64::from(sample).powi(2);
        }
        2.0 * (sine * sine + cosine * cosine) / (all * left.len() as f64)
    }

    fn comes_back(codec: AudioCodec, off_by: usize) {
        let samples = tone_and_click();
        let (packets, parameters) = encode(codec, &samples);
        let padding = i64::from(parameters.fields().initial_padding);
        assert_eq!(packets[0].pts, media_time(-padding), "{codec}: the look-ahead lies before zero");
        for pair in packets.windows(2) {
            let end = pair[0].pts.as_nanos() + pair[0].duration.as_nanos() as i64;
            assert_eq!(end, pair[1].pts.as_nanos(), "{codec}: packets follow on one another");
        }
        let heard = decode(&parameters, &packets);
        assert_eq!(heard.broken, 0);
        assert!(heard.left.len() >= 60_000, "{codec}: all of it came back: {}", heard.left.len());
        assert!(share_of(&heard.left[4800..20_000], 997.0) > 0.95, "{codec}: the tone");
        let loudest = (0..60_000).max_by(|&a, &b| heard.left[a].abs().total_cmp(&heard.left[b].abs()));
        let loudest = loudest.unwrap();
        assert!(loudest.abs_diff(24_000) <= off_by, "{codec}: the click is at {loudest}");
    }

    #[test]
    fn aac_comes_back_in_its_place() {
        comes_back(AudioCodec::Aac, 2);
    }

    #[test]
    fn opus_comes_back_in_its_place() {
        comes_back(AudioCodec::Opus, 2);
    }

    #[test]
    fn flac_comes_back_bit_for_bit() {
        comes_back(AudioCodec::Flac, 0);
        let samples = tone_and_click();
        let (packets, parameters) = encode(AudioCodec::Flac, &samples);
        let heard = decode(&parameters, &packets).left;
        let worst = samples.iter().step_by(2).zip(&heard).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 1.0 / 8_388_608.0, "{worst}");
    }

    #[test]
    fn loud_and_broken_samples_are_no_panic() {
        let wild = [f32::NAN, f32::INFINITY, -9e9, 2.0, -2.0, 1.0].repeat(8000);
        for codec in [AudioCodec::Flac, AudioCodec::Opus, AudioCodec::Aac] {
            let mut encoder = Encoder::open(codec, None).unwrap();
            let pushed = encoder.push(&wild, &mut |_| {});
            assert!(pushed.is_ok(), "{codec}: {pushed:?}");
        }
    }
}
