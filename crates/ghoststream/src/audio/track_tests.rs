//! Whole tracks of the test card's sound: real threads, the real clock, real encoders.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::decode::decode;
use super::*;

struct Recording {
    track: AudioTrack,
    timeline: Timeline,
    packets: Arc<Mutex<Vec<Packet>>>,
    journal: Journal,
}

fn record(codec: AudioCodec) -> Recording {
    let config = AudioConfig::new(AudioSource::TestCard).with_codec(codec);
    let (timeline, journal) = (Timeline::new(), Journal::default());
    let mut track =
        AudioTrack::open(&config, &[], Origin::Source(vec![]), (timeline.clone(), journal.clone())).unwrap();
    let packets = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&packets);
    track.start(Box::new(move |packet| sink.lock().unwrap().push(packet))).unwrap();
    Recording { track, timeline, packets, journal }
}

impl Recording {
    /// Ends it and returns what is heard from its start on.
    fn heard(mut self, until: Timestamp) -> (Vec<f32>, AudioReport) {
        let report = self.track.stop(until);
        let packets = std::mem::take(&mut *self.packets.lock().unwrap());
        let heard = decode(&self.track.track().parameters, &packets);
        assert_eq!(heard.broken, 0, "packets follow on one another");
        assert!(self.journal.notes().is_empty(), "{:?}", self.journal.notes());
        (heard.left, report)
    }
}

/// Samples at which a beep begins after at least a tenth of a second of silence.
fn onsets(left: &[f32]) -> Vec<usize> {
    let mut quiet = 0;
    let mut found = Vec::new();
    for (at, sample) in left.iter().enumerate() {
        if sample.abs() > 0.02 {
            if quiet > 4800 {
                found.push(at);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    found
}

/// The sample that is captured at a whole second of the clock, `count` seconds after the origin's.
fn sample_of_second(origin: Timestamp, count: i64) -> f64 {
    let second = (origin.as_nanos().div_euclid(1_000_000_000) + count) * 1_000_000_000;
    (second - origin.as_nanos()) as f64 * f64::from(RATE) / 1e9
}

fn assert_near(onset: usize, wanted: f64) {
    assert!((onset as f64 - wanted).abs() < 48.0, "{onset} should be within 1 ms of {wanted}");
}

#[test]
fn beeps_are_where_the_flashes_are() {
    for codec in [AudioCodec::Opus, AudioCodec::Aac, AudioCodec::Flac] {
        let recording = record(codec);
        // A whole second lies 0.7 s after the origin, and another 1.7 s after it.
        let now = Timestamp::now().as_nanos();
        let origin = Timestamp::from_nanos((now.div_euclid(1_000_000_000) + 1) * 1_000_000_000 + 300_000_000);
        recording.timeline.start(origin);
        let until = origin.offset(2_000_000_000);
        std::thread::sleep(until.since(Timestamp::now()));
        let (left, report) = recording.heard(until);
        let onsets = onsets(&left);
        assert_eq!(onsets.len(), 2, "{codec}");
        assert_near(onsets[0], sample_of_second(origin, 1));
        assert_near(onsets[1], sample_of_second(origin, 2));
        assert!(left.len() >= 96_000 && left.len() < 96_000 + 5000, "{codec}: {}", left.len());
        assert!(report.max_skew_ms < 1.0, "{report:?}");
        assert_eq!(report.silence_seconds, 0.0, "{codec}");
    }
}

#[test]
fn the_origin_may_lie_in_the_past() {
    let recording = record(AudioCodec::Flac);
    std::thread::sleep(Duration::from_millis(2200));
    // A whole second lies 0.7 s after the origin: no beep is on at the beginning, nor too near to it.
    let past = Timestamp::now().offset(-250_000_000).as_nanos();
    let second = Timestamp::from_nanos(past.div_euclid(1_000_000_000) * 1_000_000_000);
    let (origin, until) = (second.offset(-700_000_000), second.offset(250_000_000));
    recording.timeline.start(origin);
    let (left, report) = recording.heard(until);
    assert_eq!(left.len(), 45_600, "every sample before `until`, and none after");
    assert_near(onsets(&left)[0], sample_of_second(origin, 1));
    assert_eq!(report.silence_seconds, 0.0);
}

#[test]
fn a_pause_is_cut_out_to_the_sample() {
    let recording = record(AudioCodec::Flac);
    let now = Timestamp::now().as_nanos();
    let second = Timestamp::from_nanos((now.div_euclid(1_000_000_000) + 1) * 1_000_000_000);
    let wait = |until: Timestamp| std::thread::sleep(until.since(Timestamp::now()));
    // Beeps at 0.5, 1.5 and 2.5 s of the clock's recording; the middle one is paused away.
    recording.timeline.start(second.offset(-500_000_000));
    wait(second.offset(700_000_000));
    recording.timeline.pause(second.offset(700_000_000));
    wait(second.offset(1_400_000_000));
    recording.timeline.resume(second.offset(1_300_000_000));
    let until = second.offset(2_400_000_000);
    wait(until);
    let (left, _) = recording.heard(until);
    assert_eq!(left.len(), 48 * (2900 - 600), "the pause is gone, to the sample");
    let onsets = onsets(&left);
    assert_eq!(onsets.len(), 2);
    assert_near(onsets[0], 24_000.0);
    assert_near(onsets[1], f64::from(RATE) * (2.5 - 0.6));
}

#[test]
fn stop_while_paused_keeps_what_was_before() {
    let recording = record(AudioCodec::Flac);
    let origin = Timestamp::now();
    recording.timeline.start(origin);
    std::thread::sleep(Duration::from_millis(300));
    let paused = Timestamp::now();
    recording.timeline.pause(paused);
    std::thread::sleep(Duration::from_millis(100));
    let (left, _) = recording.heard(Timestamp::now());
    let wanted = paused.nanos_since(origin) as f64 * f64::from(RATE) / 1e9;
    assert!((left.len() as f64 - wanted).abs() <= 1.0, "{} of {wanted}", left.len());
}

#[test]
fn stop_without_an_origin_or_a_start_writes_nothing() {
    let recording = record(AudioCodec::Opus);
    let (left, _) = recording.heard(Timestamp::now());
    assert!(left.is_empty());
    let config = AudioConfig::new(AudioSource::TestCard);
    let mut track =
        AudioTrack::open(&config, &[], Origin::Source(vec![]), (Timeline::new(), Journal::default()))
            .unwrap();
    track.stop(Timestamp::now());
}
