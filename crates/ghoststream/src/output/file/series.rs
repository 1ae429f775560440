//! A recording that goes on where another encoder has taken over: in the same file where that can
//! hold what the new one makes, else in another beside it.
//!
//! Of the same codec, an encoder's parameter sets may differ from those in the file's header. They
//! are then put before each of its key pictures, where every decoder looks for them; what else a
//! container wants is its writer's business. Another codec needs another file: `name-2.mkv`, whose
//! times begin at its own zero and into which the sound goes on.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::create_one;
use crate::av::ffi::AVCodecID::{AV_CODEC_ID_AV1, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC};
use crate::encode::{Packet, Track};
use crate::output::{Marker, OutputError, Sink};
use crate::stats::OutputReport;
use crate::{Container, MediaTime};

/// One file after another.
pub(super) struct Series {
    path: PathBuf,
    container: Container,
    /// What the current file's header says.
    tracks: Vec<Track>,
    /// The file that is written; nothing where the next could not be made.
    current: Option<Box<dyn Sink>>,
    /// Where in the recording it begins.
    zero: MediaTime,
    /// What goes before key pictures: the track, and its parameter sets.
    in_band: Option<(usize, Vec<u8>)>,
    /// The files before.
    done: Vec<OutputReport>,
}

impl Series {
    /// Makes the first file.
    pub(super) fn create(
        path: &Path,
        container: Container,
        overwrite: bool,
        tracks: &[Track],
    ) -> Result<Self, OutputError> {
        let first = create_one(path, container, overwrite, tracks, Duration::ZERO)?;
        Ok(Self::begin_with(first, path, container, tracks))
    }

    /// Makes the first file, new, of tracks that begin up to `lead` before zero.
    pub(super) fn create_led(
        path: &Path,
        container: Container,
        tracks: &[Track],
        lead: Duration,
    ) -> Result<Self, OutputError> {
        let first = create_one(path, container, false, tracks, lead)?;
        Ok(Self::begin_with(first, path, container, tracks))
    }

    fn begin_with(first: Box<dyn Sink>, path: &Path, container: Container, tracks: &[Track]) -> Self {
        Self {
            path: path.to_owned(),
            container,
            tracks: tracks.to_vec(),
            current: Some(first),
            zero: MediaTime::ZERO,
            in_band: None,
            done: Vec::new(),
        }
    }

    /// Another encoder has taken over with this packet.
    fn begin(&mut self, track: &Track, packet: &Packet) -> Result<(), OutputError> {
        match self.tracks.get(packet.track).map(|before| step(before, track)) {
            // What is in the file's header again must be said again where something else was said
            // in between.
            Some(Step::Same) => {
                if let Some((_, headers)) = &mut self.in_band {
                    *headers = track.parameters.extradata().to_vec();
                }
                Ok(())
            }
            Some(Step::InBand(headers)) => {
                self.in_band = Some((packet.track, headers));
                Ok(())
            }
            Some(Step::NextFile) | None => self.next_file(track, packet),
        }
    }

    fn next_file(&mut self, track: &Track, packet: &Packet) -> Result<(), OutputError> {
        let tracks = self.tracks.iter().map(Track::continued).collect::<Result<Vec<_>, _>>();
        let mut tracks = tracks.map_err(OutputError::no_memory)?;
        if let Some(it) = tracks.get_mut(packet.track) {
            *it = track.clone();
        }
        if let Some(mut ended) = self.current.take() {
            let finished = ended.finish();
            self.done.push(ended.report());
            finished?;
        }
        self.current = Some(self.make_next(&tracks)?);
        self.tracks = tracks;
        self.zero = packet.dts;
        self.in_band = None;
        Ok(())
    }

    /// Makes a file beside the first, under a name that no file has.
    fn make_next(&self, tracks: &[Track]) -> Result<Box<dyn Sink>, OutputError> {
        let mut number = self.done.len() + 1;
        loop {
            let path = numbered(&self.path, number);
            match create_one(&path, self.container, false, tracks, Duration::ZERO) {
                Err(OutputError::Exists(_)) if number < 10_000 => number += 1,
                made => return made,
            }
        }
    }

    /// The packet as the current file holds it.
    fn fit<'a>(&self, packet: &'a Packet) -> Result<Cow<'a, Packet>, OutputError> {
        let mut fitted = Cow::Borrowed(packet);
        if self.zero != MediaTime::ZERO {
            // Sound that comes too late for the file before is heard at once.
            let zero = self.zero.as_nanos().min(packet.pts.as_nanos());
            let (pts, dts) = (packet.pts.offset(-zero), packet.dts.offset(-zero));
            let it = fitted.to_mut();
            (it.pts, it.dts) = (pts, dts);
        }
        match &self.in_band {
            Some((track, headers)) if packet.key && packet.track == *track => {
                fitted.to_mut().payload = packet.payload.with_bytes([headers, packet.data()].concat());
            }
            _ => {}
        }
        Ok(fitted)
    }
}

