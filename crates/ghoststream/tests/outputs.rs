//! Outputs that come and go while a pipeline runs: what each of them got is judged frame by frame.

#[path = "common/card.rs"]
mod card;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use card::{card, fast};
use ghoststream::{
    AudioCodec, AudioConfig, AudioSource, Container, EncoderConfig, EncoderPreset, Error, LinkFault, Output,
    OutputConfig, OutputError, OutputId, OutputState, Pipeline, PipelineState,
};
use testkit::judge::{Verdict, judge};
use testkit::peers::{Nginx, free_port};
use testkit::secrets::{STREAM_KEY, told};

/// Key frames come when they are asked for and not before.
fn encoder() -> EncoderConfig {
    fast().with_gop_seconds(60.0).with_bitrate_kbps(3000)
}

fn file(path: &Path) -> Output {
    Output::File { path: path.to_owned(), container: Container::from_extension(path).unwrap() }
}

/// A pipeline that records a file with sound, running.
async fn recording(path: &Path, encoder: EncoderConfig) -> Pipeline {
    let pipeline = Pipeline::builder(card())
        .rendition(encoder)
        // What every output here takes.
        .audio(AudioConfig::new(AudioSource::TestCard).with_codec(AudioCodec::Aac))
        .output(file(path))
        .build()
        .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    pipeline
}

