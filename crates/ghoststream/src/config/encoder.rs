//! How to encode the picture.

use ghoststream_picture::tone::REFERENCE_WHITE;

use super::{
    Chroma, Codec, ConfigError, EncoderChoice, EncoderPreset, FrameRateMode, Hdr, Interpolate, NvencConfig,
    Processing, RateControl, Scaler, ToneCurve,
};
use crate::{Color, HdrMetadata, Size};

/// How to encode the picture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EncoderConfig {
    /// The codec.
    pub codec: Codec,
    /// Which kind of encoder.
    pub encoder: EncoderChoice,
    /// Output size. `None` is the source's, rounded down to even sides.
    pub size: Option<Size>,
    /// Bits a second, in thousands, 50 to 800,000. `None` is chosen by size and rate.
    pub bitrate_kbps: Option<u32>,
    /// How bits are spent. `None` is VBR.
    pub rate_control: RateControl,
    /// Quantiser (CQP) or quality (CRF), lower is better: 0 to 51, AV1 0 to 63. `None` is 23, AV1 32.
    pub quality: Option<u32>,
    /// Speed against quality.
    pub preset: EncoderPreset,
    /// A packet for each picture at once: no B-frames, no lookahead, small buffer.
    pub low_latency: bool,
    /// B-frames between references, 0 to 16. `None` is the encoder's choice.
    pub b_frames: Option<u32>,
    /// Pictures that rate control looks ahead, 0 to 250. `None` is the encoder's choice. With NVENC 0 asks
    /// for none: where the driver's own preset has a lookahead, libavcodec's wrapper has no way to take
    /// that away.
    pub lookahead: Option<u32>,
    /// Seconds between key frames, 0.1 to 60.
    pub gop_seconds: f64,
    /// Ten bits a sample.
    pub ten_bit: bool,
    /// How many of the colour differences are kept.
    pub chroma: Chroma,
    /// Every picture comes back exactly as it went in; bitrate and quality do not apply.
    pub lossless: bool,
    /// Fixed or variable rate.
    pub frame_rate_mode: FrameRateMode,
    /// The filter that scales.
    pub scaler: Scaler,
    /// What is shown between two pictures of a source that is slower than the output. With
    /// [`Interpolate::On`] such ticks wait for the source's next picture: it needs a constant rate.
    pub interpolate: Interpolate,
    /// Who makes the pictures.
    pub processing: Processing,
    /// Matrix and range of the encoded picture.
    pub color: Color,
    /// What becomes of a source in HDR.
    pub hdr: Hdr,
    /// The curve between HDR and SDR.
    pub tone_curve: ToneCurve,
    /// The light of SDR's white in an HDR picture, 40 to 1000 cd/m²: 203 by Report ITU-R BT.2408, and
    /// what the desktop's brightness for SDR is set to, where that is another.
    pub sdr_white: f64,
    /// What is known of a source in HDR, where it does not say itself: no desktop tells its mastering
    /// display. Where nothing is known nothing is written.
    pub hdr_metadata: HdrMetadata,
    /// What is asked of NVENC alone.
    pub nvenc: NvencConfig,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            codec: Codec::Auto,
            encoder: EncoderChoice::Auto,
            size: None,
            bitrate_kbps: None,
            rate_control: RateControl::Vbr,
            quality: None,
            preset: EncoderPreset::Balanced,
            low_latency: false,
            b_frames: None,
            lookahead: None,
            gop_seconds: 2.0,
            ten_bit: false,
            chroma: Chroma::Yuv420,
            lossless: false,
            frame_rate_mode: FrameRateMode::Constant,
            scaler: Scaler::Lanczos,
            interpolate: Interpolate::Off,
            processing: Processing::Auto,
            color: Color::default(),
            hdr: Hdr::Auto,
            tone_curve: ToneCurve::Bt2390,
            sdr_white: REFERENCE_WHITE,
            hdr_metadata: HdrMetadata::default(),
            nvenc: NvencConfig::default(),
        }
    }
}

