//! What the public interface promises: start, wait, stop, drop and the report.

#[path = "common/card.rs"]
mod card;

use std::path::{Path, PathBuf};
use std::time::Duration;

use card::{fast, mkv, small_card};
use ghoststream::{
    AudioConfig, AudioSource, CaptureConfig, CaptureSource, Container, Error, Output, OutputConfig, OutputId,
    OutputState, Pipeline, PipelineState, RateControl,
};

fn in_dir(name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    (dir, path)
}

/// The frames that libavcodec finds in a file.
fn frames(path: &Path) -> usize {
    let output = std::process::Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-select_streams",
            "v:0",
            "-show_entries",
            "stream=nb_read_frames",
        ])
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().trim_end_matches(',').parse().unwrap()
}

#[tokio::test]
async fn a_started_pipeline_has_a_picture_in_its_file_and_stop_reports_every_frame() {
    let (_dir, path) = in_dir("a.mkv");
    let pipeline = Pipeline::new(small_card(), fast(), mkv(&path)).unwrap();
    assert_eq!(pipeline.status().state, PipelineState::New);
    pipeline.start().await.unwrap();
    assert_eq!(pipeline.status().state, PipelineState::Running);
    assert!(path.metadata().unwrap().len() > 0, "the first picture has reached the file");
    tokio::time::sleep(Duration::from_millis(800)).await;
    let output = pipeline.status().outputs.remove(0);
    assert_eq!((output.id, output.state), (OutputId::new(0), OutputState::Running));
    assert_eq!(output.name, path.display().to_string());
    assert!(output.bytes > 0 && output.seconds > 0.2 && output.live.is_none(), "{output:?}");
    let report = pipeline.stop().await.unwrap();
    let output = pipeline.status().outputs.remove(0);
    assert_eq!((output.state, output.bytes), (OutputState::Ended, report.outputs[0].bytes));
    assert_eq!(pipeline.status().state, PipelineState::Ended);
    assert_eq!(report.encoded as usize, frames(&path));
    assert!(report.encoded >= 20, "{report:?}");
    // The frame before the start is shown first. What a busy machine did not paint was dropped uncaptured.
    let shown = report.captured + report.repeated + 1 - report.skipped;
    assert!((shown - report.dropped..=shown).contains(&report.encoded), "{report:?}");
    assert_eq!(report.outputs[0].bytes, path.metadata().unwrap().len());
    assert_eq!(report.renditions[0].encoder, "libx264");
    assert!(report.latency_total.p50_ms > 0.0);
}

#[tokio::test]
async fn dropping_a_running_pipeline_makes_its_file_whole() {
    let (_dir, path) = in_dir("a.mkv");
    let pipeline = Pipeline::new(small_card(), fast(), mkv(&path)).unwrap();
    pipeline.start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(pipeline);
    assert!(frames(&path) > 5);
}

#[tokio::test]
async fn wait_resolves_after_stop_and_twice() {
    let (_dir, path) = in_dir("a.mkv");
    let pipeline = std::sync::Arc::new(Pipeline::new(small_card(), fast(), mkv(&path)).unwrap());
    assert!(matches!(pipeline.wait().await, Err(Error::State(_))));
    pipeline.start().await.unwrap();
    let waiting = tokio::spawn({
        let pipeline = std::sync::Arc::clone(&pipeline);
        async move { pipeline.wait().await }
    });
    let stopped = pipeline.stop().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().encoded, stopped.encoded);
    assert_eq!(pipeline.stop().await.unwrap().encoded, stopped.encoded, "stopping again does no harm");
    assert!(matches!(pipeline.start().await, Err(Error::State(_))), "a pipeline starts once");
}

#[tokio::test]
async fn start_fails_with_the_cause_and_leaves_nothing_behind() {
    let (_dir, path) = in_dir("a.mkv");
    let capture = CaptureConfig::default()
        .with_source(CaptureSource::Node("nobody".into()))
        .with_first_frame_timeout(Duration::from_millis(200));
    let pipeline = Pipeline::new(capture, fast(), mkv(&path)).unwrap();
    assert!(matches!(pipeline.start().await, Err(Error::Capture(_))));
    assert!(!path.exists());
    assert!(matches!(pipeline.stop().await, Err(Error::State(_))));
}

#[tokio::test]
async fn one_capture_feeds_several_renditions_outputs_and_tracks() {
    let (dir, big) = in_dir("big.mkv");
    let (small, again) = (dir.path().join("small.mp4"), dir.path().join("again.mkv"));
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast())
        .rendition(fast().with_resolution(160, 90))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(mkv(&big))
        .output(
            OutputConfig::new(Output::File { path: small.clone(), container: Container::Mp4 })
                .with_rendition(1),
        )
        .output(OutputConfig::new(mkv(&again)).with_audio_tracks([]))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let report = pipeline.stop().await.unwrap();
    assert_eq!(report.outputs.len(), 3);
    assert_eq!(frames(&big), frames(&again), "two outputs share one encoder");
    assert!(frames(&small) > 5);
    let sizes: Vec<_> = report.renditions.iter().map(|it| (it.width, it.height)).collect();
    assert_eq!(sizes, [(320, 180), (160, 90)]);
    assert_eq!(report.audio.len(), 1);
}

