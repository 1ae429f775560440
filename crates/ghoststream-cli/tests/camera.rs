//! `ghoststream camera`, looked at by GStreamer.

mod common;

use common::{Background, bounded, ghoststream, until};
use testkit::Session;
use testkit::judge::judge;
use testkit::peers::GstViewer;

#[test]
fn the_test_card_is_a_camera_of_the_name_that_was_asked_for() {
    let session = Session::start().unwrap();
    let mut command = ghoststream(session.dir());
    command.envs(session.environment()).args(["camera", "--name", "Desk", "--source", "test-card", "--json"]);
    let camera = Background::start(command.args(["--size", "640x360", "--fps", "30"]));
    let path = session.dir().join("seen.mkv");
    until("the camera", || {
        let listed = std::process::Command::new("pw-dump").envs(session.environment()).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).contains("ghoststream-camera.desk")
    });
    let viewer =
        GstViewer::record(&session, "ghoststream-camera.desk", "video/x-raw,width=640", 30, &path).unwrap();
    let recorded = viewer.recorded().unwrap();
    camera.signal("INT");
    let ran = camera.wait();
    println!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.status, 130);
    let report = ran.json().pop().unwrap();
    let told = &report["outputs"][0]["camera"];
    // Newer GStreamers look once before they stay.
    assert!(told["name"] == "Desk" && told["opened"].as_u64() >= Some(1), "{told}");
    assert_eq!(report["renditions"], serde_json::json!([]), "no encoder was opened");
    let verdict = judge(&recorded).unwrap();
    println!("{verdict}");
    let card = verdict.card.as_ref().unwrap();
    assert!(card.read >= 20 && card.out_of_order == 0, "{card:?}");
}

#[test]
fn names_and_devices_that_cannot_be_are_told() {
    let home = tempfile::tempdir().unwrap();
    let long = "x".repeat(4096);
    for name in ["", "two\nlines", &long] {
        let ran = bounded(ghoststream(home.path()).args(["camera", "--source", "test-card", "--name", name]));
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("choose one of 1 to 128 bytes in a single line"), "{}", ran.stderr);
    }
    let ran = bounded(ghoststream(home.path()).args([
        "camera",
        "--source",
        "test-card",
        "--v4l2",
        "/dev/no-video",
    ]));
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("modprobe v4l2loopback"), "{}", ran.stderr);
}

#[test]
#[ignore = "needs devices of v4l2loopback's: make test-vm"]
fn ffmpeg_sees_the_card_in_a_v4l2_device() {
    let home = tempfile::tempdir().unwrap();
    let mut command = ghoststream(home.path());
    command.args(["camera", "--v4l2", "/dev/video40", "--source", "test-card", "--json"]);
    let camera = Background::start(command.args(["--size", "320x180", "--fps", "5"]));
    // It is a device that takes pictures until somebody writes them. An emulated processor takes its time.
    let state = || std::fs::read_to_string("/sys/class/video4linux/video40/state").unwrap();
    while !state().starts_with("capture") {
        assert!(camera.runs(), "{}", camera.wait().stderr);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let path = home.path().join("seen.nut");
    let mut ffmpeg = std::process::Command::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-nostdin", "-f", "v4l2", "-i", "/dev/video40", "-frames:v", "30"]);
    let seen = ffmpeg.args(["-c", "copy"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&seen.stderr);
    camera.signal("INT");
    let ran = camera.wait();
    println!("{}{}{said}", ran.stdout, ran.stderr);
    assert!(seen.status.success() && ran.status == 130);
    // As it was agreed on with the device.
    assert!(["yuyv422", "320x180", ", 5 fps"].iter().all(|it| said.contains(it)), "{said}");
    let told = &ran.json().pop().unwrap()["outputs"][0]["camera"];
    assert!(told["name"] == "GhostStream Camera" && told["dropped"] == 0, "{told}");
    let verdict = judge(&path).unwrap();
    println!("{verdict}");
    let (video, card) = (verdict.must_have_video(), verdict.card.as_ref().unwrap());
    // A busy machine shows the still card where it makes no picture for a second.
    assert!(Some(card.unreadable) <= told["cards"].as_u64() && card.out_of_order == 0, "{card:?}");
    assert!(video.frames == 30 && card.read > 0, "{card:?}");
}
