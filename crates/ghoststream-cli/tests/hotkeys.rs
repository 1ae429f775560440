//! Keys of the desktop, pressed by a script behind the machine's real portal.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Background, Ran, SMALL, bounded, ghoststream, until};
use serde_json::Value;
use testkit::judge::judge;
use testkit::portal::{Answer, Keys, Script};
use testkit::{Portal, Session};

const APP_ID: &str = "io.github.ghoststream.GhostStream";

/// A run file that asks for keys.
const EVENING: &str = r#"
hotkeys = true
source = "test-card"
size = "320x180"
fps = 30
encoder = "software"
codec = "h264"
encoder_preset = "fastest"
audio = []
[output.file]
file = "card.mkv"
overwrite = true
[output.replay]
replay = 5
directory = "clips"
"#;

/// A desktop whose portal has no screen to share, but keys. It knows this program.
struct Desk {
    // Dropped before the session in which it is.
    portal: Portal,
    session: Session,
}

impl Desk {
    fn new(script: Script) -> Self {
        Self::that_knows(script, true)
    }

    fn with(keys: Keys) -> Self {
        Self::new(Script::new(Answer::Refuse).with_keys(keys))
    }

    fn that_knows(mut script: Script, us: bool) -> Self {
        script.screencast = false;
        let session = Session::without_pipewire().unwrap();
        if us {
            let entries = session.dir().join("data/applications");
            std::fs::create_dir(&entries).unwrap();
            let entry = bounded(ghoststream(session.dir()).arg("desktop-file"));
            std::fs::write(entries.join(format!("{APP_ID}.desktop")), entry.stdout).unwrap();
        }
        Self { portal: Portal::start(&session, script).unwrap(), session }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.session.dir().join(name)
    }

    fn ctl(&self, command: &str) -> Ran {
        let mut ctl = ghoststream(self.session.dir());
        bounded(ctl.envs(self.session.environment()).args(["ctl", command, "--json"]))
    }

    fn state(&self) -> Value {
        let ran = self.ctl("status");
        if ran.status == 0 { ran.json()[0]["status"]["state"].clone() } else { Value::Null }
    }

    fn until_state(&self, state: &str) {
        until(state, || self.state() == state);
    }

    /// Starts it; its notes go to a file, where they can be read while it runs.
    fn start(&self, arguments: &[&str]) -> Background {
        // Those of one that ran before are not this one's.
        let _ = std::fs::remove_file(self.file("notes"));
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 2> \"$NOTES\"", env!("CARGO_BIN_EXE_ghoststream")]);
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(self.session.environment());
        Background::start(command.env("NOTES", self.file("notes")).args(arguments))
    }

    /// Records a small test card.
    fn record_with(&self, options: &[&str]) -> Background {
        let file = self.file("card.mkv").display().to_string();
        let record = ["record", "--audio", "none", "--overwrite", "-o", &file];
        self.start(&[&record[..], &SMALL, options].concat())
    }

    /// The same with hotkeys.
    fn record(&self) -> Background {
        self.record_with(&["--hotkeys"])
    }

    fn notes(&self) -> String {
        std::fs::read_to_string(self.file("notes")).unwrap_or_default()
    }

    fn until_told(&self, what: &str) {
        until(what, || self.notes().contains(what));
    }

    /// Stops what runs, which is whole.
    fn stop(&self, running: Background) {
        self.until_state("running");
        assert_eq!(self.ctl("stop").status, 0);
        self.ended(running, 0);
    }

    fn ended(&self, running: Background, status: i32) {
        let ran = running.wait();
        assert_eq!(ran.status, status, "{ran:?}\n{}", self.notes());
        let verdict = judge(self.file("card.mkv")).unwrap();
        assert!(!verdict.cut && verdict.must_have_video().decode_errors == 0, "{verdict}");
    }
}

/// Clips that are whole: their names are theirs only then.
fn clips(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().map(|it| it.unwrap().path());
    entries.filter(|it| !it.file_name().unwrap().to_string_lossy().starts_with('.')).collect()
}

