//! An audio track: where its beeps start, to a fraction of a millisecond.

use std::collections::VecDeque;

use anyhow::{Context as _, Result};
use ffmpeg_next::util::format::sample::{Sample, Type};
use ffmpeg_next::{Rational, codec, format, frame};
use ghoststream::test_card::BEEP;

use super::card::median;
use super::file::seconds;

/// Further than this from where the samples before it end, a frame of sound starts anew.
const GAP_SECONDS: f64 = 0.003;

/// Decodes a track and listens for beeps.
pub(super) struct Ear {
    pub stream: usize,
    pub time_base: Rational,
    decoder: codec::decoder::Audio,
    detector: Option<Detector>,
    /// Samples heard in the present run.
    heard: u64,
    /// Distance between frames' times and where counting samples puts them, of the present run.
    offsets: Vec<f64>,
    /// Beeps of the present run, in samples; all of them before, in seconds.
    onsets: Vec<f64>,
    beeps: Vec<f64>,
    /// Breaks in the sound, seconds: positive where something is missing.
    pub gaps: Vec<f64>,
    /// Start and end of the sound, seconds.
    pub start: Option<f64>,
    pub end: f64,
    pub peak: f32,
    pub decode_errors: u64,
    pub codec: String,
    pub language: Option<String>,
    pub title: Option<String>,
}

impl Ear {
    pub fn open(stream: &format::stream::Stream) -> Result<Self> {
        let mut decoder = codec::Context::from_parameters(stream.parameters())?.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder.audio().context("no decoder for an audio track")?;
        let tag = |name| stream.metadata().get(name).map(str::to_owned);
        Ok(Self {
            stream: stream.index(),
            time_base: stream.time_base(),
            codec: decoder.id().name().to_owned(),
            decoder,
            detector: None,
            heard: 0,
            offsets: Vec::new(),
            onsets: Vec::new(),
            beeps: Vec::new(),
            gaps: Vec::new(),
            start: None,
            end: 0.0,
            peak: 0.0,
            decode_errors: 0,
            language: tag("language"),
            title: tag("title"),
        })
    }

    pub fn rate(&self) -> u32 {
        self.decoder.rate()
    }

    pub fn channels(&self) -> u16 {
        self.decoder.channels()
    }

    /// When each beep starts, seconds of the recording.
    pub fn beeps(&self) -> &[f64] {
        &self.beeps
    }

    /// Takes a packet in; `None` at the end.
    pub fn take(&mut self, packet: Option<&ffmpeg_next::Packet>) {
        let sent = match packet {
            Some(packet) => self.decoder.send_packet(packet),
            None => self.decoder.send_eof(),
        };
        self.decode_errors += u64::from(sent.is_err());
        let mut sound = frame::Audio::empty();
        while self.decoder.receive_frame(&mut sound).is_ok() {
            self.hear(&sound);
        }
        if packet.is_none() {
            self.end_run();
        }
    }

    fn hear(&mut self, sound: &frame::Audio) {
        let rate = f64::from(sound.rate());
        let counted = self.heard as f64 / rate;
        if let Some(pts) = sound.pts().or(sound.timestamp()) {
            let offset = seconds(pts, self.time_base) - counted;
            if let Some(first) = self.offsets.first()
                && (offset - first).abs() > GAP_SECONDS
            {
                self.gaps.push(offset - first);
                self.end_run();
            }
            self.offsets.push(seconds(pts, self.time_base) - self.heard as f64 / rate);
        }
        let detector = self.detector.get_or_insert_with(|| Detector::new(rate));
        for index in 0..sound.samples() {
            let sample = mixed(sound, index);
            self.peak = self.peak.max(sample.abs());
            self.onsets.extend(detector.push(sample));
        }
        self.heard += sound.samples() as u64;
        let first = self.offsets.first().copied().unwrap_or(0.0);
        self.start.get_or_insert(first);
        self.end = first + self.heard as f64 / rate;
    }

