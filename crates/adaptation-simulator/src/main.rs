//! Writes the results: tables, and a plot of each link.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use adaptation_simulator::{HELD_OUT, HELD_OUT_OUTAGES, Make, OUTAGES, Over, TUNED, markdown, rows, svg};

/// How often each link is tried, each time with other pictures and other luck.
const TIMES: u64 = 5;

const HEAD: &str = "# Bitrate adaptation in the simulator\n\nMade by `cargo run -p adaptation-simulator -- \
                    docs/adaptation`; what it means is in [adaptation.md](../adaptation.md).\n";

fn main() -> io::Result<()> {
    let Some(directory) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: adaptation-simulator DIRECTORY, where results.md and the plots are written");
        process::exit(2);
    };
    fs::create_dir_all(&directory)?;
    let mut page = HEAD.to_owned();
    for over in [Over::Rtmp, Over::Srt] {
        page += &part(&directory, over, "thresholds were chosen on these links", TUNED)?;
        page += &part(&directory, over, "links that were held out", HELD_OUT)?;
        page += &part(&directory, over, "servers and paths that go away", OUTAGES)?;
        page += &part(&directory, over, "servers and paths that go away, held out", HELD_OUT_OUTAGES)?;
    }
    fs::write(directory.join("results.md"), page)
}

/// A table of some links, and their plots.
fn part(directory: &Path, over: Over, what: &str, links: &[Make]) -> io::Result<String> {
    let rows = rows(over, links, TIMES);
    let mut page = format!("\n## {}: {what}\n\n{}", over.name(), markdown(over, &rows));
    for row in &rows {
        let name = row.link.name.replace(',', "").replace(' ', "-");
        let file = format!("{}-{name}.svg", over.name().to_lowercase());
        let title = format!("{}: {}", over.name(), row.link.name);
        let plot = svg(&title, &row.shown[0], over.other(), &row.shown[1], over.deadline(&row.link));
        fs::write(directory.join(&file), plot)?;
        page += &format!("\n![{title}]({file})\n");
    }
    Ok(page)
}
