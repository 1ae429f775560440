//! Saving a replay: what is held beside its packets, and how long a save takes beside the disk's own
//! time for as many bytes, while something else is recorded.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ghoststream::internals::ReplayTrial;
use ghoststream::{AudioCodec, Container, Output, Pipeline, ReplayOptions};
use testkit::judge::judge;

use crate::Plan;
use crate::recorded;
use crate::table::{Findings, median};

/// The argument with which this program measures memory.
pub const MEMORY: &str = "replay-memory";

const KBPS: u64 = 50_000;

/// In place of a codec of sound.
const SILENT: &str = "none";

pub fn run(plan: Plan) -> Result<Findings> {
    let seconds = plan.length(300).as_secs();
    let in_memory = tempfile::tempdir_in("/dev/shm")?;
    let on_disk = tempfile::tempdir_in(std::env::current_exe()?.parent().context("no directory")?)?;
    let mut rows = Vec::new();
    for (kbps, sound) in [(6_000, SILENT), (6_000, "aac"), (KBPS, SILENT)] {
        rows.push(memory(seconds, kbps, sound)?);
    }
    for container in [Container::Mp4, Container::Matroska] {
        rows.extend(saves(("tmpfs", in_memory.path()), seconds, container, plan.rounds)?);
        rows.extend(saves(("disk", on_disk.path()), seconds / 5, container, plan.rounds)?);
    }
    Ok(Findings {
        title: "The replay buffer".into(),
        about: format!(
            "{seconds} s of 1280x720 at 60 fps, x264's pictures with filler data up to the bitrate. *Memory* is what the \
             process has grown by, for the bytes of the packets that are held. A *save* of all of it at 50 Mbit/s is timed \
             from the call to its return, when the clip is synced and has its name; *its own time* is one plain write \
             of as many bytes and a sync, just before; medians of {} rounds. In tmpfs, which takes no time but for a copy, \
             nothing that a save does is hidden behind the disk; on the disk it is a fifth of it. The same FFmpeg's \
             `ffmpeg -c copy`, which reads the clip and writes another, and a sync, is the peer. Meanwhile the test card is recorded, 640x360 at \
             30 fps, and judged.",
            plan.rounds
        ),
        head: vec!["what", "found", "aim"],
        rows,
        conclusion: String::new(),
    })
}

/// Measured by a process of its own, so that nothing that was freed before is used again.
fn memory(seconds: u64, kbps: u64, sound: &str) -> Result<Vec<String>> {
    let (seconds, kbps) = (seconds.to_string(), kbps.to_string());
    let mut child = Command::new(std::env::current_exe()?);
    let output = child.args([MEMORY, &seconds, &kbps, sound]).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "measuring memory failed");
    Ok(String::from_utf8(output.stdout)?.trim().split('|').map(str::to_owned).collect())
}

/// What [`MEMORY`] does: fills a buffer and prints a row.
pub fn measure_memory(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut number = || arguments.next().context("SECONDS KBPS SOUND")?.parse::<u64>().context("a number");
    let (seconds, kbps) = (number()?, number()?);
    let sound = arguments.next().filter(|it| it != SILENT).map(|it| it.parse()).transpose()?;
    let dir = tempfile::tempdir()?;
    let mut trial = open(dir.path(), 2 * seconds, Container::Mp4, sound)?;
    // What the encoder has given back is used up first.
    trial.fill(seconds / 2, kbps)?;
    let before = resident()?;
    let bytes = trial.fill(seconds, kbps)?;
    let grown = resident()?.saturating_sub(before);
    let ratio = grown as f64 * 100.0 / bytes as f64;
    let with = sound.map(|it| format!(" with {it}")).unwrap_or_default();
    println!("memory for packets of {} MB, {} Mbit/s{with}|{ratio:.1}%|105%", bytes / 1_000_000, kbps / 1000);
    Ok(())
}

fn saves(
    (place, dir): (&str, &Path),
    seconds: u64,
    container: Container,
    rounds: usize,
) -> Result<Vec<Vec<String>>> {
    let mut trial = open(dir, seconds, container, None)?;
    let bytes = trial.fill(seconds, KBPS)?;
    let card = dir.join("card.mkv");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let recording = recording(&card)?;
    runtime.block_on(recording.start())?;
    let (mut plain, mut saved) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        plain.push(write_plainly(&dir.join("plain"), bytes)?);
        let begin = Instant::now();
        let clips = trial.save(Duration::from_secs(seconds))?;
        saved.push(begin.elapsed().as_secs_f64());
        ensure!(clips.len() == 1 && clips[0].bytes >= bytes, "not all of it: {clips:?}");
        std::fs::remove_file(&clips[0].path)?;
    }
    let report = runtime.block_on(recording.stop())?;
    let verdict = judge(&card)?;
    let lost = verdict.card.context("no test card in the recording")?.lost;
    std::fs::remove_file(&card)?;
    let clip = trial.save(Duration::from_secs(seconds))?.swap_remove(0);
    let copy = dir.join(format!("copy.{container}"));
    let copied = (0..rounds).map(|_| copy_by_ffmpeg(&clip.path, &copy)).collect::<Result<Vec<_>>>()?;
    std::fs::remove_file(&clip.path)?;
    let (plain, saved, copied) = (median(plain), median(saved), median(copied));
    let row = |what: &str, found: String, aim: &str| {
        vec![format!("{container}, {place}: {what}"), found, aim.to_owned()]
    };
    Ok(vec![
        row(&format!("its own time for {} MB", bytes / 1_000_000), format!("{plain:.2} s"), "–"),
        row("a save of as many", format!("{saved:.2} s"), "–"),
        row("a save beyond its own time", format!("{:.0} ms", (saved - plain) * 1e3), "500 ms"),
        row("`ffmpeg -c copy` of the clip beyond that", format!("{:.0} ms", (copied - plain) * 1e3), "–"),
        row("frames lost in the recording beside", format!("{lost}, {} dropped", report.dropped), "0"),
    ])
}

fn open(dir: &Path, seconds: u64, container: Container, sound: Option<AudioCodec>) -> Result<ReplayTrial> {
    let options = ReplayOptions::new().with_container(container).with_max_bytes(8 << 30);
    Ok(ReplayTrial::open(u32::try_from(seconds)?, dir, &options, sound)?)
}

fn recording(path: &Path) -> Result<Pipeline> {
    let output = Output::File { path: path.to_owned(), container: Container::Matroska };
    Ok(Pipeline::new(recorded::card((640, 360), 30.0), recorded::x264(), output)?)
}

/// A peer: reads the clip and writes another of the same container.
fn copy_by_ffmpeg(clip: &Path, copy: &Path) -> Result<f64> {
    let begin = Instant::now();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-y", "-i"]).arg(clip).args(["-c", "copy"]).arg(copy);
    ensure!(ffmpeg.status()?.success(), "ffmpeg could not copy the clip");
    File::open(copy)?.sync_all()?;
    let took = begin.elapsed().as_secs_f64();
    std::fs::remove_file(copy)?;
    Ok(took)
}

fn write_plainly(path: &Path, bytes: u64) -> Result<f64> {
    let block = vec![0xa5; 1 << 20];
    let begin = Instant::now();
    let mut file = File::create(path)?;
    let mut left = bytes;
    while left > 0 {
        let size = left.min(block.len() as u64);
        file.write_all(&block[..size as usize])?;
        left -= size;
    }
    file.sync_all()?;
    let took = begin.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(took)
}

fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.split_whitespace().next().context("no number")?.parse::<u64>()? * 1024)
}
