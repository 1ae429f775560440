//! The camera as a V4L2 device: v4l2loopback's, looked at by GStreamer.

use std::path::Path;
use std::time::{Duration, Instant};

use ghoststream::{
    CaptureConfig, CaptureSource, Color, ColorRange, ColorSpace, EncoderConfig, Output, OutputConfig,
    Pipeline, PixelFormat, Report, Size,
};
use ghoststream_camera::{Device, Input};
use testkit::judge::{Verdict, judge};
use testkit::peers::GstViewer;

/// A camera to who looks for one while it is written to, else a device that takes pictures (`exclusive_caps=1`).
const EXCLUSIVE: &str = "/dev/video40";
/// Both all the time.
const BOTH: &str = "/dev/video41";

/// Small and slow: the processor may be emulated.
const SIZE: Size = Size::new(320, 180);
/// What GStreamer insists on: the size, the layout, the rate and the colours that were agreed on with the device.
const CAPS: &str = "video/x-raw,format=YUY2,width=320,height=180,framerate=5/1,colorimetry=bt709";

fn pipeline(device: &str, size: Size) -> Pipeline {
    let capture = CaptureConfig::default().with_source(CaptureSource::TestCard);
    let capture = capture.with_test_card_size(size.width, size.height).with_fps(5);
    let camera = OutputConfig::new(Output::VirtualCamera { name: "Test".into() }).with_v4l2(device);
    let picture = EncoderConfig::default().with_resolution(size.width, size.height);
    Pipeline::builder(capture).rendition(picture).output(camera).build().unwrap()
}

async fn started(device: &str) -> Pipeline {
    let pipeline = pipeline(device, SIZE);
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    until("pictures", || pipeline.status().captured > 3);
    pipeline
}

/// Waits until `done`, three minutes at most: an emulated processor takes its time.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(180), "{what} did not happen within three minutes");
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn stopped(pipeline: Pipeline) -> Report {
    let report = pipeline.stop().await.unwrap();
    println!("{report:#?}");
    assert_eq!(report.outputs[0].error, None);
    report
}

async fn refused(device: &str, size: Size) -> String {
    let error = pipeline(device, size).start().await.unwrap_err().to_string();
    assert!(error.contains(device), "{error}");
    error
}

fn judged(path: &Path) -> Verdict {
    let verdict = judge(path).unwrap();
    println!("{verdict}");
    verdict
}

async fn card_is_seen(device: &str, name: &str) {
    let dir = tempfile::tempdir().unwrap();
    // Who wrote such pictures before has left other colours.
    let color = Color::new(ColorSpace::Bt601, ColorRange::Limited);
    let other = Input { format: PixelFormat::Nv12, size: SIZE, color, rate: (30, 1) };
    drop(Device::open(Path::new(device), other).unwrap());
    let pipeline = started(device).await;
    // Then all of the device's buffers were written, and who looks begins with its newest.
    until("many pictures", || pipeline.status().captured > 40);
    let viewer = GstViewer::record_device(device, CAPS, 40, &dir.path().join("seen.mkv")).unwrap();
    let (recorded, missed) = viewer.recorded_counting().unwrap();
    let report = stopped(pipeline).await;
    let verdict = judged(&recorded);
    let (video, card) = (verdict.must_have_video(), verdict.card.as_ref().unwrap());
    assert_eq!((video.frames, card.out_of_order), (40, 0), "{card:?}");
    assert!(video.color_error.is_some_and(|it| it < 8.0), "{:?} off", video.color_error);

    let (camera, pictures) =
        (report.outputs[0].camera.as_ref().unwrap(), report.outputs[0].pictures.as_ref().unwrap());
    assert!(camera.name == name && camera.dropped == 0 && camera.cards >= 1, "{camera:?}");
    assert!(report.outputs[0].bytes == camera.shown * 320 * 180 * 2, "{report:?}");
    // A busy machine repeats pictures, and shows the still card where it makes none for a second. What is not there was
    // not made, or came and went before GStreamer looked.
    assert!(card.repeated <= pictures.repeated && card.unreadable <= camera.cards, "{card:?}");
    let unmade = report.dropped + report.skipped + pictures.dropped + pictures.skipped;
    assert!(
        card.lost <= missed + unmade,
        "{} are not there, {missed} were missed, {unmade} unmade",
        card.lost
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs devices of v4l2loopback's: make test-vm"]
async fn gstreamer_sees_the_card_in_a_device_at_its_rate_and_in_its_colours() {
    card_is_seen(EXCLUSIVE, "GhostStream Camera").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs devices of v4l2loopback's: make test-vm"]
async fn gstreamer_sees_the_card_in_a_device_that_hides_nothing() {
    card_is_seen(BOTH, "Both ways").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs devices of v4l2loopback's: make test-vm"]
async fn who_writes_to_a_device_that_is_written_to_is_told_and_disturbs_nobody() {
    for device in [EXCLUSIVE, BOTH] {
        let first = started(device).await;
        for size in [SIZE, Size::new(640, 360)] {
            let error = refused(device, size).await;
            assert!(error.contains("another program writes to it"), "{error}");
        }
        let before = first.status().captured;
        until("pictures", || first.status().captured > before + 5);
        stopped(first).await;
        stopped(started(device).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs devices of v4l2loopback's: make test-vm"]
async fn who_looks_holds_a_device_to_its_size_and_sees_who_writes_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seen.mkv");
    let seen = || std::fs::metadata(&path).map_or(0, |it| it.len());
    let first = started(EXCLUSIVE).await;
    let _viewer = GstViewer::record_device(EXCLUSIVE, CAPS, 100_000, &path).unwrap();
    until("a picture", || seen() > 0);
    stopped(first).await;
    let error = refused(EXCLUSIVE, Size::new(640, 360)).await;
    assert!(error.contains("it takes pictures of 320x180, not of 640x360"), "{error}");
    assert!(error.contains("End that program"), "{error}");
    let before = seen();
    let second = started(EXCLUSIVE).await;
    until("more pictures", || seen() > before);
    stopped(second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs devices of v4l2loopback's: make test-vm"]
async fn without_anybody_who_looks_it_goes_on_and_a_pause_shows_the_still_card() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = started(EXCLUSIVE).await;
    pipeline.pause().unwrap();
    // It comes a second after the last picture, and who looks begins with the newest.
    let mut verdicts = (0..9).map(|turn| {
        let path = dir.path().join(format!("paused-{turn}.mkv"));
        judged(&GstViewer::record_device(EXCLUSIVE, CAPS, 5, &path).unwrap().recorded().unwrap())
    });
    let verdict = verdicts.find(|it| it.card.is_none()).expect("the still card");
    let report = stopped(pipeline).await;
    assert_eq!(verdict.must_have_video().frames, 5);
    let (camera, pictures) =
        (report.outputs[0].camera.as_ref().unwrap(), report.outputs[0].pictures.as_ref().unwrap());
    assert!(camera.cards > 5 && camera.dropped == 0 && camera.shown > 0, "{camera:?}");
    assert_eq!(camera.shown, pictures.shown, "all that was made");
}
