//! The end of a recording, for people.

use std::fmt::Write;

use ghoststream::{OutputReport, Report};

use crate::live::{bytes, clock};

/// A few lines: what was recorded, where, and how well.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for output in report.outputs.iter().flat_map(|it| std::iter::once(it).chain(&it.continued)) {
        let _ = writeln!(text, "{}", headline(output));
    }
    let _ = writeln!(text, "  {}", contents(report));
    let _ = write!(
        text,
        "  {} frames: {} lost, {} repeated, {} left out",
        report.encoded, report.dropped, report.repeated, report.skipped
    );
    if report.interpolated > 0 {
        let _ = write!(text, ", {} interpolated", report.interpolated);
    }
    if report.corrupt > 0 {
        let _ = write!(text, ", {} corrupt", report.corrupt);
    }
    if let Some(skew) = report.av_skew_ms {
        let _ = write!(text, "; sound within {skew:.1} ms of the picture");
    }
    let total = report.latency_total;
    let _ = write!(
        text,
        "\n  latency {:.1} ms, at most {:.1} ms for 95% and {:.1} ms for 99% of the frames",
        total.p50_ms, total.p95_ms, total.p99_ms
    );
    text
}

fn headline(output: &OutputReport) -> String {
    let name = output.path.as_ref().map_or_else(|| "output".to_owned(), |it| it.display().to_string());
    match &output.error {
        None => format!("recorded {name}: {}, {}", clock(output.seconds), bytes(output.bytes)),
        Some(error) => format!("{name} ended early, {} of it are whole: {error}", clock(output.seconds)),
    }
}

fn contents(report: &Report) -> String {
    let picture = report
        .renditions
        .iter()
        .map(|it| format!("{} by {}, {}x{} at {} fps", it.codec, it.encoder, it.width, it.height, it.fps));
    let sound = report.audio.iter().map(|it| format!("{} of {}", it.codec, it.source));
    let all: Vec<_> = picture.chain(sound).collect();
    all.join("; ")
}
