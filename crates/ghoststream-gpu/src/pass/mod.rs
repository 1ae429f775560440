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
//! that a picture needs is made with the first ones and used again.
#![allow(unsafe_code)]

mod error;
mod host;
mod output;
mod params;
mod record;
mod source;

pub use error::PassError;
pub use host::HostPicture;
pub use output::{Delivery, Output};
pub use source::{Frame, Pixels, Pointer, Resident};

use std::sync::Arc;
use std::time::Duration;

use ghoststream_picture::filter::Filter;
use ghoststream_picture::{Color, PixelFormat, Size, fit, only_trims};

use crate::vulkan::{Binding, Device, Layout, Pipeline, Submission, Timeline};
use output::Slot;
use params::Params;
use source::{PointerImage, Staged};

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
    delivery: Delivery,
    layout: Layout,
    pipeline: Pipeline,
    slots: Vec<Slot>,
    most: usize,
    staged: Option<Staged>,
    pointer: PointerImage,
    timeline: Arc<Timeline>,
    submitted: u64,
    measured: bool,
    copied_up: u64,
}

/// Bindings of the output, of the source and of the pointer: see `shaders/params.glsl`.
const SETS: [&[Binding]; 3] = [
    &[Binding::Storage, Binding::Uniform],
    &[Binding::Picture, Binding::Picture, Binding::Picture],
    &[Binding::Picture],
];

impl Pass {
    /// A pass to `target`, of which at most so many pictures are held at a time.
    ///
    /// # Errors
    /// The device cannot make such pictures, or has no memory.
    pub fn new(
        device: &Device,
        target: Target,
        _filter: Filter,
        delivery: Delivery,
        most: usize,
    ) -> Result<Self, PassError> {
        if target.format != PixelFormat::Nv12 {
            return Err(PassError::Format(target.format));
        }
        let layout = Layout::new(device, &SETS, 0)?;
        let pipeline = Pipeline::new(&layout, include_bytes!("../../shaders/convert.spv"), &[])?;
        Ok(Self {
            device: device.clone(),
            target,
            delivery,
            pipeline,
            slots: Vec::new(),
            most,
            staged: None,
            pointer: PointerImage::new(device, &layout)?,
            layout,
            timeline: Arc::new(Timeline::new(device)?),
            submitted: 0,
            measured: false,
            copied_up: 0,
        })
    }

    /// Makes the picture: hands the work to the GPU and returns. Where the aspect differs it is fitted,
    /// with black bars.
    ///
    /// # Errors
    /// All pictures are held; the source cannot be read; the device is lost or has no memory.
    pub fn run(&mut self, frame: &Frame<'_>) -> Result<Output, PassError> {
        let content = fit(frame.view.size(), self.target.size);
        let view = if only_trims(frame.view.size(), content.size()) {
            frame.view.cut(content.size())
        } else {
            frame.view
        };
        if view.size() != content.size() {
            return Err(PassError::Scaling);
        }
        let index = self.free_slot()?;
        let slot = &mut self.slots[index];
        let (staged, regions) = match &frame.pixels {
            Pixels::Memory { planes, changed } => {
                let staged = match self.staged.take().filter(|it| it.fits(frame)) {
                    Some(staged) => staged,
                    None => Staged::new(&self.device, &self.layout, frame)?,
                };
                let staged = self.staged.insert(staged);
                let regions = staged.fill(slot.staging(&self.device, frame)?, planes, *changed);
                (&*staged, regions)
            }
            Pixels::Resident(resident) => (&resident.0, Vec::new()),
            Pixels::DmaBuf { .. } => return Err(PassError::Import("DMA-BUFs are not imported yet".into())),
        };
        let drawn = self.pointer.update(&self.device, frame.pointer.as_ref())?;
        Params::new(&self.target, &slot.shared.layout, &view, content, drawn).write(&mut slot.params);
        let work = record::Work {
            pipeline: &self.pipeline,
            sets: [slot.set.raw(), staged.set.raw(), self.pointer.set.raw()],
            staged,
            staging: slot.staging.as_ref().map(crate::vulkan::Buffer::raw),
            regions: &regions,
            size: self.target.size,
            output: &slot.shared,
        };
        let done = self.submitted + 1;
        // SAFETY: the slot is free: its last work is done. What the work names belongs to the slot or
        // to self, which waits before it goes.
        unsafe {
            slot.commands.record(|device, list| record::record(device, list, &work))?;
            let signal = [(self.timeline.raw(), done)];
            slot.commands.submit(Submission { wait: &[], signal: &signal })?;
        }
        // Only now: what was not submitted is never done, and is not to be waited for.
        self.submitted = done;
        if let (Pixels::Memory { .. }, Some(staged)) = (&frame.pixels, &mut self.staged) {
            staged.filled();
            self.copied_up += staged.copied();
        }
        Ok(slot.shared.hold(self.submitted))
    }

    /// The index of a slot that no one holds and the GPU is done with; a new one where there is none.
    fn free_slot(&mut self) -> Result<usize, PassError> {
        let done = self.timeline.value()?;
        if let Some(index) = self.slots.iter().position(|it| it.is_free(done)) {
            return Ok(index);
        }
        if self.slots.len() == self.most {
            return Err(PassError::Full(self.most));
        }
        let (device, layout) = (&self.device, &self.layout);
        self.slots.push(Slot::new(
            device,
            layout,
            &self.target,
            self.delivery,
            &self.timeline,
            self.measured,
        )?);
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
        // Nothing may go while the GPU uses it. A device that is lost uses nothing any more; one that
        // hangs is left what it has.
        let waited = self.timeline.wait(self.submitted, Duration::from_secs(5));
        if matches!(waited, Ok(false)) {
            tracing::warn!("the GPU does not come back; what it uses is left to it");
            std::mem::forget(std::mem::take(&mut self.slots));
            std::mem::forget(self.staged.take());
        }
    }
}
