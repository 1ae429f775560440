//! What a backend is: what it is asked for, and the plan that it answers with.

use super::Request;
use super::speed::{Load, Speed};
use super::timing::rational;
use crate::av::{EncoderInfo, OpenFailure};
use crate::{
    Chroma, Codec, Container, EncoderChoice, EncoderConfig, EncoderPreset, PixelFormat, RateControl, Size,
};

/// One encoder of libavcodec.
pub(super) struct Backend {
    /// Its name there.
    pub(super) name: &'static str,
    /// What it makes.
    pub(super) codec: Codec,
    /// By which word it is asked for; never `Auto`.
    pub(super) kind: EncoderChoice,
    /// Where to get it, when this FFmpeg lacks it.
    pub(super) missing: &'static str,
    /// How fast a core runs it; none where a processor does not.
    pub(super) speed: Option<&'static Speed>,
    /// Its options for a wish, or why it cannot meet it.
    pub(super) plan: fn(&Wish<'_>) -> Result<Plan, Unmet>,
    /// What a failure to open means.
    pub(super) explain: fn(&OpenFailure) -> Unmet,
}

/// A request in the units that encoders think in, for one encoder of this FFmpeg.
pub(super) struct Wish<'a> {
    pub(super) config: &'a EncoderConfig,
    pub(super) containers: &'a [Container],
    /// Never `Auto`.
    pub(super) codec: Codec,
    pub(super) size: Size,
    pub(super) fps: f64,
    /// The same as a fraction.
    pub(super) rate: (i32, i32),
    /// Bits a second, in thousands.
    pub(super) kbps: u32,
    /// Quantiser or quality, on the codec's scale.
    pub(super) quality: u32,
    /// Pictures from key frame to key frame.
    pub(super) gop: u32,
    /// Speed against quality.
    pub(super) preset: EncoderPreset,
    /// What there is to do, and with how many processors.
    pub(super) load: Load,
    /// Threads for a software encoder.
    pub(super) threads: usize,
    /// The encoder as this FFmpeg has it.
    pub(super) info: EncoderInfo,
}

/// How an encoder is opened.
#[derive(Debug)]
pub(super) struct Plan {
    /// What it is fed with.
    pub(super) format: PixelFormat,
    /// Its options, by libavcodec's names.
    pub(super) options: Vec<(&'static str, String)>,
    /// What it does instead of what was asked.
    pub(super) notes: Vec<String>,
    /// Whether it makes a key frame on demand only when it is opened anew.
    pub(super) restart_for_key: bool,
    /// Whether it takes up another bitrate while it runs.
    pub(super) follows_bitrate: bool,
    /// Whether it keeps the rate up with H.264's filler.
    pub(super) fills: bool,
    /// Whether its rate control takes every picture for as long as one of the full rate is, whenever it is shown.
    pub(super) counts_pictures: bool,
    /// Pictures from key frame to key frame, where it places them by counting and makes one at once where it is asked.
    pub(super) keys_every: Option<u32>,
    /// The GPU, as CUDA counts them, whose memory it reads pictures from; none where it reads ours.
    pub(super) gpu: Option<u32>,
}

/// Why a backend cannot do what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unmet {
    pub(super) reason: String,
    pub(super) remedy: Option<String>,
}

impl Unmet {
    pub(super) fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: Some(remedy.into()) }
    }

    /// A failure in the encoder's own words.
    pub(super) fn as_said(failure: &OpenFailure) -> Self {
        let reason = match failure.said.last() {
            Some(line) => line.clone(),
            None => failure.error.to_string(),
        };
        Self { reason, remedy: None }
    }
}

impl<'a> Wish<'a> {
    /// A free choice of codec is also one of preset: a software encoder that would not keep up runs
    /// at a faster one.
    pub(super) fn new(request: &Request<'a>, backend: &Backend, info: EncoderInfo) -> Self {
        let (config, codec) = (request.config, backend.codec);
        let load = Load::new(request);
        let preset = match backend.speed {
            Some(speed) if config.codec == Codec::Auto => load.sustainable(speed, config.preset),
            _ => config.preset,
        };
        let frames = (config.gop_seconds * request.fps).round().clamp(1.0, 100_000.0);
        Self {
            config,
            containers: request.containers,
            codec,
            size: request.size,
            fps: request.fps,
            rate: rational(request.fps),
            kbps: config.bitrate_kbps.unwrap_or_else(|| codec.default_kbps(request.size, request.fps)),
            quality: config
                .quality
                .map_or(codec.default_quality(), |quality| quality.min(codec.worst_quality())),
            gop: frames as u32,
            preset,
            load,
            threads: backend.speed.map_or(1, |speed| load.threads(speed, preset)),
            info,
        }
    }

