//! The examples that other programs are made after, each run.

#[path = "common/card.rs"]
mod card;
#[allow(dead_code, reason = "its main is for the command line")]
#[path = "../examples/ghostcast.rs"]
mod ghostcast;
#[allow(dead_code, reason = "its main is for the command line")]
#[path = "../examples/ghostwave.rs"]
mod ghostwave;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use card::small_card;
use ghoststream::AudioSource;
use testkit::Session;
use testkit::judge::judge;
use testkit::peers::RtmpListener;
use testkit::sound::{Player, Sink, tone};

/// The titles of a file's chapters.
fn chapters(path: &Path) -> Vec<String> {
    let mut probe = Command::new("ffprobe");
    let probe =
        probe.args(["-v", "error", "-show_entries", "chapter_tags=title", "-of", "csv=p=0"]).arg(path);
    let listed = probe.output().expect("ffprobe is installed").stdout;
    String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn ghostcast_records_keeps_and_streams_one_capture() {
    let mut listener = RtmpListener::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cast.mkv");
    let sounds = [AudioSource::TestCard, AudioSource::TestCard];
    let kept = dir.path().join("clips");
    let cast = ghostcast::pipeline(small_card(), sounds, (&path, &kept), &listener.url()).unwrap();
    cast.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    cast.marker("here").unwrap();
    let clips = cast.save_replay(Some(Duration::from_secs(1))).await.unwrap();
    let report = cast.stop().await.unwrap();
    let told = ghostcast::told(&report);
    assert!(told.len() == 3 && told.iter().all(|it| it.ends_with("whole")), "{told:?}");
    assert_eq!((clips.len(), report.renditions.len()), (1, 2), "the clip is of what the file has");
    assert!(clips[0].path.starts_with(&kept) && clips[0].seconds >= 1.0, "{clips:?}");
    assert_eq!(chapters(&path).last().unwrap(), "here");
    assert_eq!(chapters(&clips[0].path).last().unwrap(), "here");
    let (file, stream) = (judge(&path).unwrap(), judge(listener.received().unwrap()).unwrap());
    let clip = judge(&clips[0].path).unwrap();
    assert_eq!([&file, &clip, &stream].map(|it| it.audio.len()), [2, 2, 1], "apart, and mixed");
    for it in [&file, &clip, &stream] {
        println!("{it}");
        let video = it.must_have_video();
        assert!(video.frames > 0 && video.decode_errors == 0, "{it}");
    }
    for it in [&file, &stream] {
        for track in &it.audio {
            // A busy machine leaves pictures of the stream out, and with them flashes: its sound is whole.
            assert!(track.beeps >= 2 && track.gaps.is_empty() && track.decode_errors == 0, "{it}");
            assert!(track.worst_skew_ms().is_none_or(|skew| skew <= 20.0), "{it}");
            let video = it.must_have_video();
            let pictures_end = video.last + 1.0 / video.fps;
            assert!(pictures_end < track.end + 0.15, "pictures go on to {pictures_end}, {track:?}");
        }
    }
    assert!(file.audio[0].beeps.abs_diff(stream.audio[0].beeps) <= 1, "{file}\n{stream}");
}

#[tokio::test]
async fn ghostwave_exchanges_the_sound_while_it_records() {
    let session = Session::start().unwrap();
    session.enter();
    let _sinks = ["raw", "clean"].map(|it| Sink::new(&session, it).unwrap());
    let _raw = Player::start("a", Some("raw"), tone(500.0)).unwrap();
    let _clean = Player::start("b", Some("clean"), tone(2000.0)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wave.mkv");
    let audio = ghostwave::GhostWave { node: "clean".into() };
    let each = Duration::from_secs(2);
    let report = ghostwave::record(small_card(), "raw".into(), &audio, &path, each).await.unwrap();
    assert_eq!((report.audio.len(), report.audio[0].source.as_str()), (1, "node:clean"));
    assert!(report.notes.iter().any(|it| it == "node:raw: the track goes on with node:clean"), "{report:#?}");
    assert_eq!(judge(&path).unwrap().audio.len(), 1);
}
