//! The camera as an output of a pipeline.

#[allow(dead_code, reason = "its main is for the command line")]
#[path = "../../examples/nitrogen.rs"]
mod nitrogen;

use std::time::Duration;

use ghoststream::{
    CameraError, CaptureConfig, CaptureSource, Container, EncoderChoice, EncoderConfig, EncoderPreset, Error,
    Output, OutputConfig, OutputError, Pipeline, PipelineState, Size,
};
use testkit::judge::judge;
use testkit::peers::GstViewer;
use testkit::portal::{Answer, Script};
use testkit::viewer::{Viewer, Wish};
use testkit::{Portal, Producer, Session};

use crate::rig::until;

const NAME: &str = "GhostStream Camera";
/// `node.name` of a camera that is called so.
const NODE: &str = "ghoststream-camera.ghoststream-camera";
const SIZE: Size = Size::new(640, 360);

fn capture() -> CaptureConfig {
    CaptureConfig::default().with_source(CaptureSource::TestCard).with_test_card_size(640, 360).with_fps(30)
}

/// A producer that shows the card, and what captures it.
fn screen() -> (Producer, CaptureConfig) {
    let producer = Producer::test_card("screen", SIZE, 30.0).unwrap();
    (producer, CaptureConfig::default().with_source(CaptureSource::Node("screen".into())).with_fps(30))
}

fn encoder() -> EncoderConfig {
    let software = EncoderConfig::default().with_encoder(EncoderChoice::Software);
    software.with_preset(EncoderPreset::Fastest).with_resolution(SIZE.width, SIZE.height)
}

fn camera() -> Output {
    Output::VirtualCamera { name: NAME.into() }
}

/// The id of a camera's node, once it is there.
pub fn node(session: &Session, name: &str) -> u32 {
    let mut found = None;
    until("the camera's node", || {
        let listed = std::process::Command::new("pw-dump").envs(session.environment()).output().unwrap();
        let objects: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap_or_default();
        let ours = objects.iter().find(|it| it["info"]["props"]["node.name"] == name);
        found = ours.and_then(|it| it["id"].as_u64());
        found.is_some()
    });
    u32::try_from(found.unwrap()).unwrap()
}

