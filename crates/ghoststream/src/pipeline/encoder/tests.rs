//! Encoders that fail while a test card is recorded, and what the judge finds in the files.
//!
//! No chip fails on demand, so doubles stand in the table: real software encoders that fail when a
//! test says so, under the names of hardware.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::judge::{Verdict, judge};

use crate::av::AvError;
use crate::encode::{EncodeError, Encoder, Frame, Opened, Packet, Row};
use crate::pipeline::Pipeline;
use crate::stats::{EncoderFailure, Refusal, Report};
use crate::{
    AudioConfig, AudioSource, CaptureConfig, CaptureSource, Codec, Container, EncoderConfig, EncoderPreset,
    Error, Output,
};

/// What comes of opening a double, once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening {
    Works,
    Refuses,
    Hangs,
    /// It works for this many pictures.
    FailsAfter(usize, Fault),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    Error,
    Hang,
    Panic,
    /// The stream cannot be ended.
    HangAtEnd,
}

struct Double {
    name: &'static str,
    real: Box<dyn Encoder>,
    left: usize,
    fault: Option<Fault>,
}

impl Double {
    fn fail(&self, fault: Fault) -> EncodeError {
        match fault {
            Fault::Hang | Fault::HangAtEnd => hang(),
            Fault::Panic => panic!("a double panics"),
            Fault::Error => EncodeError::Failed { encoder: self.name, source: AvError(-libc::EIO) },
        }
    }
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

impl Encoder for Double {
    fn encode(&mut self, frame: Frame, packets: &mut Vec<Packet>) -> Result<(), EncodeError> {
        match self.fault {
            Some(fault) if self.left == 0 && fault != Fault::HangAtEnd => Err(self.fail(fault)),
            _ => {
                self.left = self.left.saturating_sub(1);
                self.real.encode(frame, packets)
            }
        }
    }

    fn flush(&mut self, packets: &mut Vec<Packet>) -> Result<(), EncodeError> {
        match self.fault {
            Some(fault) if fault == Fault::HangAtEnd => Err(self.fail(fault)),
            _ => self.real.flush(packets),
        }
    }

    fn force_key_frame(&mut self) {
        self.real.force_key_frame();
    }

    fn set_half_rate(&mut self, half: bool) {
        self.real.set_half_rate(half);
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), EncodeError> {
        self.real.set_bitrate(kbps)
    }
}

/// A row of this name that opens `real`, and then does as the script says: an entry for each
/// opening, the last of them for all that follow.
fn double(real: &Row, name: &'static str, script: &'static [Opening]) -> Row {
    let (open, openings) = (Arc::clone(&real.open), AtomicUsize::new(0));
    let open = move |terms| {
        let at = openings.fetch_add(1, Ordering::Relaxed).min(script.len() - 1);
        let (left, fault) = match script[at] {
            Opening::Works => (0, None),
            Opening::Refuses => {
                let reason = "no session is left".to_owned();
                return Err(Refusal { encoder: name.to_owned(), reason, remedy: None });
            }
            Opening::Hangs => hang(),
            Opening::FailsAfter(left, fault) => (left, Some(fault)),
        };
        let opened = open(terms)?;
        let encoder = Box::new(Double { name, real: opened.encoder, left, fault });
        Ok(Opened { encoder, name, ..opened })
    };
    Row { name, hardware: name.ends_with("nvenc"), open: Arc::new(open), ..real.clone() }
}

/// The rows of these names, the first as a double of the second one's encoder.
pub(super) fn rows(
    table: Vec<Row>,
    first: &'static str,
    then: &[&str],
    script: &'static [Opening],
) -> Vec<Row> {
    let find = |name: &str| table.iter().find(|it| it.name == name).expect("a row of the table");
    let mut rows = vec![double(find("libx264"), first, script)];
    rows.extend(then.iter().map(|name| find(name).clone()));
    rows
}

/// A recording that was made, and the directory that holds it.
struct Recorded {
    dir: tempfile::TempDir,
    report: Report,
    error: Option<Error>,
}

impl Recorded {
    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn failures(&self) -> &[EncoderFailure] {
        &self.report.renditions[0].failures
    }

    /// Who took over, in order.
    fn successors(&self) -> Vec<Option<&str>> {
        self.failures().iter().map(|it| it.replaced_by.as_deref()).collect()
    }

