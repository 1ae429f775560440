//! RTMP, to servers of others: what they received is judged frame by frame.

#[path = "../common/card.rs"]
mod card;
mod codecs;
mod faults;
mod network;
mod secure;

use std::path::Path;
use std::time::{Duration, Instant};

use card::{card, streamed};
use ghoststream::{AudioConfig, AudioSource, Codec, Container, Output, OutputState, Pipeline, Report};
use testkit::judge::{Verdict, judge};
use testkit::peers::{Heard, Nginx, RtmpListener, Tap};
use testkit::secrets::{STREAM_KEY, told};

fn rtmp(url: &str) -> Output {
    Output::Rtmp { url: url.to_owned() }
}

/// A stream with sound, and a file beside it where one is wanted.
fn pipeline(url: &str, file: Option<&Path>) -> Pipeline {
    let file = file.map(|path| Output::File { path: path.to_owned(), container: Container::Matroska });
    let builder = Pipeline::builder(card())
        .rendition(streamed(Codec::H264))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(rtmp(url));
    match file {
        Some(file) => builder.output(file),
        None => builder,
    }
    .build()
    .unwrap()
}

async fn start(pipeline: &Pipeline) {
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
}

/// Every picture that was encoded is there, whole and in order, and each that is not was counted as dropped: a
/// machine that is too busy to encode them all is no matter here.
///
/// One may be there and not to be read: x265's fastest preset makes the third or fourth picture of a recording of the
/// two beside it.
fn must_have_every_frame(report: &Report, verdict: &Verdict) {
    let (video, card) = (verdict.must_have_video(), verdict.card.as_ref().expect("a test card"));
    assert_eq!((video.frames, video.decode_errors), (report.encoded, 0), "{verdict}");
    assert_eq!((card.repeated, card.out_of_order), (0, 0), "{verdict}");
    assert!(card.unreadable <= 1 && card.lost <= report.dropped + card.unreadable, "{verdict}\n{report:#?}");
}

/// Waits until it is so.
async fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it did not come to that: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn stream(codec: Codec, url: &str) -> Report {
    let pipeline = Pipeline::builder(card())
        .rendition(streamed(codec))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(rtmp(url))
        .build()
        .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    pipeline.stop().await.unwrap()
}

#[tokio::test]
async fn a_listener_gets_every_frame_and_the_sound_with_it() {
    let mut listener = RtmpListener::start().unwrap();
    let report = stream(Codec::H264, &listener.url()).await;
    let verdict = judge(listener.received().unwrap()).unwrap();
    println!("{verdict}\n{report:#?}");
    verdict.must_be_in_sync(20.0);
    assert_eq!(report.encoded, verdict.must_have_video().frames);
    assert_eq!(report.outputs[0].live.as_ref().unwrap().dropped, 0);
}

/// The stream begins with a picture and nothing is heard before it; sound, which takes longer to encode, comes when
/// the picture of its time has long been sent. In order of time none would be behind.
fn must_have_sound_after_its_pictures(heard: &[Heard]) {
    const SOUND: u8 = 8;
    const PICTURE: u8 = 9;
    // Of both, messages with a header say so in their second byte (FLV 10.1, E.4.2.1 and E.4.3.1).
    let media: Vec<_> =
        heard.iter().filter(|it| [SOUND, PICTURE].contains(&it.kind) && it.body.get(1) == Some(&1)).collect();
    assert_eq!(media[0].kind, PICTURE);
    let (mut reached, mut sound, mut behind) = (0, 0, 0);
    for message in &media {
        assert!(message.time >= media[0].time, "heard before the first picture");
        if message.kind == PICTURE {
            reached = message.time;
        } else {
            (sound, behind) = (sound + 1, behind + usize::from(message.time < reached));
        }
    }
    assert!(behind * 2 > sound && sound > 50, "{behind} of {sound} sounds are behind their picture");
}

#[tokio::test]
async fn nginx_records_what_was_sent_though_no_picture_waited_for_sound() {
    let nginx = Nginx::start().unwrap();
    let tap = Tap::start(nginx.port()).unwrap();
    let report = stream(Codec::H264, &tap.url(STREAM_KEY)).await;
    let recorded = nginx.recorded().unwrap();
    let verdict = judge(&recorded[0]).unwrap();
    println!("{verdict}\n{report:#?}");
    must_have_sound_after_its_pictures(&tap.heard());
    assert_eq!(recorded.len(), 1);
    verdict.must_be_in_sync(20.0);
    assert_eq!(report.encoded, verdict.must_have_video().frames);
    assert!(!told(&format!("{report:?}")));
}

fn states(pipeline: &Pipeline) -> Vec<OutputState> {
    pipeline.status().outputs.iter().map(|it| it.state).collect()
}

/// The server is ended and comes back while a file is recorded beside the stream.
#[tokio::test]
async fn a_server_that_comes_back_gets_the_stream_again_and_the_file_has_every_frame() {
    let mut nginx = Nginx::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beside.mkv");
    let pipeline = pipeline(&nginx.url(STREAM_KEY), Some(&path));
    start(&pipeline).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(states(&pipeline), [OutputState::Running, OutputState::Running]);
    nginx.kill();
    let lost = [OutputState::Reconnecting, OutputState::Running];
    until("the stream is lost", || states(&pipeline) == lost).await;
    // Longer than a group of pictures, so that some are lost for certain.
    tokio::time::sleep(Duration::from_secs(2)).await;
    nginx.go().unwrap();
    until("a second recording", || nginx.recorded().unwrap().len() == 2).await;
    let before = nginx.received();
    until("the stream goes on", || nginx.received() > before + 1_000_000).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    println!("{live:#?}\n{:#?}", report.notes);
    assert_eq!(live.connections, 2);
    assert!(live.dropped > 0 && report.notes.iter().any(|it| it.contains("is back after")), "{live:?}");
    let recorded = nginx.recorded().unwrap();
    assert_eq!(recorded.len(), 2);
    let after = judge(&recorded[1]).unwrap();
    assert!(after.must_have_video().frames > 30 && after.must_have_video().decode_errors == 0, "{after}");
    let beside = judge(&path).unwrap();
    beside.must_be_in_sync(5.0);
    must_have_every_frame(&report, &beside);
}
