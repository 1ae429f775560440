//! The one pass: from a captured picture to the one that an encoder reads.
//!
//! ```text
//! DMA-BUF, imported once ────────┐
//! memory of the CPU → staging →  ├─ compute shader: crop, turn, scale, tone-map, convert, pointer
//!                       image ───┘        │
//!                                         ▼
//!                              a buffer of the ring ── exported: CUDA has it too, NVENC reads it
//!                                         └─ copied back: software encoders read it
//! ```
//!
//! [`Pass::run`] records and submits, and never waits: [`Output`] says when its picture is there. All
//! that a picture needs is made with the first ones and used again. [`Pass::between`] makes pictures between
//! two of them in the same ring.
#![allow(unsafe_code)]

mod axes;
mod between;
mod convert;
mod error;
mod host;
mod imported;
mod kinds;
mod light;
mod make;
mod output;
mod params;
mod pointer;
mod record;
mod resident;
mod ring;
mod scale;
mod source;
mod staging;
pub mod tone;

pub use error::{Blame, PassError};
pub use host::HostPicture;
pub use imported::GiveBack;
pub use output::{Delivery, Output};
pub use resident::Resident;
pub use source::{Frame, Pixels, Pointer};

use std::sync::Arc;
use std::time::{Duration, Instant};

use ghoststream_picture::filter::Filter;
use ghoststream_picture::{Color, PixelFormat, Size, ToneMapping};

use crate::interpolate::Interpolator;
use crate::vulkan::{Binding, Device, Layout, Timeline};
use convert::Converters;
use imported::ImportedPictures;
use light::Light;
use output::Slot;
use pointer::PointerImage;
use ring::Ring;
use scale::{Scaler, Scalers};
use staging::{Region, Staged};

/// What a pass makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// How the pixels lie.
    pub format: PixelFormat,
    /// Pixels across and down.
    pub size: Size,
    /// What the code values mean.
    pub color: Color,
}

/// Turns captured pictures into what an encoder wants, on a GPU. All calls come from one thread.
#[derive(Debug)]
pub struct Pass {
    device: Device,
    target: Target,
    kind: kinds::Target,
    delivery: Delivery,
    layout: Layout,
    filter: Filter,
    converters: Converters,
    scalers: Scalers,
    slots: Vec<Slot>,
    most: usize,
    staged: Option<Staged>,
    /// Through which frames from memory of the CPU go up.
    staging: Ring,
    imported: ImportedPictures,
    pointer: PointerImage,
    light: Light,
    /// For pictures between two others; made with the first one.
    interpolator: Option<Interpolator>,
    timeline: Arc<Timeline>,
    /// The same once more, for CUDA alone.
    handed_over: Option<Arc<Timeline>>,
    submitted: u64,
    /// The last progress of the GPU that was seen: its timeline's value, and when it was another or there was
    /// nothing to do.
    progress: (u64, Instant),
    patience: Duration,
    give_back: GiveBack,
    measured: bool,
    copied_up: u64,
    /// What is no longer used, and what the timeline has reached when the GPU does not use it either.
    retired: Vec<(u64, Retired)>,
    /// Scratch: kept from frame to frame.
    regions: Vec<Region>,
}

/// What a change of the source has left over. It is held alone to go later.
#[derive(Debug)]
enum Retired {
    Staged { _it: Staged },
    Pointer { _it: PointerImage },
    Scaler { _it: Box<Scaler> },
}

/// How long a GPU may finish nothing while every picture waits for it: long enough to compile a shader on a
/// processor that plays a GPU, with others at work. A driver that finds a hang itself does so sooner.
const HANGS: Duration = Duration::from_secs(10);

/// Bindings of the output, of the source, of the pointer (see `shaders/params.glsl`) and of the filters (see
/// `shaders/axes.glsl`).
const SETS: [&[Binding]; 4] = [
    &[Binding::Storage, Binding::Uniform, Binding::Uniform, Binding::Storage, Binding::Storage],
    &[Binding::Gathered, Binding::Gathered, Binding::Gathered],
    &[Binding::Picture],
    &[Binding::Storage, Binding::Storage, Binding::Storage, Binding::Uniform],
];

