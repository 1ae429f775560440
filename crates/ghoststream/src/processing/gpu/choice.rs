//! Which way a recording begins with.
//!
//! What was asked for, if it can be had. Else what comes in a GPU's memory stays there, and of other
//! pictures both ways make a few before the recording begins.

use std::time::Duration;

use ghoststream_gpu::pass::Delivery;

use super::ways::Ways;
use super::{Devices, Double, Gpu, Handover, Told};
use crate::capture::{CapturedFrame, Damage, Memory};
use crate::encode::{GpuPicture, PictureMemory};
use crate::processing::{Process, Recipe, cpu};
use crate::stats::Journal;
use crate::{Processing, Timestamp};

/// How long a GPU's first picture may take, with its shaders being compiled.
const FIRST: Duration = Duration::from_secs(1);
/// The same where that GPU was asked for; one that is the CPU compiles for seconds where others work too.
const FIRST_ASKED: Duration = Duration::from_secs(30);

/// What is known when it is decided.
pub(crate) struct Wanted<'a> {
    pub(crate) wish: &'a Processing,
    pub(crate) recipe: Recipe,
    /// The newest frame.
    pub(crate) frame: &'a CapturedFrame,
    /// Where the encoder would like its pictures.
    pub(crate) memory: Option<&'a PictureMemory>,
    /// Pictures a second.
    pub(crate) fps: f64,
    pub(crate) journal: &'a Journal,
    /// What is put in the place of passes.
    pub(crate) double: Option<Double>,
}

/// What was decided.
pub(crate) struct Chosen {
    pub(crate) process: Box<dyn Process>,
    /// Who reads the pictures.
    pub(crate) handover: Handover,
    /// What is in the report.
    pub(crate) told: Told,
}

/// Decides, which takes some 200 ms at most, where pictures are large.
pub(crate) fn choose(wanted: &Wanted<'_>, devices: &Devices) -> Chosen {
    let handover = Handover::default();
    handover.set(wanted.memory.map(PictureMemory::gpu));
    let (gpu, reason) = match wanted.wish {
        Processing::Cpu => (None, "as asked".to_owned()),
        _ => match open(wanted, devices, &handover) {
            Err(why) => (None, why),
            Ok(gpu) => weigh(wanted, gpu),
        },
    };
    if gpu.is_none() && matches!(wanted.wish, Processing::Gpu | Processing::Device(_)) {
        wanted.journal.note(format!("pictures are made on the CPU, not on a GPU as asked: {reason}"));
    }
    let told = Told::new(&reason);
    let (recipe, memory) = (wanted.recipe, wanted.memory.cloned());
    let ways = Ways::new(gpu, recipe, memory, handover.clone(), wanted.journal.clone(), told.clone());
    Chosen { process: Box::new(ways), handover, told }
}

fn open(wanted: &Wanted<'_>, devices: &Devices, handover: &Handover) -> Result<Gpu, String> {
    let preferred = match wanted.frame.memory {
        Memory::Gpu(_) => devices.importer(),
        Memory::Cpu(_) => handover.get(),
    };
    let device = devices.device(wanted.wish, preferred)?;
    devices.notes().into_iter().for_each(|note| wanted.journal.note(note));
    let name = device.physical().name.clone();
    let delivery = handover.delivery(device.physical());
    if handover.get().is_some() && delivery == Delivery::Readback {
        wanted.journal.note(format!(
            "{name} is not the GPU that encodes, or exports no memory: its pictures go through system memory"
        ));
    }
    let mut gpu = Gpu::new(wanted.recipe, device, delivery, wanted.double)
        .map_err(|error| format!("{name}: {error}"))?;
    // What its shaders cannot do shows at the first picture, for which drivers compile them.
    let first = gpu.process(wanted.frame).map_err(|error| format!("{name}: {error}"))?;
    let most = if *wanted.wish == Processing::Auto { FIRST } else { FIRST_ASKED };
    match first.output().wait(most) {
        Ok(true) => {}
        Ok(false) => return Err(format!("{name}: its first picture takes longer than {} s", most.as_secs())),
        Err(error) => return Err(format!("{name}: {error}")),
    }
    Ok(gpu)
}

/// Decides between a GPU that works and the CPU.
fn weigh(wanted: &Wanted<'_>, mut gpu: Gpu) -> (Option<Gpu>, String) {
    if *wanted.wish != Processing::Auto {
        return (Some(gpu), "as asked".to_owned());
    }
    if matches!(wanted.frame.memory, Memory::Gpu(_)) {
        return (Some(gpu), "the pictures come in a GPU's memory".to_owned());
    }
    let mut frame = wanted.frame.clone();
    frame.damage = Damage::Full;
    let mut cpu = cpu::Cpu::new(wanted.recipe, wanted.memory.cloned());
    let on_cpu = measure(|| cpu.process(&frame).is_ok());
    let on_gpu = measure(|| made_by(&mut gpu, &frame));
    let (Some(on_cpu), Some(on_gpu)) = (on_cpu, on_gpu) else {
        return (None, "the GPU did not make its first pictures".to_owned());
    };
    let period = Duration::from_secs_f64(1.0 / wanted.fps);
    let reason = format!("measured: the GPU takes {on_gpu} and the CPU {on_cpu}",);
    let better = on_gpu.cpu_time < on_cpu.cpu_time && on_gpu.latency < on_cpu.latency.max(period / 2);
    (better.then_some(gpu), reason)
}

/// Makes a picture on a GPU, and waits for it.
pub(super) fn made_by(gpu: &mut Gpu, frame: &CapturedFrame) -> bool {
    gpu.process(frame).is_ok_and(|it| GpuPicture::wait(it.output()).is_ok())
}

/// What a picture costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Of this thread.
    cpu_time: Duration,
    /// Until it is there.
    latency: Duration,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = |it: Duration| it.as_secs_f64() * 1e3;
        write!(f, "{:.2} ms of CPU time and {:.2} ms in all", millis(self.cpu_time), millis(self.latency))
    }
}

/// Pictures that are made before any is measured: as many as are in use at a time, so that the memory of each was
/// touched. The first touch of a picture's memory takes longer than all else.
pub(super) const UNMEASURED: usize = 4;

/// The best of a few pictures, within 20 ms; none is measured whose memory is new. `None` where one fails.
pub(super) fn measure(mut make: impl FnMut() -> bool) -> Option<Cost> {
    const PICTURES: usize = 4;
    const MOST: Duration = Duration::from_millis(20);
    if !(0..UNMEASURED).all(|_| make()) {
        return None;
    }
    let begin = Timestamp::now();
    let mut best: Option<Cost> = None;
    for _ in 0..PICTURES {
        let (started, busy) = (Timestamp::now(), cpu_time());
        if !make() {
            return None;
        }
        let cost =
            Cost { cpu_time: cpu_time().saturating_sub(busy), latency: Timestamp::now().since(started) };
        best = Some(match best {
            None => cost,
            Some(it) => {
                Cost { cpu_time: it.cpu_time.min(cost.cpu_time), latency: it.latency.min(cost.latency) }
            }
        });
        if Timestamp::now().since(begin) > MOST {
            break;
        }
    }
    best
}

/// This thread's.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
