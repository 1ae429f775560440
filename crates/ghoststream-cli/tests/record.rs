//! `ghoststream record`, end to end: the test card through the real binary into a file, judged.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Background, Place, Ran, bounded, ghoststream, until};
use testkit::judge::{Verdict, judge};

impl Place {
    /// Records a small test card, which two busy cores keep up with, to this file.
    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = ghoststream(self.dir.path());
        command.args(["record", "--source", "test-card", "--size", "320x180", "--fps", "30"]);
        command.args(["--encoder-preset", "fastest", "-o"]).arg(self.file(name)).args(arguments);
        command
    }

    fn record(&self, name: &str, arguments: &[&str]) -> Ran {
        bounded(&mut self.command(name, arguments))
    }
}

/// Waits until a recording is there and grows.
fn until_recording(running: &Background, path: &Path) {
    until("the recording's first second", || {
        assert!(running.runs(), "it ended before it recorded");
        std::fs::metadata(path).is_ok_and(|it| it.len() > 20_000)
    });
}

fn report(ran: &Ran) -> serde_json::Value {
    let last = ran.json().pop().expect("a report");
    assert_eq!(last["type"], "report", "{ran:?}");
    last
}

#[track_caller]
fn whole(path: &Path) -> Verdict {
    let verdict = judge(path).unwrap();
    assert_eq!(verdict.problems(), [""; 0]);
    verdict
}

