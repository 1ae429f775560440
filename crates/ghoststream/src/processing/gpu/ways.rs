//! The GPU's way while it works, and the CPU's when it does not.
//!
//! A GPU that fails is opened anew once a minute; one that fails again leaves the recording to the CPU. No
//! failure ends a recording: at most a frame is left out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, PassError};

use super::{Gpu, GpuError, Handover};
use crate::Timestamp;
use crate::capture::{CapturedFrame, Damage, Memory};
use crate::encode::{AnyPicture, PictureMemory};
use crate::processing::{Process, ProcessError, Recipe, cpu};
use crate::stats::{Journal, ProcessingReport};

/// A GPU that fails twice within this is used no more.
const WINDOW: Duration = Duration::from_secs(60);

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
    /// Whether the GPU has seen the frame before: only then does it know what has not changed.
    follows: bool,
    rebuilt: Option<Timestamp>,
}

/// What is reported of it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<ProcessingReport>>);

impl Told {
    pub(super) fn new(reason: &str) -> Self {
        let report = ProcessingReport { reason: reason.to_owned(), ..ProcessingReport::default() };
        Self(Arc::new(Mutex::new(report)))
    }

    /// What is known now.
    pub(crate) fn report(&self) -> ProcessingReport {
        self.with(|it| it.clone())
    }

    fn with<T>(&self, body: impl FnOnce(&mut ProcessingReport) -> T) -> T {
        body(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
        let (cpu, follows, rebuilt) = (None, false, None);
        let this = Self { gpu, cpu, recipe, memory, handover, journal, told, follows, rebuilt };
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
        self.told.with(|it| it.way = way);
    }

    /// Makes the picture on the GPU; `None` where there is none any more.
    fn on_gpu(&mut self, frame: &CapturedFrame) -> Option<Result<AnyPicture, ProcessError>> {
        self.heed_encoder();
        loop {
            let (follows, gpu) = (self.follows, self.gpu.as_mut()?);
            let picture = if follows {
                gpu.process(frame)
            } else {
                gpu.process(&CapturedFrame { damage: Damage::Full, ..frame.clone() })
            };
            match picture {
                Ok(picture) => {
                    self.follows = true;
                    return Some(Ok(AnyPicture::Gpu(picture)));
                }
                Err(GpuError::Frame(error)) => return Some(Err(error)),
                Err(GpuError::Pass(error)) => self.failed(&error),
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
        self.follows = false;
        match gpu.deliver(wanted) {
            Ok(()) => self.tell(),
            Err(error) => self.failed(&error),
        }
    }

    /// Opens the GPU anew, or gives it up.
    fn failed(&mut self, why: &PassError) {
        let Some(gpu) = &mut self.gpu else { return };
        let (name, now) = (gpu.physical().name.clone(), Timestamp::now());
        self.follows = false;
        self.told.with(|it| it.failures += 1);
        // What its shaders cannot do they cannot do on a device that is opened anew.
        let of_device = matches!(why, PassError::Vulkan(_));
        let again = of_device && self.rebuilt.is_none_or(|at| now.since(at) > WINDOW);
        let rebuilt = if again {
            gpu.rebuild().map_err(|error| error.to_string())
        } else {
            Err("it failed again".into())
        };
        self.rebuilt = Some(now);
        match rebuilt {
            Ok(()) => self.journal.note(format!("{name} failed and was opened anew: {why}")),
            Err(because) => {
                self.gpu = None;
                self.journal.note(format!(
                    "{name} failed: {why}; pictures are made on the CPU from here on ({because})"
                ));
            }
        }
        self.tell();
    }

    fn on_cpu(&mut self, frame: &CapturedFrame) -> Result<AnyPicture, ProcessError> {
        if let Memory::Gpu(buffer) = &frame.memory {
            let why = "pictures are made on the CPU";
            buffer.lease.refuse(why);
            return Err(ProcessError::GpuMemory(why.to_owned()));
        }
        let (recipe, memory) = (self.recipe, &self.memory);
        let cpu = self.cpu.get_or_insert_with(|| cpu::Cpu::new(recipe, memory.clone()));
        cpu.process(frame)
    }

    fn count(&self, picture: &AnyPicture) {
        let output = self.recipe.output;
        let bytes = || -> u64 {
            let plane = |it| {
                let (row, rows) = output.format.plane_layout(it, output.size);
                (row * rows) as u64
            };
            (0..output.format.planes()).map(plane).sum()
        };
        let through = match picture {
            AnyPicture::Memory(_) => bytes(),
            AnyPicture::Gpu(picture) if picture.output().is_read_back() => bytes(),
            AnyPicture::Gpu(_) => 0,
        };
        self.told.with(|it| {
            it.pictures += 1;
            it.system_memory_bytes += through;
            if let Some(gpu) = &self.gpu {
                it.uploaded_bytes = gpu.copied_up();
                it.objects = gpu.created();
            }
        });
    }
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
}
