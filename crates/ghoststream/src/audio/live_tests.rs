//! Tracks recorded from a real PipeWire, with real encoders.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::Session;
use testkit::sound::{self, Card, Player, Sink};

use super::decode::decode;
use super::*;

/// A recording of one source, from now on.
struct Recording {
    track: AudioTrack,
    packets: Arc<Mutex<Vec<Packet>>>,
    journal: Journal,
    origin: Timestamp,
}

impl Recording {
    fn start(source: AudioSource) -> Self {
        let config = AudioConfig::new(source).with_codec(AudioCodec::Flac);
        let (timeline, journal) = (Timeline::new(), Journal::default());
        let mut track =
            AudioTrack::open(&config, &[], Origin::Source(vec![]), (timeline.clone(), journal.clone()))
                .unwrap();
        let packets = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&packets);
        track.start(Box::new(move |packet| sink.lock().unwrap().push(packet))).unwrap();
        let origin = timeline.start(Timestamp::now());
        Self { track, packets, journal, origin }
    }

    /// Waits until a note contains this.
    fn wait_for_note(&self, text: &str) {
        let noted = || self.journal.notes().iter().any(|note| note.contains(text));
        for _ in 0..400 {
            if noted() {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("no note says {text:?} within 10 s: {:?}", self.journal.notes());
    }

    fn seconds(&self) -> f64 {
        Timestamp::now().since(self.origin).as_secs_f64()
    }

    fn stop(mut self) -> Heard {
        let until = Timestamp::now();
        let report = self.track.stop(until);
        let packets = std::mem::take(&mut *self.packets.lock().unwrap());
        let heard = decode(&self.track.track().parameters, &packets);
        assert_eq!(heard.broken, 0, "packets follow on one another");
        let length = until.nanos_since(self.origin) as f64 * f64::from(RATE) / 1e9;
        assert!((heard.left.len() as f64 - length).abs() <= 1.0, "{} of {length}", heard.left.len());
        println!("{report:?} {:?}", self.journal.notes());
        Heard { left: heard.left, origin: self.origin, report, notes: self.journal.notes() }
    }
}

struct Heard {
    left: Vec<f32>,
    origin: Timestamp,
    report: AudioReport,
    notes: Vec<String>,
}

impl Heard {
    /// The share of the power that is at a frequency, within some seconds of the recording.
    fn share(&self, frequency: f64, seconds: std::ops::Range<f64>) -> f64 {
        let at = |seconds: f64| ((seconds * f64::from(RATE)) as usize).min(self.left.len());
        let (mut sine, mut cosine, mut all) = (0.0, 0.0, 1e-9);
        let samples = &self.left[at(seconds.start)..at(seconds.end)];
        for (index, sample) in samples.iter().map(|it| f64::from(*it)).enumerate() {
            let angle = index as f64 * frequency / f64::from(RATE) * std::f64::consts::TAU;
            sine += sample * angle.sin();
            cosine += sample * angle.cos();
            all += sample * sample;
        }
        2.0 * (sine * sine + cosine * cosine) / (all * samples.len().max(1) as f64)
    }

    fn is_silent(&self, seconds: std::ops::Range<f64>) -> bool {
        let at = |seconds: f64| ((seconds * f64::from(RATE)) as usize).min(self.left.len());
        self.left[at(seconds.start)..at(seconds.end)].iter().all(|it| it.abs() < 1e-3)
    }

    /// How far the beeps are from the clock's seconds, in milliseconds.
    fn beeps(&self) -> Vec<f64> {
        let mut quiet = 0;
        let mut found = Vec::new();
        for (at, sample) in self.left.iter().enumerate() {
            if sample.abs() < 0.02 {
                quiet += 1;
                continue;
            }
            if quiet > 4800 {
                let nanos = self.origin.as_nanos() + (at as f64 * 1e9 / f64::from(RATE)) as i64;
                let off = (nanos + 500_000_000).rem_euclid(1_000_000_000) - 500_000_000;
                found.push(off as f64 / 1e6);
            }
            quiet = 0;
        }
        found
    }
}

fn session() -> Session {
    let session = Session::start().unwrap();
    session.enter();
    session
}

fn wait(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

#[test]
fn the_desktop_is_what_the_default_sink_plays() {
    let session = session();
    let sink = Sink::new(&session, "speakers").unwrap();
    sound::set_default_sink(&session, sink.name()).unwrap();
    let _player = Player::start("music", None, sound::beeps()).unwrap();
    wait(0.5);
    let recording = Recording::start(AudioSource::Desktop);
    wait(4.3);
    let heard = recording.stop();
    let beeps = heard.beeps();
    assert!(beeps.len() >= 4, "{beeps:?}");
    assert!(beeps.iter().all(|off| off.abs() < 3.0), "{beeps:?}");
    assert!(heard.report.max_skew_ms < 5.0, "{:?}", heard.report);
    assert!(heard.report.silence_seconds < 1.0, "{:?}", heard.report);
    assert!(heard.notes.is_empty(), "{:?}", heard.notes);
}

#[test]
fn the_desktop_follows_the_default() {
    let session = session();
    let (first, second) = (Sink::new(&session, "first").unwrap(), Sink::new(&session, "second").unwrap());
    sound::set_default_sink(&session, first.name()).unwrap();
    let _low = Player::start("low", Some("first"), sound::tone(500.0)).unwrap();
    let _high = Player::start("high", Some("second"), sound::tone(2000.0)).unwrap();
    let recording = Recording::start(AudioSource::Desktop);
    wait(2.0);
    let before = recording.seconds();
    sound::set_default_sink(&session, second.name()).unwrap();
    recording.wait_for_note("desktop: now from second, before from first");
    let after = recording.seconds();
    wait(1.0);
    let heard = recording.stop();
    assert!(heard.share(500.0, before - 0.7..before - 0.2) > 0.95);
    // The session manager may move the first player along, so that both are heard now.
    assert!(heard.share(2000.0, after + 0.3..after + 0.9) > 0.4);
}

#[test]
fn an_application_comes_alone_and_in_all_its_streams() {
    let session = session();
    let sink = Sink::new(&session, "speakers").unwrap();
    sound::set_default_sink(&session, sink.name()).unwrap();
    let _other = Player::start("Other", None, sound::tone(300.0)).unwrap();
    let recording = Recording::start(AudioSource::Application("game".into()));
    recording.wait_for_note("app:game: not there; silent until it appears");
    let one = Player::start("Game", None, sound::tone(1000.0)).unwrap();
    recording.wait_for_note("app:game: Game-stream is there");
    wait(0.5);
    let alone = recording.seconds();
    wait(1.0);
    let two = Player::start("Game", None, sound::tone(3000.0)).unwrap();
    recording.wait_for_note("now from Game-stream, Game-stream");
    wait(0.5);
    let both = recording.seconds();
    wait(1.0);
    drop((one, two));
    recording.wait_for_note("went away");
    let gone = recording.seconds();
    wait(0.6);
    let heard = recording.stop();
    assert!(heard.is_silent(0.0..0.1));
    assert!(heard.share(1000.0, alone..alone + 0.8) > 0.95, "one stream, and nothing of the other");
    let (low, high) = (heard.share(1000.0, both..both + 0.8), heard.share(3000.0, both..both + 0.8));
    assert!(low > 0.4 && high > 0.4, "both are heard: {low} {high}");
    assert!(heard.share(300.0, both..both + 0.8) < 0.01);
    assert!(heard.is_silent(gone + 0.2..gone + 0.5));
    assert!(heard.report.silence_seconds > 0.5);
}

#[test]
fn a_node_may_vanish_and_come_back() {
    let session = session();
    let sink = Sink::new(&session, "usb").unwrap();
    let player = Player::start("music", Some("usb"), sound::tone(700.0)).unwrap();
    let recording = Recording::start(AudioSource::Node("usb".into()));
    wait(1.5);
    let before = recording.seconds();
    drop((player, sink));
    recording.wait_for_note("node:usb: usb went away; silent until it is back");
    let gone = recording.seconds();
    wait(1.0);
    let silent = recording.seconds();
    let _sink = Sink::with(&session, "usb", "Audio/Sink", "FL FR", 44_100).unwrap();
    let _player = Player::start("music", Some("usb"), sound::tone(700.0)).unwrap();
    recording.wait_for_note("node:usb: usb is there");
    let back = recording.seconds();
    wait(1.5);
    let heard = recording.stop();
    assert!(heard.share(700.0, before - 0.6..before - 0.1) > 0.95);
    assert!(heard.is_silent(gone..silent - 0.1));
    assert!(heard.share(700.0, back + 0.7..back + 1.4) > 0.95);
    assert!(heard.report.silence_seconds > 0.8, "{:?}", heard.report);
}

/// Twenty seconds of a card that is this much fast.
fn follows_a_clock_that_is_off(ppm: f64) {
    let _session = session();
    let _card = Card::plug_in("quartz", ppm, sound::beeps()).unwrap();
    let recording = Recording::start(AudioSource::Node("quartz".into()));
    wait(20.0);
    let heard = recording.stop();
    let beeps = heard.beeps();
    assert!(beeps.len() >= 19, "{ppm} ppm: {beeps:?}");
    assert!(beeps.iter().all(|off| off.abs() < 3.0), "{ppm} ppm: {beeps:?}");
    assert!((heard.report.clock_ppm - ppm).abs() < 20.0, "{ppm} ppm: {:?}", heard.report);
    assert!(heard.report.max_skew_ms < 3.0, "{:?}", heard.report);
}

#[test]
fn a_fast_clock_is_followed() {
    follows_a_clock_that_is_off(200.0);
}

#[test]
fn a_slow_clock_is_followed() {
    follows_a_clock_that_is_off(-200.0);
}

#[test]
fn the_microphone_is_the_default_source() {
    let session = session();
    let _card = Card::plug_in("headset", 0.0, sound::tone(440.0)).unwrap();
    sound::set_default_source(&session, "headset").unwrap();
    let recording = Recording::start(AudioSource::Microphone);
    wait(2.0);
    let heard = recording.stop();
    assert!(heard.share(440.0, 1.0..1.9) > 0.95);
}

#[test]
fn the_daemon_may_crash_and_come_back() {
    let mut session = session();
    let sink = Sink::new(&session, "usb").unwrap();
    let recording = Recording::start(AudioSource::Node("usb".into()));
    wait(0.5);
    session.stop_pipewire();
    recording.wait_for_note("PipeWire went away");
    drop(sink);
    wait(0.5);
    session.start_pipewire().unwrap();
    recording.wait_for_note("PipeWire is back");
    let _sink = Sink::new(&session, "usb").unwrap();
    let _player = Player::start("music", Some("usb"), sound::tone(700.0)).unwrap();
    wait(2.5);
    let end = recording.seconds();
    let heard = recording.stop();
    assert!(heard.share(700.0, end - 0.8..end - 0.1) > 0.95);
}

#[test]
fn without_a_daemon_there_is_an_error() {
    let session = Session::without_pipewire().unwrap();
    session.enter();
    let config = AudioConfig::new(AudioSource::Desktop);
    let error = AudioTrack::open(&config, &[], Origin::Source(vec![]), (Timeline::new(), Journal::default()))
        .err()
        .unwrap();
    assert!(matches!(error, AudioError::NoPipeWire { .. }), "{error}");
    assert!(error.is_retryable());
}
