//! What can be typed, and what is answered: texts, JSON and exit statuses.

mod common;

use common::run;

const COMMANDS: &[&str] = &[
    "record",
    "stream",
    "camera",
    "replay",
    "run",
    "ctl",
    "doctor",
    "presets",
    "bench",
    "completions",
    "man",
];

#[test]
fn help_names_every_command_and_every_setting() {
    let help = run(&["--help"], None);
    assert_eq!((help.status, help.stderr.as_str()), (0, ""));
    for command in COMMANDS {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command} is not in:\n{}", help.stdout);
    }
    let help: String = ["record", "stream"].map(|it| run(&[it, "--help"], None).stdout).concat();
    for key in ghoststream::Settings::KEYS {
        let word = key.replace('_', "-");
        let named = [format!("--{word}"), format!("--no-{word}")].iter().any(|it| help.contains(it));
        assert!(named, "{word} is not in the help");
    }
}

#[test]
fn no_help_line_is_wider_than_a_hundred_columns() {
    for command in COMMANDS {
        let help = run(&[command, "--help"], None);
        assert_eq!(help.status, 0, "{command}");
        for line in help.stdout.lines() {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
    }
}

#[test]
fn nothing_typed_is_a_mistake_answered_with_the_help() {
    let ran = run::<&str>(&[], None);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("Usage: ghoststream"), "{}", ran.stderr);
}

#[test]
fn presets_are_listed_for_people_and_for_programs() {
    let text = run(&["presets"], None);
    assert_eq!(text.status, 0);
    let json = run(&["presets", "--json"], None).json();
    let presets = json[0]["presets"].as_array().unwrap();
    assert_eq!(presets.len(), 6);
    for preset in presets {
        assert!(text.stdout.contains(preset["name"].as_str().unwrap()));
    }
    let gaming = &presets[3];
    assert_eq!(gaming["name"], "gaming-1440p120");
    assert_eq!((&gaming["width"], &gaming["height"]), (&2560.into(), &1440.into()));
    assert_eq!((&gaming["fps"], &gaming["bitrate_kbps"]), (&120.into(), &15000.into()));
}

#[test]
fn a_value_that_cannot_be_used_is_named_with_what_is_allowed() {
    let cases: &[(&str, &str, &str)] = &[
        ("--fps", "0", "1 to 240"),
        ("--fps", "1000", "1 to 240"),
        ("--fps", "NaN", "1 to 240"),
        ("--fps", "fast", "1 to 240"),
        ("--bitrate", "0", "50 to 800000"),
        ("--bitrate", "-1", "50 to 800000"),
        ("--bitrate", "99999999999999999999", "50 to 800000"),
        ("--size", "0x0", "16x16 to 8192x8192"),
        ("--size", "1x1", "16x16 to 8192x8192"),
        ("--size", "16384x16384", "16x16 to 8192x8192"),
        ("--size", "1281x721", "even"),
        ("--size", "huge", "1920x1080"),
        ("--region", "0,0,0x0", "at least 1"),
        ("--region", "-5,0,10x10", "X,Y,WxH"),
        ("--quality", "64", "0 to 63"),
        ("--b-frames", "17", "0 to 16"),
        ("--lookahead", "251", "0 to 250"),
        ("--gop", "0", "0.1 to 60 seconds"),
        ("--duration", "0", "0.1 to"),
        ("--duration", "inf", "0.1 to"),
        ("--source", "webcam", "portal, test-card, test-card:gpu or node:ID"),
        ("--audio", "loud", "desktop, mic, app:NAME, node:ID"),
    ];
    for (option, value, allowed) in cases {
        let ran = run(&["record", "-o", "/nonexistent/x.mkv", option, value], None);
        assert_eq!(ran.status, 2, "{option} {value}: {ran:?}");
        let start = format!("error: {option} {value} is not possible: ");
        assert!(ran.stderr.starts_with(&start), "{option} {value}: {}", ran.stderr);
        assert!(ran.stderr.contains(allowed), "{option} {value}: {}", ran.stderr);
    }
}

