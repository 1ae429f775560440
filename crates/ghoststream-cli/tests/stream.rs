//! `ghoststream stream`, to a real server.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{bounded, ghoststream};
use testkit::judge::judge;
use testkit::peers::{Nginx, free_port};
use testkit::secrets::STREAM_KEY;

#[test]
fn the_test_card_is_streamed_with_its_beep_and_the_key_is_not_told() {
    let (home, nginx) = (tempfile::tempdir().unwrap(), Nginx::start().unwrap());
    let ran =
        bounded(ghoststream(home.path()).args(["stream", &nginx.url(STREAM_KEY), "-vvv", "--json"]).args([
            "--source",
            "test-card",
            "--size",
            "640x360",
            "--fps",
            "30",
            "--duration",
            "3",
            "--encoder",
            "software",
            "--encoder-preset",
            "fastest",
        ]));
    println!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, 0);
    assert!(!ran.stderr.contains(STREAM_KEY) && !ran.stdout.contains(STREAM_KEY));
    let report = ran.json().pop().unwrap();
    let live = &report["outputs"][0]["live"];
    assert_eq!(live["peer"], format!("rtmp://127.0.0.1:{}/live/…", nginx.port()));
    assert_eq!((&live["connections"], &live["dropped"]), (&1.into(), &0.into()));
    let verdict = judge(&nginx.recorded().unwrap()[0]).unwrap();
    println!("{verdict}");
    let video = verdict.must_have_video();
    assert!(video.frames >= 85 && video.decode_errors == 0 && verdict.audio.len() == 1);
    // A key frame every two seconds, whatever the default of recordings is.
    assert_eq!(video.key_frames, 2);
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let server = format!("rtmp://127.0.0.1:{}/app", free_port().unwrap());
    let url = format!("{server}/{STREAM_KEY}");
    let ran = bounded(ghoststream(home.path()).args(["stream", &url, "--source", "test-card"]));
    assert_eq!(ran.status, 1);
    // Which server it is, without the key: there may be several.
    assert!(ran.stderr.contains(&format!("error: {server}/…: nobody listens there")), "{}", ran.stderr);
    assert!(!ran.stderr.contains(STREAM_KEY), "{}", ran.stderr);
}

#[test]
fn what_is_no_destination_is_told_with_what_one_looks_like() {
    let home = tempfile::tempdir().unwrap();
    for (wrong, told) in [
        ("twitsh", "kick, twitch, youtube, or begin with rtmp://, rtmps:// or srt://\n"),
        ("rtmp://live.example", "an application and a stream key: rtmp://SERVER/APPLICATION/STREAM_KEY\n"),
        ("srt://live.example", "srt://SERVER:PORT\n"),
    ] {
        let ran = bounded(ghoststream(home.path()).args(["stream", wrong, "--source", "test-card"]));
        assert_eq!(ran.status, 2);
        assert!(ran.stderr.ends_with(told), "{}", ran.stderr);
    }
}

fn key_file(dir: &Path, text: &str, mode: u32) -> PathBuf {
    let path = dir.join("key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_key_in_a_file_is_put_after_the_url_and_told_to_nobody_else() {
    let (home, nginx) = (tempfile::tempdir().unwrap(), Nginx::start().unwrap());
    let file = key_file(home.path(), "hidden-key\n", 0o600);
    let url = nginx.url("");
    let mut command = ghoststream(home.path());
    command.args(["stream", &url, "-vvv", "--key-file"]).arg(file);
    let size = ["--source", "test-card", "--size", "320x180", "--fps", "10", "--duration", "0.5"];
    let ran = bounded(command.args(size).args(["--encoder", "software", "--encoder-preset", "fastest"]));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("hidden-key") && !ran.stdout.contains("hidden-key"), "{}", ran.stderr);
    assert!(nginx.log().unwrap().contains("publish: name='hidden-key' args=''"));
}

#[test]
fn keys_that_are_missing_or_open_to_others_are_refused_and_limits_told_before_anything_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], file: Option<PathBuf>, part: &str| {
        let mut command = ghoststream(home.path());
        command.arg("stream").args(arguments).args(["--source", "test-card"]);
        command.env("GHOSTSTREAM_STREAM_KEY", if arguments.len() > 1 { "hidden-key" } else { "" });
        if let Some(file) = file {
            command.arg("--key-file").arg(file);
        }
        let ran = bounded(&mut command);
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(part) && !ran.stderr.contains("hidden-key"), "{part}: {}", ran.stderr);
    };
    refused(&["twitch"], None, "GHOSTSTREAM_STREAM_KEY");
    refused(&["twich"], None, "kick, twitch, youtube");
    refused(&["twitch"], Some(home.path().join("nowhere")), "No such file");
    refused(&["twitch"], Some(key_file(home.path(), "hidden-key", 0o644)), "chmod 600");
    refused(&["twitch"], Some(key_file(home.path(), " \n", 0o600)), "it is empty");
    refused(&["twitch"], Some(key_file(home.path(), "hidden-key\nanother", 0o600)), "one line");
    refused(&["twitch"], Some(key_file(home.path(), "hidden key", 0o600)), "holds a space");
    refused(&["twitch", "--bitrate", "9000"], None, "Twitch takes 6000 kbit/s of pictures at most");
    refused(&["twitch", "--rate-control", "vbr"], None, "take --rate-control cbr");
    refused(
        &["kick", "--quality", "20"],
        None,
        "Kick takes no crf, but cbr; take --rate-control cbr, and leave --quality",
    );
}