fn chapters(path: &Path) -> Vec<String> {
    let mut ffprobe = Command::new("ffprobe");
    let output = ffprobe.args(["-v", "error", "-of", "json", "-show_chapters"]).arg(path).output().unwrap();
    let probed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let chapters = probed["chapters"].as_array().unwrap().iter();
    chapters.map(|it| it["tags"]["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_key_does_what_ctl_does() {
    let mut script = Script::new(Answer::Refuse).with_keys(Keys::All);
    script.keys_version = 1;
    let desk = Desk::new(script);
    std::fs::write(desk.file("evening.toml"), EVENING).unwrap();
    std::fs::create_dir(desk.file("clips")).unwrap();
    let running = desk.start(&["run", desk.file("evening.toml").to_str().unwrap()]);
    desk.until_told(
        "note: hotkeys: save-replay Ctrl+Shift+F10, pause Ctrl+Shift+F7, marker Ctrl+Shift+F8, stop Ctrl+Shift+F9\n",
    );
    let seen = desk.portal.seen();
    assert_eq!((seen.opened, seen.dialogs, seen.mistakes.as_slice()), (1, 1, &[][..]));
    let wanted: Vec<_> = seen.wanted.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(wanted, ["save-replay", "pause", "marker", "stop"]);
    assert_eq!(seen.app_ids, [if portal_minor() >= 20 { APP_ID } else { "" }]);

    desk.portal.press("pause").unwrap();
    desk.until_state("paused");
    desk.portal.press("pause").unwrap();
    desk.until_state("running");
    // Held down it repeats, and is still one press.
    desk.portal.hold("pause", 6).unwrap();
    desk.portal.press("marker").unwrap();
    desk.until_told("note: marked as \"Marker 1\"");
    assert_eq!(desk.state(), "paused");
    desk.portal.press("pause").unwrap();
    desk.until_state("running");
    desk.portal.press("save-replay").unwrap();
    until("a clip", || !clips(&desk.file("clips")).is_empty());
    desk.portal.press("stop").unwrap();
    desk.ended(running, 0);

    assert_eq!(chapters(&desk.file("card.mkv")), ["Start", "Marker 1"]);
    let clips = clips(&desk.file("clips"));
    let clip = judge(&clips[0]).unwrap();
    assert!(clip.must_have_video().frames > 0 && clip.must_have_video().decode_errors == 0, "{clip}");
    desk.portal.wait_until(|it| it.closed == 1).unwrap();
}

#[test]
fn a_profile_asks_for_keys_and_what_is_typed_counts() {
    let desk = Desk::with(Keys::All);
    let (profile, evening) = (desk.file("profile.toml"), desk.file("evening.toml"));
    std::fs::write(&profile, "hotkeys = true\n").unwrap();
    let profile = profile.to_str().unwrap();
    let running = desk.record_with(&["--config", profile]);
    desk.until_told("note: hotkeys: ");
    desk.portal.press("stop").unwrap();
    desk.ended(running, 0);
    assert_eq!(desk.portal.seen().opened, 1);

    let running = desk.record_with(&["--config", profile, "--hotkeys=false", "--duration", "1"]);
    desk.ended(running, 0);
    std::fs::write(&evening, format!("duration = 1\n{EVENING}")).unwrap();
    let running = desk.start(&["run", evening.to_str().unwrap(), "--hotkeys=false"]);
    desk.ended(running, 0);
    assert_eq!(desk.portal.seen().opened, 1, "nobody asked again");
    std::fs::write(&evening, EVENING.replace("hotkeys = true", "hotkeys = false")).unwrap();
    let running = desk.start(&["run", evening.to_str().unwrap(), "--hotkeys"]);
    desk.until_told("note: hotkeys: ");
    desk.portal.press("stop").unwrap();
    desk.ended(running, 0);
}

#[test]
fn what_the_user_does_not_give_is_told_and_the_recording_goes_on() {
    for (keys, told) in
        [(Keys::Refuse, "you refused the shortcuts"), (Keys::Fail, "the desktop portal failed")]
    {
        let desk = Desk::with(keys);
        let running = desk.record();
        desk.until_told(told);
        let notes = desk.notes();
        assert!(notes.contains("`ghoststream ctl`") && notes.contains("SIGUSR1"), "{notes}");
        desk.stop(running);
        assert_eq!(desk.portal.seen().mistakes, [""; 0]);
    }
}

#[test]
fn a_desktop_without_shortcuts_is_told_which_have_them() {
    let desk = Desk::new(Script::new(Answer::Refuse));
    let running = desk.record();
    desk.until_told("KDE Plasma, GNOME from 48 on and Hyprland have them");
    desk.stop(running);
    drop(desk.portal);
    // Nor is there a portal any more.
    let Desk { session, .. } = desk;
    drop(session);
    let home = tempfile::tempdir().unwrap();
    let mut command = ghoststream(home.path());
    command.args(["record", "--source", "test-card", "--size", "320x180", "--duration", "1", "--hotkeys"]);
    let ran = bounded(command.args(["--encoder", "software", "-o"]).arg(home.path().join("card.mkv")));
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("no hotkeys: no desktop portal answers"), "{ran:?}");
}

#[test]
fn keys_that_are_taken_away_are_told_once() {
    let desk = Desk::with(Keys::All);
    for (end, told) in [
        (None, "there are no hotkeys: the desktop took the shortcuts away"),
        (Some(9), "there are no hotkeys: the desktop portal went away"),
    ] {
        let running = desk.record();
        desk.until_told("note: hotkeys: ");
        match end {
            None => desk.portal.close_sessions().unwrap(),
            Some(signal) => desk.portal.frontend().signal(signal),
        }
        desk.until_told(told);
        // It can be paused by ctl as before.
        desk.until_state("running");
        assert_eq!(desk.ctl("pause").status, 0);
        desk.until_state("paused");
        assert_eq!(desk.ctl("resume").status, 0);
        desk.stop(running);
        let notes = desk.notes();
        assert_eq!(notes.matches("there are no hotkeys").count(), 1, "{notes}");
    }
}

#[test]
fn keys_that_the_user_changes_are_told() {
    let desk = Desk::with(Keys::Only(&["pause", "stop"]));
    let running = desk.record();
    let without = "; without a key: save-replay, marker; set it in your desktop's settings for shortcuts";
    desk.until_told(&format!("note: hotkeys: pause Ctrl+Shift+F7, stop Ctrl+Shift+F9{without}"));
    desk.portal.change_keys("pause", "Meta+P").unwrap();
    desk.until_told(&format!("note: hotkeys: pause Meta+P, stop Ctrl+Shift+F9{without}"));
    desk.portal.press("stop").unwrap();
    desk.ended(running, 0);
}

#[test]
fn ctrl_c_takes_a_dialog_away_that_nobody_answers() {
    let desk = Desk::with(Keys::Never);
    let running = desk.record();
    desk.portal.wait_until(|it| it.dialogs == 1).unwrap();
    // It did not wait for the user.
    desk.until_state("running");
    running.signal("INT");
    desk.ended(running, 130);
    desk.portal.wait_until(|it| it.withdrawn == 1).unwrap();
}

/// From 1.21 on the portal binds keys only for programs that it knows.
#[test]
fn a_portal_that_does_not_know_the_program_is_introduced() {
    let desk = Desk::that_knows(Script::new(Answer::Refuse).with_keys(Keys::All), false);
    let running = desk.record();
    if portal_minor() >= 21 {
        desk.until_told(&format!(
            "`ghoststream desktop-file > ~/.local/share/applications/{APP_ID}.desktop`"
        ));
    } else {
        desk.until_told("note: hotkeys: ");
    }
    desk.stop(running);
}

/// The second number of the installed portal's version 1.x.
fn portal_minor() -> u32 {
    let places = ["/usr/libexec", "/usr/lib", "/usr/lib/xdg-desktop-portal"].map(Path::new);
    let program = places.iter().map(|it| it.join("xdg-desktop-portal")).find(|it| it.is_file()).unwrap();
    let output = Command::new(program).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = text.split(|it: char| !it.is_ascii_digit()).filter(|it| !it.is_empty());
    let numbers: Vec<u32> = numbers.map(|it| it.parse().unwrap()).collect();
    assert_eq!(numbers[0], 1, "{text}");
    numbers[1]
}
