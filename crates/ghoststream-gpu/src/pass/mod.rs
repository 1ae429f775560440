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
use ghoststream_picture::{Color, ColorRange, PixelFormat, Size, ToneMapping, View, fit, only_trims};

use crate::interpolate::Interpolator;
use crate::vulkan::{Binding, Device, Layout, Submission, Timeline};
use convert::Converters;
use imported::{Fences, ImportedPictures};
use kinds::Kinds;
use light::Light;
use output::Slot;
use params::Params;
use pointer::PointerImage;
use record::Step;
use ring::Ring;
use scale::{Scaler, Scalers, Scaling};
use staging::{Region, Staged};
use tone::ToneKinds;

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

    /// Makes the picture: hands the work to the GPU and returns. Where the aspect differs it is fitted,
    /// with black bars.
    ///
    /// # Errors
    /// All pictures are held; the source cannot be read; the device is lost, hangs or has no memory. Who is
    /// to blame says [`PassError::blame`].
    pub fn run(&mut self, frame: &Frame<'_>) -> Result<Output, PassError> {
        self.make(frame).inspect_err(|_| {
            // What changed with this frame never arrived.
            self.staged.iter_mut().for_each(Staged::missed);
            self.pointer.forget();
        })
    }

    fn make(&mut self, frame: &Frame<'_>) -> Result<Output, PassError> {
        check_view(frame)?;
        let content = fit(frame.view.size(), self.target.size);
        let view = if only_trims(frame.view.size(), content.size()) {
            frame.view.cut(content.size())
        } else {
            frame.view
        };
        let index = self.free_slot()?;
        let tone = self.light.follow(frame, self.timeline.value()?);
        let kinds = self.kinds(frame, &view, tone)?;
        let scaling = Scaling { kinds, from: view.size(), content, size: self.target.size };
        let pointed = convert::is_pointed(frame);
        let pipeline = if scaling.is_needed() {
            self.make_filters(scaling)?;
            None
        } else {
            let fills = convert::fills(&view, content, self.target.size);
            Some(self.converters.prepare(&self.device, &self.layout, kinds, fills, pointed)?)
        };
        self.make_room(frame)?;
        let slot = &mut self.slots[index];
        let done = self.submitted + 1;
        let (mut drawn, mut read, mut staging) = (None, None, None);
        self.regions.clear();
        slot.read = None;
        let (source, set) = match &frame.pixels {
            Pixels::Memory { planes, changed } => {
                let staged = self.staged.as_mut().ok_or(PassError::Format(frame.format))?;
                let reached = (self.timeline.value()?, done);
                let room = self.staging.take(&self.device, staged.length(), reached)?;
                staged.fill(room, planes, *changed, &mut self.regions)?;
                staging = Some(room.raw());
                (record::Source::Staged(staged), &staged.set)
            }
            Pixels::Resident(resident) => {
                slot.read = Some(Arc::clone(&resident.0));
                (record::Source::Staged(&resident.0), &resident.0.set)
            }
            Pixels::DmaBuf { buffer, acquire } => {
                imported::check(frame, buffer)?;
                let reached = (self.timeline.value()?, done);
                let it = self.imported.find(&self.device, &self.layout, buffer, reached)?;
                if slot.fences.is_none() {
                    slot.fences = Fences::new(&self.device)?;
                }
                drawn = imported::wait_for(slot.fences.as_mut(), acquire)?;
                read = slot.fences.as_mut().and_then(Fences::read);
                (record::Source::Imported(&it.picture), &it.set)
            }
        };
        let bitmap = frame.pointer.as_ref().filter(|it| !it.size.is_empty());
        let room = slot.pointer.at_least(&self.device, PointerImage::length(bitmap))?;
        let new_pointer =
            self.pointer.fill(room, bitmap, || self.light.of_pointer())?.map(|region| (room.raw(), region));
        Params::new(frame, &self.target, &slot.shared.layout, &view, content).write(&mut slot.params);
        let work = record::Work {
            step: match pipeline {
                Some(index) => {
                    let (pipeline, pixels) = self.converters.get(index);
                    Step::Convert(pipeline, pixels)
                }
                None => Step::Scale(&self.scalers, pointed),
            },
            sets: [slot.set.raw(), set.raw(), self.pointer.set.raw()],
            source,
            staging,
            regions: &self.regions,
            new_pointer,
            light: self.light.work(tone),
            pointer: &self.pointer,
            size: self.target.size,
            output: &slot.shared,
        };
        let mut signal = [(self.timeline.raw(), done); 3];
        let others = self.handed_over.iter().map(|it| (it.raw(), done));
        let others = others.chain(read.as_ref().map(|it| (it.raw(), 0)));
        let signals = 1 + signal[1..].iter_mut().zip(others).map(|(slot, it)| *slot = it).count();
        let drawn = drawn.map(|it| (it, 0));
        let submission = Submission { wait: drawn.as_slice(), signal: &signal[..signals] };
        // SAFETY: the slot is free: its last work is done. What the work names belongs to the slot or
        // to self, which waits before it goes.
        unsafe {
            slot.commands.record(|device, list| record::record(device, list, &work))?;
            slot.commands.submit(submission)?;
        }
        // Only now: what was not submitted is never done, and is not to be waited for.
        self.submitted = done;
        self.light.submitted(tone, done);
        if pipeline.is_none() {
            self.scalers.filled();
        }
        match (&frame.pixels, &mut self.staged) {
            (Pixels::Memory { .. }, Some(staged)) => {
                staged.filled();
                self.copied_up += staged.copied();
            }
            (_, staged) => staged.iter_mut().for_each(Staged::missed),
        }
        self.pointer.used |= new_pointer.is_some();
        let output = slot.shared.hold(done);
        self.give_back = match (&frame.pixels, read) {
            // SAFETY: what signals it was just submitted.
            (_, Some(fence)) => unsafe { fence.export() }?.map_or(GiveBack::Now, GiveBack::At),
            (Pixels::DmaBuf { .. }, None) => GiveBack::WithOutput,
            _ => GiveBack::Now,
        };
        Ok(output)
    }

    /// When the last frame may go back to its producer. To be asked once for each.
    pub const fn give_back(&mut self) -> GiveBack {
        std::mem::replace(&mut self.give_back, GiveBack::Now)
    }

    /// What pipelines for frames like this one, shown so, are specialized for.
    fn kinds(&self, frame: &Frame<'_>, view: &View, tone: ToneKinds) -> Result<Kinds, PassError> {
        Ok(Kinds {
            group: kinds::GROUP,
            source: kinds::Source::of(frame.format).ok_or(PassError::Format(frame.format))?,
            target: self.kind,
            dithered: frame.format.depth() > self.target.format.depth(),
            carried: carries_over(frame, view, &self.target),
            tone,
            upright: view.upright_origin().is_some_and(|it| !frame.format.is_yuv() || is_even(it)),
        })
    }

    /// The filters of this geometry, made anew where it was another.
    fn make_filters(&mut self, scaling: Scaling) -> Result<(), PassError> {
        let old = self.scalers.prepare(&self.device, &self.layout, self.filter, scaling)?;
        self.retired.extend(old.map(|_it| (self.submitted, Retired::Scaler { _it })));
        Ok(())
    }

    /// Images for the frame and its pointer, made anew where those that there are do not fit.
    fn make_room(&mut self, frame: &Frame<'_>) -> Result<(), PassError> {
        let done = self.timeline.value()?;
        self.retired.retain(|(until, _)| *until > done);
        let from_memory = matches!(frame.pixels, Pixels::Memory { .. });
        if from_memory && !self.staged.as_ref().is_some_and(|it| it.fits(frame)) {
            let new = Staged::new(&self.device, &self.layout, frame)?;
            let old = self.staged.replace(new);
            self.retired.extend(old.map(|_it| (self.submitted, Retired::Staged { _it })));
        }
        if let Some(pointer) = frame.pointer.as_ref().filter(|it| !self.pointer.holds(it.size)) {
            let new = PointerImage::new(&self.device, &self.layout, pointer.size)?;
            let _it = std::mem::replace(&mut self.pointer, new);
            self.retired.push((self.submitted, Retired::Pointer { _it }));
        }
        Ok(())
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

/// That what is shown of a frame lies in its buffer.
fn check_view(frame: &Frame<'_>) -> Result<(), PassError> {
    let size = frame.view.size();
    let inside = |(x, y)| x < frame.size.width && y < frame.size.height;
    let corners = [(0, 0), (size.width.wrapping_sub(1), size.height.wrapping_sub(1))];
    let lies_inside = !size.is_empty() && corners.iter().all(|(x, y)| inside(frame.view.locate(*x, *y)));
    lies_inside.then_some(()).ok_or(PassError::Outside(frame.size))
}

/// Whether luma and chroma of a frame can stay what they are: the same colour, nothing turned, chroma in the
/// same places.
fn carries_over(frame: &Frame<'_>, view: &View, target: &Target) -> bool {
    let subsampled = |format: PixelFormat| format.is_yuv() && !format.is_full_chroma();
    // From eight to ten bits, full range is no plain shift.
    let same_steps =
        frame.format.depth() == target.format.depth() || frame.color.range == ColorRange::Limited;
    subsampled(frame.format)
        && subsampled(target.format)
        && frame.color == target.color
        && same_steps
        && view.upright_origin().is_some_and(is_even)
}

/// Whether chroma that two by two pixels share begins at a place.
const fn is_even((x, y): (u32, u32)) -> bool {
    x.is_multiple_of(2) && y.is_multiple_of(2)
}
