//! One case.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ghoststream_gpu::pass::{Delivery, Frame, Output, Pass, Pixels, Resident};
use ghoststream_gpu::vulkan::{Device, Kind};
use ghoststream_picture::{PixelFormat, Rect, Size, Transform, View};

use crate::cases::{Case, Content, RGB};
use crate::copy::Copies;
use crate::desktop;

/// More than any cache holds.
const ROTATED: usize = 256 << 20;
/// How long a GPU is kept busy before anything counts: its clock rises that slowly from where it idles, and
/// what is measured before may take three times as long. After a second of it some grow too hot.
pub const WARM: Duration = Duration::from_millis(400);

/// A row of the table.
pub fn row(device: &Device, case: &Case, frames: usize, copies: &mut Copies) -> String {
    match measure(device, case, frames) {
        Ok(measured) => {
            let moved = bytes(case.format, case.size) + bytes(case.target.format, case.target.size);
            let [low, median, high] = [0.1, 0.5, 0.9].map(|it| at(&measured.gpu, it));
            let rate = moved as f64 / median.as_secs_f64();
            let copied = copies.rate(moved as u64);
            format!(
                "| {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0}% | {:.1} | {:.1} |",
                case.name,
                micros(median),
                micros(low),
                micros(high),
                moved as f64 / 1e6,
                rate / 1e9,
                100.0 * rate / copied,
                micros(at(&measured.cpu, 0.5)),
                micros(at(&measured.cpu, 0.9)),
            )
        }
        Err(error) => format!("| {} | {error} | | | | | | | |", case.name),
    }
}

struct Measured {
    gpu: Vec<Duration>,
    cpu: Vec<Duration>,
}

fn measure(device: &Device, case: &Case, frames: usize) -> Result<Measured, Box<dyn std::error::Error>> {
    let rotate = if device.physical().kind == Kind::Cpu { 64 << 20 } else { ROTATED };
    let sources = rotate.div_ceil(bytes(case.format, case.size));
    let outputs = rotate.div_ceil(bytes(case.target.format, case.target.size)).min(60);
    let mut pass = Pass::new(device, case.target, case.filter, Delivery::Exported, outputs + 2)?;
    pass.measure();
    let drawn = drawn(case);
    let residents: Vec<Resident> =
        (0..sources).map(|seed| keep(&pass, case, &drawn, seed as u64)).collect::<Result<_, _>>()?;
    let mut held: VecDeque<Output> = VecDeque::new();
    let mut measured = Measured { gpu: Vec::new(), cpu: Vec::new() };
    let (begun, mut counted) = (Instant::now(), 0);
    for index in 0.. {
        if counted == frames {
            break;
        }
        counted += usize::from(begun.elapsed() >= WARM && index >= outputs + 2);
        if held.len() == outputs
            && let Some(oldest) = held.pop_front()
        {
            assert!(oldest.wait(Duration::from_secs(10))?, "the GPU does not come back");
            measured.gpu.extend(oldest.gpu_time());
        }
        let frame = frame(case, Pixels::Resident(&residents[index % sources]));
        let before = cpu_time();
        held.push_back(pass.run(&frame)?);
        measured.cpu.push(cpu_time() - before);
    }
    for output in held {
        assert!(output.wait(Duration::from_secs(10))?, "the GPU does not come back");
        measured.gpu.extend(output.gpu_time());
    }
    for times in [&mut measured.gpu, &mut measured.cpu] {
        let warm = times.len() - frames;
        times.drain(..warm);
        times.sort();
    }
    Ok(measured)
}

/// What a case shows where it is not noise.
pub fn drawn(case: &Case) -> Vec<u8> {
    match case.content {
        Content::Noise => Vec::new(),
        Content::Desktop => desktop::draw(case.size, RGB, case.color),
    }
}

pub fn keep(
    pass: &Pass,
    case: &Case,
    drawn: &[u8],
    seed: u64,
) -> Result<Resident, Box<dyn std::error::Error>> {
    let pixels = match case.content {
        Content::Noise => noise(bytes(case.format, case.size), seed),
        Content::Desktop => {
            // Others of the same: further down.
            let mut pixels = drawn.to_vec();
            pixels.rotate_left(bytes(case.format, case.size) / 64 * seed as usize);
            pixels
        }
    };
    let mut planes: [(&[u8], usize); 3] = [(&[], 0); 3];
    let mut at = 0;
    for (index, plane) in planes.iter_mut().enumerate().take(case.format.planes()) {
        let (row, rows) = case.format.plane_layout(index, case.size);
        *plane = (&pixels[at..at + row * rows], row);
        at += row * rows;
    }
    Ok(pass.keep(&frame(case, Pixels::Memory { planes, changed: None }))?)
}

pub fn frame<'a>(case: &Case, pixels: Pixels<'a>) -> Frame<'a> {
    Frame {
        size: case.size,
        format: case.format,
        color: case.color,
        hdr: None,
        view: View::new(Rect::of(case.size), Transform::Normal, None).expect("all of it"),
        pointer: None,
        pixels,
    }
}

pub fn bytes(format: PixelFormat, size: Size) -> usize {
    let plane = |index| {
        let (row, rows) = format.plane_layout(index, size);
        row * rows
    };
    (0..format.planes()).map(plane).sum()
}

/// Noise that is different for each seed: xorshift64*.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// What this thread has spent on a processor.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

pub fn at(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
