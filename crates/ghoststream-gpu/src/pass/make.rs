//! One picture: what its work needs, made anew where it does not fit any more, and handed to the GPU.

use std::sync::Arc;

use ghoststream_picture::{ColorRange, PixelFormat, View, fit, only_trims};

use super::imported::{self, Fences, GiveBack};
use super::kinds::{self, Kinds};
use super::params::Params;
use super::pointer::PointerImage;
use super::record::{self, Step};
use super::scale::Scaling;
use super::staging::Staged;
use super::tone::ToneKinds;
use super::{Frame, Output, Pass, PassError, Pixels, Retired, Target, convert};
use crate::vulkan::Submission;

impl Pass {
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
