//! Mixes, and sources that are exchanged while it runs, heard in files and streams.

#[path = "common/card.rs"]
mod card;

use std::f64::consts::TAU;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use card::{fast, mkv, small_card};
use ghoststream::{
    AudioCodec, AudioConfig, AudioSource, Output, OutputConfig, Pipeline, RateControl, Report,
};
use testkit::Session;
use testkit::judge::judge;
use testkit::peers::RtmpListener;
use testkit::sound::{Player, Sink, Wave, tone};

const RATE: f64 = 48_000.0;

fn lossless(source: impl Into<AudioSource>) -> AudioConfig {
    AudioConfig::new(source).with_codec(AudioCodec::Flac)
}

/// Waits until so much was recorded.
async fn recorded(pipeline: &Pipeline, seconds: f64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while pipeline.status().seconds < seconds {
        assert!(Instant::now() < deadline, "{:?}", pipeline.status());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The left channel of an audio track of a file, from the recording's start on.
fn heard(path: &Path, track: usize) -> Vec<f32> {
    let output = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", &format!("0:a:{track}"), "-f", "f32le", "-ac", "2", "-ar", "48000", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (samples, _) = output.stdout.as_chunks::<4>();
    samples.iter().step_by(2).map(|it| f32::from_le_bytes(*it)).collect()
}

/// How many audio tracks a file has.
fn tracks(path: &Path) -> usize {
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "a", "-show_entries", "stream=index", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).lines().count()
}

/// How loud a frequency is in some seconds: the amplitude of its sine.
fn level(samples: &[f32], hertz: f64, seconds: Range<f64>) -> f64 {
    let at = |seconds: f64| ((seconds * RATE) as usize).min(samples.len());
    let part = &samples[at(seconds.start)..at(seconds.end)];
    let turn = |n: usize| n as f64 * hertz / RATE * TAU;
    let along = |wave: fn(f64) -> f64| -> f64 {
        part.iter().enumerate().map(|(n, it)| f64::from(*it) * wave(turn(n))).sum()
    };
    2.0 * along(f64::sin).hypot(along(f64::cos)) / part.len().max(1) as f64
}

fn louder(wave: Wave, by: f32) -> Wave {
    std::sync::Arc::new(move |nanos| wave(nanos) * by)
}

/// A private sound server with a sink for each name.
fn session(sinks: [&str; 2]) -> (Session, Vec<Sink>) {
    let session = Session::start().unwrap();
    session.enter();
    let sinks = sinks.iter().map(|it| Sink::new(&session, it).unwrap()).collect();
    (session, sinks)
}

/// Records two tones, so loud, and their mix; returns the file's three tracks.
async fn two_tones(loudness: f32) -> (Vec<Vec<f32>>, Report) {
    let (_session, _sinks) = session(["low", "high"]);
    let _low = Player::start("a", Some("low"), louder(tone(500.0), 4.0 * loudness)).unwrap();
    let _high = Player::start("b", Some("high"), louder(tone(2000.0), 4.0 * loudness)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast())
        .audio(lossless("low"))
        .audio(lossless("high"))
        .audio(lossless(AudioSource::Mix(vec![])))
        .output(mkv(&path))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    recorded(&pipeline, 3.0).await;
    let report = pipeline.stop().await.unwrap();
    ((0..3).map(|it| heard(&path, it)).collect(), report)
}

#[tokio::test]
async fn a_mix_has_each_track_as_loud_as_it_is_alone() {
    let (tracks, report) = two_tones(0.25).await;
    let [low, high, mix] = &tracks[..] else { panic!("three tracks: {report:#?}") };
    assert_eq!(report.audio[2].source, "mix");
    assert_eq!(mix.len(), low.len().max(high.len()), "to the sample");
    for (hertz, alone) in [(500.0, low), (2000.0, high)] {
        let (alone, mixed) = (level(alone, hertz, 1.5..2.5), level(mix, hertz, 1.5..2.5));
        assert!(alone > 0.1 && (mixed / alone - 1.0).abs() < 0.01, "{hertz} Hz: {mixed} of {alone}");
    }
    // And nothing else: at each sample it is the sum, but for FLAC's rounding to 16 bits.
    let wrong = |at: &usize| (mix[*at] - low[*at] - high[*at]).abs() > 2e-4;
    assert_eq!((0..mix.len().min(high.len())).filter(wrong).count(), 0);
}

#[tokio::test]
async fn two_loud_tracks_are_turned_down_together_and_do_not_clip() {
    let (tracks, _) = two_tones(0.95).await;
    let [low, high, mix] = &tracks[..] else { panic!("three tracks") };
    let loudest = mix.iter().fold(0f32, |most, it| most.max(it.abs()));
    assert!((0.8..0.893).contains(&loudest), "{loudest}");
    let of = |track: &[f32], hertz| level(track, hertz, 1.5..2.5);
    let gains = [of(mix, 500.0) / of(low, 500.0), of(mix, 2000.0) / of(high, 2000.0)];
    assert!(gains[0] > 0.4 && (gains[0] / gains[1] - 1.0).abs() < 0.1, "{gains:?}");
    // What clipping would add: the tones' third harmonics, and their products.
    for hertz in [1000.0, 1500.0, 3000.0, 3500.0, 4500.0, 6000.0] {
        let (mixed, alone) = (of(mix, hertz), of(low, hertz) + of(high, hertz));
        assert!(mixed < alone + 0.01, "{mixed} at {hertz} Hz, where there is {alone} without a mix");
    }
}

#[tokio::test]
async fn a_mix_is_in_step_with_the_picture() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast())
        .audio(AudioConfig::new(AudioSource::TestCard))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .audio(AudioConfig::new("mix:0,1".parse::<AudioSource>().unwrap()))
        .output(OutputConfig::new(mkv(&path)).with_audio_tracks([2]))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    recorded(&pipeline, 2.5).await;
    // A pause is cut out of all tracks alike.
    pipeline.pause().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    pipeline.resume().unwrap();
    recorded(&pipeline, 4.5).await;
    pipeline.stop().await.unwrap();
    assert_eq!(tracks(&path), 1);
    let verdict = judge(&path).unwrap();
    println!("{verdict}");
    verdict.must_be_in_sync(20.0);
}

