//! What one backend is asked for, and the plan that it answers with.

use super::Request;
use super::timing::rational;
use crate::av::EncoderInfo;
use crate::{Codec, Container, EncoderConfig, EncoderPreset, PixelFormat, RateControl, Size};

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
    /// Processors that this process may use.
    pub(super) cores: usize,
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
}

impl<'a> Wish<'a> {
    pub(super) fn new(request: &Request<'a>, codec: Codec, info: EncoderInfo) -> Self {
        let config = request.config;
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
            preset: config.preset,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            info,
        }
    }

    /// The first of these formats that the encoder takes.
    pub(super) fn pick_format(
        &self,
        eight: &[PixelFormat],
        ten: &[PixelFormat],
    ) -> Result<PixelFormat, Unmet> {
        let formats = if self.config.ten_bit { ten } else { eight };
        formats.iter().copied().find(|&format| self.info.takes(format)).ok_or_else(|| {
            let bits = if self.config.ten_bit { 10 } else { 8 };
            Unmet::new(
                format!("it takes no {bits}-bit 4:2:0 pictures in FFmpeg {}", crate::av::version()),
                if self.config.ten_bit { "leave ten-bit off, or take codec hevc" } else { "update FFmpeg" },
            )
        })
    }

    /// Threads for a software encoder.
    pub(super) fn threads(&self) -> usize {
        self.cores.min(8)
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
        if self.config.low_latency { (most, most / 4) } else { (most, buffer) }
    }
}

impl Plan {
    pub(super) const fn new(format: PixelFormat) -> Self {
        Self { format, options: vec![], notes: vec![] }
    }

    /// Sets an option.
    pub(super) fn set(&mut self, key: &'static str, value: impl ToString) {
        self.options.push((key, value.to_string()));
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
