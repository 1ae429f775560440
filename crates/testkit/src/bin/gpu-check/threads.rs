//! What the threads of a program take of the CPU, by the kernel's account.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::product::Ran;

/// How often the kernel is asked.
const EVERY: Duration = Duration::from_millis(20);

/// What each thread of a program takes of a CPU, by its name: 1 is all of one.
pub type Shares = BTreeMap<String, f64>;

/// Runs a program to its end. Beside what it said: what its threads took between two moments after its start, which
/// leaves out what they open and close.
pub fn watch(command: &mut Command, between: Range<Duration>) -> Result<(Ran, Shares)> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    let stdout = BufReader::new(child.stdout.take().context("its output")?);
    let mut stderr = child.stderr.take().context("its errors")?;
    let lines = std::thread::spawn(move || stdout.lines().collect::<Result<Vec<_>, _>>());
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let begun = Instant::now();
    let (mut first, mut last) = (None, None);
    let status = loop {
        let now = begun.elapsed();
        if first.is_none() && now >= between.start {
            first = Some((now, of(child.id())));
        } else if now >= between.start && now < between.end {
            last = Some((now, of(child.id())));
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(EVERY);
    };
    let stdout = lines.join().ok().context("its output was not read")??.join("\n");
    let stderr = errors.join().ok().context("its errors were not read")??;
    let shares = first.zip(last).map_or_else(Shares::new, |(first, last)| shares(&first, last));
    Ok((Ran { status: status.code(), stdout, stderr }, shares))
}

type Threads = BTreeMap<String, (String, Duration)>;

fn shares((begin, before): &(Duration, Threads), (end, after): (Duration, Threads)) -> Shares {
    let mut shares = Shares::new();
    for (number, (name, time)) in after {
        let had = before.get(&number).map_or(Duration::ZERO, |(_, time)| *time);
        let took = time.saturating_sub(had).as_secs_f64();
        *shares.entry(name).or_default() += took / (end - *begin).as_secs_f64();
    }
    shares
}

/// The threads that a process has now, by number: name, and CPU time so far. None of one that has ended.
fn of(process: u32) -> Threads {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let thread = |task: std::fs::DirEntry| {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).ok();
        let (name, times) = (read("comm")?, read("schedstat")?);
        let nanos = times.split_whitespace().next()?.parse().ok()?;
        let number = task.file_name().to_string_lossy().into_owned();
        Some((number, (name.trim().to_owned(), Duration::from_nanos(nanos))))
    };
    tasks.filter_map(thread).collect()
}
