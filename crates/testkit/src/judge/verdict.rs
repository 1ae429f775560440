//! What the judge says: as data, in words, and as assertions.

use std::fmt;
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

impl Verdict {
    /// What makes this anything but a faultless recording of the test card, in words.
    ///
    /// Limits: colours 8 code values, frames placed to 5 ms, sound 20 ms from the picture.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.content_problems();
        let mut say = |wrong: bool, text: String| problems.extend(wrong.then_some(text));
        say(self.cut, "the file ends in the middle of a packet".into());
        match self.duration_seconds {
            None => say(true, "the container does not say how long it is".into()),
            Some(it) => say(
                (it - self.content_seconds).abs() > 0.1,
                format!("the container says {it:.3} s, its packets {:.3} s", self.content_seconds),
            ),
        }
        match self.seek {
            Some(Seek { ok: false, .. }) => say(true, "seeking to the middle fails".into()),
            Some(it) => {
                say(it.early_seconds > 11.0, format!("seeking leads {:.1} s too early", it.early_seconds))
            }
            None => {}
        }
        problems
    }

    /// What is wrong with pictures and sound, leaving aside what a file needs that was closed in order:
    /// its length, its index, a whole last packet. What a file cut by a crash must still fulfil.
    pub fn content_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut say = |wrong: bool, text: String| problems.extend(wrong.then_some(text));
        say(self.unordered_packets > 0, format!("{} packets are out of order", self.unordered_packets));
        match &self.video {
            Some(video) => video.problems(&mut say),
            None => say(true, "there are no pictures".into()),
        }
        match &self.card {
            Some(card) => card.problems(&mut say),
            None => say(true, "the pictures are not the test card".into()),
        }
        for (index, track) in self.audio.iter().enumerate() {
            track.problems(index, &mut say);
        }
        problems
    }

    /// Fails the test unless the recording is faultless.
    ///
    /// # Panics
    /// There is a problem.
    #[track_caller]
    pub fn must_be_clean(&self) -> &Self {
        let problems = self.problems();
        assert!(problems.is_empty(), "{}\n{self}", problems.join("\n"));
        self
    }

    /// Fails the test unless what was written before a crash is faultless.
    ///
    /// # Panics
    /// There is a problem.
    #[track_caller]
    pub fn must_be_clean_up_to_its_end(&self) -> &Self {
        let problems = self.content_problems();
        assert!(problems.is_empty(), "{}\n{self}", problems.join("\n"));
        self
    }

    /// Fails the test unless every track has beeps, and none is further from its flash.
    ///
    /// # Panics
    /// There is no sound, no beep, or too large a distance.
    #[track_caller]
    pub fn must_be_in_sync(&self, within_ms: f64) -> &Self {
        assert!(!self.audio.is_empty(), "there is no sound\n{self}");
        for track in &self.audio {
            let worst = track.worst_skew_ms();
            assert!(worst.is_some_and(|it| it <= within_ms), "{worst:?} ms, {within_ms} allowed\n{self}");
        }
        self
    }

    /// The video track.
    ///
    /// # Panics
    /// There is none.
    #[track_caller]
    pub fn must_have_video(&self) -> &VideoVerdict {
        self.video.as_ref().unwrap_or_else(|| panic!("there are no pictures\n{self}"))
    }

    /// What the card said.
    ///
    /// # Panics
    /// The pictures are not the test card.
    #[track_caller]
    pub fn must_be_the_card(&self) -> &CardVerdict {
        self.card.as_ref().unwrap_or_else(|| panic!("the pictures are not the test card\n{self}"))
    }
}

impl VideoVerdict {
    fn problems(&self, say: &mut impl FnMut(bool, String)) {
        say(self.frames == 0, "not one picture could be decoded".into());
        say(self.decode_errors > 0, format!("{} pictures are damaged", self.decode_errors));
        say(self.backwards > 0, format!("the time goes backwards at {} pictures", self.backwards));
        say(self.resized > 0, format!("{} pictures have another size than the first", self.resized));
        let error = self.color_error.unwrap_or(0.0);
        say(error > 8.0, format!("colours are wrong by {error:.1} code values"));
    }
}

