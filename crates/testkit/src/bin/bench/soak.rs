//! Ten minutes of the test card with sound from a card whose clock is off by 200 ppm: every frame,
//! every beep, memory, and how long stopping takes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::Session;
use testkit::judge::judge;
use testkit::sound::{Card, beeps};

use crate::Plan;
use crate::recorders::record;
use crate::table::{Findings, median};

const PPM: f64 = 200.0;

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(600);
    let session = Session::start()?;
    session.enter();
    let _card = Card::plug_in("soak", PPM, beeps())?;
    let out = session.dir().join("out.mkv");
    let mut command = record("test-card", &out, 24 * 3600)?;
    command.args(["--audio", "node:soak", "--fps", "60", "--size", "1280x720"]);
    let running = session.spawn(&mut command)?;
    let (begin, mut memory) = (Instant::now(), Vec::new());
    while begin.elapsed() < length {
        std::thread::sleep(Duration::from_secs(5).min(length));
        memory.push((begin.elapsed().as_secs_f64(), resident_mib(running.id())?));
    }
    let stop = Instant::now();
    let usage = running.finish(Some(libc::SIGINT), Duration::from_secs(60))?;
    let stop = stop.elapsed().as_secs_f64() * 1e3;
    let log = std::fs::read_to_string(session.dir().join("logs/ghoststream"))?;
    ensure!(usage.status == Some(130), "it failed: {log}");

    let verdict = judge(&out)?;
    eprintln!("{verdict}");
    let card = verdict.card.as_ref().context("no test card in the recording")?;
    let sound = verdict.audio.first().context("no sound in the recording")?;
    let settled: Vec<f64> = memory.iter().filter(|it| it.0 >= 60.0).map(|it| it.1).collect();
    let (early, late) = settled.split_at(settled.len() / 2);
    let row = |what: &str, found: String, aim: &str| vec![what.to_owned(), found, aim.to_owned()];
    let rows = vec![
        row("length", format!("{:.0} s", verdict.content_seconds), "–"),
        row("frames lost", card.lost.to_string(), "0"),
        row("frames repeated", card.repeated.to_string(), "0"),
        row("beeps heard, missing", format!("{}, {}", sound.beeps, sound.missing_beeps), "all, 0"),
        row(
            "A/V skew at a beep, at most",
            format!("{:.1} ms", sound.worst_skew_ms().unwrap_or(f64::NAN)),
            "20 ms",
        ),
        row(
            "resident memory, first and second half after a minute",
            format!("{:.1} and {:.1} MiB", median(early.iter().copied()), median(late.iter().copied())),
            "flat",
        ),
        row("peak memory", format!("{:.0} MiB", usage.peak_mib), "–"),
        row("from SIGINT to the whole file and the end of the process", format!("{stop:.0} ms"), "200 ms"),
        row("CPU", format!("{:.2} cores", usage.cpu_seconds / verdict.content_seconds), "–"),
    ];
    Ok(Findings {
        title: "Ten minutes with a sound clock that is off".into(),
        about: format!(
            "The test card, drawn at 1920x1080 and scaled to 1280x720 at 60 fps, x264 ultrafast, with sound from a \
             PipeWire source whose clock is {PPM} ppm fast, for {} s, to Matroska; judged frame by frame and beep by \
             beep.",
            length.as_secs()
        ),
        head: vec!["what", "found", "aim"],
        rows,
        conclusion: String::new(),
    })
}

fn resident_mib(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.split_whitespace().next().context("no number")?.parse()?;
    Ok(kib / 1024.0)
}
