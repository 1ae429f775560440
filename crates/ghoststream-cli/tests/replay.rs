//! `ghoststream replay`, saved by a signal.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Background, SMALL, ghoststream, run, until};
use testkit::judge::judge;

/// Clips that are whole: their names are theirs only then.
fn clips(dir: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(dir) else { return vec![] };
    let paths = found.map(|it| it.unwrap().path());
    let is_shown = |it: &PathBuf| !it.file_name().unwrap().to_string_lossy().starts_with('.');
    let mut clips: Vec<_> = paths.filter(is_shown).collect();
    clips.sort();
    clips
}

/// A replay in the background that prints into a file, where it can be read while it runs.
struct Replay {
    background: Background,
    printed: PathBuf,
}

impl Replay {
    fn start(home: &Path, dir: &Path, more: &[&str]) -> Self {
        let printed = home.join("printed");
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" replay \"$@\" > \"$HOME/printed\""]);
        command.arg(env!("CARGO_BIN_EXE_ghoststream")).args(["--seconds", "2"]).args(SMALL);
        command.args(["--json", "--dir"]).arg(dir).args(more);
        command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
        let replay = Self { background: Background::start(&mut command), printed };
        replay.until_printed("\"state\":\"running\"");
        replay
    }

    fn until_printed(&self, what: &str) {
        until(what, || std::fs::read_to_string(&self.printed).is_ok_and(|it| it.contains(what)));
    }

    /// Ends it as Ctrl-C does; returns what it printed.
    fn end(self) -> Vec<serde_json::Value> {
        self.background.signal("INT");
        let ran = self.background.wait();
        let printed = std::fs::read_to_string(&self.printed).unwrap();
        println!("{printed}{}", ran.stderr);
        assert_eq!(ran.status, 130);
        printed.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }
}

fn saved(printed: &[serde_json::Value]) -> Vec<PathBuf> {
    let saved = printed.iter().filter(|it| it["type"] == "saved");
    saved.map(|it| PathBuf::from(it["path"].as_str().unwrap())).collect()
}

#[test]
fn a_signal_saves_and_ctrl_c_ends_without_saving() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("made/when missing");
    let replay = Replay::start(home.path(), &dir, &[]);
    for count in 1..=2 {
        replay.background.signal("USR1");
        until("the save", || clips(&dir).len() == count);
    }
    let printed = replay.end();
    assert_eq!(clips(&dir).len(), 2, "an end saves nothing");
    let mut told = saved(&printed);
    told.sort();
    assert_eq!(told, clips(&dir));
    for clip in &told {
        assert!(clip.extension().is_some_and(|it| it == "mp4"), "{clip:?}");
        let verdict = judge(clip).unwrap();
        assert!(
            verdict.must_have_video().frames > 0 && verdict.must_have_video().decode_errors == 0,
            "{verdict}"
        );
    }
    let replay = &printed.last().unwrap()["outputs"][0]["replay"];
    assert_eq!((&replay["clips"], &replay["failed"]), (&2.into(), &0.into()));
}

#[test]
fn a_directory_that_cannot_be_made_is_told_and_the_replay_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a/b");
    let replay = Replay::start(home.path(), &dir, &["--container", "mkv", "--max-size", "64M"]);
    std::fs::remove_dir_all(home.path().join("a")).unwrap();
    std::fs::write(home.path().join("a"), "").unwrap();
    replay.background.signal("USR1");
    replay.until_printed("save-failed");
    std::fs::remove_file(home.path().join("a")).unwrap();
    replay.background.signal("USR1");
    until("the save", || !clips(&dir).is_empty());
    let printed = replay.end();
    assert_eq!(saved(&printed), clips(&dir));
    assert!(clips(&dir)[0].extension().is_some_and(|it| it == "mkv"));
    let failed = printed.iter().find(|it| it["type"] == "save-failed").unwrap();
    assert!(failed["message"].as_str().unwrap().contains("a/b"), "{failed}");
}

#[test]
fn what_cannot_be_kept_is_told_at_once() {
    let card = ["replay", "--source", "test-card", "--dir", "clips", "--seconds"];
    for (more, told) in [
        (&["0"][..], "1 to 86400"),
        (&["100000"], "1 to 86400"),
        (&["5", "--max-size", "12"], "1 MiB"),
        (&["5", "--max-size", "much"], "such as 800M"),
        (&["5", "--disk-dir", "spool", "--disk-size", "1M"], "16 MiB"),
        (&["5", "--disk-dir", "spool"], "--disk-size"),
        (&["5", "--container", "flv"], "mkv"),
        (&["5", "--dir", "/dev/null"], "/dev/null"),
        (&["5", "--container", "webm", "--codec", "h264", "--encoder", "software"], "webm"),
    ] {
        let ran = run(&[&card[..], more].concat(), None);
        assert!(ran.status == 2 || ran.status == 1, "{more:?}: {} {}", ran.status, ran.stderr);
        assert!(ran.stderr.contains(told), "{more:?}: {}", ran.stderr);
    }
}

/// A recording that has no replay is not ended by the signal that saves one.
#[test]
fn the_signal_is_harmless_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.mkv");
    let mut command = ghoststream(home.path());
    command.args([
        "record",
        "--source",
        "test-card",
        "--size",
        "320x180",
        "--fps",
        "30",
        "--duration",
        "2",
        "-o",
    ]);
    let background = Background::start(command.arg(&file).args(["--encoder", "software"]));
    until("the start", || file.exists());
    std::thread::sleep(std::time::Duration::from_millis(300));
    background.signal("USR1");
    let ran = background.wait();
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("no output is a replay buffer"), "{}", ran.stderr);
}
