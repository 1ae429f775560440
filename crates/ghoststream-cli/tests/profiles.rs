//! Profiles, as they are met on the command line.

mod common;

use common::{Ran, run};

/// Arguments that are understood and then fail, since the output cannot be: what is wrong with the
/// settings is told first.
fn record(config: &str, arguments: &[&str]) -> Ran {
    let mut all = vec!["record", "--source", "test-card", "-o", "/nonexistent/directory/x.mkv"];
    all.extend(arguments);
    run(&all, Some(config))
}

#[track_caller]
fn refused(ran: &Ran, place: &str, words: &str) {
    assert_eq!(ran.status, 2, "{ran:?}");
    let place = format!("/.config/ghoststream/config.toml:{place}: ");
    assert!(ran.stderr.contains(&place), "no {place:?} in {}", ran.stderr);
    assert!(ran.stderr.contains(words), "no {words:?} in {}", ran.stderr);
}

#[test]
fn a_mistake_in_a_profile_is_told_with_its_place() {
    refused(&record("codec = \"h264\"\nfsp = 60\n", &[]), "2:1", "did you mean \"fps\"?");
    refused(&record("fps = 500", &[]), "1:7", "fps = 500 is not possible: 1 to 240");
    refused(&record("fps = \"60\"", &[]), "1:7", "fps takes a number, not text: 1 to 240");
    refused(&record("[profile.a]\nfps = nan", &[]), "2:7", "fps = nan is not possible: 1 to 240");
    refused(&record("fps = [", &[]), "1:8", "this is not TOML");
    refused(&record("[profile.a]\nsize = \"1x1\"", &["--profile", "a"]), "2:8", "16x16 to 8192x8192");
}

#[test]
fn a_profile_that_does_not_go_with_the_flags_is_told_with_its_place() {
    let ran = record("\n\nquality = 60", &["--codec", "h264"]);
    refused(&ran, "3:11", "quality = 60 is not possible: 0 to 51");
    let flag = record("codec = \"h264\"", &["--quality", "60"]);
    assert_eq!(flag.status, 2);
    assert!(flag.stderr.starts_with("error: --quality 60 is not possible: 0 to 51"), "{}", flag.stderr);
}

#[test]
fn a_profile_that_is_not_there_is_told() {
    let ran = record("[profile.game]\nfps = 60", &["--profile", "gmae"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("did you mean \"game\"?"), "{}", ran.stderr);
    let none = run(&["record", "--profile", "x"], None);
    assert_eq!(none.status, 2);
    assert!(none.stderr.contains("[profile.x]"), "{}", none.stderr);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let ran = run(&["record", "--config", "/nonexistent/config.toml"], None);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("/nonexistent/config.toml cannot be read"), "{}", ran.stderr);
}
