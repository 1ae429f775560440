//! What the judge says: as data here, in [`words`], and of what is wrong ([`problems`]).

mod problems;
mod words;

use std::path::PathBuf;

use serde::Serialize;

use super::card::CardVerdict;
use super::ear::Ear;
use super::eye::Eye;
use super::file::{File, PacketErrors, Senses};
use super::hdr::Hdr;
use super::sync::Skews;

/// What is in a recording, and what is wrong with it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The container's name in libavformat, such as `matroska,webm`.
    pub container: String,
    /// Its length as the container says, seconds.
    pub duration_seconds: Option<f64>,
    /// Its length as its packets say, seconds.
    pub content_seconds: f64,
    /// Whether it ends in the middle of a packet.
    pub cut: bool,
    /// Packets whose decoding time is not after that of the one before.
    pub unordered_packets: u64,
    /// What came of seeking to the middle.
    pub seek: Option<Seek>,
    /// The pictures.
    pub video: Option<VideoVerdict>,
    /// What the test card said, where it is one.
    pub card: Option<CardVerdict>,
    /// The sound, a track each.
    pub audio: Vec<AudioVerdict>,
}

/// Where a seek to the middle led.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Seek {
    /// It led to a key frame that is not after the target.
    pub ok: bool,
    /// How far before the target that is, seconds: less than a GOP.
    pub early_seconds: f64,
}

/// The video track.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct VideoVerdict {
    /// The codec's name in libavcodec.
    pub codec: String,
    /// Its profile.
    pub profile: Option<String>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures a second, as the container says.
    pub fps: f64,
    /// Pictures decoded.
    pub frames: u64,
    /// Key frames among them.
    pub key_frames: u64,
    /// The pixel format's name in libavutil.
    pub pixel_format: String,
    /// The colour tags that reach a player.
    pub color: Color,
    /// What the first picture says of HDR.
    pub hdr: Hdr,
    /// The largest error of the card's colour bars, in 8-bit code values.
    pub color_error: Option<f64>,
    /// The first picture's time, seconds.
    pub start: f64,
    /// The last picture's time, seconds.
    pub last: f64,
    /// Pictures whose time is not after that of the one before.
    pub backwards: u64,
    /// Pictures of another size than the first.
    pub resized: u64,
    /// Packets that could not be decoded, pictures that are damaged.
    pub decode_errors: u64,
}

/// Colour tags by libavutil's names, "unspecified" where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Color {
    pub matrix: String,
    pub range: String,
    pub primaries: String,
    pub transfer: String,
}

/// An audio track.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AudioVerdict {
    /// The codec's name in libavcodec.
    pub codec: String,
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// The language tag.
    pub language: Option<String>,
    /// The title tag.
    pub title: Option<String>,
    /// When it starts, seconds.
    pub start: f64,
    /// When it ends, seconds.
    pub end: f64,
    /// The largest sample, 1.0 being full scale.
    pub peak: f32,
    /// Breaks, seconds: positive where sound is missing.
    pub gaps: Vec<f64>,
    /// Packets that could not be decoded.
    pub decode_errors: u64,
    /// Beeps heard.
    pub beeps: u64,
    /// Flashes without a beep while there is sound.
    pub missing_beeps: u64,
    /// Beeps without a flash while there are pictures.
    pub extra_beeps: u64,
    /// For each pair of flash and beep: when, seconds, and how much later the sound is than the
    /// picture, milliseconds.
    pub skews_ms: Vec<(f64, f64)>,
}

impl AudioVerdict {
    /// The largest distance between a flash and its beep, milliseconds; `None` without a pair.
    pub fn worst_skew_ms(&self) -> Option<f64> {
        self.skews_ms.iter().map(|(_, skew)| skew.abs()).max_by(f64::total_cmp)
    }

    /// The mean of all pairs, signed: positive where the sound is late.
    pub fn mean_skew_ms(&self) -> Option<f64> {
        let count = self.skews_ms.len();
        (count > 0).then(|| self.skews_ms.iter().map(|(_, skew)| skew).sum::<f64>() / count as f64)
    }
}

pub(super) fn write(
    file: &File,
    senses: Senses,
    card: Option<CardVerdict>,
    skews: Vec<Skews>,
    seek: Option<Seek>,
    errors: PacketErrors,
) -> Verdict {
    let fps = senses.fps;
    Verdict {
        path: file.path.clone(),
        bytes: file.bytes,
        container: file.container.clone(),
        duration_seconds: file.duration,
        content_seconds: errors.end,
        cut: errors.cut,
        unordered_packets: errors.unordered,
        seek,
        video: senses.video.map(|eye| video(eye, fps)),
        card,
        audio: senses.audio.into_iter().zip(skews).map(|(ear, skews)| audio(ear, skews)).collect(),
    }
}

fn video(eye: Eye, fps: f64) -> VideoVerdict {
    let color_error = eye.color_error();
    let time = |seen: Option<&super::eye::Seen>| seen.map_or(0.0, |it| it.pts);
    let (start, last) = (time(eye.frames().first()), time(eye.frames().last()));
    let unknown = || "unspecified".to_owned();
    let color = eye.coding.map_or_else(
        || Color { matrix: unknown(), range: unknown(), primaries: unknown(), transfer: unknown() },
        |it| Color { matrix: it.matrix, range: it.range, primaries: it.primaries, transfer: it.transfer },
    );
    VideoVerdict {
        frames: eye.frames.len() as u64,
        codec: eye.codec,
        profile: eye.profile,
        width: eye.size.width,
        height: eye.size.height,
        fps,
        key_frames: eye.key_frames,
        pixel_format: eye.pixel_format,
        color,
        hdr: eye.hdr,
        color_error,
        start,
        last,
        backwards: eye.backwards,
        resized: eye.resized,
        decode_errors: eye.decode_errors,
    }
}

fn audio(ear: Ear, skews: Skews) -> AudioVerdict {
    AudioVerdict {
        rate: ear.rate(),
        channels: ear.channels(),
        beeps: ear.beeps().len() as u64,
        codec: ear.codec,
        language: ear.language,
        title: ear.title,
        start: ear.start.unwrap_or(0.0),
        end: ear.end,
        peak: ear.peak,
        gaps: ear.gaps,
        decode_errors: ear.decode_errors,
        missing_beeps: skews.missing,
        extra_beeps: skews.extra,
        skews_ms: skews.pairs.into_iter().map(|(at, skew)| (at, skew * 1e3)).collect(),
    }
}
