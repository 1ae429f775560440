//! `ghoststream run`: what a file describes, judged where it arrives.

mod common;

use std::path::Path;

use common::{Background, Ran, bounded, ghoststream, until};
use testkit::judge::{Verdict, judge};
use testkit::peers::Nginx;
use testkit::secrets::STREAM_KEY;

/// A recording that can be decoded from its start to its end. How evenly two encoders and a server were fed is
/// a matter of the machine; that a file loses no picture is tested with one.
#[track_caller]
fn arrived(path: &Path) -> Verdict {
    let verdict = judge(path).unwrap();
    println!("{verdict}");
    let video = verdict.must_have_video();
    assert!(video.decode_errors == 0 && video.frames >= 80, "{}", path.display());
    verdict
}

#[test]
fn two_renditions_go_to_two_files_and_a_server() {
    let (home, nginx) = (tempfile::tempdir().unwrap(), Nginx::start().unwrap());
    let server = nginx.url("");
    let text = format!(
        r#"
source = "test-card"
fps = 30
duration = 3
encoder = "software"
encoder_preset = "fastest"
codec = "h264"
size = "640x360"

[rendition.full]

[rendition.small]
size = "320x180"
bitrate = 800

[audio.beep]
source = "test-card"
title = "Beep"

[audio.copy]
source = "test-card"
codec = "aac"

[output.recording]
file = "full.mkv"

[output.clip]
file = "small.mp4"
rendition = "small"
audio = ["copy"]

[output.live]
url = "{server}"
key_env = "STREAM_KEY"
rendition = "small"
audio = ["copy"]
"#
    );
    let file = home.path().join("evening.toml");
    std::fs::write(&file, text).unwrap();
    let ran = bounded(
        ghoststream(home.path()).arg("run").arg(&file).args(["--json", "-vvv"]).env("STREAM_KEY", STREAM_KEY),
    );
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let report = ran.json().pop().unwrap();
    assert_eq!(report["outputs"].as_array().unwrap().len(), 3);

    let full = arrived(&home.path().join("full.mkv"));
    let video = full.must_have_video();
    assert_eq!((video.width, video.height, full.audio.len()), (640, 360, 2));
    let small = arrived(&home.path().join("small.mp4"));
    let video = small.must_have_video();
    assert_eq!((video.width, video.height, video.codec.as_str()), (320, 180, "h264"));
    assert_eq!((small.audio.len(), small.audio[0].codec.as_str()), (1, "aac"));
    let live = arrived(&nginx.recorded().unwrap()[0]);
    let video = live.must_have_video();
    assert_eq!((video.width, video.height, live.audio.len()), (320, 180, 1));
}

#[test]
fn outputs_are_added_by_the_names_of_the_file() {
    let home = tempfile::tempdir().unwrap();
    let text = "source = \"test-card\"\nfps = 15\nencoder = \"software\"\nencoder_preset = \"fastest\"\ncodec = \"h264\"\n\
                rate_control = \"cbr\"\n[rendition.full]\nsize = \"320x180\"\n[rendition.small]\nsize = \"160x90\"\n\
                [audio.beep]\nsource = \"test-card\"\n[audio.copy]\nsource = \"test-card\"\ncodec = \"aac\"\n\
                [output.recording]\nfile = \"full.mkv\"\n[output.small]\nfile = \"small.mkv\"\nrendition = \"small\"\n";
    let file = home.path().join("evening.toml");
    std::fs::write(&file, text).unwrap();
    let running = Background::start(ghoststream(home.path()).arg("run").arg(&file));
    let ctl = |arguments: &[&str]| -> Ran {
        bounded(ghoststream(home.path()).arg("ctl").args(arguments).arg("--json"))
    };
    until("a running recording", || {
        assert!(running.runs(), "it ended at once");
        let ran = ctl(&["status"]);
        ran.status == 0 && ran.json()[0]["status"]["state"] == "running"
    });
    let late = format!("file={}", home.path().join("late.mp4").display());
    for (wrong, told) in [
        ("rendition=tiny", "rendition = tiny is not possible: one of full, small"),
        ("audio=beep,voice", "audio = voice is not possible: one of beep, copy"),
    ] {
        let ran = ctl(&["add-output", &late, wrong]);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(told), "{ran:?}");
    }
    let added = ctl(&["add-output", &late, "rendition=small", "audio=copy"]);
    assert_eq!(added.status, 0, "{added:?}");
    until("a second of it", || {
        ctl(&["outputs"]).json()[0]["outputs"][2]["seconds"].as_f64().is_some_and(|it| it > 1.0)
    });
    // What the file names is told by its name, too; what was added later has a number alone.
    let listed = &ctl(&["outputs"]).json()[0]["outputs"];
    let labels: Vec<_> = listed.as_array().unwrap().iter().map(|it| it["label"].as_str()).collect();
    assert_eq!(labels, [Some("recording"), Some("small"), None]);
    for (asked, told) in [
        (&["remove-output", "late"][..], "output = late is not possible: one of recording, small"),
        (&["bitrate", "900", "--rendition", "tiny"], "rendition = tiny is not possible: one of full, small"),
        (&["bitrate", "900", "--rendition", "7"], "rendition = 7 is not possible"),
    ] {
        let ran = ctl(asked);
        assert!(ran.status == 2 && format!("{}{}", ran.stdout, ran.stderr).contains(told), "{ran:?}");
    }
    assert_eq!(ctl(&["bitrate", "900", "--rendition", "small"]).status, 0);
    let removed = ctl(&["remove-output", "small"]);
    assert_eq!((removed.status, &removed.json()[0]["report"]["id"]), (0, &1.into()), "{removed:?}");
    assert_eq!(ctl(&["stop"]).status, 0);
    assert_eq!(running.wait().status, 0);
    let late = judge(home.path().join("late.mp4")).unwrap();
    let video = late.must_have_video();
    assert_eq!((video.width, video.height, video.decode_errors), (160, 90, 0));
    assert_eq!((late.audio.len(), late.audio[0].codec.as_str()), (1, "aac"));
}

#[test]
fn mistakes_are_told_with_their_line_and_nothing_is_started() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("evening.toml");
    for (text, told) in [
        (
            "source = \"test-card\"\n[output.a]\nfile = \"a.mkv\"\nbitrate = 3\n",
            "evening.toml:4:1: there is no \"bitrate\" here",
        ),
        ("fps = 0\n[output.a]\nfile = \"a.mkv\"\n", "evening.toml:1:7: fps = 0 is not possible"),
        ("[output.a]\nfile = \"/nonexistent/a.mkv\"\n", "evening.toml:1:9: output a: /nonexistent/a.mkv"),
    ] {
        std::fs::write(&file, text).unwrap();
        let ran = bounded(ghoststream(home.path()).arg("run").arg(&file));
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    let ran = bounded(ghoststream(home.path()).args(["run", "not-there.toml"]));
    assert_eq!(ran.status, 2);
}
