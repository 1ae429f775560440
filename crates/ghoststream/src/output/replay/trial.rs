//! A replay buffer at any bitrate, filled by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Buffer, ReplayOptions, SavedReplay, Wish, open};
use crate::audio::Noise;
use crate::av::PacketRef;
use crate::encode::bench::Pictures;
use crate::encode::{self, Frame, Packet, Payload, Request};
use crate::output::{Context, OutputError, Sink};
use crate::stats::ReplayReport;
use crate::{AudioCodec, EncoderConfig, Error, MediaTime, Size, Timestamp};

/// A buffer that is filled at once with what an encoder made, over and over, each picture with filler
/// data up to its share of a bitrate, and with the sound of that time: for benches. The pictures can be decoded.
pub struct ReplayTrial {
    sink: Box<dyn Sink>,
    buffer: Arc<Buffer>,
    /// Two seconds of pictures, the first of which is a key picture.
    pictures: Vec<Packet>,
    filled: u64,
    noise: Option<Noise>,
}

impl ReplayTrial {
    const FPS: u64 = 60;
    const SIZE: Size = Size { width: 1280, height: 720 };

    /// Encodes the pictures, H.264 in software, and noise, where sound of a codec is wanted; and opens the buffer.
    ///
    /// # Errors
    /// There is no encoder, or the directory cannot be made.
    pub fn open(
        seconds: u32,
        directory: &Path,
        options: &ReplayOptions,
        sound: Option<AudioCodec>,
    ) -> Result<Self, Error> {
        let config = EncoderConfig::default()
            .with_codec(crate::Codec::H264)
            .with_encoder(crate::EncoderChoice::Software)
            .with_preset(crate::EncoderPreset::Fastest)
            .with_gop_seconds(2.0);
        let request = Request { config: &config, size: Self::SIZE, fps: Self::FPS as f64, containers: &[] };
        let mut opened = encode::open(&request)?;
        let shown = Pictures::new(&opened.input, None)?;
        let mut pictures = Vec::new();
        for n in 0..2 * Self::FPS {
            let picture = shown.at(n).share();
            let picture =
                picture.map_err(|source| encode::EncodeError::Failed { encoder: opened.name, source })?;
            let frame = Frame { pts: time(n), picture: picture.into(), arrived: Timestamp::now() };
            opened.encoder.encode(frame, &mut pictures)?;
        }
        opened.encoder.flush(&mut pictures)?;
        let noise = sound.map(Noise::of).transpose()?;
        let tracks: Vec<_> =
            std::iter::once(opened.track).chain(noise.as_ref().map(|it| it.track().clone())).collect();
        let (sink, buffer) = open((seconds, directory), options, &tracks, &Context::alone())?;
        Ok(Self { sink, buffer, pictures, filled: 0, noise })
    }

    /// Puts in so many seconds at this bitrate; returns the bytes of their packets.
    ///
    /// # Errors
    /// Out of memory.
    pub fn fill(&mut self, seconds: u64, kbps: u64) -> Result<u64, Error> {
        // Nothing else is put on the heap between packets: what they take there is measured.
        let filler = vec![0xff; (kbps * 1000 / 8 / Self::FPS) as usize];
        let (mut bytes, mut filled_up) = (0, Vec::new());
        for _ in 0..seconds / 2 {
            let offset = time(self.filled).as_nanos();
            for n in 0..self.pictures.len() {
                let picture = &self.pictures[n];
                fill_up(picture.data(), &filler, &mut filled_up);
                let (pts, dts) = (picture.pts.offset(offset), picture.dts.offset(offset));
                let packet = made_of(&filled_up, Packet { pts, dts, ..picture.clone() })?;
                bytes += self.hear(packet.dts)?;
                bytes += packet.data().len() as u64;
                self.sink.write(&packet)?;
            }
            self.filled += self.pictures.len() as u64;
        }
        Ok(bytes)
    }

    /// Puts in the sound until then; returns the bytes of its packets.
    fn hear(&mut self, until: MediaTime) -> Result<u64, Error> {
        let mut bytes = 0;
        while let Some(packet) = self.noise.as_mut().and_then(|it| it.before(until)) {
            let packet = made_of(packet.data(), Packet { track: 1, ..packet.clone() })?;
            bytes += packet.data().len() as u64;
            self.sink.write(&packet)?;
        }
        Ok(bytes)
    }

    /// Saves the last of it.
    ///
    /// # Errors
    /// As [`Pipeline::save_replay`](crate::Pipeline::save_replay).
    pub fn save(&self, last: Duration) -> Result<Vec<SavedReplay>, Error> {
        let answer = Arc::clone(&self.buffer).save(Wish { last: Some(last), ..Wish::default() })?;
        let saved = answer.blocking_recv().unwrap_or_else(|_| Err(OutputError::panicked("gs-replay-save")));
        Ok(saved?)
    }

    /// What is held.
    pub fn report(&self) -> ReplayReport {
        self.buffer.report()
    }
}

impl std::fmt::Debug for ReplayTrial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReplayTrial({} pictures)", self.filled)
    }
}

fn time(picture: u64) -> MediaTime {
    MediaTime::from_nanos((picture as i64 * 1_000_000_000) / ReplayTrial::FPS as i64)
}

/// The packet with these bytes, as if they came out of an encoder.
fn made_of(bytes: &[u8], packet: Packet) -> Result<Packet, Error> {
    let payload = PacketRef::empty().and_then(|it| Payload::of(&it.with_data(bytes)?));
    Ok(Packet { payload: payload.map_err(OutputError::no_memory)?, ..packet })
}

/// The picture's bytes, and a unit of filler data after them (H.264, 7.3.2.7).
fn fill_up(picture: &[u8], filler: &[u8], out: &mut Vec<u8>) {
    const BEGIN: [u8; 5] = [0, 0, 0, 1, 12];
    const END: [u8; 1] = [0x80];
    let missing = filler.len().saturating_sub(picture.len() + BEGIN.len() + END.len());
    out.clear();
    out.extend(picture);
    if missing > 0 {
        [&BEGIN[..], &filler[..missing], &END[..]].iter().for_each(|it| out.extend(*it));
    }
}
