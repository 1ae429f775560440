//! No key and no passphrase is told, whatever fails and however much is logged.
//!
//! A URL that is typed is in the process list for as long as the command runs, which is what `key_file` and
//! `key_env` are for; nothing else may hold its secret.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Background, SMALL, bounded, ghoststream, until};
use testkit::peers::{Nginx, free_port};
use testkit::secrets::{PASSPHRASE, STREAM_KEY, files_with_one, told};

/// Every command logs all that there is to log, to a home that is searched afterwards.
fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = ghoststream(home);
    command.args(arguments).arg("-vvv").env("GHOSTSTREAM_LOG", "trace").env("RUST_BACKTRACE", "full");
    command
}

/// That nothing was told is asserted of every command that a test runs; here that something was.
#[track_caller]
fn failed(home: &Path, arguments: &[&str]) {
    let ran = bounded(&mut command(home, arguments));
    assert!(ran.status != 0 && !(ran.stdout + &ran.stderr).is_empty(), "{}", arguments[0]);
}

#[track_caller]
fn nothing_left(home: &Path, but: &[&str]) {
    let found = files_with_one(home).unwrap();
    let others: Vec<_> = found.iter().filter(|it| !but.iter().any(|name| it.ends_with(name))).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn of_a_stream_that_cannot_be() {
    let (home, nginx) = (tempfile::tempdir().unwrap(), Nginx::start().unwrap());
    let urls = [
        format!("rtmp://127.0.0.1:{}/no-such-application/{STREAM_KEY}", nginx.port()),
        format!("rtmp://127.0.0.1:{}/live/{STREAM_KEY}", free_port().unwrap()),
        format!("rtmps://127.0.0.1:{}/live/{STREAM_KEY}", nginx.port()),
        format!("rtmp://no-such-host.invalid/live/{STREAM_KEY}?also={STREAM_KEY}"),
        format!("rtmp://{STREAM_KEY}"),
        format!("rtmp://user:{PASSPHRASE}@127.0.0.1:1/live/{STREAM_KEY} "),
        format!("rtmp:/{STREAM_KEY}"),
        format!("http://127.0.0.1/{STREAM_KEY}"),
        format!(
            "srt://127.0.0.1:{}?passphrase={PASSPHRASE}&streamid={STREAM_KEY}&pbkeylen=7",
            free_port().unwrap()
        ),
    ];
    for (n, url) in urls.iter().enumerate() {
        let json: &[_] = if n % 2 == 0 { &["--json"] } else { &[] };
        failed(home.path(), &[&["stream", url][..], &SMALL, json].concat());
    }
    for mistake in [["stream", &urls[0], "--no-such-option"], ["record", &urls[0], "--json"]] {
        failed(home.path(), &mistake);
    }
    nothing_left(home.path(), &[]);
}

#[test]
fn of_a_stream_that_is_lost_and_controlled() {
    let home = tempfile::tempdir().unwrap();
    let mut nginx = Nginx::start().unwrap();
    let url = nginx.url(STREAM_KEY);
    let arguments = [&["stream", &url, "--json"][..], &SMALL].concat();
    let running = Background::start(&mut command(home.path(), &arguments));
    let ctl = |arguments: &[&str]| bounded(&mut command(home.path(), &[&["ctl"], arguments].concat()));
    until("a stream", || {
        assert!(running.runs());
        ctl(&["status", "--json"]).stdout.contains("\"running\"")
    });
    ctl(&["outputs"]);
    let another = format!("url=rtmp://127.0.0.1:{}/live/{STREAM_KEY}", free_port().unwrap());
    for wrong in
        [&[another.as_str()][..], &[&another, "rendition=9"], &[&another, "file=a.mkv"], &[STREAM_KEY]]
    {
        assert_ne!(ctl(&[&["add-output"], wrong].concat()).status, 0);
    }
    nginx.kill();
    until("the loss of the server", || ctl(&["outputs", "--json"]).stdout.contains("reconnecting"));
    nginx.go().unwrap();
    until("the server's return", || !ctl(&["outputs", "--json"]).stdout.contains("reconnecting"));
    nginx.kill();
    ctl(&["stop", "--json"]);
    running.wait();
    nothing_left(home.path(), &[]);
}

#[test]
fn of_a_file_that_is_run() {
    let home = tempfile::tempdir().unwrap();
    let (file, key) = (home.path().join("run.toml"), home.path().join("key"));
    std::fs::write(&key, STREAM_KEY).unwrap();
    let port = free_port().unwrap();
    let output = |says: &str| format!("source = \"test-card\"\n[output.a]\n{says}\n");
    for text in [
        output(&format!("url = \"rtmp://127.0.0.1:{port}/live/{STREAM_KEY}\"")),
        output(&format!("url = \"rtmp://127.0.0.1:{port}/live\"\nkey_file = \"key\"")),
        output(&format!("url = \"rtmp://127.0.0.1:{port}/live\"\nkey_env = \"THE_KEY\"")),
        output(&format!("url = \"rtmp://h/live/{STREAM_KEY}\"\nrendition = \"none\"")),
        output(&format!("url = \"nothing://{STREAM_KEY}\"")),
        output(&format!("url = [\"rtmp://h/live/{STREAM_KEY}\"]")),
        output(&format!("url = \"rtmp://h/live/{STREAM_KEY}")),
    ] {
        std::fs::write(&file, &text).unwrap();
        let ran = bounded(command(home.path(), &["run"]).arg(&file).env("THE_KEY", STREAM_KEY));
        assert_ne!(ran.status, 0, "{ran:?}");
    }
    nothing_left(home.path(), &["run.toml", "key"]);
}

#[test]
fn a_search_that_finds_nothing_would_have_found_it() {
    let url = format!("rtmp://127.0.0.1/live/{STREAM_KEY}");
    assert!(told(&format!("{:?}", Some(&url))));
    let output = ghoststream::Output::Rtmp { url };
    assert!(!told(&format!("{output:?} {:?}", ghoststream::OutputConfig::new(output.clone()))));
}
