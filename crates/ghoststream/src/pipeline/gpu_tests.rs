//! GPUs that fail while a test card is recorded, and what the judge finds in the file.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ghoststream_gpu::vulkan::{VulkanError, vk};
use testkit::Session;
use testkit::judge::judge;
use testkit::producer::{Painter, Producer, Script};

use crate::pipeline::Pipeline;
use crate::processing::gpu::double::{Asked, checked};
use crate::processing::gpu::{Double, Maker};
use crate::stats::Report;
use crate::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig, EncoderPreset, Interpolate,
    Output, Processing, Size,
};

/// Each test has a process of its own.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Whether the device is lost when it is next asked for a picture between two others.
static LOSE_BETWEEN: AtomicBool = AtomicBool::new(false);
/// Pictures between others that were let through in this process.
static BETWEEN: AtomicUsize = AtomicUsize::new(0);

/// A real pass that fails at some of the pictures that are asked for in this process.
fn failing(real: Box<dyn Maker>, fails: fn(usize) -> bool) -> Box<dyn Maker> {
    checked(real, move |asked| {
        let is_lost = match asked {
            Asked::Picture => fails(ASKED.fetch_add(1, Ordering::Relaxed)),
            Asked::Between { .. } => LOSE_BETWEEN.swap(false, Ordering::Relaxed),
        };
        if is_lost {
            return Err(VulkanError { call: "a double", result: vk::Result::ERROR_DEVICE_LOST }.into());
        }
        if let Asked::Between { pictures, .. } = asked {
            BETWEEN.fetch_add(pictures, Ordering::Relaxed);
        }
        Ok(())
    })
}

/// Records a second and a half; the file is whole, and nothing is missing that is not counted.
async fn record(double: Double) -> Report {
    record_from(CaptureSource::TestCard, double).await
}

async fn record_from(source: CaptureSource, double: Double) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let capture = CaptureConfig::default().with_source(source).with_test_card_size(320, 180).with_fps(30);
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
    let report = record(|real| Ok(failing(real, |it| it == 20))).await;
    let processing = &report.renditions[0].processing;
    assert_eq!(processing.failures, 1, "{processing:?}");
    assert!(processing.way.starts_with("GPU ("), "{processing:?}");
    assert!(report.notes.iter().any(|it| it.contains("opened anew")), "{:?}", report.notes);
}

#[tokio::test]
async fn a_gpu_that_is_lost_for_good_leaves_the_recording_to_the_cpu() {
    let report = record(|real| Ok(failing(real, |it| it >= 20))).await;
    let processing = &report.renditions[0].processing;
    assert_eq!(processing.failures, 2, "{processing:?}");
    assert!(processing.way.starts_with("CPU ("), "{processing:?}");
    assert!(report.notes.iter().any(|it| it.contains("on the CPU from here on")), "{:?}", report.notes);
}

#[tokio::test]
async fn a_gpu_that_fails_at_its_first_picture_is_not_begun_with() {
    let report = record(|real| Ok(failing(real, |_| true))).await;
    let processing = &report.renditions[0].processing;
    assert!(processing.way.starts_with("CPU (") && processing.failures == 0, "{processing:?}");
    assert!(report.notes.iter().any(|it| it.contains("not on a GPU as asked")), "{:?}", report.notes);
}

#[tokio::test]
async fn a_source_in_the_memory_of_a_gpu_that_is_lost_goes_over_to_system_memory() {
    let report = record_from(CaptureSource::GpuTestCard, |real| Ok(failing(real, |it| it >= 20))).await;
    let processing = &report.renditions[0].processing;
    assert_eq!(processing.failures, 2, "{processing:?}");
    assert!(processing.way.starts_with("CPU ("), "{processing:?}");
    assert!(report.notes.iter().any(|it| it.contains("drawn in system memory")), "{:?}", report.notes);
    assert!(report.encoded >= 40, "it goes on: {report:?}");
}

/// Waits until more pictures than these were let through between others.
async fn until_more_are_between(pipeline: &Pipeline, than: usize) {
    while BETWEEN.load(Ordering::Relaxed) <= than {
        assert_eq!(pipeline.status().state, crate::PipelineState::Running, "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_gpu_that_is_lost_while_it_interpolates_goes_on_with_that_once_it_is_opened_anew() {
    const SIZE: Size = Size::new(96, 64);
    let session = Session::start().unwrap();
    session.enter();
    // Stripes that wander to the right.
    let painter: Painter = Box::new(|draft| {
        let (stride, number) = (draft.stride, draft.number as usize);
        for (at, byte) in draft.blocks.first_mut().into_iter().flat_map(|it| it.iter_mut()).enumerate() {
            *byte = ((at % stride / 4 + 4096 - 4 * (number % 1024)) / 5 * 53 % 200) as u8;
        }
    });
    // So slow that a busy machine has time for each picture.
    let producer = Producer::start(Script::new("stripes", "BGRx", SIZE, 3.0), painter).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let source = CaptureSource::Node(producer.name().to_owned());
    let config = EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
        .with_interpolate(Interpolate::On)
        .with_processing(Processing::Gpu);
    let pipeline = Pipeline::builder(CaptureConfig::default().with_source(source).with_fps(6))
        .rendition(config)
        .output(Output::File { path: path.clone(), container: Container::Matroska })
        .gpu_double(|real| Ok(failing(real, |_| false)))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    until_more_are_between(&pipeline, BETWEEN.load(Ordering::Relaxed)).await;
    LOSE_BETWEEN.store(true, Ordering::Relaxed);
    let before = BETWEEN.load(Ordering::Relaxed);
    until_more_are_between(&pipeline, before + 2).await;
    let report = pipeline.stop().await.unwrap();
    let processing = &report.renditions[0].processing;
    assert_eq!((processing.failures, processing.cpu_interpolated), (1, 0), "{processing:?}");
    assert!(processing.gpu_interpolated >= 3 && report.interpolated >= 3, "{report:?}");
    assert!(!LOSE_BETWEEN.load(Ordering::Relaxed), "it was lost while it interpolated");
    let told = |what: &str| report.notes.iter().any(|it| it.contains(what));
    assert!(told("opened anew") && !told("no longer interpolated"), "{:?}", report.notes);
    let verdict = judge(&path).unwrap();
    let video = verdict.video.as_ref().unwrap();
    assert_eq!((video.decode_errors, video.frames), (0, report.encoded), "{report:#?}");
}