    /// The first of these formats of 4:2:0, or of all of 4:4:4, that the encoder takes.
    pub(super) fn pick_format(
        &self,
        eight: &[PixelFormat],
        ten: &[PixelFormat],
    ) -> Result<PixelFormat, Unmet> {
        let full = self.config.chroma == Chroma::Yuv444;
        let formats = match (full, self.config.ten_bit) {
            (false, false) => eight,
            (false, true) => ten,
            (true, false) => &[PixelFormat::I444],
            (true, true) => &[PixelFormat::I444P10, PixelFormat::I444P16],
        };
        formats.iter().copied().find(|&format| self.info.takes(format)).ok_or_else(|| {
            let (bits, chroma) =
                (if self.config.ten_bit { 10 } else { 8 }, if full { "4:4:4" } else { "4:2:0" });
            Unmet::new(
                format!("it takes no {bits}-bit {chroma} pictures in FFmpeg {}", crate::av::version()),
                match (full, self.config.ten_bit) {
                    (true, _) => "take chroma 420, or codec h264 or hevc",
                    (false, true) => "leave ten-bit off, or take codec hevc",
                    (false, false) => "update FFmpeg",
                },
            )
        })
    }

    /// Whether somebody watches live: ingest servers cut a stream at key frames, and want them where they
    /// were announced and nowhere else.
    pub(super) fn is_live(&self) -> bool {
        self.containers.iter().any(|it| matches!(it, Container::Flv | Container::MpegTs))
    }

    /// AV1 has no B-frames that could be counted: what it shows out of order is its own business.
    pub(super) fn refuse_b_frames(&self) -> Result<(), Unmet> {
        match self.config.b_frames {
            None | Some(0) => Ok(()),
            Some(_) => Err(Unmet::new(
                "AV1 has no B-frames whose number could be set",
                "leave b-frames away, or take codec h264 or hevc",
            )),
        }
    }

    /// For an encoder that always loses something.
    pub(super) fn refuse_lossless(&self, reason: &str) -> Result<(), Unmet> {
        if self.config.lossless {
            return Err(Unmet::new(reason, "for lossless take codec h264 or hevc"));
        }
        Ok(())
    }

    /// Pictures to look ahead: as many as asked for, else `usual`, but no more than pass in `most`
    /// seconds.
    ///
    /// What is in the encoder is lost when the process is killed, waited for at the start and encoded
    /// at the stop. With the B-frames and the threads that come on top, 0.4 s keeps it to well under
    /// a second.
    pub(super) fn lookahead(&self, usual: u32, most: f64) -> u32 {
        self.config.lookahead.unwrap_or_else(|| usual.min((self.fps * most) as u32))
    }

    /// B-frames to set: as many as asked for, none where four pictures would take too long to
    /// come, else the encoder's choice.
    pub(super) fn b_frames(&self) -> Option<u32> {
        let slow = self.fps < 12.0;
        self.config.b_frames.or(if slow { Some(0) } else { None })
    }

    /// Bits a second at the most, and the size in bits of the buffer that may smooth them.
    ///
    /// A constant rate keeps to one second of it; a variable one may use half as much again, over
    /// two seconds. With low latency the buffer is a quarter of a second, for what lies in it waits.
    pub(super) fn ceiling(&self) -> (u64, u64) {
        let rate = u64::from(self.kbps) * 1000;
        let (most, buffer) = if self.config.rate_control == RateControl::Cbr {
            (rate, rate)
        } else {
            (rate * 3 / 2, rate * 3)
        };
        let buffer = if self.config.low_latency { most / 4 } else { buffer };
        // libavcodec keeps it in 32 bits.
        (most, buffer.min(i32::MAX as u64))
    }
}

impl Plan {
    pub(super) const fn new(format: PixelFormat) -> Self {
        Self {
            format,
            options: vec![],
            notes: vec![],
            restart_for_key: false,
            follows_bitrate: false,
            fills: false,
            counts_pictures: false,
            keys_every: None,
            gpu: None,
        }
    }

    /// Sets an option.
    pub(super) fn set(&mut self, key: &'static str, value: impl ToString) {
        self.options.push((key, value.to_string()));
    }

    /// Sets an option, if this FFmpeg's encoder has it.
    pub(super) fn set_if_known(&mut self, wish: &Wish<'_>, key: &'static str, value: impl ToString) {
        if wish.info.has_option(key) {
            self.set(key, value);
        }
    }

    /// A ceiling that is the bitrate, which is how several wrappers are told of a constant one.
    pub(super) fn set_constant(&mut self, wish: &Wish<'_>) {
        let rate = u64::from(wish.kbps) * 1000;
        self.set("b", rate);
        self.set("maxrate", rate);
        self.set("bufsize", if wish.config.low_latency { rate / 4 } else { rate });
    }

    /// MP4 does not allow the filler that keeps a rate up where nothing moves (ISO/IEC 14496-15).
    pub(super) fn note_no_filler(&mut self) {
        self.notes.push(
            "MP4 allows no filler: where little moves, the bitrate falls below the constant one".to_owned(),
        );
    }

    /// Bitrate, ceiling and buffer, where rate control aims at a bitrate.
    pub(super) fn set_bitrate(&mut self, wish: &Wish<'_>) {
        if wish.config.rate_control.has_bitrate() {
            let (most, buffer) = wish.ceiling();
            self.set("b", u64::from(wish.kbps) * 1000);
            self.set("maxrate", most);
            self.set("bufsize", buffer);
        }
    }
}
