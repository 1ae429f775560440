//! Pictures of streams, as SVG.

use std::fmt::Write;

use crate::run::{Outcome, Trace};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 24.0;
/// Top and height of the two fields: rates, and delays.
const RATES: (f64, f64) = (52.0, 250.0);
const DELAYS: (f64, f64) = (340.0, 110.0);
const HEIGHT: f64 = 486.0;

const LINK: &str = "#b8b8b8";
const OURS: &str = "#0a7d3c";
const THEIRS: &str = "#c2410c";

/// What carried, what was asked of the encoder, and how old pictures were when they came: ours and
/// that of another, by name.
pub fn svg(title: &str, ours: &Outcome, name: &str, theirs: &Outcome, deadline: u64) -> String {
    let most_kbps = 10_000.0;
    let most_delay = deadline as f64 / 1000.0 * 1.5;
    let seconds = ours.trace.len() as f64 / 10.0;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\"><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"16\">{title}</text>"
    );
    legend(&mut out, &[("the link", LINK), ("GhostStream", OURS), (name, THEIRS)]);
    axes(&mut out, RATES, most_kbps / 1000.0, 2.0, "Mbit/s", seconds);
    axes(&mut out, DELAYS, most_delay, deadline as f64 / 1000.0, "s", seconds);
    let rate = |kbps: f64| (kbps / most_kbps).min(1.0);
    area(&mut out, &ours.trace, |it| rate(it.link_kbps));
    let delay = |it: &Trace| (it.delay.max(it.queue_age) as f64 / 1000.0 / most_delay).min(1.0);
    for (trace, colour) in [(&theirs.trace, THEIRS), (&ours.trace, OURS)] {
        line(&mut out, trace, RATES, colour, |it| rate(f64::from(it.kbps)));
        line(&mut out, trace, DELAYS, colour, delay);
    }
    let _ = write!(
        out,
        "<text x=\"{LEFT}\" y=\"{}\" fill=\"#444\">Age of the last picture that arrived, or of the oldest that \
         waits. Later than {} s is too late.</text></svg>",
        DELAYS.0 - 8.0,
        deadline as f64 / 1000.0
    );
    out
}

fn legend(out: &mut String, names: &[(&str, &str)]) {
    for (index, (name, colour)) in names.iter().enumerate() {
        let x = LEFT + 170.0 * index as f64;
        let _ = write!(
            out,
            "<rect x=\"{x}\" y=\"33\" width=\"18\" height=\"8\" fill=\"{colour}\"/><text x=\"{}\" y=\"42\">{name}</text>",
            x + 24.0
        );
    }
}

fn axes(out: &mut String, (top, height): (f64, f64), most: f64, step: f64, unit: &str, seconds: f64) {
    let mut value = 0.0;
    while value <= most {
        let y = top + height * (1.0 - value / most);
        let _ = write!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value} {unit}</text>",
            WIDTH - RIGHT,
            LEFT - 5.0,
            y + 4.0
        );
        value += step;
    }
    let mut at = 0.0;
    while at <= seconds {
        let x = LEFT + (WIDTH - LEFT - RIGHT) * at / seconds;
        let y = top + height + 16.0;
        let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{at:.0} s</text>");
        at += 30.0;
    }
}

/// Points of a curve whose values go from 0 to 1; of a stretch in which it stays the ends alone.
fn points(trace: &[Trace], (top, height): (f64, f64), value: impl Fn(&Trace) -> f64) -> String {
    let heights: Vec<String> =
        trace.iter().map(|it| format!("{:.1}", top + height * (1.0 - value(it)))).collect();
    let mut out = String::new();
    for (index, y) in heights.iter().enumerate() {
        let stays = index > 0 && heights[index - 1] == *y && heights.get(index + 1) == Some(y);
        if !stays {
            let x = LEFT + (WIDTH - LEFT - RIGHT) * index as f64 / trace.len() as f64;
            let _ = write!(out, "{x:.1},{y} ");
        }
    }
    out
}

fn line(out: &mut String, trace: &[Trace], field: (f64, f64), colour: &str, value: impl Fn(&Trace) -> f64) {
    let points = points(trace, field, value);
    let _ =
        write!(out, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
}

fn area(out: &mut String, trace: &[Trace], value: impl Fn(&Trace) -> f64) {
    let (bottom, points) = (RATES.0 + RATES.1, points(trace, RATES, value));
    let right = WIDTH - RIGHT;
    let _ = write!(
        out,
        "<polygon points=\"{LEFT},{bottom} {points} {right},{bottom}\" fill=\"{LINK}\" fill-opacity=\"0.45\"/>"
    );
}