    /// Places the run's beeps in time. Containers round times; the median of all is exact.
    fn end_run(&mut self) {
        let offset = median(&self.offsets);
        if let Some(detector) = self.detector.take() {
            let rate = detector.rate;
            self.onsets.extend(detector.finish());
            self.beeps.extend(self.onsets.drain(..).map(|onset| offset + onset / rate));
        }
        self.offsets.clear();
        self.heard = 0;
    }
}

/// The mean of all channels.
fn mixed(sound: &frame::Audio, index: usize) -> f32 {
    let channels = usize::from(sound.channels()).max(1);
    let sum: f32 = (0..channels).map(|channel| sample(sound, channel, index)).sum();
    sum / channels as f32
}

fn sample(sound: &frame::Audio, channel: usize, index: usize) -> f32 {
    let planar = sound.is_planar();
    let (plane, at) =
        if planar { (channel, index) } else { (0, index * usize::from(sound.channels()) + channel) };
    // SAFETY: libavcodec says that the frame has this many planes, each of this many samples of this
    // type; `plane` and `at` are within them.
    unsafe {
        let data = *(*sound.as_ptr()).extended_data.add(plane);
        match sound.format() {
            Sample::F32(Type::Planar | Type::Packed) => *data.cast::<f32>().add(at),
            Sample::F64(_) => *data.cast::<f64>().add(at) as f32,
            Sample::I16(_) => f32::from(*data.cast::<i16>().add(at)) / 32_768.0,
            Sample::I32(_) => (f64::from(*data.cast::<i32>().add(at)) / 2_147_483_648.0) as f32,
            Sample::U8(_) => (f32::from(*data.add(at)) - 128.0) / 128.0,
            _ => 0.0,
        }
    }
}

/// Finds tones of the beep's frequency and length.
///
/// The sound is mixed down to the tone's envelope over a window of four oscillations. Where a tone
/// starts at once, the envelope is half its height when half of the window lies within the tone: the
/// middle of the window is then the onset. Codecs smear both sides of it alike.
struct Detector {
    rate: f64,
    window: VecDeque<(f64, f64)>,
    sums: (f64, f64),
    length: usize,
    taken: u64,
    /// The envelope of late, and from a rise on.
    trace: VecDeque<f64>,
    rising: bool,
}

impl Detector {
    /// The envelope's height that a tone must reach.
    const LEAST: f64 = 0.03;

    fn new(rate: f64) -> Self {
        let length = (rate * 4.0 / BEEP.frequency_hz).round().max(1.0) as usize;
        let (window, trace) = (VecDeque::with_capacity(length), VecDeque::new());
        Self { rate, window, sums: (0.0, 0.0), length, taken: 0, trace, rising: false }
    }

    /// Takes a sample; gives the onset of a beep, in samples, once the beep is over.
    fn push(&mut self, sample: f32) -> Option<f64> {
        let turns = (self.taken as f64 * BEEP.frequency_hz / self.rate).fract();
        let (sin, cos) = (std::f64::consts::TAU * turns).sin_cos();
        let product = (f64::from(sample) * cos, f64::from(sample) * sin);
        self.taken += 1;
        self.window.push_back(product);
        self.sums = (self.sums.0 + product.0, self.sums.1 + product.1);
        if self.window.len() > self.length
            && let Some(old) = self.window.pop_front()
        {
            self.sums = (self.sums.0 - old.0, self.sums.1 - old.1);
        }
        self.follow(2.0 * self.sums.0.hypot(self.sums.1) / self.length as f64)
    }

    /// The end of the sound is the end of a beep, too.
    fn finish(mut self) -> Option<f64> {
        (0..self.length * 2).find_map(|_| self.push(0.0))
    }