    /// Judges the files together: each is whole, together they have every picture that was encoded,
    /// and no picture is missing but those that the report counts.
    fn judge(&self, names: &[&str]) -> Vec<Verdict> {
        let verdicts: Vec<_> = names.iter().map(|name| whole(&self.file(name))).collect();
        let frames: u64 = verdicts.iter().map(|it| it.video.as_ref().unwrap().frames).sum();
        assert_eq!(frames, self.report.encoded, "{:#?}", self.report);
        let cards = || verdicts.iter().map(|it| it.card.as_ref().unwrap());
        let within: u64 = cards().map(|it| it.lost).sum();
        let edges: i64 = cards().zip(cards().skip(1)).map(|(a, b)| b.first - a.last - 1).sum();
        let lost = within + u64::try_from(edges).expect("files follow one another");
        let told = self.report.dropped + self.report.skipped;
        assert!(lost <= told, "{lost} pictures are missing: {:#?}", self.report);
        verdicts
    }
}

fn whole(path: &Path) -> Verdict {
    let verdict = judge(path).unwrap();
    let (video, card) = (verdict.video.as_ref().unwrap(), verdict.card.as_ref().unwrap());
    let clean = video.decode_errors == 0
        && video.backwards == 0
        && card.unreadable == 0
        && card.out_of_order == 0
        && verdict.unordered_packets == 0
        && !verdict.cut;
    assert!(clean, "{verdict}");
    let length = verdict.duration_seconds.expect("the container says how long it is");
    assert!((length - verdict.content_seconds).abs() < 0.1, "{verdict}");
    verdict
}

type Doubles = fn(Vec<Row>) -> Vec<Row>;

/// Records the card with its sound until this many seconds are recorded, or it ends by itself.
async fn record(container: Container, config: EncoderConfig, doubles: Doubles, seconds: f64) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("a.{container}"));
    let capture = CaptureConfig::default()
        .with_source(CaptureSource::TestCard)
        .with_test_card_size(320, 180)
        .with_fps(30);
    let pipeline = Pipeline::builder(capture)
        .rendition(config.with_preset(EncoderPreset::Fastest))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(Output::File { path, container })
        .double(doubles)
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    let running = || pipeline.status().state == crate::PipelineState::Running;
    while running() && pipeline.status().seconds < seconds {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = pipeline.stop().await;
    let (report, error) = match ended {
        Ok(report) => (report, None),
        Err(error) => (pipeline.report().expect("a report, however it ended"), Some(error)),
    };
    Recorded { dir, report, error }
}

fn h264() -> EncoderConfig {
    EncoderConfig::default().with_codec(Codec::H264).with_bitrate_kbps(1500)
}

#[tokio::test]
async fn an_encoder_that_fails_is_opened_again_and_its_file_goes_on() {
    for container in [Container::Matroska, Container::Mp4] {
        let doubles = |table| {
            let script = &[Opening::FailsAfter(20, Fault::Error), Opening::Works];
            rows(table, "h264_nvenc", &["libx264"], script)
        };
        let recorded = record(container, h264(), doubles, 1.6).await;
        assert_eq!(recorded.successors(), [Some("h264_nvenc")], "{:#?}", recorded.report);
        let failure = &recorded.failures()[0];
        assert!(failure.reason.contains("Input/output error") && !failure.left_behind, "{failure}");
        assert!((0.4..1.2).contains(&failure.seconds), "{failure}");
        assert_eq!(recorded.report.dropped, failure.lost, "nothing is lost but what was inside");
        assert!(recorded.report.outputs[0].continued.is_empty());
        assert!(recorded.report.notes.iter().any(|it| it.contains("it was opened again")));
        let verdicts = recorded.judge(&[&format!("a.{container}")]);
        verdicts[0].must_be_in_sync(5.0);
    }
}

#[tokio::test]
async fn one_that_fails_again_at_once_makes_room_for_the_next_in_the_table() {
    let doubles = |table| {
        let script = &[Opening::FailsAfter(20, Fault::Error), Opening::FailsAfter(0, Fault::Error)];
        rows(table, "h264_nvenc", &["libx264"], script)
    };
    let recorded = record(Container::Matroska, h264().with_low_latency(true), doubles, 1.6).await;
    assert_eq!(recorded.successors(), [Some("h264_nvenc"), Some("libx264")], "{:#?}", recorded.report);
    assert_eq!(recorded.report.renditions[0].encoder, "libx264");
    let lost: Vec<_> = recorded.failures().iter().map(|it| it.lost).collect();
    assert_eq!(lost, [0, 0], "the picture at which it failed is encoded by the next");
    let Report { dropped, skipped, repeated, .. } = recorded.report;
    recorded.judge(&["a.mkv"])[0].must_be_clean_but_for(dropped + skipped, repeated);
}

