//! The GPU way: one pass of Vulkan from the captured picture to the one that the encoder reads.
//!
//! [`Gpu`] is that way alone. [`Ways`] has it and the CPU's, and goes on with the other when it fails.
//! Which of them a recording begins with is [decided](choice) before it begins, among the devices that
//! were [looked for](devices) while other things were being opened.

mod choice;
mod compiled;
mod devices;
#[cfg(test)]
pub(crate) mod double;
mod handover;
mod motion;
mod moving;
mod told;
mod ways;

#[cfg(test)]
mod tests;

pub(crate) use choice::{Chosen, Wanted, choose};
pub(crate) use devices::{Devices, digits, has_nodes, pick};
pub(crate) use handover::Handover;
pub(crate) use told::Told;

use std::sync::Arc;
use std::time::Duration;

use ghoststream_gpu::Acquire;
use ghoststream_gpu::pass::{
    Blame, Delivery, Frame, GiveBack, Output, Pass, PassError, Pixels, Pointer, Resident, Target,
};
use ghoststream_gpu::vulkan::{Device, Physical};
use ghoststream_picture::View;

use super::geometry::Geometry;
use super::{ProcessError, Recipe};
use crate::Rect;
use crate::capture::{CapturedFrame, Cursor, CursorBitmap, Damage, GpuBuffer, Memory};
use crate::encode::GpuPicture;
use motion::Decided;

/// Pictures that are out at a time: as many as NVENC's wrapper registers. The channel to the encoder has room for
/// half of them; interpolation holds two at the most, and makes none that would leave none for the source.
const MOST: usize = 64;

/// What makes pictures on a GPU: a pass, or a double of one.
pub(crate) trait Maker: Send {
    /// Hands the work for a picture to the GPU.
    fn run(&mut self, frame: &Frame<'_>) -> Result<Output, PassError>;

    /// Hands the work for pictures between two of its own to the GPU, at these 256ths of the way.
    fn between(&mut self, pair: [&Output; 2], times: &[u32]) -> Result<Vec<Output>, PassError>;

    /// From the next pictures on, has the optical flow engine find what moves.
    fn use_optical_flow(&mut self) -> Result<(), PassError>;

    /// From the next pictures on, finds what moves by blocks.
    fn use_block_search(&mut self) -> Result<(), PassError>;

    /// Copies a picture into the device's memory.
    fn keep(&self, frame: &Frame<'_>) -> Result<Resident, PassError>;

    /// When the last frame may go back to its producer.
    fn give_back(&mut self) -> GiveBack;

    /// Bytes that the CPU copied for it so far.
    fn copied_up(&self) -> u64;

    /// Objects that were made on its device so far.
    fn created(&self) -> u64;
}

impl Maker for Pass {
    fn run(&mut self, frame: &Frame<'_>) -> Result<Output, PassError> {
        Self::run(self, frame)
    }

    fn between(&mut self, pair: [&Output; 2], times: &[u32]) -> Result<Vec<Output>, PassError> {
        Self::between(self, pair, times)
    }

    fn use_optical_flow(&mut self) -> Result<(), PassError> {
        Self::use_optical_flow(self)
    }

    fn use_block_search(&mut self) -> Result<(), PassError> {
        Self::use_block_search(self)
    }

    fn keep(&self, frame: &Frame<'_>) -> Result<Resident, PassError> {
        Self::keep(self, frame)
    }

    fn give_back(&mut self) -> GiveBack {
        Self::give_back(self)
    }

    fn copied_up(&self) -> u64 {
        Self::copied_up(self)
    }

    fn created(&self) -> u64 {
        self.device().created()
    }
}

/// What is put between a pass and the one who uses it: for doubles. It may also be that there is none.
pub(crate) type Double = fn(Box<dyn Maker>) -> Result<Box<dyn Maker>, PassError>;

/// Why the GPU has not made a picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum GpuError {
    /// The frame cannot be shown, by whomever.
    #[error(transparent)]
    Frame(ProcessError),
    /// The GPU does not make this picture; the CPU may.
    #[error(transparent)]
    Refused(PassError),
    /// The GPU, or its driver, has failed.
    #[error(transparent)]
    Device(PassError),
}

/// Makes pictures on a GPU.
pub(super) struct Gpu {
    recipe: Recipe,
    device: Device,
    double: Option<Double>,
    maker: Box<dyn Maker>,
    delivery: Delivery,
    last: Option<(Shown, GpuPicture)>,
    /// What finds motion for pictures between others.
    motion: Decided,
    pointer: Pointers,
    /// Buffers that are still read, and what is made of them.
    held: Vec<(Output, GpuBuffer)>,
    /// A picture whose time is not known yet.
    timed: Option<Output>,
    /// Bytes that the CPU copied for passes before this one.
    copied_before: u64,
}

/// What makes one picture like another, if nothing in the buffer has changed.
#[derive(PartialEq)]
struct Shown {
    geometry: Geometry,
    cursor: Option<Cursor>,
}

impl Gpu {
    /// A pass on this device for pictures that are delivered so.
    ///
    /// # Errors
    /// It cannot make them, or has no memory.
    pub(super) fn new(
        recipe: Recipe,
        device: Device,
        delivery: Delivery,
        double: Option<Double>,
    ) -> Result<Self, PassError> {
        let maker = maker(&recipe, &device, delivery, double)?;
        Ok(Self {
            recipe,
            device,
            double,
            maker,
            delivery,
            last: None,
            motion: Decided::default(),
            pointer: Pointers::default(),
            held: Vec::new(),
            timed: None,
            copied_before: 0,
        })
    }

