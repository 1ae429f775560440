//! What a picture keeps the CPU for when it comes alone, as pictures of a display do.
//!
//! One picture right after the other finds the driver's memory in the CPU's caches, and the GPU awake. At 240 a
//! second neither is so: what is measured back to back says little of a recording. Beside each case an empty list
//! of commands is submitted in the same way: what that takes is the driver's, whatever we do.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ghoststream_gpu::pass::{Delivery, Output, Pass, Pixels, Resident};
use ghoststream_gpu::vulkan::{Commands, Device, Submission, Timeline};

use crate::cases::Case;
use crate::measure::{at, cpu_time, drawn, frame, keep, micros};

/// Between two pictures at 240 a second.
const PERIOD: Duration = Duration::from_nanos(4_166_667);
/// As many pictures as an encoder holds.
const HELD: usize = 2;
/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pictures that do not count: everything is made with them.
const FIRST: usize = 20;

type Times = Result<Vec<Duration>, Box<dyn std::error::Error>>;

/// What the thread does until the next picture.
#[derive(Clone, Copy)]
enum Between {
    /// Nothing: as a recorder does.
    Sleeps,
    /// It looks at the clock: the CPU stays awake, and its caches are nobody else's.
    Spins,
}

/// A table of the cases that were chosen.
pub fn table(device: &Device, cases: &[&Case], frames: usize) {
    println!("\n| alone, 240 a second | between | CPU us: median | 10% | 90% |\n|---|---|---|---|---|");
    for (between, name) in [(Between::Sleeps, "sleeps"), (Between::Spins, "spins")] {
        println!("{}", row("nothing, submitted", name, empty(device, frames, between)));
        for case in cases {
            println!("{}", row(&case.name, name, pictures(device, case, frames, between)));
        }
    }
}

fn row(case: &str, between: &str, times: Times) -> String {
    match times {
        Ok(times) => {
            let [low, median, high] = [0.1, 0.5, 0.9].map(|it| micros(at(&times, it)));
            format!("| {case} | {between} | {median:.1} | {low:.1} | {high:.1} |")
        }
        Err(error) => format!("| {case} | {between} | {error} | | |"),
    }
}

fn pictures(device: &Device, case: &Case, frames: usize, between: Between) -> Times {
    let mut pass = Pass::new(device, case.target, case.filter, Delivery::Exported, HELD + 2)?;
    let drawn = drawn(case);
    // A producer's buffers.
    let residents: Vec<Resident> =
        (0..4).map(|seed| keep(&pass, case, &drawn, seed)).collect::<Result<_, _>>()?;
    let mut held: VecDeque<Output> = VecDeque::new();
    paced(frames, between, |index| {
        if held.len() == HELD
            && let Some(oldest) = held.pop_front()
        {
            assert!(oldest.wait(PATIENCE)?, "the GPU does not come back");
        }
        let frame = frame(case, Pixels::Resident(&residents[index % residents.len()]));
        let before = cpu_time();
        held.push_back(pass.run(&frame)?);
        Ok(cpu_time() - before)
    })
}

/// Lists without a command, each waited for before the next.
fn empty(device: &Device, frames: usize, between: Between) -> Times {
    let (mut commands, timeline) = (Commands::new(device)?, Timeline::new(device)?);
    paced(frames, between, |index| {
        let value = index as u64 + 1;
        assert!(timeline.wait(value - 1, PATIENCE)?, "the GPU does not come back");
        let before = cpu_time();
        // SAFETY: what was submitted before is done; nothing is named; the value is higher than before.
        unsafe {
            commands.record(|_, _| {})?;
            commands.submit(Submission { wait: &[], signal: &[(timeline.raw(), value)] })?;
        }
        Ok(cpu_time() - before)
    })
    .and_then(|times| {
        let all = (frames + FIRST) as u64;
        if timeline.wait(all, PATIENCE)? { Ok(times) } else { Err("the GPU does not come back".into()) }
    })
}

/// Does it at each tick, and sorts what each time took.
fn paced(
    frames: usize,
    between: Between,
    mut tick: impl FnMut(usize) -> Result<Duration, Box<dyn std::error::Error>>,
) -> Times {
    let mut times = Vec::with_capacity(frames + FIRST);
    let begun = Instant::now();
    for index in 0..frames + FIRST {
        let due = begun + PERIOD * index as u32;
        match between {
            Between::Sleeps => std::thread::sleep(due.saturating_duration_since(Instant::now())),
            Between::Spins => while Instant::now() < due {},
        }
        times.push(tick(index)?);
    }
    times.drain(..FIRST);
    times.sort();
    Ok(times)
}
