//! Pictures between two pictures: the GPU's time for one, by what moves.

use std::time::{Duration, Instant};

use ghoststream_gpu::cuda::Layout;
use ghoststream_gpu::interpolate::{Interpolator, WHOLE};
use ghoststream_gpu::vulkan::{Buffer, Commands, DescriptorSet, Device, Use, vk};
use ghoststream_picture::{PixelFormat, Size};

use crate::measure::WARM;

/// What moves, and the brightness at a place and a time for it.
type Content = (&'static str, fn(i32, i32, i32) -> u8);

const CONTENTS: [Content; 3] = [
    ("all pans", |x, y, t| texture(x + 9 * t, y + 4 * t, 1)),
    ("a window is dragged", |x, y, t| {
        let (u, v) = (x - 300 - 23 * t, y - 200 - 11 * t);
        if (0..800).contains(&u) && (0..600).contains(&v) { texture(u, v, 2) } else { texture(x, y, 3) }
    }),
    // The search looks everywhere in vain: as slow as it gets.
    ("nothing is found", |x, y, t| texture(x, y, 10 + t as u32)),
];

const SIZES: [(&str, Size); 2] = [("1080p", Size::new(1920, 1080)), ("4K", Size::new(3840, 2160))];

/// Prints a table of the cases whose names hold one of `filters`.
pub fn table(device: &Device, frames: usize, filters: &[String]) {
    let mut steps = Vec::new();
    println!("\n| one picture between | GPU ms: median | 10% | 90% |");
    println!("|---|---|---|---|");
    for (name, size) in SIZES {
        for format in [PixelFormat::Nv12, PixelFormat::P010] {
            for content in CONTENTS {
                for motion in Motion::of(device) {
                    let name = format!("interpolate {name} {format:?}{}, {}", motion.name(), content.0);
                    if filters.is_empty() || filters.iter().any(|it| name.contains(it.as_str())) {
                        let (row, stepwise) = row(device, &name, format, size, content, motion, frames);
                        println!("{row}");
                        steps.push((name, stepwise));
                    }
                }
            }
        }
    }
    println!("\nWhat its steps take, in us:");
    for (name, stepwise) in steps {
        println!("- {name}: {stepwise}");
    }
}

/// Who finds what moves.
#[derive(Clone, Copy)]
enum Motion {
    Blocks,
    OpticalFlow,
}

impl Motion {
    /// All that a device has.
    fn of(device: &Device) -> impl Iterator<Item = Self> {
        let engine = device.physical().abilities.optical_flow;
        [Self::Blocks].into_iter().chain(engine.then_some(Self::OpticalFlow))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Blocks => "",
            Self::OpticalFlow => " by optical flow",
        }
    }
}

fn row(
    device: &Device,
    name: &str,
    format: PixelFormat,
    size: Size,
    content: Content,
    motion: Motion,
    frames: usize,
) -> (String, String) {
    let layout = Layout::new(
        [0, 1, 2].map(
            |plane| {
                if plane < format.planes() { format.plane_layout(plane, size) } else { (0, 0) }
            },
        ),
    );
    let pictures: Vec<Buffer> =
        (0..4).map(|time| picture(device, format, size, &layout, |x, y| content.1(x, y, time))).collect();
    let shown = Buffer::new(device, layout.len() as u64, Use::Device).expect("memory");
    let new = match motion {
        Motion::Blocks => Interpolator::new,
        Motion::OpticalFlow => Interpolator::with_optical_flow,
    };
    let mut interpolator = new(device, format, size, &layout).expect("it is made");
    let sets: Vec<_> = pictures
        .windows(2)
        .map(|pair| interpolator.bind([&pair[0], &pair[1], &shown]).expect("bound"))
        .collect();
    let mut times: Vec<Duration> = Vec::with_capacity(frames);
    let begun = Instant::now();
    for at in 0.. {
        if times.len() == frames {
            break;
        }
        // SAFETY: the buffers are as long as the layout says, and live until the call returns, which waits.
        #[allow(unsafe_code)]
        let time = unsafe { interpolator.run(&sets[at % sets.len()], WHOLE / 2) }.expect("it runs");
        if at >= 3 && begun.elapsed() >= WARM {
            times.push(time);
        }
    }
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 10].as_secs_f64() * 1e3;
    let row = format!("| {name} | {:.3} | {:.3} | {:.3} |", at(5), at(1), at(9));
    (row, stepwise(&mut interpolator, &sets[0]))
}