impl Pass {
    /// A pass to `target`, of which at most so many pictures are held at a time.
    ///
    /// # Errors
    /// The device cannot make such pictures, or has no memory.
    pub fn new(
        device: &Device,
        target: Target,
        filter: Filter,
        delivery: Delivery,
        most: usize,
    ) -> Result<Self, PassError> {
        let kind = kinds::Target::of(target.format).ok_or(PassError::Format(target.format))?;
        output::check(device, &target)?;
        let layout = Layout::new(device, &SETS, 0)?;
        Ok(Self {
            device: device.clone(),
            target,
            kind,
            delivery,
            filter,
            converters: Converters::default(),
            scalers: Scalers::default(),
            slots: Vec::new(),
            most,
            staged: None,
            staging: Ring::default(),
            imported: ImportedPictures::default(),
            light: Light::new(device, target.color)?,
            interpolator: None,
            pointer: PointerImage::new(device, &layout, Size::default())?,
            layout,
            timeline: Arc::new(Timeline::new(device)?),
            handed_over: (delivery == Delivery::Exported && device.physical().abilities.export_timeline)
                .then(|| Timeline::exportable(device).map(Arc::new))
                .transpose()?,
            submitted: 0,
            progress: (0, Instant::now()),
            patience: HANGS,
            give_back: GiveBack::Now,
            measured: false,
            copied_up: 0,
            retired: Vec::new(),
            regions: Vec::new(),
        })
    }

    /// From the next frame on, how light is converted where a frame's colour differs from the target's in
    /// more than matrix and range. `None` leaves code values as they are, whatever they mean.
    pub fn set_tone(&mut self, mapping: Option<ToneMapping>) {
        self.light.set(mapping);
        self.pointer.forget();
    }

    /// How long the GPU may finish nothing while every picture waits for it, before it is taken to hang: ten
    /// seconds, unless it is said here.
    pub const fn set_patience(&mut self, most: Duration) {
        self.patience = most;
    }

    /// When the last frame may go back to its producer. To be asked once for each.
    pub const fn give_back(&mut self) -> GiveBack {
        std::mem::replace(&mut self.give_back, GiveBack::Now)
    }

    /// The index of a slot that no one holds and the GPU is done with; a new one where there is none.
    fn free_slot(&mut self) -> Result<usize, PassError> {
        let done = self.timeline.value()?;
        if done != self.progress.0 || done == self.submitted {
            self.progress = (done, Instant::now());
        }
        if let Some(index) = self.slots.iter().position(|it| it.is_free(done)) {
            return Ok(index);
        }
        if self.slots.len() == self.most {
            let stands_still = done < self.submitted && self.progress.1.elapsed() > self.patience;
            return Err(if stands_still {
                PassError::Late(self.patience)
            } else {
                PassError::Full(self.most)
            });
        }
        let (device, layout) = (&self.device, &self.layout);
        let timelines = (&self.timeline, self.handed_over.as_ref());
        let mut slot = Slot::new(device, layout, &self.target, self.delivery, timelines, self.measured)?;
        self.light.bind(&mut slot.set);
        self.slots.push(slot);
        Ok(self.slots.len() - 1)
    }

    /// From the next pictures on, their memory being made then, measures how long the GPU takes for each.
    pub const fn measure(&mut self) {
        self.measured = true;
    }

    /// Copies a picture from memory of the CPU into the device's, and waits until it is there.
    ///
    /// # Errors
    /// No shader reads its format, or the device has no memory.
    pub fn keep(&self, frame: &Frame<'_>) -> Result<Resident, PassError> {
        Resident::new(&self.device, &self.layout, frame)
    }

    /// Bytes of pixels that the CPU has copied into memory of the GPU's so far. What came in a DMA-BUF is
    /// not among them.
    pub const fn copied_up(&self) -> u64 {
        self.copied_up
    }

    /// Who reads the pictures.
    pub const fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The device that it runs on.
    pub const fn device(&self) -> &Device {
        &self.device
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // Nothing may go while the GPU uses it.
        self.timeline.settle(self.submitted, Duration::from_secs(5));
    }
}
