//! The container: its tracks, its packets in order, its index.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ffmpeg_next::{Error, Packet, Rational, format, media};

use super::Options;
use super::ear::Ear;
use super::eye::Eye;
use super::verdict::Seek;

/// An open recording.
pub(super) struct File {
    pub path: PathBuf,
    pub bytes: u64,
    /// The container's name in libavformat.
    pub container: String,
    /// What the container says of its length, seconds.
    pub duration: Option<f64>,
    input: format::context::Input,
}

/// The decoders of all tracks.
pub(super) struct Senses {
    pub video: Option<Eye>,
    pub audio: Vec<Ear>,
    /// Pictures a second, as the container says.
    pub fps: f64,
}

/// What was wrong with the packets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PacketErrors {
    /// Packets whose decoding time is not after that of the packet before in their track.
    pub unordered: u64,
    /// The file ends in the middle of something.
    pub cut: bool,
    /// The end of the last picture or sound, seconds.
    pub end: f64,
}

/// Read errors in a row after which the rest is given up.
const PATIENCE: u32 = 50;

impl File {
    pub fn open(path: &Path) -> Result<Self> {
        ffmpeg_next::init().context("libavcodec")?;
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
        let bytes = std::fs::metadata(path)?.len();
        let input = format::input(path).context("not a recording that libavformat can read")?;
        let container = input.format().name().to_owned();
        let duration = (input.duration() > 0).then(|| input.duration() as f64 / 1e6);
        Ok(Self { path: path.to_owned(), bytes, container, duration, input })
    }

    /// Opens a decoder for every track.
    pub fn senses(&self, options: &Options) -> Result<Senses> {
        let mut senses = Senses { video: None, audio: Vec::new(), fps: 0.0 };
        for stream in self.input.streams() {
            match stream.parameters().medium() {
                media::Type::Video if senses.video.is_none() => {
                    senses.fps = f64::from(stream.avg_frame_rate());
                    senses.video = Some(Eye::open(&stream, options.colors)?);
                }
                media::Type::Audio => senses.audio.push(Ear::open(&stream)?),
                _ => {}
            }
        }
        if senses.video.is_none() && senses.audio.is_empty() {
            bail!("it has neither pictures nor sound");
        }
        Ok(senses)
    }

    /// Decodes all of it.
    pub fn read(&mut self, senses: &mut Senses) -> Result<PacketErrors> {
        let mut errors = PacketErrors::default();
        let mut last = vec![i64::MIN; self.input.nb_streams() as usize];
        let mut failed = 0;
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) => failed = 0,
                Err(Error::Eof) => break,
                Err(_) => {
                    failed += 1;
                    errors.cut = true;
                    if failed == PATIENCE {
                        break;
                    }
                    continue;
                }
            }
            let (index, time_base) = (packet.stream(), self.time_base(packet.stream()));
            if let (Some(dts), Some(last)) = (packet.dts(), last.get_mut(index)) {
                errors.unordered += u64::from(dts <= *last);
                *last = dts;
            }
            if let Some(pts) = packet.pts() {
                errors.end = errors.end.max(seconds(pts + packet.duration(), time_base));
            }
            errors.cut |= packet.is_corrupt();
            senses.take(index, &packet);
        }
        senses.finish();
        Ok(errors)
    }

    /// Seeks to the middle and looks where that led.
    pub fn seek(&mut self, senses: &Senses) -> Option<Seek> {
        let eye = senses.video.as_ref()?;
        let (first, last) = (eye.frames().first()?.pts, eye.frames().last()?.pts);
        let target = f64::midpoint(first, last);
        let micros = (target * 1e6) as i64;
        if self.input.seek(micros, ..micros + 1).is_err() {
            return Some(Seek { ok: false, early_seconds: 0.0 });
        }
        for _ in 0..10_000 {
            let mut packet = Packet::empty();
            if packet.read(&mut self.input).is_err() {
                break;
            }
            // Players skip what cannot be decoded without the pictures before.
            if packet.stream() == eye.stream
                && packet.is_key()
                && let Some(pts) = packet.pts()
            {
                let early = target - seconds(pts, eye.time_base);
                return Some(Seek { ok: early > -0.001, early_seconds: early });
            }
        }
        Some(Seek { ok: false, early_seconds: 0.0 })
    }

    fn time_base(&self, stream: usize) -> Rational {
        self.input.stream(stream).map_or(Rational(1, 1_000_000), |it| it.time_base())
    }
}

impl Senses {
    fn take(&mut self, stream: usize, packet: &Packet) {
        if let Some(eye) = self.video.as_mut().filter(|it| it.stream == stream) {
            eye.take(Some(packet));
        }
        if let Some(ear) = self.audio.iter_mut().find(|it| it.stream == stream) {
            ear.take(Some(packet));
        }
    }

    fn finish(&mut self) {
        if let Some(eye) = &mut self.video {
            eye.take(None);
        }
        for ear in &mut self.audio {
            ear.take(None);
        }
    }
}

/// A time of a stream in seconds.
pub(super) fn seconds(time: i64, base: Rational) -> f64 {
    time as f64 * f64::from(base.numerator()) / f64::from(base.denominator())
}
