//! What is seen on a terminal: a real one, made for the test.
#![allow(unsafe_code)]

mod common;

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};

use common::bounded;

/// A pseudo-terminal of this many columns: our side of it, and the program's.
fn terminal(columns: u16) -> (File, OwnedFd) {
    let (mut ours, mut theirs) = (-1, -1);
    let size = libc::winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: both descriptors are written before they are read, the name and the modes may be
    // absent, and the size is only read.
    let made = unsafe {
        libc::openpty(&raw mut ours, &raw mut theirs, std::ptr::null_mut(), std::ptr::null(), &raw const size)
    };
    assert_eq!(made, 0, "a pseudo-terminal");
    // SAFETY: openpty has just made them, and nothing else knows of them.
    unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}

/// What `record` draws on a terminal of this many columns, without escapes.
fn drawn(columns: u16) -> String {
    let home = tempfile::tempdir().unwrap();
    let (mut ours, theirs) = terminal(columns);
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        // A terminal that nobody has open any more is an error, not an end.
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = ours.read(&mut buffer) {
            text.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(text).unwrap()
    });
    let mut command = std::process::Command::new("sh");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home.path())
        .env("TERM", "xterm")
        .env("XDG_RUNTIME_DIR", home.path());
    let script = "exec \"$0\" record --source test-card --size 320x180 --fps 30 --encoder-preset fastest \
                  --duration 2 -o \"$HOME/x.mkv\" >&\"$1\" 2>&1";
    // The shell puts the terminal in the place of the pipes that `bounded` reads.
    let number = std::os::fd::AsRawFd::as_raw_fd(&theirs);
    // SAFETY: fcntl changes a flag of a descriptor that is ours: the child is to inherit it.
    assert_eq!(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }, 0);
    command.args(["-c", script, env!("CARGO_BIN_EXE_ghoststream"), &number.to_string()]);
    let ran = bounded(&mut command);
    drop(theirs);
    assert_eq!(ran.status, 0, "{ran:?}");
    let text = reader.join().unwrap();
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).get(1..).unwrap_or_default();
    }
    plain + rest
}

#[test]
fn the_live_line_shows_the_recording_and_never_wraps() {
    for columns in [100, 50, 20] {
        let text = drawn(columns);
        let lines = text.split(['\r', '\n']).map(str::trim_end);
        let live: Vec<&str> = lines.filter(|it| it.starts_with("rec 0:00:0")).collect();
        assert!(live.len() >= 4, "{columns}: {text}");
        for line in live {
            assert!(line.chars().count() < usize::from(columns), "{columns}: {line}");
        }
        let newlines = text.matches('\n').count();
        let notes = text.matches("note: ").count();
        assert_eq!(newlines, notes + 5, "the summary has five lines, the live line none: {text}");
    }
    let wide = drawn(120);
    for part in [" frames  ", " fps  ", "bit/s  ", " dropped  ", "  libx264  ", " ms  "] {
        assert!(wide.contains(part), "{part:?} is not in {wide}");
    }
    assert!(wide.contains("recorded ") && wide.contains("0 lost"), "{wide}");
}