/// Waits until so much is recorded.
async fn until(pipeline: &Pipeline, seconds: f64) {
    let begin = Instant::now();
    while pipeline.status().seconds < seconds {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", pipeline.status());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn more(pipeline: &Pipeline, seconds: f64) {
    until(pipeline, pipeline.status().seconds + seconds).await;
}

fn state(pipeline: &Pipeline, id: OutputId) -> OutputState {
    pipeline.status().outputs.into_iter().find(|it| it.id == id).unwrap().state
}

async fn until_state(pipeline: &Pipeline, id: OutputId, wanted: OutputState) {
    let begin = Instant::now();
    while state(pipeline, id) != wanted {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", pipeline.status());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A whole file, decoded without an error, with all of its sound, from its own zero on. What a busy machine did
/// not paint in time is nobody's fault here; that nothing else is missing is asserted beside it.
fn whole(path: &Path) -> Verdict {
    let verdict = judge(path).unwrap();
    println!("{verdict}");
    let slow = |it: &String| {
        ["are lost", "are repeated", "from its place", "from the picture"]
            .iter()
            .any(|words| it.contains(words))
    };
    let problems: Vec<_> = verdict.problems().into_iter().filter(|it| !slow(it)).collect();
    assert!(problems.is_empty(), "{problems:?}\n{verdict}");
    let (video, sound) = (verdict.must_have_video(), &verdict.audio[0]);
    // Some FFmpegs count what an AAC encoder puts before the sound.
    assert!(video.start < 0.07 && (-0.05..0.1).contains(&sound.start), "{verdict} from {}", sound.start);
    verdict
}

/// Asserts that whoever joined late has each frame that the first has, from its own first to its last.
fn has_the_same_frames(late: &Verdict, first: &Verdict) {
    let (late, first) = (late.must_be_the_card(), first.must_be_the_card());
    let within = |it: &&i64| (late.first..=late.last).contains(*it);
    let missing = first.lost_numbers.iter().filter(within).count() as u64;
    assert_eq!((late.lost, late.unreadable, late.wrong_flash), (missing, 0, 0), "{late:?}\n{first:?}");
}

#[tokio::test]
async fn files_that_join_late_and_leave_early_are_whole_and_the_first_one_has_every_frame() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    // Reordered, so that the last pictures come out of the encoder late.
    let pipeline =
        recording(&path("first.mkv"), encoder().with_preset(EncoderPreset::Fast).with_b_frames(2)).await;
    until(&pipeline, 1.0).await;
    let (mkv, mp4) = (file(&path("late.mkv")), file(&path("late.mp4")));
    let (mkv, mp4) = tokio::join!(pipeline.add_output(mkv), pipeline.add_output(mp4));
    let ids = [mkv.unwrap(), mp4.unwrap()];
    let began = pipeline.status().seconds;
    assert_ne!(ids[0], ids[1]);
    assert_eq!(state(&pipeline, ids[0]), OutputState::Running);
    more(&pipeline, 2.3).await;
    // What was captured until now belongs to it: where it began in the recording, and how long that is ago.
    let shortest = pipeline.status().seconds - began - 0.1;
    let mut removed = Vec::new();
    for id in ids {
        removed.push(pipeline.remove_output(id).await.unwrap());
        assert_eq!(state(&pipeline, id), OutputState::Ended);
    }
    let joined_late: Vec<Verdict> = removed.iter().map(|it| whole(it.path.as_ref().unwrap())).collect();
    more(&pipeline, 0.5).await;
    let report = pipeline.stop().await.unwrap();

    let first = whole(&path("first.mkv"));
    assert_eq!(report.encoded, first.must_have_video().frames);
    for (verdict, removed) in joined_late.iter().zip(&removed) {
        has_the_same_frames(verdict, &first);
        verdict.must_be_in_sync(20.0);
        let (card, all) = (verdict.must_be_the_card(), first.must_be_the_card());
        assert!(card.first >= all.first + 20 && card.last < all.last, "it was there for a while\n{verdict}");
        assert!(removed.seconds >= shortest, "{shortest} s at least: {removed:?}\n{verdict}");
        assert!((removed.seconds - verdict.content_seconds).abs() < 0.05, "{removed:?}\n{verdict}");
        // It began with a key frame that was made for it; the other's may have come within its time.
        assert!(verdict.must_have_video().key_frames <= 2, "{verdict}");
    }
    let listed: Vec<_> = report.outputs.iter().map(|it| (it.id, it.path.clone().unwrap())).collect();
    let paths = ["first.mkv", "late.mkv", "late.mp4"].map(path);
    assert!(listed.iter().map(|it| it.0).is_sorted() && listed.iter().all(|it| paths.contains(&it.1)));
    assert_eq!(listed.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_added_or_removed_is_refused_with_what_would_work() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let refused = |result: Result<OutputId, Error>, words: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let pipeline = Pipeline::new(card(), encoder(), file(&path("a.mkv"))).unwrap();
    refused(pipeline.add_output(file(&path("b.mkv"))).await, "not running");
    pipeline.start().await.unwrap();
    // The same file by another name of its directory.
    std::os::unix::fs::symlink(dir.path(), path("here")).unwrap();
    refused(pipeline.add_output(file(&path("here/a.mkv"))).await, "a different file");
    refused(pipeline.add_output(OutputConfig::new(file(&path("b.mkv"))).with_rendition(1)).await, "below 1");
    refused(
        pipeline.add_output(OutputConfig::new(file(&path("b.mkv"))).with_audio_tracks([0])).await,
        "below 0",
    );
    refused(pipeline.add_output(file(&path("b.webm"))).await, "WebM holds AV1 and Opus only");
    // As at the start, before anything is sent.
    let twitch = Output::Rtmp { url: format!("rtmp://live.twitch.tv/app/{STREAM_KEY}") };
    refused(pipeline.add_output(twitch).await, "a key frame every 2 seconds at least");
    std::fs::write(path("theirs.mkv"), "theirs").unwrap();
    refused(pipeline.add_output(file(&path("theirs.mkv"))).await, "--overwrite");
    let nobody = format!("rtmp://127.0.0.1:{}/app/{STREAM_KEY}", free_port().unwrap());
    let error = pipeline.add_output(Output::Rtmp { url: nobody }).await.unwrap_err();
    assert!(
        matches!(&error, Error::Output(OutputError::Link { fault: LinkFault::Unreachable, .. })),
        "{error}"
    );
    assert_eq!(pipeline.status().outputs.len(), 1, "what was refused is not there");

    let last = pipeline.remove_output(OutputId::new(0)).await.unwrap_err().to_string();
    assert!(last.contains("stop the pipeline"), "{last}");
    let none = pipeline.remove_output(OutputId::new(77)).await.unwrap_err().to_string();
    assert!(none.contains("77") && none.contains("one that there is: 0"), "{none}");
    let added = pipeline.add_output(OutputConfig::new(file(&path("theirs.mkv"))).with_overwrite(true)).await;
    let first = pipeline.remove_output(OutputId::new(0)).await.unwrap();
    let again = pipeline.remove_output(OutputId::new(0)).await.unwrap();
    assert_eq!((first.bytes, first.error), (again.bytes, None));
    assert!(pipeline.remove_output(added.unwrap()).await.is_err(), "it is the last now");
    let report = pipeline.stop().await.unwrap();
    assert_eq!(report.outputs.len(), 2);
    refused(pipeline.add_output(file(&path("c.mkv"))).await, "not running");
}

#[tokio::test]
async fn an_output_that_fails_disturbs_nobody_and_is_added_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let pipeline = recording(&path("first.mkv"), encoder()).await;
    let failing = pipeline.add_output(file(&path("gone.mkv"))).await.unwrap();
    std::fs::remove_file(path("gone.mkv")).unwrap();
    until_state(&pipeline, failing, OutputState::Failed).await;
    let told = pipeline.remove_output(failing).await.unwrap();
    assert!(told.error.as_ref().is_some_and(|it| it.contains("was deleted")), "{told:?}");
    assert_eq!(pipeline.status().state, PipelineState::Running);
    let anew = pipeline.add_output(file(&path("gone.mkv"))).await.unwrap();
    more(&pipeline, 1.2).await;
    let report = pipeline.stop().await.unwrap();
    let first = whole(&path("first.mkv"));
    has_the_same_frames(&whole(&path("gone.mkv")), &first);
    assert_eq!(report.encoded, first.must_have_video().frames);
    let failed: Vec<_> = report.outputs.iter().map(|it| (it.id, it.error.is_some())).collect();
    assert_eq!(failed, [(OutputId::new(0), false), (failing, true), (anew, false)]);
}

#[tokio::test]
async fn a_server_comes_and_goes_beside_a_file() {
    let nginx = Nginx::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("first.mkv");
    let pipeline = recording(&path, encoder()).await;
    until(&pipeline, 1.0).await;
    let id = pipeline.add_output(Output::Rtmp { url: nginx.url(STREAM_KEY) }).await.unwrap();
    let live = pipeline.status().outputs[1].live.clone().unwrap();
    assert!(live.connections == 1 && pipeline.status().outputs[1].bytes > 0, "{live:?}");
    more(&pipeline, 2.2).await;
    let removed = pipeline.remove_output(id).await.unwrap();
    assert_eq!((removed.error.as_ref(), removed.live.as_ref().unwrap().dropped), (None, 0), "{removed:?}");
    more(&pipeline, 0.3).await;
    let report = pipeline.stop().await.unwrap();
    let first = whole(&path);
    assert_eq!(report.encoded, first.must_have_video().frames);
    let received = judge(&nginx.recorded().unwrap()[0]).unwrap();
    println!("{received}\n{removed:?}");
    assert_eq!(received.must_have_video().decode_errors, 0, "{received}");
    has_the_same_frames(&received, &first);
    let (frames, fps) = (received.must_have_video().frames as f64, 30.0);
    assert!((removed.seconds - frames / fps).abs() < 0.1, "{removed:?}\n{received}");
    assert!(!told(&format!("{report:?}")));
}

/// It takes ten seconds to give up a server that accepts and says nothing, unless nobody waits any more.
#[tokio::test]
async fn a_server_that_never_answers_disturbs_nobody_and_a_stop_does_not_wait_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtmp://{}/app/{STREAM_KEY}", listener.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("first.mkv");
    let pipeline = recording(&path, encoder()).await;
    let adding = pipeline.add_output(Output::Rtmp { url });
    let stopping = async {
        let id = OutputId::new(1);
        until_state(&pipeline, id, OutputState::Opening).await;
        let opening = pipeline.remove_output(id).await.unwrap_err().to_string();
        assert!(opening.contains("still being opened"), "{opening}");
        more(&pipeline, 1.2).await;
        assert_eq!(state(&pipeline, id), OutputState::Opening, "the test was too slow to be one");
        pipeline.stop().await.unwrap()
    };
    let (added, report) = tokio::join!(adding, stopping);
    assert!(added.is_err());
    assert_eq!(report.outputs.len(), 1);
    assert_eq!(report.encoded, whole(&path).must_have_video().frames);
}

#[tokio::test]
async fn who_gives_up_adding_an_output_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let pipeline = recording(&path("first.mkv"), encoder()).await;
    {
        let mut adding = std::pin::pin!(pipeline.add_output(file(&path("late.mkv"))));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(adding.as_mut().poll(&mut context).is_pending());
    }
    until_state(&pipeline, OutputId::new(1), OutputState::Ended).await;
    until(&pipeline, 1.0).await;
    pipeline.stop().await.unwrap();
    whole(&path("first.mkv"));
}