impl CardVerdict {
    fn problems(&self, say: &mut impl FnMut(bool, String)) {
        say(self.unreadable > 0, format!("{} frames cannot be read", self.unreadable));
        say(self.lost > 0, format!("{} frames are lost: {}", self.lost, listed(&self.lost_numbers)));
        say(
            self.repeated > 0,
            format!("{} frames are repeated: {}", self.repeated, listed(&self.repeated_numbers)),
        );
        say(self.out_of_order > 0, format!("{} frames are out of order", self.out_of_order));
        say(self.wrong_flash > 0, format!("{} flashes are not as the frame says", self.wrong_flash));
        let worst = self.timing.max_ms;
        say(worst > 5.0, format!("a frame is {worst:.1} ms from its place in time"));
    }
}

/// The first numbers of a list.
fn listed(numbers: &[i64]) -> String {
    const MOST: usize = 12;
    let first: Vec<String> = numbers.iter().take(MOST).map(|it| format!("#{it}")).collect();
    first.join(", ") + if numbers.len() > MOST { ", ..." } else { "" }
}

impl AudioVerdict {
    fn problems(&self, index: usize, say: &mut impl FnMut(bool, String)) {
        let mut say = |wrong, text: String| say(wrong, format!("audio track {index}: {text}"));
        say(self.decode_errors > 0, format!("{} packets are damaged", self.decode_errors));
        say(!self.gaps.is_empty(), format!("the sound breaks {} times: {:?} s", self.gaps.len(), self.gaps));
        say(self.missing_beeps > 0, format!("{} beeps are missing", self.missing_beeps));
        say(self.extra_beeps > 0, format!("{} beeps have no flash", self.extra_beeps));
        let worst = self.worst_skew_ms().unwrap_or(0.0);
        say(worst > 20.0, format!("the sound is {worst:.1} ms from the picture"));
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (megabytes, seconds) = (self.bytes as f64 / 1e6, self.content_seconds);
        writeln!(f, "{}: {}, {megabytes:.2} MB, {seconds:.2} s", self.path.display(), self.container)?;
        if let Some(video) = &self.video {
            writeln!(f, "  video  {video}")?;
        }
        if let Some(card) = &self.card {
            writeln!(f, "  card   {card}")?;
        }
        for track in &self.audio {
            writeln!(f, "  audio  {track}")?;
        }
        Ok(())
    }
}

impl fmt::Display for VideoVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Color { matrix, range, .. } = &self.color;
        let profile = self.profile.as_deref().map(|it| format!(" ({it})")).unwrap_or_default();
        let fps = (self.fps * 100.0).round() / 100.0;
        write!(f, "{}{profile} {}x{} at {fps} fps, ", self.codec, self.width, self.height)?;
        write!(f, "{} {matrix} {range}, {} frames, {} key", self.pixel_format, self.frames, self.key_frames)?;
        if ["smpte2084", "arib-std-b67"].contains(&self.color.transfer.as_str()) {
            write!(f, ", HDR in {}", self.color.transfer)?;
        }
        for (name, value) in [("made on", &self.hdr.mastering_display), ("light", &self.hdr.content_light)] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        if self.decode_errors > 0 {
            write!(f, ", {} damaged", self.decode_errors)?;
        }
        Ok(())
    }
}

impl fmt::Display for CardVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} to #{}: {} lost, {} repeated, ", self.first, self.last, self.lost, self.repeated)?;
        write!(f, "{} out of order, {} unreadable; ", self.out_of_order, self.unreadable)?;
        write!(f, "timing p99 {:.2} ms, max {:.2} ms", self.timing.p99_ms, self.timing.max_ms)
    }
}

impl fmt::Display for AudioVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.language.as_deref().unwrap_or("und");
        write!(f, "{} {} Hz, {} channels, {language}, ", self.codec, self.rate, self.channels)?;
        write!(f, "{:.2} s", self.end - self.start)?;
        if !self.gaps.is_empty() {
            write!(f, ", {} breaks", self.gaps.len())?;
        }
        match (self.worst_skew_ms(), self.mean_skew_ms()) {
            (Some(worst), Some(mean)) => {
                let pairs = self.skews_ms.len();
                write!(f, "; {pairs} beeps, A/V skew {worst:.2} ms at most, {mean:+.2} ms on average")
            }
            _ => write!(f, "; no beep with a flash"),
        }
    }
}