#[test]
fn a_word_that_is_not_known_is_answered_with_those_that_are() {
    let cases: &[(&str, &str, &str)] = &[
        ("--codec", "h265", "h264, hevc, av1"),
        ("--encoder", "vaapi", "nvenc, software"),
        ("--preset", "gaming", "gaming-1440p120"),
        ("--rate-control", "abr", "cbr, vbr, cqp, crf"),
        ("--encoder-preset", "slow", "fastest, fast, balanced, quality, best"),
        ("--frame-rate-mode", "vfr", "constant, variable"),
        ("--scaler", "bicubic", "lanczos, bilinear, nearest"),
        ("--cursor", "off", "hidden, embedded, metadata"),
        ("--audio-codec", "mp3", "aac, opus, flac"),
    ];
    for (option, value, allowed) in cases {
        let ran = run(&["record", option, value], None);
        assert_eq!(ran.status, 2, "{option} {value}: {ran:?}");
        assert!(ran.stderr.contains(value) && ran.stderr.contains(allowed), "{}", ran.stderr);
    }
}

#[test]
fn settings_that_exclude_each_other_are_refused() {
    let quality = run(&["record", "--rate-control", "cbr", "--quality", "20"], None);
    assert_eq!(quality.status, 2);
    assert!(quality.stderr.contains("rate-control is cbr"), "{}", quality.stderr);
    let silence = run(&["record", "--audio", "none", "--audio", "mic"], None);
    assert_eq!(silence.status, 2);
    assert!(silence.stderr.contains("none stands alone"), "{}", silence.stderr);
    let latency = run(&["record", "--low-latency", "--b-frames", "2"], None);
    assert_eq!(latency.status, 2);
    assert!(latency.stderr.contains("0 with low-latency"), "{}", latency.stderr);
}

#[test]
fn a_file_whose_format_cannot_be_told_is_refused() {
    for name in ["video.avi", "video", "/tmp", ".mkv"] {
        let ran = run(&["record", "--source", "test-card", "-o", name], None);
        assert_eq!(ran.status, 2, "{name}: {ran:?}");
        assert!(ran.stderr.contains(".mkv, .mp4 or .webm"), "{}", ran.stderr);
    }
}

#[test]
fn mistakes_are_json_where_json_was_asked_for() {
    for arguments in [
        &["record", "--json", "--fps", "0"][..],
        &["record", "--json", "--codec", "nonsense"],
        &["record", "--json", "--no-such-option"],
    ] {
        let ran = run(arguments, None);
        assert_eq!((ran.status, ran.stderr.as_str()), (2, ""), "{arguments:?}");
        let json = ran.json();
        assert_eq!(json.len(), 1);
        assert_eq!((&json[0]["type"], &json[0]["exit_status"]), (&"error".into(), &2.into()));
        assert!(!json[0]["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn completions_and_the_manual_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell], None);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{shell}");
        for word in COMMANDS.iter().chain(&["encoder-preset"]) {
            assert!(ran.stdout.contains(word), "{word} is not in {shell}'s completions");
        }
    }
    let manual = run(&["man"], None);
    assert_eq!((manual.status, manual.stderr.as_str()), (0, ""));
    for command in COMMANDS {
        let section = format!(".SH \"GHOSTSTREAM {}\"", command.to_uppercase());
        assert!(manual.stdout.contains(&section), "{command}");
    }
    assert!(manual.stdout.starts_with(".ie") && manual.stdout.contains("encoder\\-preset"));
}

#[test]
fn a_reader_who_goes_away_is_no_crash() {
    let script = format!(
        "{} man | head -c 1; {} presets | true",
        env!("CARGO_BIN_EXE_ghoststream"),
        env!("CARGO_BIN_EXE_ghoststream")
    );
    let ran = common::bounded(std::process::Command::new("sh").args(["-c", &script]));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn a_stream_key_is_never_printed() {
    let key = "rtmp://live.example/app/secret-key";
    let cases: &[&[&str]] = &[
        &["record", key],
        &["record", "-o", key],
        &["record", "--source", key],
        &["stream", key, key],
        &["stream", key, "--fps", "0"],
        &["stream", key],
        &["record", "--json", key],
        &["record", "--json", "--profile", key],
    ];
    for arguments in cases {
        let ran = run(arguments, None);
        assert!(ran.status == 1 || ran.status == 2, "{ran:?}");
        let said = ran.stdout + &ran.stderr;
        assert!(!said.is_empty() && !said.contains("secret-key"), "{arguments:?}: {said}");
    }
    let profile = run(&["record"], Some(&format!("source = \"{key}\"")));
    assert_eq!(profile.status, 2);
    assert!(!profile.stderr.contains("secret-key"), "{}", profile.stderr);
}