#[tokio::test]
async fn a_stream_of_several_tracks_carries_their_mix_and_the_file_beside_it_has_each_apart() {
    let mut listener = RtmpListener::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beside.mkv");
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast().with_rate_control(RateControl::Cbr).with_bitrate_kbps(1000))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(Output::Rtmp { url: listener.url() })
        .output(mkv(&path))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    recorded(&pipeline, 4.0).await;
    let report = pipeline.stop().await.unwrap();
    let sources: Vec<&str> = report.audio.iter().map(|it| &*it.source).collect();
    assert_eq!(sources, ["test-card", "test-card", "mix"]);
    assert_eq!(tracks(&path), 2);
    let received = &listener.received().unwrap();
    judge(received).unwrap().must_be_in_sync(20.0);
    let loudest = |samples: Vec<f32>| samples.iter().fold(0f32, |most, it| most.max(it.abs()));
    let (mix, alone) = (loudest(heard(received, 0)), loudest(heard(&path, 0)));
    assert!(mix > 1.3 * alone, "both are in it: {mix} of {alone}");
}

#[tokio::test]
async fn a_source_is_exchanged_while_it_runs_and_the_track_goes_on() {
    let (_session, _sinks) = session(["first", "second"]);
    let _low = Player::start("a", Some("first"), tone(500.0)).unwrap();
    let _high = Player::start("b", Some("second"), tone(2000.0)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast())
        .audio(lossless("first"))
        .output(mkv(&path))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    recorded(&pipeline, 2.0).await;
    assert!(pipeline.set_audio_source(AudioSource::Mix(vec![])).is_err_and(|it| it.is_usage()));
    assert!(pipeline.set_track_source(1, "second").is_err_and(|it| it.is_usage()), "there is one only");
    pipeline.set_audio_source("second").unwrap();
    let noted = || pipeline.notes_since(0).iter().any(|it| it.contains("goes on with node:second"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !noted() {
        assert!(Instant::now() < deadline, "{:?}", pipeline.notes_since(0));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let exchanged = pipeline.status().seconds;
    recorded(&pipeline, exchanged + 1.5).await;
    let report = pipeline.stop().await.unwrap();
    assert_eq!((report.audio[0].source.as_str(), tracks(&path)), ("node:second", 1));
    let sound = heard(&path, 0);
    let length = report.duration_seconds;
    assert!((sound.len() as f64 / RATE - length).abs() < 0.1, "{} of {length}", sound.len());
    // However choppy a busy machine plays them.
    let low_to_high = |seconds: Range<f64>| {
        let (low, high) = (level(&sound, 500.0, seconds.clone()), level(&sound, 2000.0, seconds));
        assert!(low.max(high) > 0.05, "{low} {high}");
        low / high
    };
    let (before, after) = (low_to_high(1.2..1.9), low_to_high(length - 1.0..length - 0.2));
    assert!(before > 5.0 && after < 0.2, "{before}, then {after}");
}
