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
