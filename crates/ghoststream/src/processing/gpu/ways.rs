//! The GPU's way while it works, and the CPU's when it does not.
//!
//! A frame that the GPU does not take is drawn by the CPU, where that can read it, and left out where it cannot: the
//! GPU goes on with the next. A GPU that fails is opened anew: at once, and where that fails, as while a driver
//! is being reset, once more some seconds later. One that fails twice within a minute, or takes nothing any more,
//! leaves the recording to the CPU. No failure ends a recording.

mod between;

use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, PassError};
use ghoststream_gpu::{DmaBuf, LINEAR};
use ghoststream_interpolation::Time;

use super::{Gpu, GpuError, Handover, Told};
use crate::Timestamp;
use crate::capture::{CapturedFrame, Damage, Memory};
use crate::encode::{AnyPicture, PictureMemory};
use crate::processing::{BetweenError, Process, ProcessError, Recipe, cpu};
use crate::stats::Journal;

/// A GPU that fails twice within this is used no more.
const WINDOW: Duration = Duration::from_secs(60);

/// How long a GPU that cannot be opened anew is left alone before that is tried once more.
const REST: Duration = Duration::from_secs(3);

/// A GPU that refuses so many frames, one after the other, is asked no more.
const MOST_REFUSED: u32 = 600;

/// Both ways.
pub(super) struct Ways {
    gpu: Option<Gpu>,
    /// Made when it is needed.
    cpu: Option<cpu::Cpu>,
    recipe: Recipe,
    memory: Option<PictureMemory>,
    handover: Handover,
    journal: Journal,
    told: Told,
    /// Who has seen the frame before: only that one knows what has not changed.
    follows: Option<Way>,
    failed: Option<Timestamp>,
    /// The GPU is down: when it is opened anew.
    pub(super) again: Option<Timestamp>,
    /// For how long it is left alone before.
    pub(super) rest: Duration,
    /// Frames, one after the other, that the GPU did not take.
    refused: u32,
    /// How long a picture between two others may take.
    between_limit: Duration,
    /// Whether the CPU is ready for those.
    cpu_between: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Cpu,
    Gpu,
}

impl Ways {
    pub(super) fn new(
        gpu: Option<Gpu>,
        recipe: Recipe,
        memory: Option<PictureMemory>,
        handover: Handover,
        journal: Journal,
        told: Told,
    ) -> Self {
        let this = Self {
            gpu,
            cpu: None,
            recipe,
            memory,
            handover,
            journal,
            told,
            follows: None,
            failed: None,
            again: None,
            rest: REST,
            refused: 0,
            between_limit: Duration::MAX,
            cpu_between: false,
        };
        this.tell();
        this
    }

    fn tell(&self) {
        let way = match &self.gpu {
            None => format!("CPU ({})", cpu::instructions()),
            Some(gpu) => {
                let how = match gpu.delivery() {
                    Delivery::Exported => "exported to the encoder",
                    Delivery::Readback => "read back",
                };
                format!("GPU ({}), {how}", gpu.physical().name)
            }
        };
        let motion = match &self.gpu {
            Some(gpu) => gpu.motion.why.clone(),
            None if self.cpu_between => "block search on the CPU".to_owned(),
            None => String::new(),
        };
        self.told.with(|it| (it.way, it.motion) = (way, motion));
    }

    /// Makes the picture on the GPU; `None` where the CPU has to.
    fn on_gpu(&mut self, frame: &CapturedFrame) -> Option<Result<AnyPicture, ProcessError>> {
        if !self.is_up() {
            return while_down(frame);
        }
        self.heed_encoder();
        loop {
            let follows = self.follows == Some(Way::Gpu);
            let gpu = self.gpu.as_mut()?;
            let picture = if follows { gpu.process(frame) } else { gpu.process(&whole(frame)) };
            match picture {
                Ok(picture) => {
                    (self.follows, self.refused) = (Some(Way::Gpu), 0);
                    return Some(Ok(AnyPicture::Gpu(picture)));
                }
                Err(GpuError::Frame(error)) => return Some(Err(error)),
                Err(GpuError::Refused(why)) => {
                    self.refused(&why);
                    return None;
                }
                Err(GpuError::Device(error)) => {
                    self.failed(&error);
                    if !self.is_up() {
                        return while_down(frame);
                    }
                }
            }
        }
    }

    /// An encoder that has taken over may take its pictures elsewhere.
    fn heed_encoder(&mut self) {
        let Some(gpu) = &mut self.gpu else { return };
        let wanted = self.handover.delivery(gpu.physical());
        if wanted == gpu.delivery() {
            return;
        }
        self.follows = None;
        match gpu.deliver(wanted) {
            Ok(()) => self.tell(),
            Err(error) => self.failed(&error),
        }
    }

