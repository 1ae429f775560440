//! Encoding pictures.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use nvenc_emulator::{Codec, Coding, Loss};
use nvenc_emulator_bitstream::{
    Chroma, Coder, Encoder, Kind, Output, Picture, Rate, Settings, av1::Av1, h264::H264, hevc::Hevc,
};

use super::buffers::Bitstream;
use super::output::Packet;
use super::pixels::{Surface, input_format};
use super::plan::Plan;
use super::wish::Wish;
use super::{Session, bad_fault};
use crate::schema::Record;
use crate::status::Status::{InvalidCall, InvalidParam, InvalidPtr, NeedMoreInput, UnsupportedParam};
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

/// An initialised encoder.
#[derive(Debug)]
pub struct Encoding {
    pub plan: Plan,
    /// `NV_ENC_INITIALIZE_PARAMS` as they were last.
    pub params: Record,
    encoder: Encoder,
    /// Pictures that are looked at, but not encoded yet.
    ahead: VecDeque<Submission>,
    /// What was submitted and has not come out yet, by number.
    inside: VecDeque<Submitted>,
    /// Bitstream buffers, in the order in which they were given.
    waiting: VecDeque<usize>,
    /// Coded pictures that found no buffer yet.
    done: VecDeque<Packet>,
    submitted: u64,
    /// Whether a picture with parameter sets has come out.
    started: bool,
    force_key: bool,
    /// When the encoder on the chip has nothing to do any more.
    busy_until: Instant,
    /// How long it takes for a picture.
    takes: Duration,
}

/// A picture on its way into the encoder.
#[derive(Debug)]
struct Submission {
    picture: Picture,
    number: u64,
    force_key: bool,
}

/// What comes back with a coded picture.
#[derive(Clone, Copy, Debug)]
struct Submitted {
    number: u64,
    frame: u32,
    time: u64,
    duration: u64,
    headers: bool,
    /// How much longer it takes.
    delay: Duration,
}

impl Encoding {
    /// Makes the encoder.
    pub fn new(plan: Plan, params: Record) -> Self {
        let encoder = encoder(&plan.settings);
        Self {
            plan,
            params,
            encoder,
            ahead: VecDeque::new(),
            inside: VecDeque::new(),
            waiting: VecDeque::new(),
            done: VecDeque::new(),
            submitted: 0,
            started: false,
            force_key: false,
            busy_until: Instant::now(),
            takes: Duration::ZERO,
        }
    }

    /// Parameter sets, or AV1's sequence header.
    pub fn headers(&self) -> Vec<u8> {
        self.encoder.headers()
    }

    /// Goes on by another plan.
    pub fn reconfigure(&mut self, wish: &Wish<'_>, plan: Plan, reset: bool, force_key: bool) -> Answer {
        let (old, new) = (&self.plan.settings, &plan.settings);
        require(old.gop == new.gop, InvalidParam, || "the GOP structure cannot be reconfigured".into())?;
        require(
            old.stream.format.depth == new.stream.format.depth
                && old.stream.format.chroma == new.stream.format.chroma,
            InvalidParam,
            || "the form of pictures cannot be reconfigured".into(),
        )?;
        require((old.rate == Rate::Exact) == (new.rate == Rate::Exact), InvalidParam, || {
            "lossless cannot be reconfigured".into()
        })?;
        require(self.plan.lookahead == plan.lookahead, InvalidParam, || {
            "lookaheadDepth cannot be reconfigured".into()
        })?;
        let changed = old.rate != new.rate;
        require(!changed || wish.can("SUPPORT_DYN_BITRATE_CHANGE"), UnsupportedParam, || {
            "this GPU does not change the bitrate while it encodes".into()
        })?;
        let resized = old.stream != new.stream;
        if old.stream.format != new.stream.format {
            require(wish.can("SUPPORT_DYN_RES_CHANGE"), UnsupportedParam, || {
                "this GPU does not change the size while it encodes".into()
            })?;
            let (width, height) = wish.size();
            let (most_width, most_height) = self.plan.room;
            require(width <= most_width && height <= most_height, InvalidParam, || {
                format!(
                    "{width}x{height} is larger than the {most_width}x{most_height} of maxEncodeWidth and maxEncodeHeight"
                )
            })?;
        }
        if resized {
            // Another size or rate is said in other parameter sets: what is inside comes out first.
            self.flush();
            self.encoder = encoder(&plan.settings);
            self.started = false;
        } else if changed && plan.settings.rate != Rate::Exact {
            self.encoder.set_rate(plan.settings.rate);
        }
        self.force_key |= force_key || reset;
        self.plan = Plan { room: self.plan.room, ..plan };
        self.params = wish.params.clone();
        Ok(())
    }

    /// Codes the next picture that is submitted as a key picture.
    pub fn force_key_next(&mut self) {
        self.force_key = true;
    }

    fn push(&mut self, picture: Picture, submitted: Submitted, force_key: bool) {
        let number = submitted.number;
        self.inside.push_back(submitted);
        self.ahead.push_back(Submission { picture, number, force_key });
        while self.ahead.len() > self.plan.lookahead {
            self.encode_next();
        }
    }

    fn encode_next(&mut self) {
        if let Some(next) = self.ahead.pop_front() {
            let outputs = self.encoder.push(&next.picture, next.number, next.force_key);
            self.take(outputs);
        }
    }

    fn flush(&mut self) {
        while !self.ahead.is_empty() {
            self.encode_next();
        }
        let outputs = self.encoder.finish();
        self.take(outputs);
    }

    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            let place = self.inside.iter().position(|submitted| submitted.number == output.id);
            let submitted =
                place.and_then(|place| self.inside.remove(place)).expect("each picture comes out once");
            self.busy_until = self.busy_until.max(Instant::now()) + self.takes + submitted.delay;
            let packet = self.packet(output, submitted);
            self.done.push_back(packet);
        }
    }

    fn packet(&mut self, output: Output, submitted: Submitted) -> Packet {
        let key = output.kind == Kind::Key;
        let first = key && !self.started && self.plan.headers;
        let repeated = key && self.plan.repeat_headers;
        let mut bytes = if self.plan.delimiters { delimiter(self.plan.codec).to_vec() } else { Vec::new() };
        if first || repeated || submitted.headers {
            bytes.extend(self.encoder.headers());
        }
        self.started |= key;
        bytes.extend_from_slice(&output.bytes);
        Packet {
            bytes,
            kind: output.kind,
            quantizer: output.quantizer,
            order: output.order,
            frame: submitted.frame,
            time: submitted.time,
            duration: submitted.duration,
            ready_at: self.busy_until,
        }
    }
}

/// What begins an access unit, or AV1's temporal unit.
const fn delimiter(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::H264 => &[0, 0, 0, 1, 0x09, 0xf0],
        Codec::Hevc => &[0, 0, 0, 1, 0x46, 0x01, 0x50],
        Codec::Av1 => &[0x12, 0],
    }
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
        let picture = self.picture(params.get("inputBuffer") as usize, &surface)?;

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
        encoding.push(picture, submitted, forced);
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

/// The encoder of a codec.
fn encoder(settings: &Settings) -> Encoder {
    let stream = settings.completed();
    let coder: Box<dyn Coder> = match settings.codec {
        nvenc_emulator_bitstream::Codec::H264 => Box::new(H264::new(stream)),
        nvenc_emulator_bitstream::Codec::Hevc => Box::new(Hevc::new(stream)),
        nvenc_emulator_bitstream::Codec::Av1 => Box::new(Av1::new(stream)),
    };
    Encoder::with(coder, settings)
}
