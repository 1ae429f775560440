//! CPU of each stage per 1080p frame: what everything but the encoder takes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::Session;

use crate::Plan;
use crate::recorders::{last_json, producer, record};
use crate::table::{Findings, median};

const STAGES: [&str; 6] = ["capture", "picture", "output", "main", "other", "encoder"];

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(10);
    let mut rows = Vec::new();
    let mut conclusion = String::new();
    for (what, damage) in [("everything changes", "off"), ("the card's own damage", "on")] {
        let rounds = (0..plan.rounds).map(|_| one(length, damage)).collect::<Result<Vec<_>>>()?;
        let of = |stage: &str| median(rounds.iter().map(|it| it.get(stage).copied().unwrap_or(0.0)));
        let without =
            |it: &BTreeMap<&str, f64>| it.iter().filter(|(k, _)| **k != "encoder").map(|(_, v)| v).sum();
        let ours = median(rounds.iter().map(without));
        let mut row = vec![what.to_owned()];
        row.extend(STAGES.iter().map(|it| format!("{:.3}", of(it))));
        row.push(format!("{ours:.2}"));
        rows.push(row);
        conclusion +=
            &format!("{what}: everything but the encoder takes {ours:.2} ms (the aim: at most 1.5).\n\n");
    }
    let mut head = vec!["damage"];
    head.extend(STAGES);
    head.push("all but the encoder");
    Ok(Findings {
        title: "CPU per frame, by stage".into(),
        about: format!(
            "The test card, 1920x1080 BGRx at 60 Hz from another process, to Matroska with x264 ultrafast, {} rounds \
             of {} s; medians of milliseconds of CPU per encoded frame, by thread. `encoder` is the encoder's own \
             thread and x264's workers.",
            plan.rounds,
            length.as_secs()
        ),
        head,
        rows,
        conclusion,
    })
}

fn one(length: Duration, damage: &str) -> Result<BTreeMap<&'static str, f64>> {
    let session = Session::start()?;
    let mut source = Command::new(producer()?);
    source.args([
        "--name",
        "bench",
        "--size",
        "1920x1080",
        "--fps",
        "60",
        "--format",
        "BGRx",
        "--damage",
        damage,
    ]);
    let mut child = source.envs(session.environment()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
    let out = session.dir().join("out.mkv");
    let mut command = record("node:bench", &out, length.as_secs() + 2)?;
    command.args(["--audio", "none", "--fps", "60"]);
    let running = session.spawn(&mut command)?;
    std::thread::sleep(Duration::from_secs(2));
    let (before, after) = {
        let first = sample(running.id())?;
        let frames = encoded(&session)?;
        std::thread::sleep(length.saturating_sub(Duration::from_secs(1)));
        ((first, frames), (sample(running.id())?, encoded(&session)?))
    };
    running.finish(None, Duration::from_secs(30))?;
    child.kill()?;
    child.wait()?;
    let frames = (after.1 - before.1).max(1.0);
    Ok(after
        .0
        .into_iter()
        .map(|(k, v)| (k, (v - before.0.get(k).copied().unwrap_or(0.0)) / frames))
        .collect())
}

/// Frames encoded so far, by the last status line.
fn encoded(session: &Session) -> Result<f64> {
    last_json(&session.dir().join("logs/ghoststream"), "status")?["encoded"].as_f64().context("no count")
}

/// Milliseconds of CPU of a process so far, by stage.
fn sample(process: u32) -> Result<BTreeMap<&'static str, f64>> {
    let mut stages = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let task = task?.path();
        let (Ok(name), Ok(times)) =
            (std::fs::read_to_string(task.join("comm")), std::fs::read_to_string(task.join("schedstat")))
        else {
            continue;
        };
        let nanos: f64 = times.split_whitespace().next().unwrap_or("0").parse()?;
        *stages.entry(stage(name.trim(), process, &task)).or_insert(0.0) += nanos / 1e6;
    }
    Ok(stages)
}

/// Which stage a thread belongs to, by its name. libx264's workers bear the name of the thread that
/// opened the encoder, the supervisor; that one only waits while a recording runs.
fn stage(name: &str, process: u32, task: &std::path::Path) -> &'static str {
    let is_main = task.file_name().is_some_and(|it| it.to_string_lossy() == process.to_string());
    match name {
        _ if is_main => "main",
        it if it.starts_with("gs-encode") || it == "gs-pipeline" => "encoder",
        it if it.starts_with("gs-picture") => "picture",
        it if it.starts_with("gs-output") || it == "gs-file-sync" => "output",
        it if it.starts_with("gs-") => "capture",
        _ => "other",
    }
}
