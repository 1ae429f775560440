//! A recording that is controlled while it runs: by `ghoststream ctl`, by its socket, by signals.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Background, Place, Ran, SMALL, bounded, ghoststream, until};
use serde_json::{Value, json};
use testkit::judge::judge;

impl Place {
    /// Records a small test card, and returns when it can be controlled and has pictures.
    fn record(&self, name: &str, arguments: &[&str]) -> Background {
        let mut command = ghoststream(self.dir.path());
        command.arg("record").args(SMALL).arg("-o").arg(self.file(name));
        let running = Background::start(command.args(arguments));
        let named = arguments.iter().position(|it| *it == "--control").map(|at| arguments[at + 1]);
        let which: Vec<&str> = named.into_iter().flat_map(|it| ["--name", it]).collect();
        until("a running recording", || {
            assert!(running.runs(), "it ended at once");
            let ran = self.ctl(&[&["status", "--json"][..], &which].concat());
            ran.status == 0 && ran.json()[0]["status"]["state"] == "running"
        });
        running
    }

    fn ctl(&self, arguments: &[&str]) -> Ran {
        bounded(ghoststream(self.dir.path()).arg("ctl").args(arguments))
    }

    /// What ctl answers to a command that is done.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> Value {
        let ran = self.ctl(&[arguments, &["--json"]].concat());
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{arguments:?}: {ran:?}");
        ran.json().remove(0)
    }

    fn state(&self) -> Value {
        self.done(&["status"])["status"]["state"].clone()
    }

    fn sockets(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.file("ghoststream")).unwrap();
        let paths = entries.map(|it| it.unwrap().path());
        paths.filter(|it| it.extension().is_some_and(|it| it == "sock")).collect()
    }
}