impl Sink for Series {
    fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        if let Some(track) = &packet.begins {
            self.begin(track, packet)?;
        }
        let fitted = self.fit(packet)?;
        self.current.as_mut().map_or(Ok(()), |it| it.write(&fitted))
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        self.current.as_mut().map_or(Ok(()), |it| it.idle())
    }

    fn mark(&mut self, marker: &Marker) {
        let zero = self.zero.as_nanos().min(marker.at.as_nanos());
        if let Some(current) = &mut self.current {
            current.mark(&Marker { at: marker.at.offset(-zero), title: marker.title.clone() });
        }
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.current.as_mut().map_or(Ok(()), |it| it.finish())
    }

    fn report(&self) -> OutputReport {
        let current = self.current.iter().map(|it| it.report());
        let mut all = self.done.iter().cloned().chain(current);
        let Some(first) = all.next() else {
            // There is always a first file, or the series was not made.
            return OutputReport::of(&self.path);
        };
        OutputReport { continued: all.collect(), ..first }
    }
}

/// How a recording goes on.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// As if nothing had happened.
    Same,
    /// With these parameter sets before each key picture.
    InBand(Vec<u8>),
    NextFile,
}

fn step(before: &Track, after: &Track) -> Step {
    let (old, new) = (&before.parameters, &after.parameters);
    let codec = new.fields().codec_id;
    // What is not in Annex B says how long its lengths are, and only a header can say that.
    let annex_b = |headers: &[u8]| headers.starts_with(&[0, 0]);
    if codec != old.fields().codec_id {
        Step::NextFile
    } else if new.extradata() == old.extradata() || codec == AV_CODEC_ID_AV1 {
        // An AV1 key picture comes with its sequence header (AV1 7.5).
        Step::Same
    } else if matches!(codec, AV_CODEC_ID_H264 | AV_CODEC_ID_HEVC)
        && annex_b(old.extradata())
        && annex_b(new.extradata())
    {
        Step::InBand(new.extradata().to_vec())
    } else {
        Step::NextFile
    }
}

