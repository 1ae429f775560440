//! Encoding pictures.

use std::time::Duration;

use nvenc_emulator::{Coding, Loss};
use nvenc_emulator_bitstream::{Chroma, Picture};

use super::buffers::Bitstream;
use super::encoding::Submitted;
use super::pixels::{Surface, input_format};
use super::{Session, bad_fault};
use crate::schema::Record;
use crate::status::Status::{InvalidCall, InvalidParam, InvalidPtr, NeedMoreInput};
use crate::status::{Answer, Refusal, Status, require};

/// Flags of a picture.
mod flag {
    pub const FORCE_INTRA: u32 = 0x1;
    pub const FORCE_KEY: u32 = 0x2;
    pub const HEADERS: u32 = 0x4;
    pub const END: u32 = 0x8;
    /// Those that the emulator knows.
    pub const ALL: u32 = 0xf;
}

impl Session {
    /// `NvEncEncodePicture`.
    pub fn encode(&mut self, params: &Record) -> Answer {
        let flags = params.u32("encodePicFlags");
        self.encoding()?;
        require(flags & !flag::ALL == 0, Status::Unimplemented, || {
            format!("encodePicFlags is {flags:#x}; the emulator knows {:#x}", flag::ALL)
        })?;
        if flags & flag::END != 0 {
            self.encoding_mut()?.flush();
            self.deliver();
            return Ok(());
        }
        let bitstream = self.free_bitstream(params)?;
        let surface = self.picture_surface(params)?;
        let delay = self.faults()?;
        let picture = match self.emulator.settings.unread {
            true => None,
            false => Some(self.picture(params.get("inputBuffer") as usize, &surface)?),
        };

        let takes = self.picture_time();
        let encoding = self.encoding_mut()?;
        encoding.takes = takes;
        let submitted = Submitted {
            number: encoding.submitted,
            frame: params.u32("frameIdx"),
            time: params.get("inputTimeStamp"),
            duration: params.get("inputDuration"),
            headers: flags & flag::HEADERS != 0,
            delay,
        };
        encoding.submitted += 1;
        encoding.waiting.push_back(bitstream);
        let forced =
            std::mem::take(&mut encoding.force_key) || flags & (flag::FORCE_KEY | flag::FORCE_INTRA) != 0;
        match picture {
            Some(picture) => encoding.push(picture, submitted, forced),
            None => encoding.let_pass(submitted),
        }
        self.buffers.bitstreams.insert(bitstream, Bitstream::Waiting);
        if self.deliver() == 0 { Err(Refusal::new(NeedMoreInput, "")) } else { Ok(()) }
    }

    /// Puts coded pictures into the buffers that were given for them, in order. Returns how many.
    pub fn deliver(&mut self) -> usize {
        let Some(encoding) = &mut self.encoding else { return 0 };
        let mut count = 0;
        while let (Some(&handle), true) = (encoding.waiting.front(), !encoding.done.is_empty()) {
            encoding.waiting.pop_front();
            let packet = encoding.done.pop_front();
            // A buffer that was destroyed meanwhile takes its picture with it.
            if let (Some(buffer), Some(packet)) = (self.buffers.bitstreams.get_mut(&handle), packet) {
                *buffer = Bitstream::Ready(packet);
            }
            count += 1;
        }
        count
    }

    fn free_bitstream(&self, params: &Record) -> Answer<usize> {
        let handle = params.get("outputBitstream") as usize;
        require(handle != 0, InvalidPtr, || "outputBitstream is null".into())?;
        match self.buffers.bitstreams.get(&handle) {
            None => Err(Refusal::new(InvalidParam, "outputBitstream is none of this session's")),
            Some(Bitstream::Free) => Ok(handle),
            Some(Bitstream::Locked { .. }) => Err(Refusal::new(InvalidCall, "outputBitstream is locked")),
            Some(Bitstream::Ready(_)) => {
                Err(Refusal::new(InvalidCall, "outputBitstream holds a picture that was not read yet"))
            }
            Some(Bitstream::Waiting) => {
                Err(Refusal::new(InvalidCall, "outputBitstream waits for a picture: more buffers are needed"))
            }
        }
    }