/// The median time of each step.
fn stepwise(interpolator: &mut Interpolator, set: &DescriptorSet) -> String {
    const TIMES: usize = 15;
    let mut all: Vec<(String, Vec<Duration>)> = Vec::new();
    for _ in 0..TIMES {
        // SAFETY: as in `row`.
        #[allow(unsafe_code)]
        let laps = unsafe { interpolator.measure(set, WHOLE / 2) }.expect("it runs");
        all.resize_with(laps.len(), Default::default);
        for ((name, times), (step, time)) in all.iter_mut().zip(laps) {
            *name = step;
            times.push(time);
        }
    }
    let median = |(name, mut times): (String, Vec<Duration>)| {
        times.sort();
        format!("{name} {:.0}", times[times.len() / 2].as_secs_f64() * 1e6)
    };
    all.into_iter().map(median).collect::<Vec<_>>().join("; ")
}

/// A picture in the GPU's memory: every plane is drawn alike.
fn picture(
    device: &Device,
    format: PixelFormat,
    size: Size,
    layout: &Layout,
    draw: impl Fn(i32, i32) -> u8,
) -> Buffer {
    let mut upload = Buffer::new(device, layout.len() as u64, Use::Upload).expect("memory");
    let sample_bytes = if format.depth() > 8 { 2 } else { 1 };
    // SAFETY: no GPU uses it yet.
    #[allow(unsafe_code)]
    let bytes = unsafe { upload.bytes_mut() };
    for plane in 0..format.planes() {
        let (row_bytes, rows) = format.plane_layout(plane, size);
        let (offset, scale) = (layout.offset(plane).expect("there"), if plane == 0 { 1 } else { 2 });
        for y in 0..rows {
            let row = &mut bytes[offset + y * layout.pitch()..][..row_bytes];
            for (x, sample) in row.chunks_exact_mut(sample_bytes).enumerate() {
                let x = if plane == 0 { x } else { x / 2 * 2 };
                // The upper byte; the lower one of ten bits stays 0.
                sample[sample_bytes - 1] = draw(x as i32, y as i32 * scale);
            }
        }
    }
    let buffer = Buffer::new(device, layout.len() as u64, Use::Device).expect("memory");
    let region = vk::BufferCopy::default().size(layout.len() as u64);
    // SAFETY: both live until the call returns, which waits.
    #[allow(unsafe_code)]
    unsafe {
        Commands::run_once(device, |device, list| {
            device.cmd_copy_buffer(list, upload.raw(), buffer.raw(), &[region]);
        })
    }
    .expect("it is copied");
    buffer
}

/// Detail at several scales.
fn texture(x: i32, y: i32, seed: u32) -> u8 {
    let hash = |a: i32, b: i32, c: u32| {
        let it = (a as u32).wrapping_mul(0x9e37_79b1) ^ (b as u32).wrapping_mul(0x85eb_ca77) ^ c;
        let it = (it ^ (it >> 15)).wrapping_mul(0x846c_a68b);
        (it ^ (it >> 13)) & 255
    };
    let seed = seed.wrapping_mul(0xc2b2_ae3d);
    let sum =
        hash(x >> 5, y >> 5, seed) * 4 + hash(x >> 3, y >> 3, seed ^ 7) * 2 + hash(x >> 1, y >> 1, seed ^ 9);
    (sum / 7) as u8
}