#[tokio::test]
async fn a_pause_leaves_no_gap() {
    let (_dir, path) = in_dir("a.mkv");
    let pipeline = Pipeline::new(small_card(), fast(), mkv(&path)).unwrap();
    assert!(pipeline.pause().is_err(), "not running yet");
    pipeline.start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    pipeline.pause().unwrap();
    assert_eq!(pipeline.status().state, PipelineState::Paused);
    let before = pipeline.status().seconds;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let held = pipeline.status().seconds;
    pipeline.resume().unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let report = pipeline.stop().await.unwrap();
    assert!(held - before < 0.2, "{before} to {held} while paused");
    let expected = (report.duration_seconds * 30.0).round() as usize;
    assert_eq!(frames(&path), expected, "one picture for each tick, none for the pause");
    assert!(report.duration_seconds < 1.2, "{report:?}");
}

#[test]
fn a_pipeline_needs_no_particular_runtime() {
    let (_dir, path) = in_dir("a.mkv");
    let pipeline = Pipeline::new(small_card(), fast(), mkv(&path)).unwrap();
    block_on(pipeline.start()).unwrap();
    assert!(block_on(pipeline.stop()).unwrap().encoded > 0);
}

/// The smallest executor there is.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(it) = future.as_mut().poll(&mut std::task::Context::from_waker(&waker))
        {
            return it;
        }
        std::thread::park();
    }
}

#[test]
fn what_cannot_work_is_refused_before_anything_starts() {
    let (_dir, path) = in_dir("a.mkv");
    let usage = |pipeline: Result<Pipeline, Error>, words: &str| {
        let error = pipeline.unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(words), "{error}");
    };
    usage(Pipeline::new(small_card().with_fps(0), fast(), mkv(&path)), "1 to 240");
    usage(Pipeline::new(small_card().with_fps(f64::NAN), fast(), mkv(&path)), "1 to 240");
    usage(Pipeline::new(small_card().with_fps(1000), fast(), mkv(&path)), "1 to 240");
    usage(Pipeline::new(small_card(), fast().with_resolution(0, 0), mkv(&path)), "16x16 to 8192x8192");
    usage(Pipeline::new(small_card(), fast().with_resolution(641, 360), mkv(&path)), "even");
    usage(
        Pipeline::new(small_card(), fast().with_resolution(16384, 16384), mkv(&path)),
        "16x16 to 8192x8192",
    );
    usage(Pipeline::new(small_card(), fast().with_bitrate_kbps(u32::MAX), mkv(&path)), "50 to 800000");
    usage(Pipeline::new(small_card(), fast().with_gop_seconds(f64::INFINITY), mkv(&path)), "0.1 to 60");
    usage(Pipeline::builder(small_card()).rendition(fast()).build(), "at least one output");
    let lonely = OutputConfig::new(mkv(&path)).with_rendition(3);
    usage(Pipeline::new(small_card(), fast(), lonely), "number of renditions");
    let twice =
        Pipeline::builder(small_card()).rendition(fast()).output(mkv(&path)).output(mkv(&path)).build();
    usage(twice, "different file");
}

#[tokio::test]
async fn a_bitrate_changes_while_it_runs_and_the_report_says_when() {
    let (_dir, path) = in_dir("a.mkv");
    let config = fast().with_rate_control(RateControl::Cbr).with_bitrate_kbps(2000);
    let pipeline = Pipeline::new(small_card(), config, mkv(&path)).unwrap();
    assert!(matches!(pipeline.set_bitrate(500), Err(Error::State(_))), "not before it runs");
    pipeline.start().await.unwrap();
    assert!(matches!(pipeline.set_bitrate(7), Err(Error::Config(_))), "out of range");
    assert!(matches!(pipeline.set_rendition_bitrate(1, 500), Err(Error::Config(_))), "there is no other");
    pipeline.set_bitrate(500).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    pipeline.set_bitrate(900).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let report = pipeline.stop().await.unwrap();
    let changes = &report.renditions[0].bitrate_changes;
    assert_eq!(changes.iter().map(|it| it.kbps).collect::<Vec<_>>(), [500, 900], "{report:?}");
    assert!(changes[0].seconds < changes[1].seconds);
    assert_eq!(report.encoded as usize, frames(&path));
}

#[tokio::test]
async fn a_bitrate_that_cannot_change_is_refused_at_once_with_what_would_work() {
    let (dir, path) = in_dir("a.mkv");
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast().with_rate_control(RateControl::Crf))
        .rendition(fast().with_rate_control(RateControl::Vbr))
        .output(mkv(&path))
        .output(OutputConfig::new(mkv(&dir.path().join("b.mkv"))).with_rendition(1))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    assert!(matches!(pipeline.set_bitrate(500), Err(Error::State(_))), "whose?");
    let constant_quality = pipeline.set_rendition_bitrate(0, 500).unwrap_err();
    assert!(constant_quality.is_usage(), "{constant_quality}");
    let variable = pipeline.set_rendition_bitrate(1, 500).unwrap_err().to_string();
    assert!(variable.contains("libx264") && variable.contains("cbr"), "{variable}");
    pipeline.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_frame_comes_when_it_is_asked_for() {
    let (_dir, path) = in_dir("a.mkv");
    let pipeline = Pipeline::new(small_card(), fast().with_gop_seconds(60.0), mkv(&path)).unwrap();
    assert!(pipeline.request_key_frame().is_err());
    pipeline.start().await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        pipeline.request_key_frame().unwrap();
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    pipeline.stop().await.unwrap();
    let video = testkit::judge::judge(&path).unwrap().video.unwrap();
    assert_eq!(video.key_frames, 4, "the first, and three that were asked for");
}
