//! `ghoststream doctor`, where there is nothing, and within a session.

mod common;

use common::{bounded, ghoststream, run};
use testkit::portal::{Answer, Keys, Script};

#[test]
fn a_machine_without_a_session_is_examined_all_the_same() {
    let text = run(&["doctor"], None);
    assert_eq!((text.status, text.stderr.as_str()), (0, ""));
    for heading in [
        "Machine",
        "NVENC",
        "Vulkan",
        "Desktop",
        "Encoders at 1920x1080",
        "What each preset would use",
        "What is missing",
    ] {
        assert!(text.stdout.lines().any(|it| it == heading), "{heading} is not in:\n{}", text.stdout);
    }
    assert!(!text.stdout.contains('\u{1b}'), "colours without a terminal");
    let json = run(&["doctor", "--json"], None).json();
    let found = &json[0];
    assert!(found["ffmpeg"].as_str().unwrap().contains('.'));
    assert!(found["pipewire"]["library"].as_str().unwrap().starts_with(['0', '1']));
    assert!(found["pipewire"]["error"].is_string() && found["portal"]["error"].is_string());
    assert!(found["session"]["compositor"].is_null());
    assert_eq!(found["presets"].as_array().unwrap().len(), 6);
    for problem in found["problems"].as_array().unwrap() {
        assert!(!problem["what"].as_str().unwrap().is_empty(), "{problem}");
        assert!(!problem["remedy"].as_str().unwrap().is_empty(), "{problem}");
    }
    let blocking = |it: &&serde_json::Value| it["blocking"] == true;
    let count = found["problems"].as_array().unwrap().iter().filter(blocking).count();
    assert_eq!(count, 2, "PipeWire and the portal: {}", found["problems"]);
}

#[test]
fn each_encoder_works_or_says_why_not() {
    let json = run(&["doctor", "--json"], None).json();
    let encoders = json[0]["encoders"].as_array().unwrap();
    let find = |name: &str| encoders.iter().find(|it| it["encoder"] == name).unwrap();
    assert!(find("libx264")["refusal"].is_null(), "{encoders:?}");
    for name in ["h264_nvenc", "hevc_nvenc", "av1_nvenc", "libx265", "libsvtav1", "libaom-av1"] {
        let refusal = &find(name)["refusal"];
        assert!(refusal.is_null() || !refusal["reason"].as_str().unwrap().is_empty(), "{name}: {refusal}");
    }
    for preset in json[0]["presets"].as_array().unwrap() {
        assert!(preset["encoder"].is_string() && preset["codec"].is_string(), "{preset}");
    }
}

#[test]
fn vulkans_devices_are_told_and_software_is_known_for_what_it_is() {
    let found = run(&["doctor", "--json"], None).json().remove(0);
    let vulkan = &found["vulkan"];
    let devices = vulkan["devices"].as_array().unwrap();
    let lavapipe = devices.iter().find(|it| it["kind"] == "software").expect("lavapipe");
    assert!(lavapipe["name"].as_str().unwrap().starts_with("llvmpipe"), "{lavapipe}");
    assert!(lavapipe["driver"].as_str().unwrap().contains("Mesa"), "{lavapipe}");
    assert_ne!(vulkan["auto"], lavapipe["name"], "{vulkan}");
    assert!(!vulkan["reason"].as_str().unwrap().is_empty(), "{vulkan}");
    for missing in lavapipe["missing"].as_array().unwrap() {
        assert!(missing["feature"].is_string() && missing["without"].is_string(), "{missing}");
    }
    let page = run(&["doctor"], None).stdout;
    assert!(page.contains("(the CPU, playing a GPU)") && page.contains("processing auto"), "{page}");
}

