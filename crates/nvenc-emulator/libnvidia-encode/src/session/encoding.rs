//! An initialised encoder: pictures in display order in, packets in coded order out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use nvenc_emulator::Codec;
use nvenc_emulator_bitstream::{
    Coder, Encoder, Kind, Output, Picture, Rate, Settings, av1::Av1, h264::H264, hevc::Hevc,
};

use super::output::Packet;
use super::plan::Plan;
use super::wish::Wish;
use crate::schema::Record;
use crate::status::Status::{InvalidParam, Unimplemented, UnsupportedParam};
use crate::status::{Answer, require};

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
    pub waiting: VecDeque<usize>,
    /// Coded pictures that found no buffer yet.
    pub done: VecDeque<Packet>,
    pub submitted: u64,
    /// Whether a picture with parameter sets has come out.
    started: bool,
    /// Where pictures go unread: what comes out for the first.
    grey: Option<Output>,
    pub force_key: bool,
    /// When the encoder on the chip has nothing to do any more.
    busy_until: Instant,
    /// How long it takes for a picture.
    pub takes: Duration,
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
pub struct Submitted {
    pub number: u64,
    pub frame: u32,
    pub time: u64,
    pub duration: u64,
    pub headers: bool,
    /// How much longer it takes.
    pub delay: Duration,
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
            grey: None,
            force_key: false,
            busy_until: Instant::now(),
            takes: Duration::ZERO,
        }
    }

    /// Parameter sets, or AV1's sequence header.
    pub fn headers(&self) -> Vec<u8> {
        self.encoder.headers()
    }

    /// Codes a grey picture, which comes out for the first: from now on pictures may go unread, and none waits for
    /// one to be coded. That needs an order in which no picture waits for another.
    pub fn prepare_unread(&mut self) -> Answer {
        let waits = self.plan.lookahead > 0 || self.plan.settings.gop.b_frames > 0;
        require(!waits, Unimplemented, || {
            "NVENC_EMULATOR_UNREAD=1 is for streams without B-frames and lookahead".into()
        })?;
        let format = self.plan.settings.stream.format;
        let middle = 1 << (format.depth - 1);
        self.grey = self.encoder.push(&Picture::filled(format, [middle; 3]), 0, true).pop();
        Ok(())
    }

    /// Goes on by another plan. Whether a stream of another form begins with it.
    pub fn reconfigure(&mut self, wish: &Wish<'_>, plan: Plan, reset: bool, force_key: bool) -> Answer<bool> {
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
        Ok(resized)
    }

    /// Codes the next picture that is submitted as a key picture.
    pub fn force_key_next(&mut self) {
        self.force_key = true;
    }

    /// Takes the next picture.
    pub fn push(&mut self, picture: Picture, submitted: Submitted, force_key: bool) {
        let number = submitted.number;
        self.inside.push_back(submitted);
        self.ahead.push_back(Submission { picture, number, force_key });
        while self.ahead.len() > self.plan.lookahead {
            self.encode_next();
        }
    }

    /// Takes the next picture without its pixels: the grey one comes out for the first, then filler.
    pub fn let_pass(&mut self, submitted: Submitted) {
        self.busy_until = self.busy_until.max(Instant::now()) + self.takes + submitted.delay;
        if let Some(grey) = self.grey.take() {
            let packet = self.packet(grey, submitted);
            return self.done.push_back(packet);
        }
        self.done.push_back(Packet {
            bytes: filler(self.plan.codec).to_vec(),
            kind: Kind::P,
            quantizer: 0,
            order: u32::try_from(submitted.number).unwrap_or(u32::MAX),
            frame: submitted.frame,
            time: submitted.time,
            duration: submitted.duration,
            ready_at: self.busy_until,
        });
    }

    fn encode_next(&mut self) {
        if let Some(next) = self.ahead.pop_front() {
            let outputs = self.encoder.push(&next.picture, next.number, next.force_key);
            self.take(outputs);
        }
    }

    /// Brings out all that is inside.
    pub fn flush(&mut self) {
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

/// Filler data NAL units of H.264 (7.3.2.7) and HEVC (7.3.2.8), and AV1's padding OBU (5.11).
const fn filler(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::H264 => &[0, 0, 0, 1, 0x0c, 0xff, 0x80],
        Codec::Hevc => &[0, 0, 0, 1, 0x4c, 0x01, 0xff, 0x80],
        Codec::Av1 => &[0x12, 0, 0x7a, 0],
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
