//! `ghoststream record` on a real desktop: what its window shows and its sink plays, into each
//! container, judged.
//!
//! The window draws when the compositor lets it, which a busy machine does unevenly; that no frame is
//! lost or moved on the way into the file is tested with the test card as the source.

mod common;

use common::{bounded, ghoststream};
use ghoststream::Size;
use testkit::judge::judge;
use testkit::sound::{self, Player, Sink};
use testkit::{CardWindow, Desktop};

/// From a frame being drawn to the compositor's having shown it and the portal's having copied it,
/// milliseconds: two refreshes, and what a busy machine adds. The sound has no such way to go.
const SHOWN_WITHIN_MS: f64 = 100.0;

#[test]
fn the_desktop_is_recorded_to_matroska_with_its_sound() {
    record("mkv", "h264", "opus");
}

#[test]
fn the_desktop_is_recorded_to_mp4_with_its_sound() {
    record("mp4", "h264", "aac");
}

#[test]
fn the_desktop_is_recorded_to_webm_with_its_sound() {
    record("webm", "av1", "opus");
}

fn record(extension: &str, codec: &str, sound: &str) {
    let size = Size::new(640, 360);
    let desktop = Desktop::start(size).unwrap();
    desktop.enter();
    let sink = Sink::new(&desktop, "speakers").unwrap();
    sound::set_default_sink(&desktop, sink.name()).unwrap();
    let _player = Player::start("card", None, sound::beeps()).unwrap();
    let _window = CardWindow::open(&desktop.wayland(), Some(30.0)).unwrap();
    let file = desktop.dir().join(format!("desktop.{extension}"));
    let mut command = ghoststream(&desktop.dir().join("home"));
    command.envs(desktop.environment()).args(["record", "--fps", "30", "--encoder-preset", "fastest"]);
    command.args(["--codec", codec, "--audio", "desktop", "--audio-codec", sound]);
    let ran = bounded(command.args(["--duration", "4", "-o"]).arg(&file));
    assert_eq!(ran.status, 0, "{ran:?}\n{}", desktop.logs());

    let verdict = judge(&file).unwrap();
    let video = verdict.must_have_video();
    assert_eq!((video.codec.as_str(), video.width, video.height), (codec, size.width, size.height));
    assert_eq!((video.decode_errors, video.backwards, verdict.unordered_packets), (0, 0, 0), "{verdict}");
    assert!(video.color_error.is_some_and(|it| it <= 8.0), "{verdict}");
    assert!((115..=125).contains(&video.frames), "{verdict}");
    let duration = verdict.duration_seconds.unwrap();
    assert!(!verdict.cut && (duration - verdict.content_seconds).abs() < 0.1, "{verdict}");
    assert!(verdict.seek.is_none_or(|seek| seek.ok), "{verdict}");

    let card = verdict.must_be_the_card();
    assert_eq!((card.out_of_order, card.unreadable), (0, 0), "{verdict}");
    assert_eq!(verdict.audio[0].codec, sound);
    verdict.must_be_in_sync(SHOWN_WITHIN_MS);
}
