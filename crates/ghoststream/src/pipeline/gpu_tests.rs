//! GPUs that fail while a test card is recorded, and what the judge finds in the file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ghoststream_gpu::pass::{Frame, GiveBack, Output as Made, PassError};
use ghoststream_gpu::vulkan::{VulkanError, vk};
use testkit::judge::judge;

use crate::pipeline::Pipeline;
use crate::processing::gpu::{Double, Maker};
use crate::stats::Report;
use crate::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig, EncoderPreset, Output,
    Processing,
};

/// A real pass that fails at some of the pictures that are asked for in this process.
struct Failing {
    real: Box<dyn Maker>,
    fails: fn(usize) -> bool,
}

/// Each test has a process of its own.
static ASKED: AtomicUsize = AtomicUsize::new(0);

impl Maker for Failing {
    fn run(&mut self, frame: &Frame<'_>) -> Result<Made, PassError> {
        if (self.fails)(ASKED.fetch_add(1, Ordering::Relaxed)) {
            return Err(VulkanError { call: "a double", result: vk::Result::ERROR_DEVICE_LOST }.into());
        }
        self.real.run(frame)
    }

    fn give_back(&mut self) -> GiveBack {
        self.real.give_back()
    }

    fn copied_up(&self) -> u64 {
        self.real.copied_up()
    }

    fn created(&self) -> u64 {
        self.real.created()
    }
}

/// Records a second and a half; the file is whole, and nothing is missing that is not counted.
async fn record(double: Double) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let capture = CaptureConfig::default()
        .with_source(CaptureSource::TestCard)
        .with_test_card_size(320, 180)
        .with_fps(30);
    let config = EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
        .with_processing(Processing::Gpu);
    let pipeline = Pipeline::builder(capture)
        .rendition(config)
        .output(Output::File { path: path.clone(), container: Container::Matroska })
        .gpu_double(double)
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    while pipeline.status().seconds < 1.5 {
        assert_eq!(pipeline.status().state, crate::PipelineState::Running, "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = pipeline.stop().await.unwrap();
    let verdict = judge(&path).unwrap();
    let (video, card) = (verdict.video.as_ref().unwrap(), verdict.card.as_ref().unwrap());
    assert_eq!(video.decode_errors + card.unreadable + card.out_of_order, 0, "{verdict}\n{report:#?}");
    assert!(video.color_error.is_some_and(|it| it < 8.0), "{verdict}");
    assert_eq!(video.frames, report.encoded, "{report:#?}");
    assert!(card.lost <= report.dropped + report.skipped, "{verdict}\n{report:#?}");
    report
}

#[tokio::test]
async fn a_gpu_that_is_lost_is_opened_anew_while_it_records() {
    let report = record(|real| Box::new(Failing { real, fails: |it| it == 20 })).await;
    let processing = &report.renditions[0].processing;
    assert_eq!(processing.failures, 1, "{processing:?}");
    assert!(processing.way.starts_with("GPU ("), "{processing:?}");
    assert!(report.notes.iter().any(|it| it.contains("opened anew")), "{:?}", report.notes);
}

#[tokio::test]
async fn a_gpu_that_is_lost_for_good_leaves_the_recording_to_the_cpu() {
    let report = record(|real| Box::new(Failing { real, fails: |it| it >= 20 })).await;
    let processing = &report.renditions[0].processing;
    assert_eq!(processing.failures, 2, "{processing:?}");
    assert!(processing.way.starts_with("CPU ("), "{processing:?}");
    assert!(report.notes.iter().any(|it| it.contains("on the CPU from here on")), "{:?}", report.notes);
}

#[tokio::test]
async fn a_gpu_that_fails_at_its_first_picture_is_not_begun_with() {
    let report = record(|real| Box::new(Failing { real, fails: |_| true })).await;
    let processing = &report.renditions[0].processing;
    assert!(processing.way.starts_with("CPU (") && processing.failures == 0, "{processing:?}");
    assert!(report.notes.iter().any(|it| it.contains("not on a GPU as asked")), "{:?}", report.notes);
}