fn stamps(viewer: &Viewer) -> usize {
    viewer.seen().iter().filter(|it| it.stamp.is_some()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_sees_the_card_in_order_and_no_encoder_is_opened() {
    let session = Session::start().unwrap();
    session.enter();
    let pipeline = Pipeline::new(capture(), encoder(), camera()).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let path = session.dir().join("seen.mkv");
    let viewer = GstViewer::record(&session, NODE, "video/x-raw,format=NV12", 75, &path).unwrap();
    let recorded = viewer.recorded().unwrap();
    let report = pipeline.stop().await.unwrap();
    let verdict = judge(&recorded).unwrap();
    println!("{verdict}\n{report:#?}");
    assert!(report.renditions.is_empty(), "no encoder was opened");
    let camera = report.outputs[0].camera.as_ref().unwrap();
    // Newer GStreamers look once before they stay.
    assert!(camera.opened >= 1 && camera.name == NAME, "{camera:?}");
    assert!(camera.shown >= 75 && report.outputs[0].error.is_none(), "{camera:?}");
    let card = verdict.card.as_ref().unwrap();
    assert_eq!((card.unreadable, card.out_of_order), (0, 0), "{card:?}");
    assert!(card.read >= 70, "{card:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_beside_it_has_every_frame_and_a_pause_shows_the_still_card() {
    let session = Session::start().unwrap();
    session.enter();
    let path = session.dir().join("beside.mkv");
    let file = Output::File { path: path.clone(), container: Container::Matroska };
    let pipeline = Pipeline::builder(capture())
        .rendition(encoder())
        .output(camera())
        .output(OutputConfig::new(file))
        .build()
        .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let viewer = Viewer::open(node(&session, NODE), Wish::new("YUY2")).unwrap();
    until("pictures", || stamps(&viewer) > 10);
    pipeline.pause().unwrap();
    until("the still card", || viewer.seen().last().is_some_and(|it| it.stamp.is_none()));
    let before = stamps(&viewer);
    pipeline.resume().unwrap();
    until("pictures again", || stamps(&viewer) > before + 10);
    assert!(viewer.error().is_none(), "it was never sent away");
    let report = pipeline.stop().await.unwrap();
    println!("{report:#?}");
    assert!(report.outputs[0].camera.as_ref().unwrap().cards > 0);
    let verdict =
        testkit::judge::judge_with(&path, &testkit::judge::Options { pauses: true, ..Default::default() });
    let verdict = verdict.unwrap();
    println!("{verdict}");
    assert_eq!(verdict.must_have_video().frames, report.encoded);
    assert_eq!(verdict.card.as_ref().unwrap().stretches, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_are_made_while_somebody_looks_and_who_comes_sees_the_newest() {
    let session = Session::start().unwrap();
    session.enter();
    let (producer, source) = screen();
    let pipeline = Pipeline::new(source, encoder(), camera()).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    until("frames that nobody sees", || pipeline.status().captured >= 60);
    producer.pause();
    until("the pause", || pipeline.notes_since(0).iter().any(|it| it.contains("the source paused")));
    let seconds = pipeline.status().outputs[0].seconds;
    until("its time to go on", || pipeline.status().outputs[0].seconds > seconds + 0.2);
    // Nothing moves any more.
    let viewer = Viewer::open(node(&session, NODE), Wish::new("NV12")).unwrap();
    until("a picture", || stamps(&viewer) > 0);
    let first = viewer.seen().iter().find_map(|it| it.stamp).unwrap();
    assert!(first.frame >= 50, "the newest, not the one that was made first: {first:?}");
    producer.resume();
    until("pictures", || stamps(&viewer) > 10);
    let report = pipeline.stop().await.unwrap();
    println!("{report:#?}");
    let (pictures, camera) =
        (report.outputs[0].pictures.as_ref().unwrap(), report.outputs[0].camera.as_ref().unwrap());
    assert!(camera.unwatched >= 50, "{camera:?}");
    let taken = camera.shown + camera.dropped + camera.thinned;
    assert!(pictures.shown <= taken + 5, "the first, and those that were looked at: {report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_ends_leaves_the_still_card_until_it_is_stopped() {
    let session = Session::start().unwrap();
    session.enter();
    let (producer, source) = screen();
    let pipeline = Pipeline::new(source, encoder(), camera()).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let viewer = Viewer::open(node(&session, NODE), Wish::new("NV12")).unwrap();
    until("pictures", || stamps(&viewer) > 5);
    drop(producer);
    until("the still card", || viewer.seen().last().is_some_and(|it| it.stamp.is_none()));
    let before = viewer.count();
    viewer.wait(before + 5).unwrap();
    assert_eq!(pipeline.status().state, PipelineState::Running);
    let told = pipeline.notes_since(0);
    assert!(told.iter().any(|it| it.contains("output 0 shows a still card until it is stopped")), "{told:?}");
    let report = pipeline.stop().await.unwrap();
    assert!(report.outputs[0].error.is_none() && viewer.error().is_none(), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_beside_it_ends_with_the_source_and_the_camera_with_it() {
    let session = Session::start().unwrap();
    session.enter();
    let (producer, source) = screen();
    let path = session.dir().join("beside.mkv");
    let file = Output::File { path: path.clone(), container: Container::Matroska };
    let pipeline = Pipeline::builder(source)
        .rendition(encoder())
        .output(camera())
        .output(OutputConfig::new(file))
        .build()
        .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    producer.wait_sent(30).unwrap();
    drop(producer);
    let report = pipeline.wait().await.unwrap();
    assert!(report.ended.is_some(), "{report:#?}");
    assert!(judge(&path).unwrap().must_have_video().frames > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_there_before_the_portal_is_answered() {
    let session = Session::start().unwrap();
    session.enter();
    let _portal = Portal::start(&session, Script::new(Answer::Never)).unwrap();
    let config = CaptureConfig::default().with_fps(30);
    let pipeline = std::sync::Arc::new(Pipeline::new(config, encoder(), camera()).unwrap());
    let starting = tokio::spawn({
        let pipeline = std::sync::Arc::clone(&pipeline);
        async move { pipeline.start().await }
    });
    let viewer = Viewer::open(node(&session, NODE), Wish::new("NV12")).unwrap();
    viewer.wait(3).unwrap();
    assert_eq!((viewer.size(), stamps(&viewer)), (Some(SIZE), 0));
    assert!(!starting.is_finished());
    let _ = pipeline.stop().await;
    assert!(starting.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_capture_takes_it_as_a_source() {
    let session = Session::start().unwrap();
    session.enter();
    let pipeline = Pipeline::new(capture(), encoder(), camera()).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let path = session.dir().join("again.mkv");
    let source = CaptureConfig::default().with_source(CaptureSource::Node(NODE.into())).with_fps(30);
    let file = Output::File { path: path.clone(), container: Container::Matroska };
    let recording = Pipeline::new(source, encoder(), file).unwrap();
    recording.start().await.unwrap_or_else(|error| panic!("{error}"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    recording.stop().await.unwrap();
    pipeline.stop().await.unwrap();
    let verdict = judge(&path).unwrap();
    println!("{verdict}");
    let card = verdict.card.as_ref().unwrap();
    assert!(card.read > 20 && card.unreadable == 0 && card.out_of_order == 0, "{card:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nitrogen_is_a_camera_with_a_stream_beside_it() {
    let session = Session::start().unwrap();
    session.enter();
    let path = session.dir().join("beside.mkv");
    let pipeline = nitrogen::pipeline(capture(), path.to_str()).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let viewer = Viewer::open(node(&session, "ghoststream-camera.nitrogen"), Wish::new("NV12")).unwrap();
    until("pictures", || stamps(&viewer) > 10);
    assert_eq!(viewer.size(), Some(Size::new(1280, 720)));
    let report = pipeline.stop().await.unwrap();
    assert_eq!(report.renditions.len(), 1, "an encoder for what is beside it");
    let verdict = judge(&path).unwrap();
    println!("{verdict}");
    assert!(verdict.must_have_video().frames > 0 && verdict.must_have_video().decode_errors == 0);
}

#[test]
fn names_that_cannot_be_are_told_before_anything_is_opened() {
    for name in ["", "  ", "two\nlines", &"x".repeat(4096)] {
        let error =
            Pipeline::new(capture(), encoder(), Output::VirtualCamera { name: name.into() }).unwrap_err();
        assert!(
            matches!(error, Error::Output(OutputError::Camera(CameraError::Name { .. }))) && error.is_usage(),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_none_is_told() {
    let output = OutputConfig::new(camera()).with_v4l2("/dev/null");
    let pipeline = Pipeline::builder(capture()).rendition(encoder()).output(output).build().unwrap();
    let error = pipeline.start().await.unwrap_err();
    assert!(matches!(error, Error::Output(OutputError::Camera(CameraError::Device { .. }))), "{error}");
    assert!(
        error.to_string().contains("/dev/null cannot be the camera: it is not a video device"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_pipewire_it_says_so() {
    let session = Session::without_pipewire().unwrap();
    session.enter();
    let error = Pipeline::new(capture(), encoder(), camera()).unwrap().start().await.unwrap_err();
    assert!(error.to_string().contains("no camera without PipeWire"), "{error}");
}