#[tokio::test]
async fn one_that_cannot_be_opened_again_makes_room_too() {
    let doubles = |table| {
        let script = &[Opening::FailsAfter(20, Fault::Panic), Opening::Refuses];
        rows(table, "h264_nvenc", &["libx264"], script)
    };
    let recorded = record(Container::Mp4, h264(), doubles, 1.6).await;
    assert_eq!(recorded.successors(), [Some("libx264")], "{:#?}", recorded.report);
    let failure = &recorded.failures()[0];
    assert_eq!(failure.refused[0].reason, "no session is left");
    assert!(failure.reason.contains("panicked"), "{failure}");
    recorded.judge(&["a.mp4"]);
}

#[tokio::test]
async fn one_that_hangs_is_left_behind() {
    let doubles = |table| {
        let script = &[Opening::FailsAfter(20, Fault::Hang), Opening::Hangs];
        rows(table, "h264_nvenc", &["libx264"], script)
    };
    let recorded = record(Container::Matroska, h264(), doubles, 3.5).await;
    assert_eq!(recorded.successors(), [Some("libx264")], "its driver is not asked again");
    let failure = &recorded.failures()[0];
    assert!(failure.left_behind && failure.reason.contains("1.5 s"), "{failure}");
    recorded.judge(&["a.mkv"])[0].must_be_in_sync(5.0);
}

#[tokio::test]
async fn one_that_hangs_while_it_is_opened_again_is_not_waited_for() {
    let doubles = |table| {
        let script = &[Opening::FailsAfter(20, Fault::Error), Opening::Hangs];
        rows(table, "h264_nvenc", &["libx264"], script)
    };
    let recorded = record(Container::Matroska, h264(), doubles, 3.5).await;
    assert_eq!(recorded.successors(), [Some("libx264")], "{:#?}", recorded.report);
    assert!(recorded.failures()[0].refused[0].reason.contains("driver hangs"));
    recorded.judge(&["a.mkv"]);
}

#[tokio::test]
async fn one_that_hangs_at_the_end_leaves_a_whole_file() {
    let doubles = |table| {
        let script = &[Opening::FailsAfter(0, Fault::HangAtEnd)];
        rows(table, "h264_nvenc", &["libx264"], script)
    };
    let recorded = record(Container::Mp4, h264(), doubles, 1.0).await;
    assert_eq!(recorded.successors(), [None], "nothing is left to encode");
    assert!(recorded.failures()[0].left_behind);
    assert_eq!(recorded.failures()[0].lost, recorded.report.dropped);
    recorded.judge(&["a.mp4"]);
}

#[tokio::test]
async fn another_codec_goes_on_in_a_second_file_with_the_sound() {
    for container in [Container::Matroska, Container::Mp4] {
        // libx265 takes its chroma in planes, and the pictures are made for the first encoder.
        let doubles = |table| {
            // Between two beeps, so that none is cut in two.
            let script = &[Opening::FailsAfter(40, Fault::Error), Opening::Refuses];
            rows(table, "h264_nvenc", &["libx265"], script)
        };
        let config = EncoderConfig::default().with_bitrate_kbps(1500);
        let recorded = record(container, config, doubles, 3.0).await;
        assert_eq!(recorded.successors(), [Some("libx265")], "{:#?}", recorded.report);
        let (first, second) = (format!("a.{container}"), format!("a-2.{container}"));
        let output = &recorded.report.outputs[0];
        assert_eq!(output.path.as_deref(), Some(recorded.file(&first).as_path()));
        assert_eq!(output.continued[0].path.as_deref(), Some(recorded.file(&second).as_path()));
        let verdicts = recorded.judge(&[&first, &second]);
        assert_eq!(verdicts[1].video.as_ref().unwrap().codec, "hevc");
        assert!(
            verdicts[1].video.as_ref().unwrap().color_error.is_some_and(|it| it < 8.0),
            "{}",
            verdicts[1]
        );
        let begins = verdicts[1].video.as_ref().unwrap().start;
        assert!(begins < 0.2, "its times begin at its own zero: {begins}");
        verdicts[1].must_be_in_sync(5.0);
    }
}

#[tokio::test]
async fn when_nobody_takes_over_it_ends_with_everything_whole() {
    let doubles = |table| {
        let script = &[Opening::FailsAfter(20, Fault::Error), Opening::Refuses];
        rows(table, "h264_nvenc", &[], script)
    };
    let recorded = record(Container::Matroska, h264(), doubles, 60.0).await;
    let error = recorded.error.as_ref().expect("it failed").to_string();
    assert!(error.contains("h264_nvenc failed") && error.contains("no session is left"), "{error}");
    assert_eq!(recorded.successors(), [None]);
    recorded.judge(&["a.mkv"]);
}