macro_rules! setters {
    ($($(#[$meta:meta])* $setter:ident($field:ident: $ty:ty) = $value:expr;)+) => {
        $(
            $(#[$meta])*
            #[must_use]
            pub const fn $setter(mut self, $field: $ty) -> Self {
                self.$field = $value;
                self
            }
        )+
    };
}

impl EncoderConfig {
    setters! {
        /// The codec.
        with_codec(codec: Codec) = codec;
        /// Hardware, software, or whichever works.
        with_encoder(encoder: EncoderChoice) = encoder;
        /// Bits a second, in thousands, 50 to 800,000.
        with_bitrate_kbps(bitrate_kbps: u32) = Some(bitrate_kbps);
        /// How bits are spent.
        with_rate_control(rate_control: RateControl) = rate_control;
        /// Quantiser or quality for CQP and CRF, lower is better.
        with_quality(quality: u32) = Some(quality);
        /// Speed against quality.
        with_preset(preset: EncoderPreset) = preset;
        /// A packet for each picture, at once.
        with_low_latency(low_latency: bool) = low_latency;
        /// B-frames between references, 0 to 16.
        with_b_frames(b_frames: u32) = Some(b_frames);
        /// Pictures to look ahead, 0 to 250.
        with_lookahead(lookahead: u32) = Some(lookahead);
        /// Seconds between key frames, 0.1 to 60.
        with_gop_seconds(gop_seconds: f64) = gop_seconds;
        /// Ten bits a sample.
        with_ten_bit(ten_bit: bool) = ten_bit;
        /// How many of the colour differences are kept.
        with_chroma(chroma: Chroma) = chroma;
        /// Every picture comes back exactly as it went in.
        with_lossless(lossless: bool) = lossless;
        /// Fixed or variable rate.
        with_frame_rate_mode(frame_rate_mode: FrameRateMode) = frame_rate_mode;
        /// The filter that scales.
        with_scaler(scaler: Scaler) = scaler;
        /// What is shown between two pictures of a slower source.
        with_interpolate(interpolate: Interpolate) = interpolate;
        /// Matrix and range of the encoded picture.
        with_color(color: Color) = color;
        /// What becomes of a source in HDR.
        with_hdr(hdr: Hdr) = hdr;
        /// The curve between HDR and SDR.
        with_tone_curve(tone_curve: ToneCurve) = tone_curve;
        /// The light of SDR's white in an HDR picture, 40 to 1000 cd/m².
        with_sdr_white(sdr_white: f64) = sdr_white;
        /// What is known of a source in HDR, where it does not say itself.
        with_hdr_metadata(hdr_metadata: HdrMetadata) = hdr_metadata;
    }

    /// Output size in pixels: even, 16x16 to 8192x8192.
    #[must_use]
    pub fn with_resolution(mut self, width: u32, height: u32) -> Self {
        self.size = Some(Size::new(width, height));
        self
    }

    /// Who makes the pictures.
    #[must_use]
    pub fn with_processing(mut self, processing: Processing) -> Self {
        self.processing = processing;
        self
    }

    /// What is asked of NVENC alone.
    #[must_use]
    pub fn with_nvenc(mut self, nvenc: NvencConfig) -> Self {
        self.nvenc = nvenc;
        self
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(size) = self.size {
            check_size("size", size)?;
            if size != size.even() {
                return Err(ConfigError::new("size", size, "an even width and height"));
            }
        }
        let within = |name, value: Option<u32>, least: u32, most: u32| match value {
            Some(it) if !(least..=most).contains(&it) => {
                Err(ConfigError::new(name, it, format!("{least} to {most}")))
            }
            _ => Ok(()),
        };
        self.bitrate_kbps.map_or(Ok(()), check_bitrate)?;
        within("b-frames", self.b_frames, 0, 16)?;
        within("lookahead", self.lookahead, 0, 250)?;
        within("quality", self.quality, 0, if self.codec == Codec::AV1 { 63 } else { 51 })?;
        if !(0.1..=60.0).contains(&self.gop_seconds) {
            return Err(ConfigError::new("gop", self.gop_seconds, "0.1 to 60 seconds"));
        }
        if self.low_latency && self.b_frames.is_some_and(|it| it > 0) {
            return Err(ConfigError::new("b-frames", self.b_frames.unwrap_or(0), "0 with low-latency"));
        }
        if self.low_latency && self.lookahead.is_some_and(|it| it > 0) {
            return Err(ConfigError::new("lookahead", self.lookahead.unwrap_or(0), "0 with low-latency"));
        }
        if !(40.0..=1000.0).contains(&self.sdr_white) {
            return Err(ConfigError::new("sdr-white", self.sdr_white, "40 to 1000 cd/m²"));
        }
        if self.hdr == Hdr::Keep && self.codec == Codec::H264 {
            return Err(ConfigError::new("hdr", self.hdr, "auto with codec h264; HDR needs hevc or av1"));
        }
        if self.interpolate == Interpolate::On && self.frame_rate_mode == FrameRateMode::Variable {
            return Err(ConfigError::new("interpolate", "on", "off with a variable frame rate"));
        }
        if self.lossless && self.quality.is_some() {
            return Err(ConfigError::new("lossless", true, "false with a quality"));
        }
        self.nvenc.validate(self.b_frames, self.low_latency)
    }
}

/// Whether a bitrate in kbit/s is one to encode with.
pub(crate) fn check_bitrate(kbps: u32) -> Result<(), ConfigError> {
    if (50..=800_000).contains(&kbps) {
        return Ok(());
    }
    Err(ConfigError::new("bitrate", kbps, "50 to 800000"))
}

/// Whether a picture of this size can be encoded at all.
pub(super) fn check_size(name: &'static str, size: Size) -> Result<(), ConfigError> {
    let within = |side| (16..=8192).contains(&side);
    if within(size.width) && within(size.height) {
        return Ok(());
    }
    Err(ConfigError::new(name, size, "16x16 to 8192x8192"))
}