    /// Where the picture is, once the fields that describe it agree with that.
    fn picture_surface(&self, params: &Record) -> Answer<Surface> {
        let handle = params.get("inputBuffer") as usize;
        require(handle != 0, InvalidPtr, || "inputBuffer is null".into())?;
        let surface = if let Some(input) = self.buffers.inputs.get(&handle) {
            require(!input.locked, InvalidCall, || "inputBuffer is locked".into())?;
            input.surface
        } else if let Some(resource) = self.buffers.mapped.get(&handle) {
            self.buffers.resources[resource].surface
        } else if self.buffers.resources.contains_key(&handle) {
            return Err(Refusal::new(Status::ResourceNotMapped, "inputBuffer is registered, but not mapped"));
        } else {
            return Err(Refusal::new(InvalidParam, "inputBuffer is neither a buffer nor mapped"));
        };
        let format = params.u32("bufferFmt");
        require(input_format(format) == Some(surface.format), InvalidParam, || {
            format!("bufferFmt is {format:#x}; the buffer holds {:?}", surface.format)
        })?;
        let form = self.encoding()?.plan.settings.stream.format;
        require(surface.suits(form.chroma), InvalidParam, || {
            let chroma = if form.chroma == Chroma::Yuv444 { 3 } else { 1 };
            format!("{:?} cannot be encoded with a chromaFormatIDC of {chroma}", surface.format)
        })?;
        // A mapped resource was described when it was registered: libavcodec leaves these at 0 for it.
        let mapped = self.buffers.mapped.contains_key(&handle);
        let told = |field: &str, registered: usize| match params.u32(field) as usize {
            0 if mapped => registered,
            value => value,
        };
        let (width, height) = (told("inputWidth", surface.width), told("inputHeight", surface.height));
        require(width >= form.width && height >= form.height, InvalidParam, || {
            format!(
                "inputWidth and inputHeight are {width}x{height}; {}x{} are encoded",
                form.width, form.height
            )
        })?;
        require(width <= surface.width && height <= surface.height, InvalidParam, || {
            format!(
                "inputWidth and inputHeight are {width}x{height}; the buffer has {}x{}",
                surface.width, surface.height
            )
        })?;
        // A client that does not know the pitch says the width.
        let pitch = told("inputPitch", surface.pitch);
        require(pitch >= width, InvalidParam, || {
            format!("inputPitch is {pitch}, less than inputWidth {width}")
        })?;
        let kind = params.u32("pictureStruct");
        require(kind == 1, InvalidParam, || {
            format!("pictureStruct is {kind}; a progressive encoder takes 1")
        })?;
        Ok(surface)
    }

    fn picture(&self, handle: usize, surface: &Surface) -> Answer<Picture> {
        let form = self.encoding()?.plan.settings.stream.format;
        if let Some(input) = self.buffers.inputs.get(&handle) {
            return input.with_bytes(|bytes| surface.picture(bytes, form));
        }
        let resource = &self.buffers.resources[&self.buffers.mapped[&handle]];
        let bytes = self.device.read(resource.address, surface.size(), self.stream)?;
        surface.picture(&bytes, form)
    }

    /// Counts a picture. What is to happen with it happens, but for the time that it takes longer.
    fn faults(&mut self) -> Answer<Duration> {
        let fault = self.emulator.faults.next_picture().map_err(bad_fault)?;
        if let Some(loss) = fault.lost.filter(|_| self.lost.is_none()) {
            crate::cuda::lose(loss);
        }
        self.lost = self.lost.or(fault.lost);
        require(self.lost.is_none(), Status::DeviceNotExist, || match self.lost {
            Some(Loss::Reset) => "the driver was reset".into(),
            _ => "the GPU is lost".into(),
        })?;
        require(!fault.error, Status::Generic, || "encoding fails, as asked for".into())?;
        Ok(fault.delay)
    }

    /// How long the GPU of the profile takes for a picture, where that is asked for.
    fn picture_time(&self) -> Duration {
        let Some(encoding) = self.encoding.as_ref().filter(|_| self.emulator.settings.latency) else {
            return Duration::ZERO;
        };
        let form = encoding.plan.settings.stream.format;
        let speed = |coding: &Coding| coding.speed[encoding.plan.preset as usize - 1].max(1);
        let speed = self.emulator.machine.coding(encoding.plan.codec).map_or(1, speed);
        let pictures = (form.width * form.height) as f64 / f64::from(1920 * 1080);
        Duration::from_secs_f64(pictures / f64::from(speed))
    }
}
