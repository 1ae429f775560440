//! Where the source's colours are not the output's: what the shaders are told of the conversion, and how
//! bright they found the source to be.

use std::time::Instant;

use ash::vk;
use ghoststream_picture::peak::{self, PeakDetector};
use ghoststream_picture::tone::REFERENCE_WHITE;
use ghoststream_picture::{Color, ColorRange, ColorSpace, Conversion, Tone, ToneMapping};

use super::tone::{LENGTH, ToneKinds, block};
use super::{Frame, PassError};
use crate::vulkan::{Buffer, DescriptorSet, Device, Use};

/// What a pointer's colours mean.
const POINTER: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);

/// The conversion of frames, and its memory on the device.
#[derive(Debug)]
pub(super) struct Light {
    /// `None` leaves code values as they are.
    mapping: Option<ToneMapping>,
    target: Color,
    conversion: Option<Conversion>,
    /// What the shaders are told, where the device does not have it yet.
    news: Option<Vec<f32>>,
    numbers: Buffer,
    detector: PeakDetector,
    /// What the shaders have seen, on the device and where the CPU reads it.
    seen: Buffer,
    told: Buffer,
    /// What the timeline has reached when `told` is there.
    looking: Option<u64>,
    /// When it was last looked at.
    looked: Option<Instant>,
}

impl Light {
    pub(super) fn new(device: &Device, target: Color) -> Result<Self, PassError> {
        Ok(Self {
            mapping: Some(ToneMapping::default()),
            target,
            conversion: None,
            news: None,
            numbers: Buffer::new(device, LENGTH as u64 * 4, Use::Device)?,
            detector: PeakDetector::new(REFERENCE_WHITE),
            seen: Buffer::new(device, 4, Use::Device)?,
            told: Buffer::new(device, 4, Use::Readback)?,
            looking: None,
            looked: None,
        })
    }

    pub(super) fn set(&mut self, mapping: Option<ToneMapping>) {
        self.mapping = mapping;
        self.detector = PeakDetector::new(mapping.map_or(REFERENCE_WHITE, |it| it.white));
    }

    /// Puts its memory into the set that shaders find it in.
    pub(super) fn bind(&self, set: &mut DescriptorSet) {
        set.set_buffer(2, &self.numbers);
        set.set_buffer(3, &self.seen);
        set.set_buffer(4, &self.numbers);
    }

    /// Follows the source's colour and peak. Tells what pipelines are specialized for. The timeline stands
    /// at `done`.
    pub(super) fn follow(&mut self, frame: &Frame<'_>, done: u64) -> ToneKinds {
        let Some(mapping) = self.mapping else { return ToneKinds::default() };
        let stated = mapping.peak.or_else(|| frame.hdr.as_ref().and_then(peak::stated));
        if let Some(until) = self.looking
            && until <= done
        {
            self.looking = None;
            // SAFETY: the copy into it is done, and the next one is not submitted before this returns.
            let bytes = unsafe { self.told.bytes() };
            let brightest = bytes.first_chunk().map_or(0.0, |it| f32::from_ne_bytes(*it));
            let now = Instant::now();
            let since = self.looked.replace(now).map_or(0.0, |it| (now - it).as_secs_f64());
            self.detector.observe(f64::from(brightest), since);
        }
        let peak = stated.unwrap_or_else(|| self.detector.peak());
        let tone = Tone { curve: mapping.curve, white: mapping.white, peak };
        let conversion = Conversion::new(frame.color, self.target, tone);
        if conversion != self.conversion {
            self.news = conversion.as_ref().map(block);
            self.conversion = conversion;
        }
        conversion.map_or_else(ToneKinds::default, |it| ToneKinds::new(&it, stated.is_none()))
    }

    /// How a pointer's colours become the output's.
    pub(super) fn of_pointer(&self) -> Option<Conversion> {
        let ToneMapping { curve, white, .. } = self.mapping?;
        Conversion::new(POINTER, self.target, Tone { curve, white, ..Tone::default() })
    }

    /// What is to be done around the shaders.
    pub(super) fn work(&self, kinds: ToneKinds) -> LightWork<'_> {
        LightWork {
            news: self.news.as_deref().map(|it| (self.numbers.raw(), it)),
            look: (kinds.looks() && self.looking.is_none()).then(|| (self.seen.raw(), self.told.raw())),
        }
    }

    /// The work was submitted, and is done when the timeline has reached `done`.
    pub(super) fn submitted(&mut self, kinds: ToneKinds, done: u64) {
        self.news = None;
        if kinds.looks() && self.looking.is_none() {
            self.looking = Some(done);
        }
    }
}

/// What commands do for a conversion.
pub(super) struct LightWork<'a> {
    /// Numbers to put into a buffer.
    news: Option<(vk::Buffer, &'a [f32])>,
    /// Where shaders put the brightest that they see, and where it goes from there.
    look: Option<(vk::Buffer, vk::Buffer)>,
}

impl LightWork<'_> {
    /// # Safety
    /// The list is being recorded; the buffers live until it is done.
    pub(super) unsafe fn before(&self, device: &ash::Device, list: vk::CommandBuffer) {
        let shader = vk::PipelineStageFlags2::COMPUTE_SHADER;
        let (stage, written) = (vk::PipelineStageFlags2::ALL_TRANSFER, vk::AccessFlags2::TRANSFER_WRITE);
        let access = vk::AccessFlags2::UNIFORM_READ
            | vk::AccessFlags2::SHADER_STORAGE_READ
            | vk::AccessFlags2::SHADER_STORAGE_WRITE;
        if self.news.is_none() && self.look.is_none() {
            return;
        }
        // SAFETY: the caller's promises.
        unsafe {
            super::record::barrier(device, list, (shader, access), stage, written);
            if let Some((buffer, numbers)) = self.news {
                let bytes = std::slice::from_raw_parts(numbers.as_ptr().cast::<u8>(), size_of_val(numbers));
                device.cmd_update_buffer(list, buffer, 0, bytes);
            }
            if let Some((seen, _)) = self.look {
                device.cmd_fill_buffer(list, seen, 0, vk::WHOLE_SIZE, 0);
            }
            super::record::barrier(device, list, (stage, written), shader, access);
        }
    }

    /// # Safety
    /// As for [`Self::before`].
    pub(super) unsafe fn after(&self, device: &ash::Device, list: vk::CommandBuffer) {
        let Some((seen, told)) = self.look else { return };
        let written = (vk::PipelineStageFlags2::COMPUTE_SHADER, vk::AccessFlags2::SHADER_STORAGE_WRITE);
        // SAFETY: the caller's promises.
        unsafe {
            let (stage, read) = (vk::PipelineStageFlags2::COPY, vk::AccessFlags2::TRANSFER_READ);
            super::record::barrier(device, list, written, stage, read);
            device.cmd_copy_buffer(list, seen, told, &[vk::BufferCopy::default().size(4)]);
            super::record::to_host(device, list);
        }
    }
}