    /// The device that it runs on.
    pub(super) fn physical(&self) -> &Physical {
        self.device.physical()
    }

    pub(super) const fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// From the next picture on they are delivered so.
    pub(super) fn deliver(&mut self, delivery: Delivery) -> Result<(), PassError> {
        let maker = maker(&self.recipe, &self.device, delivery, self.double)?;
        self.replace(maker, delivery);
        self.restore_motion()
    }

    /// Opens the device anew, and all that is on it. What moves is found by blocks from then on: the engine may
    /// have been what failed.
    pub(super) fn rebuild(&mut self) -> Result<(), PassError> {
        let device = Device::open(self.device.physical())?;
        compiled::restore(&device);
        let maker = maker(&self.recipe, &device, self.delivery, self.double)?;
        self.device = device;
        self.motion.forget("the GPU was opened anew");
        self.replace(maker, self.delivery);
        Ok(())
    }

    /// Says when a buffer may be drawn into again; it is held until then where that cannot be said.
    fn give_back(&mut self, buffer: &GpuBuffer, output: &Output) {
        self.held.retain(|(output, _)| !output.wait(Duration::ZERO).unwrap_or(true));
        match self.maker.give_back() {
            GiveBack::Now => {}
            GiveBack::At(fence) => buffer.lease.read_until(fence),
            GiveBack::WithOutput => self.held.push((output.clone(), buffer.clone())),
        }
    }

    fn replace(&mut self, maker: Box<dyn Maker>, delivery: Delivery) {
        self.copied_before += self.maker.copied_up();
        (self.maker, self.delivery, self.last, self.timed) = (maker, delivery, None, None);
    }

    /// Hands the work for a picture to the GPU. Where nothing has changed it is the picture before.
    pub(super) fn process(&mut self, frame: &CapturedFrame) -> Result<GpuPicture, GpuError> {
        let geometry = Geometry::new(frame, &self.recipe).map_err(GpuError::Frame)?;
        let shown = Shown { geometry, cursor: frame.cursor.clone() };
        if frame.damage == Damage::Rects(Vec::new())
            && let Some((before, picture)) = &self.last
            && *before == shown
        {
            return Ok(picture.clone());
        }
        let pixels = pixels(frame)?;
        let view =
            View::new(frame.crop.intersection(Rect::of(frame.size)), frame.transform, self.recipe.region)
                .map_err(|size| GpuError::Frame(ProcessError::Region(size)))?;
        let output = self.maker.run(&Frame {
            size: frame.size,
            format: frame.format,
            color: frame.color,
            hdr: frame.hdr,
            view,
            pointer: frame.cursor.as_ref().map(|it| self.pointer.see(it)),
            pixels,
        });
        let output = output.map_err(|error| failed(frame, error))?;
        if let Memory::Gpu(buffer) = &frame.memory {
            self.give_back(buffer, &output);
        }
        self.timed.get_or_insert_with(|| output.clone());
        let picture = GpuPicture::new(output, self.recipe.output);
        self.last = Some((shown, picture.clone()));
        Ok(picture)
    }