/// Start and title of each chapter, in seconds.
fn chapters(path: &Path) -> Vec<(f64, String)> {
    let output =
        Command::new("ffprobe").args(["-v", "error", "-of", "json", "-show_chapters"]).arg(path).output();
    let probed: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let of = |it: &Value| {
        let start = it["start_time"].as_str().unwrap().parse().unwrap();
        (start, it["tags"]["title"].as_str().unwrap().to_owned())
    };
    probed["chapters"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_recording_is_paused_marked_and_stopped_by_ctl() {
    let place = Place::empty();
    let running = place.record("card.mkv", &["--rate-control", "cbr", "--bitrate", "2000", "--json"]);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.file("ghoststream")), mode(&place.sockets()[0])), (0o700, 0o600));

    assert_eq!(place.done(&["pause"]), json!({}));
    assert_eq!(place.state(), "paused");
    // Within the pause, where the recording stands.
    assert_eq!(place.done(&["marker", "the <first>\n\"goal\""]), json!({}));
    assert_eq!(place.done(&["resume"]), json!({}));
    assert_eq!(place.state(), "running");
    assert_eq!(place.done(&["bitrate", "900"]), json!({}));
    assert_eq!(place.done(&["key-frame"]), json!({}));
    assert_eq!(place.done(&["outputs"])["outputs"][0]["state"], "running");
    let shown = place.ctl(&["status"]);
    assert!(shown.stdout.contains("running") && shown.stdout.contains("card.mkv"), "{shown:?}");

    for (wrong, status, words) in [
        (&["bitrate", "7"][..], 2, "50 to 800000"),
        (&["bitrate", "900", "--rendition", "4"], 2, "rendition = 4"),
        (&["marker", "\n"], 2, "1 to 200 characters"),
        (&["save-replay"], 1, "replay"),
        (&["status", "--pid", "1"], 2, "there is none like that"),
    ] {
        let ran = place.ctl(wrong);
        assert_eq!(ran.status, status, "{ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    let answer = place.done(&["stop"]);
    assert_eq!(answer["report"]["outputs"][0]["error"], Value::Null);
    let ran = running.wait();
    assert_eq!(ran.status, 0, "{ran:?}");
    let report = ran.json().pop().unwrap();
    assert_eq!((&report["type"], &report["encoded"]), (&"report".into(), &answer["report"]["encoded"]));
    assert!(place.sockets().is_empty(), "the socket went with it");
    assert_eq!(place.ctl(&["status"]).status, 1);

    let verdict = judge(place.file("card.mkv")).unwrap();
    assert_eq!(verdict.must_have_video().decode_errors, 0);
    let chapters = chapters(&place.file("card.mkv"));
    assert_eq!(chapters.len(), 2, "{chapters:?}");
    assert_eq!((chapters[0].0, chapters[1].1.as_str()), (0.0, "the <first> \"goal\""));
}

#[test]
fn outputs_come_and_go_by_ctl() {
    let place = Place::empty();
    let running = place.record("card.mkv", &["--json"]);
    place.done(&["marker", "before"]);
    let late = place.file("late.mp4").display().to_string();
    assert_eq!(place.done(&["add-output", &format!("file={late}"), "audio=[]"]), json!({ "output": 1 }));
    place.done(&["marker", "within"]);
    for wrong in
        [&["file=a.avi"][..], &[&format!("file={late}")], &["file=b.mkv", "rendition=7"], &["color=red"]]
    {
        let ran = place.ctl(&[&["add-output"], wrong].concat());
        assert!(ran.status == 2 || ran.status == 1, "{ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    }
    until("a second of the late one", || {
        place.done(&["outputs"])["outputs"][1]["seconds"].as_f64().unwrap() > 1.0
    });
    let removed = place.done(&["remove-output", "1"]);
    assert_eq!(removed["report"]["error"], Value::Null);
    assert_ne!(place.ctl(&["remove-output", "0"]).status, 0, "the last one");
    assert_ne!(place.ctl(&["remove-output", "9"]).status, 0, "none");
    place.done(&["stop"]);
    assert_eq!(running.wait().status, 0);
    for name in ["card.mkv", "late.mp4"] {
        assert_eq!(judge(place.file(name)).unwrap().problems(), [""; 0], "{name}");
    }
    let titles = |name| chapters(&place.file(name)).into_iter().map(|it| it.1).collect::<Vec<_>>();
    assert_eq!(titles("card.mkv"), ["Start", "before", "within"]);
    assert_eq!(titles("late.mp4"), ["Start", "within"], "its own, from its own zero");
}

#[test]
fn a_rendition_is_added_by_ctl_and_taken_by_its_name() {
    let place = Place::empty();
    let running = place.record("card.mkv", &["--json"]);
    let tiny = ["add-rendition", "tiny", "size=192x108", "codec=h264", "bitrate=300"];
    assert_eq!(place.done(&tiny), json!({ "rendition": 1 }));
    for (wrong, told) in [
        (&["tiny"][..], "name = tiny is not possible: a name that no other rendition has"),
        (&["7"], "name = 7 is not possible: a name that is no number"),
        (&["small", "size=wide"], "size = \"wide\" is not possible"),
        (&["small", "bitrate=1"], "bitrate = 1 is not possible: 50 to 800000"),
        (&["small", "fps=10"], "rendition = fps is not possible: one of codec"),
        (&["small", "wide"], "a rendition is described by KEY=VALUE words"),
    ] {
        let ran = place.ctl(&[&["add-rendition"], wrong].concat());
        assert!(ran.status == 2 && ran.stderr.contains(told), "{ran:?}");
    }
    let late = format!("file={}", place.file("late.mkv").display());
    assert_eq!(place.done(&["add-output", &late, "rendition=tiny"]), json!({ "output": 1 }));
    until("a second of the late one", || {
        place.done(&["outputs"])["outputs"][1]["seconds"].as_f64().unwrap() > 1.0
    });
    place.done(&["stop"]);
    assert_eq!(running.wait().status, 0);
    let late = judge(place.file("late.mkv")).unwrap();
    let video = late.must_have_video();
    assert_eq!((video.width, video.height, video.codec.as_str(), video.decode_errors), (192, 108, "h264", 0));
}

#[test]
fn of_several_the_one_that_is_meant_is_controlled() {
    let place = Place::empty();
    let first = place.record("a.mkv", &["--control", "first"]);
    let second = place.record("b.mkv", &["--control", "second"]);
    let ran = place.ctl(&["stop"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("--name first") && ran.stderr.contains("--name second"), "{}", ran.stderr);
    let mut third = ghoststream(place.dir.path());
    let ran = bounded(third.args([
        "record",
        "--source",
        "test-card",
        "--control",
        "first",
        "-o",
        "/nonexistent.mkv",
    ]));
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("the name first is taken by process"), "{}", ran.stderr);
    place.done(&["stop", "--name", "second"]);
    assert_eq!(second.wait().status, 0);
    assert!(first.runs());
    // Killed, it leaves its socket behind, which nobody minds.
    first.signal("KILL");
    first.wait();
    assert_eq!(place.sockets().len(), 1);
    let third = place.record("c.mkv", &["--control", "first"]);
    place.done(&["stop"]);
    assert_eq!(third.wait().status, 0);
}

#[test]
fn a_hundred_clients_of_every_kind_cost_the_recording_no_picture() {
    let place = Place::empty();
    let running = place.record("card.mkv", &["--json"]);
    let socket = place.sockets().remove(0);
    let connect = || UnixStream::connect(&socket).unwrap();
    let mut kept = Vec::new();
    for n in 0..100 {
        let mut stream = connect();
        let sent: &[u8] = match n % 5 {
            0 => b"{\"version\":1,\"id\":1,\"command\":\"status\"}\n",
            1 => b"GET / HTTP/1.1\r\n\r\n",
            2 => &[b'x'; 70_000],
            3 => &b"{\"version\":1,\"command\":\"status\"}\n".repeat(500),
            _ => b"",
        };
        // Who was sent away, or is read no further, need not be able to send it all.
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write_all(sent);
        kept.push(stream);
    }
    let answered = kept.iter().step_by(5).filter(|stream| {
        stream.set_nonblocking(false).unwrap();
        let mut line = String::new();
        BufReader::new(*stream).read_line(&mut line).unwrap();
        let reply: Value = serde_json::from_str(&line).unwrap();
        reply["ok"]["status"]["state"] == "running" || reply["error"]["code"] == "busy"
    });
    assert_eq!(answered.count(), 20);
    drop(kept);
    until("a place among the clients", || place.ctl(&["status"]).status == 0);
    place.done(&["stop"]);
    let ran = running.wait();
    assert_eq!(ran.status, 0);
    assert_eq!(ran.json().pop().unwrap()["dropped"], 0);
    let verdict = judge(place.file("card.mkv")).unwrap();
    assert_eq!(verdict.problems(), [""; 0]);
}

#[test]
fn signals_pause_resume_and_ask_for_a_replay() {
    let place = Place::empty();
    let running = place.record("card.mkv", &[]);
    running.signal("USR2");
    until("a pause", || place.state() == "paused");
    running.signal("USR2");
    until("an end of the pause", || place.state() == "running");
    running.signal("USR1");
    // Signals of several kinds that wait are taken in any order.
    running.signal("USR2");
    until("another pause", || place.state() == "paused");
    running.signal("INT");
    let ran = running.wait();
    assert_eq!(ran.status, 130, "{ran:?}");
    let told: Vec<_> = ran.stderr.lines().filter(|it| !it.contains("not used")).collect();
    assert!(told.contains(&"note: paused") && told.contains(&"note: resumed"), "{told:?}");
    assert!(told.iter().any(|it| it.contains("no output is a replay buffer")), "{told:?}");
}

#[test]
fn without_a_runtime_directory_it_records_and_says_what_it_lacks() {
    let place = Place::empty();
    let arguments = ["record", "--source", "test-card", "--size", "320x180", "--duration", "1", "-o"];
    let mut command = ghoststream(place.dir.path());
    let ran = bounded(command.env_remove("XDG_RUNTIME_DIR").args(arguments).arg(place.file("card.mkv")));
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("XDG_RUNTIME_DIR is not set"), "{}", ran.stderr);
    let ran = bounded(ghoststream(place.dir.path()).env_remove("XDG_RUNTIME_DIR").args(["ctl", "stop"]));
    assert_eq!(ran.status, 1);
}

#[test]
fn a_replay_is_saved_by_ctl() {
    let place = Place::empty();
    let mut command = ghoststream(place.dir.path());
    command.args(["replay", "--seconds", "60", "--source", "test-card", "--size", "320x180", "--fps", "30"]);
    command.args(["--encoder", "software", "--encoder-preset", "fastest", "--codec", "h264", "--dir"]);
    let running = Background::start(command.arg(place.file("clips")));
    until("two seconds of it", || {
        assert!(running.runs());
        let ran = place.ctl(&["status", "--json"]);
        ran.status == 0 && ran.json()[0]["status"]["seconds"].as_f64().is_some_and(|it| it > 2.0)
    });
    for (arguments, least) in [(&["save-replay"][..], 1.9), (&["save-replay", "--last", "1"], 0.9)] {
        let saved = &place.done(arguments)["saved"][0];
        let clip = judge(Path::new(saved["path"].as_str().unwrap())).unwrap();
        assert!(saved["seconds"].as_f64().unwrap() >= least, "{saved}");
        assert_eq!(clip.must_have_video().decode_errors, 0);
    }
    assert_eq!(place.ctl(&["save-replay", "--last", "0"]).status, 2);
    place.done(&["stop"]);
    assert_eq!(running.wait().status, 0);
}
