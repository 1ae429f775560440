//! Results as Markdown, with the machine that they come from.

use std::fmt::Write as _;

/// What a bench found: prose, a head and rows.
#[derive(Debug, Default)]
pub struct Findings {
    pub title: String,
    pub about: String,
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    pub conclusion: String,
}

/// The page to keep.
pub fn page(name: &str, findings: &Findings) -> String {
    let mut page = format!("# {}\n\n{}\n\n", findings.title, findings.about.trim());
    let _ = writeln!(
        page,
        "Machine: {}. Run with `cargo run --release -p testkit --bin bench -- {name}`.\n",
        machine()
    );
    let _ = writeln!(page, "| {} |", findings.head.join(" | "));
    let _ = writeln!(page, "|{}", "---|".repeat(findings.head.len()));
    for row in &findings.rows {
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
    let _ = writeln!(page, "\n{}", findings.conclusion.trim());
    page
}

/// The median of some figures; not a number where there are none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|it| it.strip_prefix("model name")).unwrap_or("an unknown CPU");
    let model = model.trim_start_matches(['\t', ':', ' ']);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let system = read("/etc/os-release");
    let system = system.lines().find_map(|it| it.strip_prefix("PRETTY_NAME=")).unwrap_or("Linux");
    format!(
        "{model}, {cores} cores of a shared virtual machine, {}, FFmpeg {}",
        system.trim_matches('"'),
        ghoststream::ffmpeg_version()
    )
}
