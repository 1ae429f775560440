//! The replay buffer: clips of the test card, judged frame by frame and beep by beep.

#[path = "common/card.rs"]
mod card;

use std::path::Path;
use std::time::Duration;

use card::{card, fast};
use ghoststream::{
    AudioConfig, AudioSource, Container, EncoderConfig, Error, NvencConfig, Output, OutputConfig, Pipeline,
    ReplayOptions, SavedReplay,
};
use testkit::judge::{Options, Verdict, judge, judge_with};

fn encoder() -> EncoderConfig {
    fast().with_gop_seconds(1.0)
}

fn replay(directory: &Path, seconds: u32, container: Container) -> OutputConfig {
    let output = Output::Replay { seconds, directory: directory.to_owned() };
    OutputConfig::new(output).with_replay(ReplayOptions::new().with_container(container))
}

fn build(outputs: impl IntoIterator<Item = OutputConfig>) -> Result<Pipeline, Error> {
    let builder =
        Pipeline::builder(card()).rendition(encoder()).audio(AudioConfig::new(AudioSource::TestCard));
    outputs.into_iter().fold(builder, ghoststream::PipelineBuilder::output).build()
}

/// Waits until the buffers hold so much.
async fn until_held(pipeline: &Pipeline, seconds: f64) {
    for _ in 0..6000 {
        let outputs = pipeline.status().outputs;
        if outputs.iter().filter_map(|it| it.replay.as_ref()).all(|it| it.held_seconds >= seconds) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not enough is held after a minute: {:#?}", pipeline.status());
}

/// Frames one after another, none missing that was captured, with the sound in step.
fn judged(clip: &SavedReplay) -> Verdict {
    let verdict = judge_with(&clip.path, &Options { colors: false, ..Options::default() }).unwrap();
    println!("{verdict}");
    verdict.must_be_in_sync(20.0);
    let video = verdict.must_have_video();
    assert_eq!((video.decode_errors, video.backwards), (0, 0), "{verdict}");
    assert_eq!(clip.bytes, clip.path.metadata().unwrap().len());
    verdict
}

#[tokio::test]
async fn clips_are_as_long_as_asked_in_both_containers_and_a_file_beside_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("beside.mkv");
    let (mp4, mkv) = (dir.path().join("mp4"), dir.path().join("mkv"));
    let pipeline = build([
        replay(&mp4, 3, Container::Mp4),
        replay(&mkv, 3, Container::Matroska),
        OutputConfig::new(Output::File { path: file.clone(), container: Container::Matroska }),
    ])
    .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    until_held(&pipeline, 3.5).await;
    let (all, part) =
        tokio::join!(pipeline.save_replay(None), pipeline.save_replay(Some(Duration::from_millis(1500))));
    let (all, part) = (all.unwrap(), part.unwrap());
    let report = pipeline.stop().await.unwrap();
    println!("{report:#?}");

    // What a busy machine left out before the encoder is in no output.
    let left_out = report.dropped as f64;
    for (clips, asked) in [(all, 3.0), (part, 1.5)] {
        assert_eq!(clips.len(), 2);
        for clip in clips {
            let in_mp4 = clip.path.starts_with(&mp4);
            assert!(in_mp4 || clip.path.starts_with(&mkv), "{clip:?}");
            // A frame longer where the beginning can be hidden, else a group of pictures.
            let most = asked + left_out / 30.0 + if in_mp4 { 0.1 } else { 1.1 };
            assert!(clip.seconds >= asked - 0.001 && clip.seconds < most, "{clip:?}");
            let frames = judged(&clip).must_have_video().frames as f64;
            assert!(
                frames + left_out >= asked * 30.0 && frames <= most * 30.0,
                "{frames} frames in {clip:?}"
            );
        }
    }
    for output in &report.outputs[..2] {
        let replay = output.replay.as_ref().unwrap();
        assert_eq!((replay.clips, replay.failed, replay.shortened), (2, 0, false));
        assert!(
            replay.held_seconds < 4.2 + left_out / 30.0 && replay.held_bytes <= replay.most_bytes,
            "{replay:?}"
        );
    }
    let beside = judge(&file).unwrap();
    let video = beside.must_have_video();
    assert_eq!((video.decode_errors, video.backwards), (0, 0), "{beside}");
    assert_eq!(report.encoded, video.frames, "the recording has every frame");
}

#[tokio::test]
async fn a_pause_is_not_in_the_clip() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = build([replay(dir.path(), 10, Container::Mp4)]).unwrap();
    pipeline.start().await.unwrap();
    until_held(&pipeline, 1.5).await;
    pipeline.pause().unwrap();
    let paused = pipeline.save_replay(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    pipeline.resume().unwrap();
    until_held(&pipeline, 3.5).await;
    let clips = pipeline.save_replay(None).await.unwrap();
    let left_out = pipeline.stop().await.unwrap().dropped as f64;
    judged(&paused[0]);
    let options = Options { pauses: true, colors: false, ..Options::default() };
    let verdict = judge_with(&clips[0].path, &options).unwrap();
    println!("{verdict}");
    let frames = verdict.must_have_video().frames as f64;
    assert!(
        (frames / 30.0 - clips[0].seconds).abs() < 0.1 + left_out / 30.0,
        "no gap is in it: {frames} frames, {clips:?}"
    );
    verdict.must_be_in_sync(20.0);
}

#[tokio::test]
async fn memory_that_is_too_small_is_told_and_clips_are_whole_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let output = Output::Replay { seconds: 60, directory: dir.path().to_owned() };
    let options = ReplayOptions::new().with_max_bytes(1 << 20);
    let encoder = encoder().with_bitrate_kbps(4000);
    let pipeline = Pipeline::builder(card())
        .rendition(encoder)
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(OutputConfig::new(output).with_replay(options))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    for _ in 0..3000 {
        if pipeline.status().outputs[0].replay.as_ref().unwrap().shortened {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    until_held(&pipeline, 0.5).await;
    let clips = pipeline.save_replay(Some(Duration::from_secs(50))).await.unwrap();
    let report = pipeline.stop().await.unwrap();
    let replay = report.outputs[0].replay.as_ref().unwrap();
    assert!(replay.shortened && replay.held_bytes <= 1 << 20, "{replay:?}");
    assert!(report.notes.iter().any(|it| it.contains("1 MiB hold the last")), "{:?}", report.notes);
    judged(&clips[0]);
}

#[tokio::test]
async fn clips_that_begin_on_the_disk_and_end_in_memory_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let outputs = [Container::Mp4, Container::Matroska].map(|container| {
        let place = dir.path().join(container.to_string());
        // Of which memory holds a second and a half.
        let options = ReplayOptions::new().with_container(container).with_max_bytes(1 << 20);
        let options = options.with_disk(dir.path().join("spool"), 64 << 20);
        OutputConfig::new(Output::Replay { seconds: 60, directory: place }).with_replay(options)
    });
    let builder = Pipeline::builder(card()).rendition(encoder().with_bitrate_kbps(4000));
    let builder = builder.audio(AudioConfig::new(AudioSource::TestCard));
    let pipeline = outputs.into_iter().fold(builder, ghoststream::PipelineBuilder::output).build().unwrap();
    pipeline.start().await.unwrap();
    until_held(&pipeline, 5.5).await;
    let clips = pipeline.save_replay(Some(Duration::from_secs(5))).await.unwrap();
    let report = pipeline.stop().await.unwrap();
    println!("{report:#?}");
    let left_out = report.dropped as f64;
    assert_eq!(clips.len(), 2);
    for (clip, output) in clips.iter().zip(&report.outputs) {
        let replay = output.replay.as_ref().unwrap();
        assert!(!replay.shortened && replay.disk_failure.is_none(), "{replay:?}");
        assert!(replay.disk_bytes > 1 << 19 && replay.held_bytes <= 1 << 20, "from both: {replay:?}");
        assert!(clip.bytes > 1 << 20, "more than there was memory for: {clip:?}");
        let frames = judged(clip).must_have_video().frames as f64;
        assert!(frames + left_out >= 150.0, "{frames} frames in {clip:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path().join("spool")).unwrap().count(), 0, "nothing is left of it");
}

#[tokio::test]
async fn what_cannot_be_kept_or_saved_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for seconds in [0, 86_401] {
        let error = build([replay(dir.path(), seconds, Container::Mp4)]).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("1 to 86400"), "{error}");
    }
    let error = build([replay(dir.path(), 5, Container::Flv)]).unwrap_err();
    assert!(error.to_string().contains("what streams are sent in"), "{error}");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = build([replay(&file, 5, Container::Mp4)]).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");

    let without_keys = encoder().with_nvenc(NvencConfig::default().with_intra_refresh(true));
    let error = Pipeline::new(card(), without_keys, replay(dir.path(), 5, Container::Mp4)).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("a clip begins at a key frame"), "{error}");

    let path = dir.path().join("a.mkv");
    let pipeline = build([OutputConfig::new(Output::File { path, container: Container::Matroska })]).unwrap();
    assert!(matches!(pipeline.save_replay(None).await, Err(Error::State("the pipeline is not running"))));
    pipeline.start().await.unwrap();
    let error = pipeline.save_replay(None).await.unwrap_err();
    assert!(error.to_string().contains("no output is a replay buffer"), "{error}");
    pipeline.stop().await.unwrap();
}