#[test]
fn a_machine_without_a_vulkan_driver_says_what_to_install() {
    let home = tempfile::tempdir().unwrap();
    // The loader takes these in place of all that are installed.
    let mut command = ghoststream(home.path());
    command.env("VK_DRIVER_FILES", "/nonexistent.json").env("VK_ICD_FILENAMES", "/nonexistent.json");
    let ran = bounded(command.args(["doctor", "--json"]));
    assert_eq!(ran.status, 0, "{ran:?}");
    let vulkan = &ran.json().remove(0)["vulkan"];
    assert!(vulkan["error"].as_str().is_some_and(|it| it.contains("no driver that works")), "{vulkan}");
    assert!(vulkan["remedy"].as_str().is_some_and(|it| it.contains("mesa-vulkan-drivers")), "{vulkan}");
    assert!(vulkan["auto"].is_null() && vulkan["devices"].as_array().unwrap().is_empty(), "{vulkan}");
}

#[test]
fn a_sessions_pipewire_is_found_with_its_version() {
    let session = testkit::Session::start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut found = serde_json::Value::Null;
    // WirePlumber is there some moments after its start.
    common::until("WirePlumber's appearance", || {
        let ran = bounded(ghoststream(home.path()).envs(session.environment()).args(["doctor", "--json"]));
        assert_eq!(ran.status, 0, "{ran:?}");
        found = ran.json().remove(0);
        found["pipewire"]["session_manager"].is_string()
    });
    let pipewire = &found["pipewire"];
    assert_eq!(pipewire["daemon"], pipewire["library"], "one machine, one version: {pipewire}");
    assert!(pipewire["error"].is_null());
    let text = bounded(ghoststream(home.path()).envs(session.environment()).arg("doctor"));
    assert!(text.stdout.contains("session manager    ok WirePlumber"), "{}", text.stdout);
}

#[test]
fn a_bus_that_never_answers_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let bus = std::os::unix::net::UnixListener::bind(dir.path().join("bus")).unwrap();
    let _pipewire = std::os::unix::net::UnixListener::bind(dir.path().join("pipewire-0")).unwrap();
    let address = format!("unix:path={}", dir.path().join("bus").display());
    let mut command = ghoststream(dir.path());
    command.env("DBUS_SESSION_BUS_ADDRESS", address).env("XDG_RUNTIME_DIR", dir.path());
    let ran = bounded(command.args(["doctor", "--json"]));
    drop(bus);
    assert_eq!(ran.status, 0, "{ran:?}");
    let found = ran.json().remove(0);
    assert!(found["pipewire"]["error"].as_str().unwrap().contains("did not answer"), "{found}");
    assert!(found["portal"]["error"].as_str().unwrap().contains("did not answer"), "{found}");
}

#[test]
fn a_portal_is_asked_what_it_can_share_without_a_dialog() {
    let session = testkit::Session::start().unwrap();
    let refuses = Script::new(Answer::Refuse);
    let portal = testkit::Portal::start(&session, refuses).unwrap();
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        bounded(ghoststream(home.path()).envs(session.environment()).arg("doctor").args(arguments))
    };
    let found = run(&["--json"]).json().remove(0);
    let cast = &found["portal"]["screen_cast"];
    assert_eq!(cast["sources"], serde_json::json!(["monitor", "window", "virtual"]), "{found}");
    assert!(found["portal"]["error"].is_null());
    let text = run(&[]).stdout;
    assert!(text.contains("monitor, window, virtual; cursor hidden, embedded, metadata"), "{text}");
    assert!(found["portal"]["global_shortcuts"].is_null(), "{found}");
    assert!(text.contains("hotkeys            -- the portal has no global shortcuts"), "{text}");
    assert_eq!(portal.seen().dialogs, 0);
}

#[test]
fn global_shortcuts_are_told_without_a_dialog() {
    let session = testkit::Session::start().unwrap();
    let script = Script::new(Answer::Refuse).with_keys(Keys::All);
    let portal = testkit::Portal::start(&session, script).unwrap();
    let home = tempfile::tempdir().unwrap();
    let ran = bounded(ghoststream(home.path()).envs(session.environment()).arg("doctor"));
    assert!(ran.stdout.contains("hotkeys            ok global shortcuts, version"), "{ran:?}");
    assert_eq!(portal.seen().dialogs, 0);
}