#[test]
fn the_test_card_is_recorded_to_matroska_with_its_beep() {
    let place = Place::empty();
    let ran = place.record("card.mkv", &["--duration", "3"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let verdict = whole(&place.file("card.mkv"));
    let video = verdict.must_have_video();
    assert_eq!((video.width, video.height), (320, 180));
    assert!((89..=93).contains(&video.frames), "{} frames", video.frames);
    assert_eq!((verdict.audio.len(), verdict.audio[0].codec.as_str()), (1, "opus"));
    verdict.must_be_in_sync(20.0);
}

#[test]
fn the_test_card_is_recorded_to_mp4_without_sound() {
    let place = Place::empty();
    let ran = place.record("card.mp4", &["--duration", "2", "--audio", "none", "--codec", "h264"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let verdict = whole(&place.file("card.mp4"));
    assert_eq!(verdict.audio.len(), 0);
    assert_eq!(verdict.must_have_video().codec, "h264");
}

#[test]
fn the_test_card_is_recorded_to_webm_as_av1_and_opus() {
    let place = Place::empty();
    let ran = place.record("card.webm", &["--duration", "2", "--bitrate", "5000"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stderr.lines().all(|it| it.starts_with("note: ")), "noise: {}", ran.stderr);
    let verdict = whole(&place.file("card.webm"));
    assert_eq!(verdict.must_have_video().codec, "av1");
    assert_eq!((verdict.audio.len(), verdict.audio[0].codec.as_str()), (1, "opus"));
}

#[test]
fn encoders_that_were_refused_are_told_once() {
    let place = Place::empty();
    let ran = place.record("card.mp4", &["--duration", "1", "--codec", "hevc", "--json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let report = report(&ran);
    let refused = report["renditions"][0]["refused"].as_array().unwrap();
    let lines = ran.json();
    for refusal in refused {
        let name = refusal["encoder"].as_str().unwrap();
        let told = lines.iter().filter(|it| {
            it["type"] == "note"
                && it["message"].as_str().unwrap().starts_with(&format!("{name} is not used"))
        });
        assert_eq!(told.count(), 1, "{name}: {ran:?}");
    }
    let encoder = report["renditions"][0]["encoder"].as_str().unwrap();
    assert!(encoder == "libx265" && !refused.is_empty() || encoder == "hevc_nvenc", "{report}");
}

#[test]
fn h264_into_webm_is_a_mistake_that_says_what_fits() {
    let place = Place::empty();
    let ran = place.record("card.webm", &["--codec", "h264"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("h264") && ran.stderr.contains("av1"), "{}", ran.stderr);
    assert!(!place.file("card.webm").exists());
}

#[test]
fn json_tells_the_status_each_second_and_the_report_last() {
    let place = Place::empty();
    let ran = place.record("card.mkv", &["--duration", "3", "--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let lines = ran.json();
    let statuses: Vec<_> = lines.iter().filter(|it| it["type"] == "status").collect();
    assert!(statuses.len() >= 3, "{ran:?}");
    let last = statuses.last().unwrap();
    assert!(last["encoded"].as_u64().unwrap() > 60 && last["seconds"].as_f64().unwrap() > 2.0, "{last}");
    for pair in statuses.windows(2) {
        assert!(pair[0]["encoded"].as_u64() <= pair[1]["encoded"].as_u64(), "{pair:?}");
    }
    let report = report(&ran);
    assert_eq!(report["dropped"], 0);
    assert_eq!(report["renditions"][0]["width"], 320);
    assert_eq!(report["outputs"][0]["path"], place.file("card.mkv").to_str().unwrap());
    assert!(report["outputs"][0]["error"].is_null());
}

#[test]
fn flags_beat_the_profile_which_beats_the_preset() {
    let place = Place::empty();
    let config = place.file("profiles.toml");
    let text = "audio = \"none\"\nsource = \"test-card\"\n[profile.small]\npreset = \"discord-720p\"\n\
                size = \"480x270\"\nfps = 20\n";
    std::fs::write(&config, text).unwrap();
    let record = |name: &str, flags: &[&str]| {
        let mut command = ghoststream(place.dir.path());
        command.args(["record", "--json", "--duration", "0.5", "--encoder-preset", "fastest", "--profile"]);
        command.args(["small", "--config"]).arg(&config).arg("-o").arg(place.file(name)).args(flags);
        report(&bounded(&mut command))["renditions"][0].clone()
    };
    let profile = record("profile.mkv", &[]);
    assert_eq!((&profile["width"], &profile["fps"]), (&480.into(), &20.0.into()));
    let flags = record("flags.mkv", &["--size", "320x180", "--preset", "ultra-4k60"]);
    assert_eq!((&flags["width"], &flags["fps"]), (&320.into(), &20.0.into()));
}

#[test]
fn without_a_name_the_file_goes_to_the_videos_directory() {
    let place = Place::empty();
    let mut command = ghoststream(place.dir.path());
    command.args(["record", "--source", "test-card", "--size", "320x180", "--duration", "0.5", "--json"]);
    let ran = bounded(&mut command);
    assert_eq!(ran.status, 0, "{ran:?}");
    let path = report(&ran)["outputs"][0]["path"].as_str().unwrap().to_owned();
    assert!(Path::new(&path).starts_with(place.file("Videos")) && path.ends_with(".mkv"), "{path}");
    assert!(Path::new(&path).exists());
}

#[test]
fn ctrl_c_ends_with_130_and_a_whole_file() {
    for (signal, status, name) in [("INT", 130, "a.mkv"), ("TERM", 143, "b.mp4"), ("HUP", 129, "c.mkv")] {
        let place = Place::empty();
        let running = Background::start(&mut place.command(name, &[]));
        until_recording(&running, &place.file(name));
        running.signal(signal);
        let ran = running.wait();
        assert_eq!((ran.status, ran.stdout.as_str()), (status, ""), "{signal}: {ran:?}");
        whole(&place.file(name));
    }
}

/// The encoder holds so many pictures back that the first signal cannot be done when the second comes.
#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_what_plays() {
    let place = Place::empty();
    let slow = ["--encoder-preset", "best", "--lookahead", "120", "--size", "1280x720", "--audio", "none"];
    let running = Background::start(&mut place.command("card.mkv", &slow));
    until_recording(&running, &place.file("card.mkv"));
    running.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(150));
    running.signal("INT");
    let ran = running.wait();
    assert_eq!(ran.status, 130, "{ran:?}");
    assert!(ran.stderr.contains("ended at once"), "{ran:?}");
    let verdict = judge(place.file("card.mkv")).unwrap();
    // So slow an encoder leaves frames out; what it gave must play.
    let video = verdict.must_have_video();
    assert!(video.frames > 0 && video.decode_errors == 0, "{video:?}");
}

#[test]
fn a_file_that_exists_is_kept_unless_told_otherwise() {
    let place = Place::empty();
    std::fs::write(place.file("card.mkv"), "precious").unwrap();
    let kept = place.record("card.mkv", &["--duration", "0.5"]);
    assert_eq!(kept.status, 1, "{kept:?}");
    assert!(kept.stderr.contains("exists") && kept.stderr.contains("--overwrite"), "{}", kept.stderr);
    assert_eq!(std::fs::read_to_string(place.file("card.mkv")).unwrap(), "precious");
    let replaced = place.record("card.mkv", &["--duration", "0.5", "--overwrite"]);
    assert_eq!(replaced.status, 0, "{replaced:?}");
    assert!(judge(place.file("card.mkv")).unwrap().must_have_video().frames >= 14);
}

#[test]
fn a_directory_that_is_not_there_is_told_by_name() {
    let place = Place::empty();
    let ran = place.record("nowhere/card.mkv", &["--duration", "0.5"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("nowhere/card.mkv"), "{}", ran.stderr);
    let json = place.record("nowhere/card.mkv", &["--json"]);
    assert_eq!((json.status, json.stderr.as_str()), (1, ""));
    assert_eq!(json.json().pop().unwrap()["type"], "error");
}

#[test]
fn a_region_beside_the_picture_is_a_mistake() {
    let place = Place::empty();
    let ran = place.record("card.mkv", &["--region", "5000,5000,64x64"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("1920x1080"), "the picture's size: {}", ran.stderr);
    assert!(!place.file("card.mkv").exists());
}

#[test]
fn a_region_of_the_picture_is_recorded_at_its_own_size() {
    let place = Place::empty();
    let mut command = ghoststream(place.dir.path());
    command.args([
        "record",
        "--source",
        "test-card",
        "--region",
        "100,50,321x181",
        "--audio",
        "none",
        "--json",
    ]);
    command.args(["--duration", "0.5", "--encoder-preset", "fastest", "-o"]).arg(place.file("card.mkv"));
    let ran = bounded(&mut command);
    assert_eq!(ran.status, 0, "{ran:?}");
    let video = report(&ran)["renditions"][0].clone();
    assert_eq!((&video["width"], &video["height"]), (&320.into(), &180.into()), "even sides");
}

#[test]
fn a_desktop_without_a_portal_is_an_error_that_says_what_to_install() {
    let place = Place::empty();
    let mut command = ghoststream(place.dir.path());
    let ran = bounded(command.args(["record", "-o"]).arg(place.file("card.mkv")));
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("xdg-desktop-portal"), "{}", ran.stderr);
    assert!(!place.file("card.mkv").exists());
}
