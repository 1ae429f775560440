//! `ghoststream stream srt://…`, to and from programs of others.

mod common;

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{SMALL, bounded, ghoststream};
use testkit::judge::judge;
use testkit::peers::SrtServer;
use testkit::secrets::{MARK, PASSPHRASE, STREAM_KEY};

/// What is streamed, with all that is logged. That nothing tells a secret is asserted of every command.
fn stream(home: &Path, url: &str) -> Command {
    let mut command = ghoststream(home);
    command.args([
        "stream",
        url,
        "-vvv",
        "--json",
        "--source",
        "test-card",
        "--size",
        "640x360",
        "--fps",
        "30",
    ]);
    command.args(["--duration", "2", "--encoder", "software", "--encoder-preset", "fastest"]);
    command.env("GHOSTSTREAM_LOG", "trace").env("THE_PASSPHRASE", PASSPHRASE);
    command
}

fn key_file(home: &Path, text: &str) -> PathBuf {
    let path = home.join("passphrase");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn an_encrypted_stream_whose_passphrase_is_not_typed_arrives_whole() {
    let home = tempfile::tempdir().unwrap();
    let file = key_file(home.path(), PASSPHRASE);
    for given in [&["--key-file", file.to_str().unwrap()], &["--key-env", "THE_PASSPHRASE"]] {
        let mut server = SrtServer::start(&format!("passphrase={PASSPHRASE}")).unwrap();
        let ran = bounded(stream(home.path(), &server.url("latency=200")).args(given));
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let report = ran.json().pop().unwrap();
        let live = &report["outputs"][0]["live"];
        assert_eq!((&live["connections"], &live["dropped"]), (&1.into(), &0.into()), "{live}");
        let verdict = judge(server.received().unwrap()).unwrap();
        println!("{verdict}");
        let video = verdict.must_have_video();
        assert!(video.frames >= 55 && video.decode_errors == 0 && verdict.audio.len() == 1, "{verdict}");
        assert_eq!(report["encoded"], video.frames);
    }
}

#[test]
fn what_is_wrong_with_a_stream_is_told_with_its_status() {
    let home = tempfile::tempdir().unwrap();
    let server = SrtServer::start(&format!("passphrase={PASSPHRASE}")).unwrap();
    let held = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().port();
    let failed = |url: &str, key: Option<&str>, status: i32, part: &str| {
        let mut command = stream(home.path(), url);
        if let Some(key) = key {
            command.arg("--key-file").arg(key_file(home.path(), key));
        }
        let ran = bounded(&mut command);
        let message = ran.json().pop().unwrap()["message"].to_string();
        assert_eq!(ran.status, status, "{message}");
        assert!(message.contains(part), "{part}: {message}");
    };
    let another = format!("{PASSPHRASE}-and-wrong");
    let listening = format!("srt://127.0.0.1:{taken}?mode=listener&streamid={STREAM_KEY}");
    let twice = server.url(&format!("passphrase={PASSPHRASE}"));
    failed(&server.url(""), Some(&another), 1, "the passphrase is not the peer's");
    failed(&server.url(""), None, 1, "add &passphrase");
    failed(&server.url(""), Some(MARK), 2, "10 to 79 bytes long");
    failed(&twice, Some(PASSPHRASE), 2, "the option passphrase twice");
    failed(&listening, None, 2, &format!("port {taken} is in use"));
    drop(held);
}

/// Sound's encoder is opened before anything else, and what libavcodec says of its end is not for users.
#[test]
fn what_cannot_be_sent_is_told_in_our_words_alone() {
    let home = tempfile::tempdir().unwrap();
    let mut command = ghoststream(home.path());
    command.args(["stream", "srt://127.0.0.1:9"]).args(SMALL).args(["--codec", "av1"]);
    let ran = bounded(&mut command);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("take codec h264 or hevc for SRT"), "{}", ran.stderr);
    let ours = |line: &str| line.starts_with("note: ") || line.starts_with("error: ");
    assert!(ran.stderr.lines().all(ours), "{}", ran.stderr);
}
