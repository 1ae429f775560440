//! How long it takes to make a context and to bring a picture into device memory, and what that costs us.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use ghoststream_gpu::cuda::{Context, Device, Layout, Library, PinnedBuffer, Ring, Source, Stream};

use crate::report::Report;

/// Uploads of each kind.
const ROUNDS: usize = 200;

/// An NV12 picture in memory of ours.
struct Nv12 {
    bytes: Bytes,
    width: usize,
    height: usize,
}

enum Bytes {
    Plain(Vec<u8>),
    Pinned(PinnedBuffer),
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Pinned(bytes) => bytes.bytes(),
        }
    }
}

// SAFETY: its bytes are never written while it is shared.
#[allow(unsafe_code)]
unsafe impl Source for &'static Nv12 {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        let luma = self.width * self.height;
        let plane = match index {
            0 => &self.bytes.all()[..luma],
            1 => &self.bytes.all()[luma..],
            _ => &[],
        };
        (plane, self.width)
    }
}

/// Measures and tables it.
pub fn measure(report: &mut Report) -> Result<()> {
    report.part("Times");
    report.say(&format!(
        "Of {ROUNDS} uploads each, one at a time. Our CPU is what the calling thread spends until the copy is \
         under way; the whole is until the device has it."
    ));
    let library = Library::open()?;
    let device = Device::by_ordinal(&library, 0)?;
    let mut rows = vec![["", "median", "worst"].map(str::to_owned).to_vec()];
    let mut contexts = Vec::new();
    let times = (0..5).map(|_| -> Result<_> {
        let start = Instant::now();
        contexts.push(Context::new(&device)?);
        Ok(start.elapsed())
    });
    rows.push(row("making a context", times.collect::<Result<_>>()?));
    let context = contexts.pop().context("a context")?;
    for (name, width, height) in [("1920x1080", 1920, 1080), ("3840x2160", 3840, 2160)] {
        for pinned in [false, true] {
            let (mut ours, mut done) = (Vec::new(), Vec::new());
            let picture = picture(&context, pinned, width, height)?;
            uploads(&context, picture, &mut ours, &mut done)?;
            let memory = if pinned { "page-locked" } else { "plain" };
            rows.push(row(&format!("{name} NV12 from {memory} memory: our CPU"), ours));
            rows.push(row(&format!("{name} NV12 from {memory} memory: until it is there"), done));
        }
    }
    report.table(&rows);
    Ok(())
}

/// One that lives as long as the process: copies may read it until its end.
fn picture(context: &Context, pinned: bool, width: usize, height: usize) -> Result<&'static Nv12> {
    let length = width * height * 3 / 2;
    let value = |at: usize| (at * 7 + at / width) as u8;
    let bytes = if pinned {
        let mut buffer = PinnedBuffer::new(context, length)?;
        buffer.bytes_mut().iter_mut().enumerate().for_each(|(at, byte)| *byte = value(at));
        Bytes::Pinned(buffer)
    } else {
        Bytes::Plain((0..length).map(value).collect())
    };
    Ok(Box::leak(Box::new(Nv12 { bytes, width, height })))
}

fn uploads(
    context: &Context,
    picture: &'static Nv12,
    ours: &mut Vec<Duration>,
    done: &mut Vec<Duration>,
) -> Result<()> {
    let stream = Stream::new(context)?;
    let (width, height) = (picture.width, picture.height);
    let ring = Ring::new(context, Layout::new([(width, height), (width, height / 2), (0, 0)]), 4);
    // The first allocates.
    let slots = (0..4).map(|_| ring.take()).collect::<Result<Vec<_>, _>>()?;
    drop(slots);
    for _ in 0..ROUNDS {
        let slot = ring.take()?.context("a free slot")?;
        let (start, before) = (Instant::now(), cpu());
        let pending = stream.upload(picture, &slot)?;
        ours.push(cpu().saturating_sub(before));
        stream.synchronize()?;
        done.push(start.elapsed());
        drop(pending);
    }
    Ok(())
}

/// The CPU time of this thread.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn row(name: &str, mut times: Vec<Duration>) -> Vec<String> {
    times.sort_unstable();
    let show = |time: Option<&Duration>| match time {
        Some(time) if *time >= Duration::from_millis(10) => format!("{:.0} ms", time.as_secs_f64() * 1e3),
        Some(time) => format!("{:.0} µs", time.as_secs_f64() * 1e6),
        None => "-".into(),
    };
    vec![name.to_owned(), show(times.get(times.len() / 2)), show(times.last())]
}
