//! Printing that survives a reader who has gone.
//!
//! `println!` panics when the pipe is closed. A recording must not end because `| head` did.

use std::io::Write;

/// A line on standard output.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line on standard error.
pub fn warn(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