    /// How long the GPU took for one of the pictures that were made since the last time, if that is known by
    /// now.
    pub(super) fn took(&mut self) -> Option<Duration> {
        let done = |it: &mut Output| it.wait(Duration::ZERO).unwrap_or(true);
        self.timed.take_if(done)?.gpu_time()
    }

    /// Bytes of pixels that went through memory of the CPU so far, but for what is read back.
    pub(super) fn copied_up(&self) -> u64 {
        self.copied_before + self.maker.copied_up()
    }

    /// Objects that were made on the device so far.
    pub(super) fn created(&self) -> u64 {
        self.maker.created()
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        compiled::keep(&self.device);
    }
}

fn maker(
    recipe: &Recipe,
    device: &Device,
    delivery: Delivery,
    double: Option<Double>,
) -> Result<Box<dyn Maker>, PassError> {
    let crate::encode::InputSpec { format, size, color } = recipe.output;
    let target = Target { format, size, color };
    let mut pass = Box::new(Pass::new(device, target, recipe.scaler.into(), delivery, MOST)?);
    pass.set_tone(Some(recipe.tone));
    pass.measure();
    match double {
        Some(double) => double(pass),
        None => Ok(pass),
    }
}

fn pixels(frame: &CapturedFrame) -> Result<Pixels<'_>, GpuError> {
    Ok(match &frame.memory {
        Memory::Cpu(buffer) => {
            let plane = |it| if it < frame.format.planes() { buffer.plane(it) } else { (&[][..], 0) };
            let changed = match &frame.damage {
                Damage::Full => None,
                Damage::Rects(rects) => Some(rects.as_slice()),
            };
            Pixels::Memory { planes: [0, 1, 2].map(plane), changed }
        }
        Memory::Gpu(buffer) => {
            let acquire: Acquire =
                buffer.lease.acquire().map_err(|why| GpuError::Frame(ProcessError::GpuMemory(why)))?;
            Pixels::DmaBuf { buffer: &buffer.buffer, acquire }
        }
    })
}

/// What follows from a picture that was not made.
fn failed(frame: &CapturedFrame, error: PassError) -> GpuError {
    match (error.blame(), &frame.memory) {
        (Blame::Device, _) => GpuError::Device(error),
        (Blame::Taker, _) => GpuError::Frame(ProcessError::Held),
        (Blame::Frame, Memory::Cpu(_)) => GpuError::Refused(error),
        (Blame::Frame, Memory::Gpu(buffer)) => {
            let why = error.to_string();
            if error.is_of_the_buffer() {
                buffer.lease.refuse(&why);
            }
            GpuError::Frame(ProcessError::GpuMemory(why))
        }
    }
}

/// Tells one bitmap of the pointer from another by a number.
#[derive(Default)]
struct Pointers {
    /// The last one, held so that no other comes to lie at its place.
    bitmap: Option<Arc<CursorBitmap>>,
    id: u64,
}

impl Pointers {
    fn see<'a>(&mut self, cursor: &'a Cursor) -> Pointer<'a> {
        let known = self.bitmap.as_ref().is_some_and(|it| Arc::ptr_eq(it, &cursor.bitmap));
        if !known {
            self.bitmap = Some(Arc::clone(&cursor.bitmap));
            self.id += 1;
        }
        let (position, hotspot) = (cursor.position, cursor.hotspot);
        Pointer {
            place: (position.0.saturating_sub(hotspot.0), position.1.saturating_sub(hotspot.1)),
            size: cursor.bitmap.size,
            rgba: &cursor.bitmap.rgba,
            id: self.id,
        }
    }
}