/// nginx ends a connection over which it hears nothing for two seconds.
#[tokio::test]
async fn a_pause_keeps_the_server_and_leaves_no_gap() {
    let nginx = Nginx::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("first.mkv");
    let pipeline = recording(&path, encoder()).await;
    let id = pipeline.add_output(Output::Rtmp { url: nginx.url(STREAM_KEY) }).await.unwrap();
    more(&pipeline, 0.7).await;
    pipeline.pause().unwrap();
    let held = pipeline.status().seconds;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(pipeline.status().seconds < held + 0.3, "time stands still");
    assert_eq!(state(&pipeline, id), OutputState::Running);
    // Who is added meanwhile waits for the end of the pause.
    let late = pipeline.add_output(file(&dir.path().join("late.mkv"))).await.unwrap();
    assert_eq!(state(&pipeline, late), OutputState::Waiting);
    pipeline.resume().unwrap();
    until_state(&pipeline, late, OutputState::Running).await;
    more(&pipeline, 1.0).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[1].live.clone().unwrap();
    assert_eq!((live.connections, live.dropped, &live.last_loss), (1, 0, &None), "{live:?}");
    let recorded = nginx.recorded().unwrap();
    assert_eq!(recorded.len(), 1);
    let received = judge(&recorded[0]).unwrap();
    println!("{received}");
    let video = received.must_have_video();
    assert_eq!(video.decode_errors, 0);
    let expected = (report.outputs[1].seconds * 30.0).round();
    assert!(
        (video.last - video.start - report.outputs[1].seconds).abs() < 0.1
            && video.frames as f64 >= expected - 2.0
    );
    assert_eq!(judge(&path).unwrap().must_have_video().frames, report.encoded);
}
