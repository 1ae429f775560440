//! 240 frames a second at 1280x720: what is lost, and how evenly.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::Session;
use testkit::judge::judge;

use crate::Plan;
use crate::recorders::{last_json, producer, record};
use crate::table::Findings;

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(10);
    let mut rows = Vec::new();
    for fps in [120, 240] {
        for _ in 0..plan.rounds {
            rows.push(one(fps, length)?);
        }
    }
    Ok(Findings {
        title: "High rates".into(),
        about: format!(
            "The test card at 1280x720 from another process, recorded for {} s with the `fastest` encoder preset \
             (x264 ultrafast). `longest run` is the most frames in a row that are missing: 1 is as even as dropping \
             can be.",
            length.as_secs()
        ),
        head: vec![
            "frames a second",
            "sent to us",
            "encoded",
            "reported dropped",
            "missing by the judge",
            "longest run",
        ],
        rows,
        conclusion: String::new(),
    })
}

fn one(fps: u32, length: Duration) -> Result<Vec<String>> {
    let session = Session::start()?;
    let mut source = Command::new(producer()?);
    source.args(["--name", "bench", "--size", "1280x720", "--fps", &fps.to_string(), "--format", "BGRx"]);
    let mut child = source.envs(session.environment()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let out = session.dir().join("out.mkv");
    let mut command = record("node:bench", &out, length.as_secs())?;
    command.args(["--audio", "none", "--fps", &fps.to_string()]);
    let usage = session.spawn(&mut command)?.finish(None, length + Duration::from_secs(60))?;
    child.kill()?;
    child.wait()?;
    let log = session.dir().join("logs/ghoststream");
    anyhow::ensure!(usage.status == Some(0), "it failed: {}", std::fs::read_to_string(&log)?);
    let report = last_json(&log, "report")?;
    let report = if report["report"].is_object() { &report["report"] } else { &report };
    let card = judge(&out)?.card.context("no test card in the recording")?;
    let mut lost = card.lost_numbers.clone();
    lost.sort_unstable();
    let longest = lost.chunk_by(|a, b| a + 1 == *b).map(<[i64]>::len).max().unwrap_or(0);
    Ok(vec![
        fps.to_string(),
        report["captured"].to_string(),
        report["encoded"].to_string(),
        report["dropped"].to_string(),
        card.lost.to_string(),
        longest.to_string(),
    ])
}
