//! Every link, with ours and with what others do.

use crate::link::Link;
use crate::links::Make;
use crate::over::Over;
use crate::run::Outcome;

/// The mean of several streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    /// Kilobits a second that came in time.
    pub delivered_kbps: f64,
    /// Share of the pictures that did not.
    pub missed: f64,
    /// How far the bitrate was moved without need, in Mbit/s for each minute.
    pub needless: f64,
    /// How far the bitrate was moved, in Mbit/s for each minute.
    pub movement: f64,
    /// How often the bitrate turned round, for each minute.
    pub turns: f64,
    /// Seconds from the path being back to the stream using it; `None` where it was never away.
    pub back: Option<f64>,
}

impl Mean {
    /// Of these.
    pub fn of(outcomes: &[Outcome]) -> Self {
        Self::over(outcomes, |it| Self {
            delivered_kbps: it.delivered_kbps,
            missed: it.missed,
            needless: it.needless,
            movement: it.movement,
            turns: it.turns,
            back: it.back,
        })
    }

    /// Of all rows, each worth the same.
    pub fn total(rows: &[Row], of: fn(&Row) -> Self) -> Self {
        Self::over(rows, of)
    }

    fn over<T>(all: &[T], of: fn(&T) -> Self) -> Self {
        let mean = |value: fn(&Self) -> f64| {
            all.iter().map(|it| value(&of(it))).sum::<f64>() / all.len().max(1) as f64
        };
        Self {
            delivered_kbps: mean(|it| it.delivered_kbps),
            missed: mean(|it| it.missed),
            needless: mean(|it| it.needless),
            movement: mean(|it| it.movement),
            turns: mean(|it| it.turns),
            back: mean_of(all.iter().filter_map(|it| of(it).back)),
        }
    }
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), it| (count + 1, sum + it));
    (count > 0).then(|| sum / f64::from(count))
}

/// A line of the results.
#[derive(Clone, Debug)]
pub struct Row {
    /// As the first seed makes it.
    pub link: Link,
    /// The first of the streams, for the plot: ours, theirs.
    pub shown: [Outcome; 2],
    pub ours: Mean,
    pub theirs: Mean,
}

/// Streams over each link, several times.
pub fn rows(over: Over, links: &[Make], times: u64) -> Vec<Row> {
    let row = |make: &Make| {
        let stream = |policy: fn(Over, &Link, u64) -> Outcome| -> Vec<Outcome> {
            (1..=times).map(|seed| policy(over, &make(seed), seed)).collect()
        };
        let (ours, theirs) = (stream(Over::ours), stream(Over::theirs));
        let shown = [ours[0].clone(), theirs[0].clone()];
        Row { link: make(1), shown, ours: Mean::of(&ours), theirs: Mean::of(&theirs) }
    };
    links.iter().map(row).collect()
}

/// A measure, as two columns.
struct Measure {
    name: &'static str,
    of: fn(&Mean) -> Option<f64>,
    digits: usize,
    unit: &'static str,
    more_is_better: bool,
}

const MEASURES: [Measure; 6] = [
    Measure { more_is_better: true, ..measure("in time, kbit/s", |it| Some(it.delivered_kbps), 0) },
    Measure { unit: " %", ..measure("lost or late", |it| Some(it.missed * 100.0), 2) },
    measure("moved needlessly, Mbit/s a minute", |it| Some(it.needless), 1),
    measure("moved, Mbit/s a minute", |it| Some(it.movement), 1),
    measure("turns a minute", |it| Some(it.turns), 1),
    Measure { unit: " s", ..measure("in use again after", |it| it.back, 1) },
];

const fn measure(name: &'static str, of: fn(&Mean) -> Option<f64>, digits: usize) -> Measure {
    Measure { name, of, digits, unit: "", more_is_better: false }
}

impl Measure {
    /// Both cells, the better one bold where they differ by what is shown.
    fn cells(&self, ours: &Mean, theirs: &Mean) -> String {
        let (Some(ours), Some(theirs)) = ((self.of)(ours), (self.of)(theirs)) else {
            return "– | –".to_owned();
        };
        let (digits, unit) = (self.digits, self.unit);
        let (a, b) = (format!("{ours:.digits$}{unit}"), format!("{theirs:.digits$}{unit}"));
        match (a == b, (ours > theirs) == self.more_is_better) {
            (true, _) => format!("{a} | {b}"),
            (false, true) => format!("**{a}** | {b}"),
            (false, false) => format!("{a} | **{b}**"),
        }
    }
}

/// The results as Markdown.
pub fn markdown(over: Over, rows: &[Row]) -> String {
    let other = over.other();
    // What no link has is left out.
    let has = |it: &&Measure| rows.iter().any(|row| (it.of)(&row.ours).is_some());
    let measures: Vec<_> = MEASURES.iter().filter(has).collect();
    let joined = |of: &dyn Fn(&Measure) -> String| measures.iter().map(|it| of(it)).collect::<Vec<_>>();
    let names = joined(&|it| format!("{}: GhostStream | {other} |", it.name)).join(" ");
    let mut out = format!("| link | {names}\n|---|{}\n", "--:|".repeat(2 * measures.len()));
    let mut line = |name: &str, ours: &Mean, theirs: &Mean| {
        let cells = joined(&|it| it.cells(ours, theirs)).join(" | ");
        out += &format!("| {name} | {cells} |\n");
    };
    for row in rows {
        line(row.link.name, &row.ours, &row.theirs);
    }
    line("all, mean", &Mean::total(rows, |it| it.ours), &Mean::total(rows, |it| it.theirs));
    out
}
