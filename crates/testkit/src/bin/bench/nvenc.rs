//! What a frame costs our CPU on its way into NVENC, the emulated driver aside.

use std::time::Duration;

use anyhow::{Context, Result};
use ghoststream::internals::Trial;
use ghoststream::{Codec, EncoderChoice, EncoderConfig, NvencConfig, RateControl, Size};
use nvenc_emulator::Installed;

use crate::Plan;
use crate::table::{Findings, median};

/// Frames before the clock runs: by then every picture of the ring is allocated and registered.
const WARM_UP: usize = 16;

/// Frames that are measured in a round.
const FRAMES: usize = 40;

/// What is aimed at: microseconds a frame, at most.
const AIM: f64 = 100.0;

pub fn run(plan: Plan) -> Result<Findings> {
    let emulator = Installed::new("rtx-4090", 570)?;
    emulator.load()?;
    let (mut rows, mut most) = (Vec::new(), 0.0_f64);
    for size in [Size::new(1920, 1080), Size::new(3840, 2160)] {
        for codec in [Codec::H264, Codec::Hevc] {
            let [ours, copied, emulated] = compare(&emulator, codec, size, plan.rounds)?;
            most = most.max(ours);
            let row = [ours, copied].map(|it| format!("{it:.0}")).into_iter();
            let row = row.chain([format!("{:.3}", ours / copied), format!("{:.1}", emulated / 1e3)]);
            rows.push([size.to_string(), codec.to_string()].into_iter().chain(row).collect());
        }
    }
    Ok(Findings {
        title: "NVENC: CPU per frame, emulator aside".into(),
        about: format!(
            "Moving pictures in our memory, encoded by libavcodec's wrapper over the emulated driver, in an encoder \
             thread as a recording has it: {} rounds of {FRAMES} frames after {WARM_UP}, VBR at the default encoder \
             preset; medians of microseconds of CPU per frame of the thread that hands frames in and of the one that \
             encodes, less what the emulated libraries count for their own calls in these. What is left is GhostStream, \
             the hand-over included, and the wrapper.\n\n\
             `CUDA frames` are copied up by the device's copy engine, whose part the emulator plays: that copy is not \
             in the figure, every call that starts it is. Frames that lie on the device already \
             were not measured. `wrapper's copy` is the wrapper's own way in the same run: it copies each picture \
             into a buffer of NVENC's on our CPU. The machine is shared and noisy.{}",
            plan.rounds,
            if cfg!(debug_assertions) {
                " This was built for development, hardly optimised: an upper bound."
            } else {
                ""
            }
        ),
        head: vec!["size", "codec", "CUDA frames, µs", "wrapper's copy, µs", "ratio", "emulator, ms"],
        rows,
        conclusion: format!(
            "With CUDA frames a frame takes {most:.0} µs of our CPU at the most (the aim: at most {AIM:.0})."
        ),
    })
}

/// Microseconds a frame: with CUDA frames, with the wrapper's own, and of the emulator with the first.
fn compare(emulator: &Installed, codec: Codec, size: Size, rounds: usize) -> Result<[f64; 3]> {
    let (mut ours, mut copied) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        // In turns, so that whatever else the machine does meets both.
        ours.push(one(emulator, codec, size, true)?);
        copied.push(one(emulator, codec, size, false)?);
    }
    let micros =
        |of: &[Cost], part: fn(&Cost) -> Duration| median(of.iter().map(|it| part(it).as_secs_f64() * 1e6));
    Ok([micros(&ours, |it| it.client), micros(&copied, |it| it.client), micros(&ours, |it| it.emulator)])
}

/// CPU time of a frame.
struct Cost {
    client: Duration,
    emulator: Duration,
}

fn one(emulator: &Installed, codec: Codec, size: Size, device_frames: bool) -> Result<Cost> {
    let config = EncoderConfig::default()
        .with_codec(codec)
        .with_encoder(EncoderChoice::Nvenc)
        .with_rate_control(RateControl::Vbr)
        .with_nvenc(NvencConfig::default().with_device_frames(device_frames));
    let mut trial = Trial::open(&config, size, 60.0)?;
    for _ in 0..WARM_UP {
        trial.step()?;
    }
    let (inside, all) = (emulator.cpu_time()?, our_time()?);
    let mut bytes = 0;
    for _ in 0..FRAMES {
        bytes += trial.step()?;
    }
    let (all, inside) = (our_time()? - all, emulator.cpu_time()? - inside);
    trial.finish()?;
    anyhow::ensure!(bytes > 0, "nothing came out of {FRAMES} frames");
    let client = all.checked_sub(inside).context("the emulator counts more than the threads took")?;
    Ok(Cost { client: client / FRAMES as u32, emulator: inside / FRAMES as u32 })
}

/// CPU time so far of the thread that hands frames in, which is this one, and of the one that encodes.
/// The emulator's own threads are not among them; what it does in these, it counts.
fn our_time() -> Result<Duration> {
    let this = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let this = Duration::new(this.tv_sec.unsigned_abs(), this.tv_nsec.unsigned_abs() as u32);
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "gs-codec-0") {
            // It waits for the next frame: what the kernel tells of it is complete.
            let times = std::fs::read_to_string(task.join("schedstat"))?;
            let nanos = times.split_whitespace().next().context("no time")?.parse()?;
            return Ok(this + Duration::from_nanos(nanos));
        }
    }
    anyhow::bail!("there is no thread gs-codec-0")
}