/// `name-2.mkv` for `name.mkv`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::output::file::testing::{Encoded, audio, merge, video};

    /// The packets of `second` as they come when it takes over from `first`.
    fn after(first: &Encoded, second: &Encoded) -> Vec<Packet> {
        let at = first.packets.iter().map(|it| it.pts.offset(33_333_333)).max().unwrap();
        let mut last = first.packets.iter().map(|it| it.dts).max().unwrap();
        let begun = second.packets.iter().enumerate().map(|(n, it)| {
            // As the encoder's thread has it: decoding goes on from where it was.
            last = at.offset(it.dts.as_nanos()).max(last.offset(1));
            let begins = (n == 0).then(|| Arc::new(second.track.clone()));
            Packet { pts: at.offset(it.pts.as_nanos()), dts: last, begins, ..it.clone() }
        });
        begun.collect()
    }

    /// Two encoders' worth of pictures, the second after the first, beside one track of sound.
    fn takeover(first: &Encoded, second: &Encoded, sound: &Encoded) -> Vec<Packet> {
        let mut packets = merge(&[first, sound]);
        packets.extend(after(first, second));
        packets.sort_by_key(|it| (it.dts, it.track));
        packets
    }

    fn write(path: &Path, container: Container, parts: [&Encoded; 3]) -> OutputReport {
        let [first, second, sound] = parts;
        let tracks = [first.track.clone(), sound.track.clone()];
        let mut series = Series::create(path, container, false, &tracks).unwrap();
        for packet in takeover(first, second, sound) {
            series.write(&packet).unwrap();
        }
        series.finish().unwrap();
        series.report()
    }

    /// Frames of a stream as ffprobe decodes them; it may not say a word of complaint.
    fn decoded(path: &Path, stream: &str) -> Vec<f64> {
        let output = std::process::Command::new("ffprobe")
            .args(["-v", "warning", "-select_streams", stream])
            .args(["-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0"])
            .arg(path)
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && complaints.is_empty(), "{}: {complaints}", path.display());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let time = |line: &str| line.trim().trim_end_matches(',').parse().ok();
        text.lines().filter_map(time).collect()
    }

    /// Every picture is there, in even steps, from the start but for what a sound encoder or a
    /// reordering one needs before.
    fn assert_even(times: &[f64], count: usize) {
        assert_eq!(times.len(), count);
        assert!((0.0..0.12).contains(&times[0]), "it begins at {}", times[0]);
        for (n, time) in times.iter().enumerate() {
            let wanted = times[0] + n as f64 / 30.0;
            assert!((time - wanted).abs() < 0.002, "picture {n} at {time}, not at {wanted}");
        }
    }

    #[test]
    fn the_same_codec_goes_on_in_the_file_whatever_its_headers() {
        let sound = audio("aac", 140);
        let x264 = |profile, bf| video("libx264", 30, 45, &[("preset", profile), ("bf", bf)]);
        let x265 = |bf| {
            let params = [("preset", "ultrafast"), ("x265-params", "log-level=none"), ("bf", bf)];
            video("libx265", 30, 45, &params)
        };
        let pairs = [(x264("ultrafast", "0"), x264("medium", "2")), (x265("0"), x265("3"))];
        for (first, second) in &pairs {
            assert_ne!(first.track.parameters.extradata(), second.track.parameters.extradata());
            for container in [Container::Matroska, Container::Mp4] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join(format!("a.{}", container.word()));
                let report = write(&path, container, [first, second, &sound]);
                assert!(report.continued.is_empty(), "{report:?}");
                assert_even(&decoded(&path, "v:0"), 90);
                assert!((140..=141).contains(&decoded(&path, "a:0").len()), "all of the sound");
            }
        }
    }

    #[test]
    fn a_file_that_was_cut_off_after_a_takeover_decodes_to_its_end() {
        let sound = audio("aac", 140);
        let first = video("libx265", 30, 45, &[("preset", "ultrafast"), ("x265-params", "log-level=none")]);
        let second =
            video("libx265", 30, 45, &[("preset", "fast"), ("bf", "3"), ("x265-params", "log-level=none")]);
        for container in [Container::Matroska, Container::Mp4] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(format!("a.{}", container.word()));
            let tracks = [first.track.clone(), sound.track.clone()];
            let mut series = Series::create(&path, container, false, &tracks).unwrap();
            for packet in takeover(&first, &second, &sound) {
                series.write(&packet).unwrap();
            }
            // Killed: nothing is finished.
            std::fs::copy(&path, dir.path().join("cut")).unwrap();
            let pictures = decoded(&dir.path().join("cut"), "v:0").len();
            assert!(pictures >= 75, "{container}: {pictures} of 90 pictures, but for a part of a second");
            series.finish().unwrap();
        }
    }

    #[test]
    fn back_to_what_the_header_says_is_said_again() {
        let x264 = |preset| video("libx264", 30, 30, &[("preset", preset)]);
        let (first, second) = (x264("ultrafast"), x264("medium"));
        for container in [Container::Matroska, Container::Mp4] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(format!("a.{}", container.word()));
            let mut series =
                Series::create(&path, container, false, std::slice::from_ref(&first.track)).unwrap();
            let then = Encoded { packets: after(&first, &second), track: second.track.clone() };
            let again = after(&then, &first);
            for packet in first.packets.iter().chain(&then.packets).chain(&again) {
                series.write(packet).unwrap();
            }
            series.finish().unwrap();
            assert_even(&decoded(&path, "v:0"), 90);
        }
    }

    #[test]
    fn another_codec_goes_on_in_another_file_with_its_own_zero_and_the_sound() {
        for sound in [audio("aac", 140), audio("libopus", 150)] {
            let first =
                video("libx265", 30, 45, &[("preset", "ultrafast"), ("x265-params", "log-level=none")]);
            let second = video("libx264", 30, 45, &[("preset", "medium")]);
            for container in [Container::Matroska, Container::Mp4] {
                let dir = tempfile::tempdir().unwrap();
                let at = |name: &str| dir.path().join(format!("{name}.{}", container.word()));
                std::fs::write(at("a-2"), "someone else's").unwrap();
                let report = write(&at("a"), container, [&first, &second, &sound]);
                assert_eq!(report.path, Some(at("a")));
                assert_eq!(report.continued[0].path, Some(at("a-3")), "nothing is overwritten");
                assert_eq!(std::fs::read(at("a-2")).unwrap(), b"someone else's");
                assert_even(&decoded(&at("a"), "v:0"), 45);
                assert_even(&decoded(&at("a-3"), "v:0"), 45);
                let heard = [decoded(&at("a"), "a:0"), decoded(&at("a-3"), "a:0")];
                // AAC's first packet is padding, which is not heard.
                let frames = heard.iter().map(Vec::len).sum::<usize>();
                assert!(frames + 1 >= sound.packets.len(), "sound is lost: {frames} frames");
                assert!(heard[1][0].abs() < 0.03, "sound goes on at {}", heard[1][0]);
            }
        }
    }

    #[test]
    fn numbers_go_before_the_extension() {
        assert_eq!(numbered(Path::new("/v/a b.mkv"), 2), Path::new("/v/a b-2.mkv"));
        assert_eq!(numbered(Path::new("x.tar.mp4"), 3), Path::new("x.tar-3.mp4"));
        assert_eq!(numbered(Path::new("plain"), 2), Path::new("plain-2"));
    }
}
