//! A recording of a PipeWire producer's test card, and what is asked of it.

use std::time::Duration;

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderConfig, EncoderPreset, Output, Pipeline,
    PipelineState, ProcessingReport, Report, Size, Status,
};
use ghoststream_gpu::vulkan::{Instance, Kind, Physical};
use testkit::Session;
use testkit::judge::{Verdict, judge};
use testkit::producer::Producer;

pub const SIZE: Size = Size::new(320, 180);

/// Mesa's software driver.
pub fn lavapipe() -> Physical {
    let instance = Instance::open().expect("Vulkan's loader: scripts/install-packages test");
    let all = instance.physical().expect("devices");
    all.into_iter().find(|it| it.kind == Kind::Cpu).expect("lavapipe: scripts/install-packages test")
}

pub fn encoder(codec: Codec) -> EncoderConfig {
    EncoderConfig::default().with_codec(codec).with_bitrate_kbps(2000).with_preset(EncoderPreset::Fastest)
}

pub struct Recorded {
    dir: tempfile::TempDir,
    pub report: Report,
    /// Frames that the producer sent.
    sent: u64,
}

impl Recorded {
    pub fn processing(&self) -> &ProcessingReport {
        &self.report.renditions[0].processing
    }

    pub fn encoder(&self) -> &str {
        &self.report.renditions[0].encoder
    }

    /// Whether a note has these words.
    pub fn notes(&self, words: &str) -> bool {
        self.report.notes.iter().any(|it| it.contains(words))
    }

    /// The file is whole, its colours are right, and it has all that the report says.
    pub fn whole(&self) -> Verdict {
        let verdict = judge(self.dir.path().join("a.mkv")).unwrap();
        println!("{verdict}\n{:#?}", self.report);
        let (video, card) = (verdict.video.as_ref().unwrap(), verdict.card.as_ref().unwrap());
        let broken = video.decode_errors + video.backwards + card.unreadable + card.out_of_order;
        assert_eq!(broken, 0, "{verdict}");
        assert!(video.color_error.is_some_and(|it| it < 8.0), "{:?} off\n{verdict}", video.color_error);
        assert!(!verdict.cut && verdict.unordered_packets == 0, "{verdict}");
        assert_eq!(video.frames, self.report.encoded, "every picture that the report counts is there");
        // A machine that is busy keeps the producer waiting, too: what it sent and nobody saw is PipeWire's.
        let missed = self.sent.saturating_sub(self.report.captured);
        let counted = self.report.dropped + self.report.skipped + self.report.corrupt + missed;
        assert!(card.lost <= counted, "{} are not there, {counted} are counted", card.lost);
        verdict
    }
}

/// Records from PipeWire, through shared memory, until so many seconds are recorded.
pub async fn record(config: EncoderConfig, seconds: f64) -> Recorded {
    let session = Session::start().unwrap();
    session.enter();
    let producer = Producer::test_card("card", SIZE, 30.0).unwrap();
    record_producer(&producer, config, 30.0, |status| status.seconds >= seconds).await
}

/// Records what a producer sends, at so many pictures a second, until `done` says so.
pub async fn record_producer(
    producer: &Producer,
    config: EncoderConfig,
    fps: f64,
    done: impl FnMut(&Status) -> bool,
) -> Recorded {
    let source = CaptureSource::Node(producer.name().to_owned());
    let capture = CaptureConfig::default().with_source(source).with_fps(fps);
    let mut recorded = record_from(capture, config, done).await;
    recorded.sent = producer.sent();
    recorded
}

/// Records the test card that is drawn into a GPU's memory.
pub async fn record_card(config: EncoderConfig, seconds: f64) -> Recorded {
    let capture = CaptureConfig::default()
        .with_source(CaptureSource::GpuTestCard)
        .with_test_card_size(SIZE.width, SIZE.height)
        .with_fps(30);
    record_from(capture, config, |status| status.seconds >= seconds).await
}

async fn record_from(
    capture: CaptureConfig,
    config: EncoderConfig,
    mut done: impl FnMut(&Status) -> bool,
) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    // A safety net for an emulated processor.
    let pipeline = Pipeline::builder(capture.with_first_frame_timeout(Duration::from_secs(60)))
        .rendition(config)
        .output(Output::File { path: dir.path().join("a.mkv"), container: Container::Matroska })
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    loop {
        let status = pipeline.status();
        if status.state != PipelineState::Running || done(&status) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = pipeline.stop().await.unwrap();
    Recorded { report, dir, sent: 0 }
}