    /// The CPU draws the frame. Where it always has to, the GPU is not asked any more.
    fn refused(&mut self, why: &PassError) {
        let Some(gpu) = &self.gpu else { return };
        let name = gpu.physical().name.clone();
        self.told.with(|it| it.refused += 1);
        self.journal.once("refused by the GPU", || {
            format!("{name} does not take every frame; the CPU draws it: {why}")
        });
        self.refused += 1;
        if self.refused >= MOST_REFUSED {
            self.give_up(&format!("{name} has taken none of {MOST_REFUSED} frames: {why}"));
        }
    }

    /// Opens the GPU anew, or gives it up.
    fn failed(&mut self, why: &PassError) {
        let Some(gpu) = &mut self.gpu else { return };
        let (name, now) = (gpu.physical().name.clone(), Timestamp::now());
        self.follows = None;
        self.told.with(|it| it.failures += 1);
        if self.failed.replace(now).is_some_and(|at| now.since(at) <= WINDOW) {
            self.give_up(&format!("{name} failed twice within a minute: {why}"));
            return;
        }
        match gpu.rebuild() {
            Ok(()) => {
                self.journal.note(format!("{name} failed and was opened anew: {why}"));
                self.tell();
            }
            Err(error) => {
                self.again = Some(now.offset(self.rest.as_nanos() as i64));
                let seconds = self.rest.as_secs_f64();
                self.journal.note(format!(
                    "{name} failed: {why}; it cannot be opened anew ({error}), which is tried again in {seconds} s"
                ));
            }
        }
    }

    /// Whether the GPU can be asked, if there is one. One that was down is opened anew when its time has come.
    fn is_up(&mut self) -> bool {
        let (Some(at), Some(gpu)) = (self.again, &mut self.gpu) else { return true };
        if Timestamp::now() < at {
            return false;
        }
        self.again = None;
        let name = gpu.physical().name.clone();
        match gpu.rebuild() {
            Ok(()) => {
                self.journal.note(format!("{name} was opened anew"));
                self.tell();
            }
            Err(error) => self.give_up(&format!("{name} cannot be opened anew: {error}")),
        }
        true
    }

    fn give_up(&mut self, why: &str) {
        self.gpu = None;
        self.journal.note(format!("{why}; pictures are made on the CPU from here on"));
        self.tell();
    }

    fn on_cpu(&mut self, frame: &CapturedFrame) -> Result<AnyPicture, ProcessError> {
        let follows = self.follows.replace(Way::Cpu) == Some(Way::Cpu);
        if follows { self.cpu().process(frame) } else { self.cpu().process(&whole(frame)) }
    }

    fn cpu(&mut self) -> &mut cpu::Cpu {
        let (recipe, memory) = (self.recipe, &self.memory);
        self.cpu.get_or_insert_with(|| cpu::Cpu::new(recipe, memory.clone()))
    }

    /// How many bytes of a finished picture lie in system memory.
    fn through_system_memory(&self, picture: &AnyPicture) -> u64 {
        match picture {
            AnyPicture::Gpu(picture) if !picture.output().is_read_back() => 0,
            AnyPicture::Memory(_) | AnyPicture::Gpu(_) => self.recipe.output.bytes(),
        }
    }

    fn count(&mut self, picture: &AnyPicture) {
        if let Some(time) = self.gpu.as_mut().and_then(Gpu::took) {
            self.told.gpu_took(time);
        }
        let through = self.through_system_memory(picture);
        let made_on_gpu = matches!(picture, AnyPicture::Gpu(_));
        self.told.with(|it| {
            it.pictures += 1;
            it.gpu_pictures += u64::from(made_on_gpu);
            it.system_memory_bytes += through;
            if let Some(gpu) = &self.gpu {
                it.uploaded_bytes = gpu.copied_up();
                it.objects = gpu.created();
            }
        });
    }
}

/// While the GPU is about to be opened anew, what cannot be read without it is left out; the CPU draws the rest.
fn while_down(frame: &CapturedFrame) -> Option<Result<AnyPicture, ProcessError>> {
    let why = || ProcessError::GpuMemory("the GPU has failed and is about to be opened anew".to_owned());
    let tiled = |it: &DmaBuf| it.modifier != LINEAR;
    matches!(&frame.memory, Memory::Gpu(it) if tiled(&it.buffer)).then(|| Err(why()))
}

/// For who has not seen the frame before.
fn whole(frame: &CapturedFrame) -> CapturedFrame {
    CapturedFrame { damage: Damage::Full, ..frame.clone() }
}

impl Process for Ways {
    fn process(&mut self, frame: &CapturedFrame) -> Result<AnyPicture, ProcessError> {
        let picture = match self.on_gpu(frame) {
            Some(picture) => picture,
            None => self.on_cpu(frame),
        }?;
        self.count(&picture);
        Ok(picture)
    }

    fn get_ready_between(&mut self, limit: Duration) -> Result<(), BetweenError> {
        Self::get_ready_between(self, limit)
    }

    fn between(&mut self, pair: [&AnyPicture; 2], times: &[Time]) -> Result<Vec<AnyPicture>, BetweenError> {
        self.make_between(pair, times)
    }
}
