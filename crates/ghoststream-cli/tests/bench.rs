//! `ghoststream bench` at small sizes: that what it says fits together, never how fast anything is.

mod common;

use common::run;

fn measure(arguments: &[&str]) -> serde_json::Value {
    let small = ["bench", "--size", "320x180", "--fps", "30", "--seconds", "0.2", "--json"];
    let ran = run(&[&small[..], arguments].concat(), None);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let mut objects = ran.json();
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}

fn check(measured: &serde_json::Value) {
    let Some(figures) = measured["figures"].as_object() else {
        assert!(!measured["refusal"]["reason"].as_str().unwrap().is_empty(), "{measured}");
        return;
    };
    for name in ["pictures", "fps", "cpu_ms", "kbps"] {
        assert!(figures[name].as_f64().unwrap() > 0.0, "{name}: {measured}");
    }
    if let Some(latency) = figures["latency"].as_object() {
        let at = |name: &str| latency[name].as_f64().unwrap();
        assert!(
            0.0 < at("p50_ms") && at("p50_ms") <= at("p95_ms") && at("p95_ms") <= at("p99_ms"),
            "{measured}"
        );
    }
    assert!(measured["refusal"].is_null(), "{measured}");
}

#[test]
fn each_encoder_is_measured_or_says_why_not() {
    let found = measure(&["--encoder-preset", "fastest"]);
    assert_eq!((&found["size"], &found["fps"]), (&"320x180".into(), &30.0.into()));
    let encoders = found["encoders"].as_array().unwrap();
    encoders.iter().for_each(check);
    let find = |name: &str| encoders.iter().find(|it| it["encoder"] == name).unwrap();
    assert!(find("libx264")["figures"].is_object(), "{found}");
    for name in ["h264_nvenc", "hevc_nvenc", "av1_nvenc", "libsvtav1", "libx265", "libaom-av1"] {
        find(name);
    }
}

#[test]
fn only_what_was_asked_for_is_measured() {
    let found = measure(&["--codec", "h264", "--encoder", "software", "--low-latency"]);
    let encoders = found["encoders"].as_array().unwrap();
    assert_eq!(encoders.len(), 1, "{found}");
    assert_eq!(encoders[0]["encoder"], "libx264");
    let deep =
        measure(&["--codec", "hevc", "--encoder", "software", "--ten-bit", "--encoder-preset", "fastest"]);
    assert_eq!(deep["ten_bit"], true);
    check(&deep["encoders"][0]);
}

#[test]
fn the_table_names_each_encoder_and_each_refusal() {
    let arguments = ["bench", "--size", "320x180", "--seconds", "0.1", "--codec", "h264", "--fps", "30"];
    let text = run(&arguments, None);
    assert_eq!((text.status, text.stderr.as_str()), (0, ""));
    assert!(text.stdout.starts_with("320x180, 8 bit, encoder preset balanced"), "{}", text.stdout);
    assert!(text.stdout.lines().any(|it| it.starts_with("libx264 ")), "{}", text.stdout);
    assert!(text.stdout.contains("h264_nvenc"), "{}", text.stdout);
}

#[test]
fn what_cannot_be_measured_is_a_usage_error() {
    for (option, value, allowed) in [
        ("--seconds", "0", "0.1 to 600"),
        ("--seconds", "NaN", "0.1 to 600"),
        ("--seconds", "-1", "0.1 to 600"),
        ("--fps", "241", "1 to 240"),
        ("--size", "17x17", "even"),
    ] {
        let ran = run(&["bench", option, value], None);
        assert_eq!(ran.status, 2, "{option} {value}: {ran:?}");
        assert!(ran.stderr.contains(option) && ran.stderr.contains(allowed), "{}", ran.stderr);
    }
}
