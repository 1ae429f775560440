//! Printing that survives a reader who has gone, keeps clear of the live line, and tells no secret.
//!
//! `println!` panics when the pipe is closed. A recording must not end because `| head` did.

use std::io::{self, Write};
use std::sync::OnceLock;

use indicatif::ProgressBar;

/// The live line, while there is one: what is printed goes above it.
static LIVE: OnceLock<ProgressBar> = OnceLock::new();

/// From now on this line is moved out of the way of what is printed.
pub fn keep_clear_of(line: &ProgressBar) {
    // There is one for each process; a second one would draw over the first anyway.
    let _ = LIVE.set(line.clone());
}

/// A line on standard output.
pub fn line(text: &str) {
    above(|| {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    });
}

/// A line on standard error.
pub fn warn(text: &str) {
    above(|| {
        let _ = writeln!(io::stderr().lock(), "{text}");
    });
}

fn above(print: impl FnOnce()) {
    match LIVE.get() {
        Some(line) => line.suspend(print),
        None => print(),
    }
}

/// Where log lines go.
#[derive(Debug)]
pub struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        above(|| {
            let _ = io::stderr().lock().write_all(bytes);
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Leaves out what follows the scheme of a live server's URL: it holds stream keys and passphrases,
/// and mistakes on the command line are printed with what was typed.
pub fn without_secrets(text: &str) -> String {
    const SCHEMES: [&str; 4] = ["rtmp://", "rtmps://", "srt://", "rtsp://"];
    let lower = text.to_ascii_lowercase();
    let (mut clean, mut at) = (String::with_capacity(text.len()), 0);
    while at < text.len() {
        let rest = &lower[at..];
        let Some(scheme) = SCHEMES.iter().find(|it| rest.starts_with(**it)) else {
            let next = text[at..].chars().next().map_or(1, char::len_utf8);
            clean.push_str(&text[at..at + next]);
            at += next;
            continue;
        };
        let end = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`');
        let length = rest.find(end).unwrap_or(rest.len());
        clean.push_str(scheme);
        let after = &text[at + scheme.len()..at + length];
        // A scheme in a sentence of ours has nothing behind it but the sentence's own marks.
        clean.push_str(if after.chars().all(|it| ",.;:?)".contains(it)) { after } else { "…" });
        at += length;
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn urls_of_live_servers_lose_their_keys() {
        let clean = without_secrets("unexpected 'rtmp://live.example/app/KEY' and SRT://h:1?passphrase=P é");
        assert_eq!(clean, "unexpected 'rtmp://…' and srt://… é");
        let plain = ["", "https://example.org/help", "é: --fps 5", "rtmp:/x", "rtmp://, rtmps:// or srt://?"];
        for plain in plain {
            assert_eq!(without_secrets(plain), plain);
        }
    }
}