    fn follow(&mut self, height: f64) -> Option<f64> {
        let millis = |ms: f64| (self.rate * ms / 1e3) as usize;
        // Kept of a tone at most: longer ones are no beeps.
        let (before, most) = (millis(20.0), millis(500.0));
        self.trace.push_back(height);
        if self.rising && height < Self::LEAST / 2.0 {
            self.rising = false;
            let onset = self.onset();
            self.trace.clear();
            return onset;
        }
        self.rising |= height >= Self::LEAST;
        let room = if self.rising { most } else { before };
        if self.trace.len() > room {
            self.trace.pop_front();
        }
        None
    }

    /// Where the tone in the trace starts, if it is as long as a beep.
    fn onset(&self) -> Option<f64> {
        let peak = self.trace.iter().copied().fold(0.0, f64::max);
        let above = |height: &f64| *height >= peak / 2.0;
        let first = self.trace.iter().position(above)?;
        let last = self.trace.iter().rposition(above)?;
        let length = (last - first) as f64 / self.rate;
        let wanted = BEEP.duration.as_secs_f64();
        if first == 0 || !(wanted * 0.5..wanted * 1.5).contains(&length) {
            return None;
        }
        let (low, high) = (self.trace[first - 1], self.trace[first]);
        let between = (peak / 2.0 - low) / (high - low);
        let crossing = (self.taken - self.trace.len() as u64) as f64 + (first - 1) as f64 + between;
        let onset = crossing - (self.length - 1) as f64 / 2.0;
        // A beep that sounds as the sound begins may have begun before.
        (onset > self.length as f64 / 2.0).then_some(onset)
    }
}

#[cfg(test)]
mod tests {
    use ghoststream::Timestamp;
    use ghoststream::test_card::beep_at;

    use super::*;

    fn onsets(rate: f64, mut sound: impl FnMut(f64) -> f32, seconds: f64) -> Vec<f64> {
        let mut detector = Detector::new(rate);
        let samples = (seconds * rate) as u64;
        let mut found: Vec<f64> =
            (0..samples).filter_map(|it| detector.push(sound(it as f64 / rate))).collect();
        found.extend(detector.finish());
        found.iter().map(|it| it / rate).collect()
    }

    fn card(at: f64) -> f32 {
        beep_at(Timestamp::from_nanos((at * 1e9).round() as i64))
    }

    #[test]
    fn beeps_are_found_to_a_tenth_of_a_millisecond() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            for shift in [0.25, 0.0001, 0.77777] {
                let found = onsets(rate, |at| card(at + shift), 4.5);
                assert_eq!(found.len(), (4.5 + shift) as usize, "{rate} {shift}");
                for (index, onset) in found.iter().enumerate() {
                    let expected = (index + 1) as f64 - shift;
                    assert!((onset - expected).abs() < 1e-4, "{rate} {shift}: {onset} for {expected}");
                }
            }
        }
    }

    #[test]
    fn quiet_and_noisy_beeps_are_found() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 - 0.5
        };
        let found = onsets(48_000.0, |at| card(at + 0.5) * 0.2 + noise() * 0.02, 3.0);
        assert_eq!(found.len(), 3);
        for (index, onset) in found.iter().enumerate() {
            assert!((onset - (index as f64 + 0.5)).abs() < 5e-4, "{onset}");
        }
    }

    #[test]
    fn other_sounds_are_no_beeps() {
        let tone = |hertz: f64, at: f64| (std::f64::consts::TAU * hertz * at).sin() as f32 * 0.5;
        assert_eq!(onsets(48_000.0, |at| tone(1000.0, at), 3.0), Vec::<f64>::new(), "a tone without end");
        assert_eq!(onsets(48_000.0, |at| tone(3000.0, at), 3.0), Vec::<f64>::new(), "another tone");
        let click = |at: f64| if (0.5..0.505).contains(&at) { tone(1000.0, at) } else { 0.0 };
        assert_eq!(onsets(48_000.0, click, 1.0), Vec::<f64>::new(), "a click");
        assert_eq!(onsets(48_000.0, |_| 0.0, 1.0), Vec::<f64>::new());
    }
}
