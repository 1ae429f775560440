//! The live line: as much of the status as fits the terminal, and never more than one line.

use ghoststream::{OutputState, PipelineState, Status};

/// The line for a terminal of this many columns.
pub fn line(status: &Status, columns: usize) -> String {
    match status.state {
        PipelineState::New | PipelineState::Starting => {
            return cut("starting; if a dialog asks what to share, pick it there", columns);
        }
        PipelineState::Stopping | PipelineState::Ended => return cut("finishing", columns),
        _ => {}
    }
    let streams = Streams::of(status);
    // A camera alone, which counts what it shows only when it ends.
    let unencoded = status.encoders.is_empty();
    let mark = match status.state {
        PipelineState::Paused => "paused",
        _ if unencoded => "camera",
        _ if streams.all > 0 && streams.all == status.outputs.len() => "live",
        _ => "rec",
    };
    let (mark, size) = match status.outputs.iter().find_map(|it| it.replay.as_ref()) {
        // Where nothing else is recorded, what is held is what there is.
        Some(it) if status.outputs.len() == 1 => {
            let mark = if mark == "rec" { "replay" } else { mark };
            (mark, format!("{} held, {} saved", bytes(it.held_bytes), it.clips))
        }
        _ => (mark, bytes(status.bytes)),
    };
    if unencoded {
        return cut(&format!("{mark} {}", clock(status.seconds)), columns);
    }
    // In the order of the line, each with its rank: the last ranks give way first.
    let fields = [
        (0, format!("{mark} {}", clock(status.seconds))),
        (1, streams.trouble()),
        (6, format!("{} frames", status.encoded)),
        (4, format!("{:.0} fps", status.fps)),
        (5, bitrate(status.bitrate_kbps)),
        (2, format!("{} dropped", status.dropped)),
        (7, status.encoders.join("+")),
        (8, format!("{:.0} ms", status.latency.p50_ms)),
        (3, size),
    ];
    let mut chosen = [false; 9];
    let mut left = columns;
    for rank in 0..fields.len() {
        let Some(index) = fields.iter().position(|(it, _)| *it == rank) else { continue };
        if fields[index].1.is_empty() {
            continue;
        }
        let wanted = fields[index].1.chars().count() + if rank == 0 { 0 } else { SEPARATOR.len() };
        if wanted > left {
            break;
        }
        left -= wanted;
        chosen[index] = true;
    }
    let shown = fields.iter().zip(chosen).filter(|(_, it)| *it);
    shown.map(|((_, text), _)| text.as_str()).collect::<Vec<_>>().join(SEPARATOR)
}

const SEPARATOR: &str = "  ";

/// How the live streams go.
#[derive(Debug, Default)]
struct Streams {
    all: usize,
    /// Those whose server is being dialled again.
    away: usize,
    /// Pictures that servers never got.
    lost: u64,
}

impl Streams {
    fn of(status: &Status) -> Self {
        let mut streams = Self::default();
        for output in &status.outputs {
            let Some(live) = &output.live else { continue };
            streams.all += 1;
            streams.away += usize::from(output.state == OutputState::Reconnecting);
            streams.lost += live.dropped;
        }
        streams
    }

    /// What viewers miss; nothing where they miss nothing.
    fn trouble(&self) -> String {
        match (self.away, self.all) {
            (1, 1) => "RECONNECTING".to_owned(),
            (away @ 1.., all) => format!("{away} of {all} streams RECONNECTING"),
            _ if self.lost > 0 => format!("{} lost", self.lost),
            _ => String::new(),
        }
    }
}

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
    fn a_camera_alone_has_no_frames_to_count() {
        let mut status = status();
        status.encoders.clear();
        assert_eq!(line(&status, 120), "camera 1:02:05");
        status.state = PipelineState::Paused;
        assert_eq!(line(&status, 120), "paused 1:02:05");
    }

    #[test]
    fn what_viewers_miss_is_told() {
        let trouble = |all, away, lost| Streams { all, away, lost }.trouble();
        assert_eq!(trouble(2, 0, 0), "");
        assert_eq!(trouble(1, 0, 41), "41 lost");
        assert_eq!(trouble(1, 1, 41), "RECONNECTING");
        assert_eq!(trouble(3, 2, 0), "2 of 3 streams RECONNECTING");
    }

    #[test]
    fn a_narrow_terminal_keeps_what_matters_most() {
        assert_eq!(line(&status(), 40), "rec 1:02:05  60 fps  0 dropped  2.81 GB");
        assert_eq!(line(&status(), 12), "rec 1:02:05");
    }
}
