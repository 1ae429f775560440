//! The live line: as much of the status as fits the terminal, and never more than one line.

use ghoststream::{PipelineState, Status};

/// The line for a terminal of this many columns.
pub fn line(status: &Status, columns: usize) -> String {
    match status.state {
        PipelineState::New | PipelineState::Starting => {
            return cut("starting; if a dialog asks what to share, pick it there", columns);
        }
        PipelineState::Stopping | PipelineState::Ended => return cut("finishing the file", columns),
        _ => {}
    }
    let mark = if status.state == PipelineState::Paused { "paused" } else { "rec" };
    let (mark, size) = match status.outputs.iter().find_map(|it| it.replay.as_ref()) {
        // Where nothing else is recorded, what is held is what there is.
        Some(it) if status.outputs.len() == 1 => {
            let mark = if mark == "rec" { "replay" } else { mark };
            (mark, format!("{} held, {} saved", bytes(it.held_bytes), it.clips))
        }
        _ => (mark, bytes(status.bytes)),
    };
    // In the order of the line, each with its rank: the last ranks give way first.
    let fields = [
        (0, format!("{mark} {}", clock(status.seconds))),
        (5, format!("{} frames", status.encoded)),
        (3, format!("{:.0} fps", status.fps)),
        (4, bitrate(status.bitrate_kbps)),
        (1, format!("{} dropped", status.dropped)),
        (6, status.encoders.join("+")),
        (7, format!("{:.0} ms", status.latency.p50_ms)),
        (2, size),
    ];
    let mut chosen = [false; 8];
    let mut left = columns;
    for rank in 0..fields.len() {
        let Some(index) = fields.iter().position(|(it, _)| *it == rank) else { continue };
        let wanted = fields[index].1.chars().count() + if rank == 0 { 0 } else { SEPARATOR.len() };
        if wanted > left {
            break;
        }
        left -= wanted;
        chosen[index] = true;
    }
    let shown = fields.iter().zip(chosen).filter(|(field, it)| *it && !field.1.is_empty());
    shown.map(|((_, text), _)| text.as_str()).collect::<Vec<_>>().join(SEPARATOR)
}

const SEPARATOR: &str = "  ";

fn cut(text: &str, columns: usize) -> String {
    text.chars().take(columns).collect()
}

/// `h:mm:ss`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

/// Bytes with a decimal unit, as file managers show them.
pub fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        it if it >= 1e9 => format!("{:.2} GB", it / 1e9),
        it if it >= 1e6 => format!("{:.1} MB", it / 1e6),
        it => format!("{:.0} kB", it / 1e3),
    }
}

/// Bits a second with a unit.
pub fn bitrate(kbps: f64) -> String {
    if kbps >= 1000.0 { format!("{:.1} Mbit/s", kbps / 1000.0) } else { format!("{kbps:.0} kbit/s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let mut status = Status::default();
        status.state = PipelineState::Running;
        status.seconds = 3_725.4;
        status.encoded = 223_524;
        status.fps = 59.97;
        status.bitrate_kbps = 6_123.4;
        status.encoders = vec!["libx264".into()];
        status.latency.p50_ms = 12.3;
        status.bytes = 2_812_345_678;
        status
    }

    #[test]
    fn a_wide_terminal_shows_everything() {
        let line = line(&status(), 120);
        let whole = "rec 1:02:05  223524 frames  60 fps  6.1 Mbit/s  0 dropped  libx264  12 ms  2.81 GB";
        assert_eq!(line, whole);
    }

    #[test]
    fn no_line_is_longer_than_its_terminal() {
        for state in [PipelineState::Starting, PipelineState::Running, PipelineState::Stopping] {
            let status = {
                let mut it = status();
                it.state = state;
                it
            };
            for columns in 0..130 {
                let line = line(&status, columns);
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn a_narrow_terminal_keeps_what_matters_most() {
        assert_eq!(line(&status(), 40), "rec 1:02:05  60 fps  0 dropped  2.81 GB");
        assert_eq!(line(&status(), 12), "rec 1:02:05");
    }
}
