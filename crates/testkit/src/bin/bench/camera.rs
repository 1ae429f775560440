//! The virtual camera: how long a picture takes to whoever looks, and what the camera costs beyond its conversion.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ghoststream::{Color, ColorRange, ColorSpace, PixelFormat, Size, Timestamp};
use ghoststream_camera::{Camera, Cards, Input, Pixels};
use testkit::Session;
use testkit::child::Running;
use testkit::viewer::{Viewer, Wish};

use crate::Plan;
use crate::table::Findings;

/// The argument by which the bench starts itself as a viewer.
pub const LOOK: &str = "look-at-camera";

const SIZE: Size = Size::new(1920, 1080);
const FPS: u32 = 60;

/// A picture of noise, NV12: nothing about it is quicker than another.
struct Noise {
    luma: Vec<u8>,
    chroma: Vec<u8>,
}

impl Noise {
    fn picture(seed: u32) -> Arc<dyn Pixels> {
        let mut state = seed | 1;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            16 + (state >> 24) as u8 % 220
        };
        let pixels = SIZE.width as usize * SIZE.height as usize;
        let luma = (0..pixels).map(|_| byte()).collect();
        Arc::new(Self { luma, chroma: (0..pixels / 2).map(|_| byte()).collect() })
    }
}

impl Pixels for Noise {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        match index {
            0 => (&self.luma, SIZE.width as usize),
            1 => (&self.chroma, SIZE.width as usize),
            _ => (&[], 0),
        }
    }
}

/// Looks at a node for some seconds and prints how many milliseconds old each picture was when it came.
pub fn look(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut next = || arguments.next().context("NODE FORMAT SECONDS");
    let (node, format, seconds) = (next()?.parse()?, next()?, next()?.parse()?);
    let viewer = Viewer::open(node, Wish { reads: false, ..Wish::new(&format) })?;
    viewer.wait(1)?;
    std::thread::sleep(Duration::from_secs(seconds));
    let mut out = std::io::stdout().lock();
    for seen in viewer.seen() {
        writeln!(out, "{:.3}", (seen.at.as_nanos() - seen.pts) as f64 / 1e6)?;
    }
    Ok(())
}

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(10);
    let session = Session::start()?;
    session.enter();
    let mut rows = Vec::new();
    for format in ["NV12", "I420", "YUY2", "BGRx"] {
        for viewers in [0, 1, 3] {
            rows.push(one(format, viewers, length, &session)?);
        }
    }
    Ok(Findings {
        title: "The virtual camera".into(),
        about: format!(
            "Pictures of {SIZE} at {FPS} a second, shown to programs in processes of their own for {} s. `age` is the \
             time from handing a picture to the camera to its arrival there: conversion, PipeWire's cycle, waking up; \
             beside it the limit, a frame period and 5 ms. `camera` is the share of a core that the camera's process \
             took, without the loop that hands it the pictures; `beyond` is that without the conversion.",
            length.as_secs()
        ),
        head: vec![
            "format",
            "viewers",
            "pictures",
            "dropped",
            "age p50",
            "age p99",
            "limit",
            "conversion",
            "beyond",
        ],
        rows,
        conclusion: String::new(),
    })
}

fn one(format: &str, viewers: usize, length: Duration, session: &Session) -> Result<Vec<String>> {
    let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
    let input = Input { format: PixelFormat::Nv12, size: SIZE, color, rate: (FPS, 1) };
    let pictures: Vec<_> = (1..5).map(Noise::picture).collect();
    let cards = Cards { waiting: Arc::clone(&pictures[0]), paused: Arc::clone(&pictures[0]) };
    let camera = Camera::open("Bench", input, cards)?;
    let node = camera.node().context("no node")?;
    let seconds = length.as_secs().to_string();
    let mut looking = Vec::new();
    for number in 0..viewers {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([LOOK, &node.to_string(), format, &seconds]).stdout(Stdio::piped());
        let log = session.dir().join(format!("logs/viewer-{number}"));
        looking.push((Running::start(command.envs(session.environment()), &log)?, log));
    }
    let (start, period) = (Instant::now(), Duration::from_secs(1) / FPS);
    // Those who look begin within a second.
    let end = length + Duration::from_secs(2);
    let before = cpu_seconds()?;
    let own_before = own_seconds()?;
    for number in 0u32.. {
        std::thread::sleep((period * number).saturating_sub(start.elapsed()));
        if start.elapsed() > end {
            break;
        }
        camera.show(Arc::clone(&pictures[number as usize % pictures.len()]), Timestamp::now().as_nanos());
    }
    let took = cpu_seconds()? - before - (own_seconds()? - own_before);
    let wall = start.elapsed().as_secs_f64();
    let mut ages = Vec::new();
    for (running, log) in looking {
        running.finish(None, Duration::from_secs(30))?;
        let printed = std::fs::read_to_string(log)?;
        ages.extend(printed.lines().filter_map(|line| line.parse::<f64>().ok()));
    }
    ages.sort_by(f64::total_cmp);
    let at = |share: f64| match ages.get((ages.len() as f64 * share) as usize) {
        Some(age) => format!("{age:.2} ms"),
        None => String::new(),
    };
    let stats = camera.stats();
    let converting = stats.converting as f64 / 1e9;
    let limit = 1000.0 / f64::from(FPS) + 5.0;
    Ok(vec![
        format.to_owned(),
        viewers.to_string(),
        stats.shown.to_string(),
        stats.dropped.to_string(),
        at(0.5),
        at(0.99),
        if viewers == 0 { String::new() } else { format!("{limit:.1} ms") },
        format!("{:.1}%", 100.0 * converting / wall),
        format!("{:.2}%", 100.0 * (took - converting) / wall),
    ])
}

/// Seconds of CPU of all threads.
fn cpu_seconds() -> Result<f64> {
    let tasks = std::fs::read_dir("/proc/self/task")?;
    tasks.map(|task| seconds_of(&task?.path().join("schedstat").to_string_lossy())).sum()
}

/// Seconds of CPU of this thread.
fn own_seconds() -> Result<f64> {
    seconds_of("/proc/thread-self/schedstat")
}

fn seconds_of(path: &str) -> Result<f64> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.split(' ').next().context("empty")?.parse::<f64>()? / 1e9)
}
