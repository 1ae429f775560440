//! The `look` command by its binary.

use std::path::Path;
use std::process::{Command, Output};

fn look(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_look")).args(args).current_dir(dir).output().unwrap()
}

fn recording(dir: &Path) {
    let source = "testsrc=duration=6:size=320x240:rate=10";
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "clip.mkv"])
        .current_dir(dir)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn look_says_what_a_recording_is_and_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    recording(dir.path());
    let output = look(&["clip.mkv", "--sheet", "clip.png"], dir.path());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.contains("h264") && text.contains("320x240 at 10 fps") && text.contains("60 frames"),
        "{text}"
    );
    assert!(text.contains("not the test card"), "{text}");

    let sheet = image::open(dir.path().join("clip.png")).unwrap().to_rgb8();
    // Four pictures of 480x360 across, three down.
    assert!(sheet.width() > 4 * 480 && sheet.height() > 3 * 360, "{:?}", sheet.dimensions());
    let bright = sheet.pixels().filter(|it| it.0.iter().any(|&channel| channel > 128)).count();
    assert!(bright > sheet.len() / 3 / 3, "pictures fill it: {bright}");
}

#[test]
fn look_speaks_json() {
    let dir = tempfile::tempdir().unwrap();
    recording(dir.path());
    let output = look(&["--json", "clip.mkv"], dir.path());
    let verdict: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["video"]["frames"], 60);
    assert_eq!(verdict["card"], serde_json::Value::Null);
}

#[test]
fn look_says_what_is_wrong_with_its_arguments() {
    let dir = tempfile::tempdir().unwrap();
    for (args, status, word) in [
        (&[][..], 2, "which file"),
        (&["--no-such"], 2, "--no-such"),
        (&["a", "b"], 2, "second"),
        (&["a", "--step", "0"], 2, "--step"),
        (&["missing.mkv"], 1, "missing.mkv"),
    ] {
        let output = look(args, dir.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
        assert!(said.contains(word), "{args:?}: {said}");
    }
    assert!(look(&["--help"], dir.path()).status.success());
}
