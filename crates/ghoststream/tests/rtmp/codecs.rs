//! HEVC and AV1, as Enhanced RTMP has them, and where key frames are.

use ghoststream::{Codec, Report};
use testkit::judge::judge;
use testkit::peers::{Nginx, RtmpListener, Tap, elementary};
use testkit::secrets::STREAM_KEY;

use crate::{must_have_every_frame, stream};

/// What was published is decoded from the bytes on the wire, on any machine. nginx takes it without
/// knowing what it is.
async fn on_the_wire(codec: Codec, extension: &str) {
    let nginx = Nginx::start().unwrap();
    let tap = Tap::start(nginx.port()).unwrap();
    let report = stream(codec, &tap.url(STREAM_KEY)).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("received").with_extension(extension);
    std::fs::write(&path, elementary(&tap.heard()).unwrap()).unwrap();
    let verdict = judge(&path).unwrap();
    println!("{verdict}\n{report:#?}");
    must_have_every_frame(&report, &verdict);
    says_what_is_not_known(&report);
}

/// Neither nginx nor FFmpeg says which codecs it knows.
fn says_what_is_not_known(report: &Report) {
    let told = report.notes.iter().any(|it| it.contains("does not say whether it knows"));
    assert!(told, "{:?}", report.notes);
}

#[tokio::test]
async fn hevc_is_decoded_from_the_wire() {
    on_the_wire(Codec::Hevc, "hevc").await;
}

#[tokio::test]
async fn av1_is_decoded_from_the_wire() {
    on_the_wire(Codec::AV1, "obu").await;
}

/// FFmpeg reads both in FLV from 6.1 on; an older one is told HEVC by a codec that it does not know.
async fn listener(codec: Codec) {
    let mut listener = RtmpListener::start().unwrap();
    let knows = listener.version().unwrap() >= (6, 1);
    let report = stream(codec, &listener.url()).await;
    says_what_is_not_known(&report);
    let received = listener.received();
    if !knows {
        let video = received.and_then(judge).ok().and_then(|it| it.video);
        assert!(
            video.is_none_or(|it| it.frames == 0),
            "FFmpeg before 6.1 read Enhanced RTMP: raise the version here"
        );
        return;
    }
    let verdict = judge(received.unwrap()).unwrap();
    println!("{verdict}");
    verdict.must_be_in_sync(25.0);
    must_have_every_frame(&report, &verdict);
}

#[tokio::test]
async fn ffmpeg_gets_hevc_where_it_knows_it() {
    listener(Codec::Hevc).await;
}

#[tokio::test]
async fn ffmpeg_gets_av1_where_it_knows_it() {
    listener(Codec::AV1).await;
}

/// A card flashes white each second, which an encoder that was not told otherwise takes for a new scene.
#[tokio::test]
async fn key_frames_are_where_they_were_asked_for_and_nowhere_else() {
    let nginx = Nginx::start().unwrap();
    let tap = Tap::start(nginx.port()).unwrap();
    stream(Codec::H264, &tap.url(STREAM_KEY)).await;
    let heard = tap.heard();
    let keys: Vec<_> =
        heard.iter().filter(|it| it.kind == 9 && it.body[..2] == [0x17, 1]).map(|it| it.time).collect();
    assert!(keys.len() >= 3, "{keys:?}");
    // The stream was asked for one a second; times are in whole milliseconds.
    assert!(keys.windows(2).all(|it| (it[1] - it[0]).abs_diff(1000) <= 1), "{keys:?}");
}
