//! Everything that the command line and a profile can say, each value optional.
//!
//! Settings are layers: flags lie over a profile, that over the preset, that over the defaults.
//! [`Settings::over`] lays one over another, [`Settings::resolve`] fills in what nobody said.

use super::setting::{Given, Refused, Setting};
use super::{
    AudioCodec, AudioSource, BReference, CaptureSource, Chroma, Codec, ConfigError, CursorMode,
    EncoderChoice, EncoderPreset, FrameRateMode, Hdr, Interpolate, Multipass, Processing, RateControl,
    Scaler, SplitEncode, ToneCurve, Tune,
};
use crate::{ContentLight, MasteringDisplay, Preset, Rect, Size};

macro_rules! settings {
    ($($(#[$meta:meta])* $field:ident $word:literal: $ty:ty),+ $(,)?) => {
        /// One layer of settings. `None` leaves a value to the layer below.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Settings {
            $($(#[$meta])* pub $field: Option<$ty>),+
        }

        impl Settings {
            /// Every setting by its word in TOML; on the command line `_` is written `-`.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Whether this layer says anything of a setting, by either of its words.
            pub fn has(&self, key: &str) -> bool {
                match key.replace('-', "_").as_str() {
                    $(stringify!($field) => self.$field.is_some(),)+
                    _ => false,
                }
            }

            fn merged(self, below: Self) -> Self {
                Self { $($field: self.$field.or(below.$field)),+ }
            }

            pub(super) fn put(&mut self, key: &str, given: &Given<'_>) -> Result<(), Unfit> {
                match key.replace('-', "_").as_str() {
                    $(stringify!($field) => {
                        let value = <$ty>::read(given).map_err(|it| Unfit::new($word, it))?;
                        let alone = Self { $field: Some(value), ..Self::default() };
                        alone.check_alone()?;
                        self.$field = alone.$field;
                        Ok(())
                    })+
                    _ => Err(Unfit::Unknown),
                }
            }
        }
    };
}

settings! {
    /// Where pictures come from.
    source "source": CaptureSource,
    /// The part of the picture to take.
    region "region": Rect,
    /// The codec.
    codec "codec": Codec,
    /// Hardware, software, or whichever works.
    encoder "encoder": EncoderChoice,
    /// Size, rate and bitrate, where no layer says them.
    preset "preset": Preset,
    /// Output size.
    size "size": Size,
    /// Pictures a second.
    fps "fps": f64,
    /// Bits a second, in thousands.
    bitrate "bitrate": u32,
    /// How bits are spent.
    rate_control "rate-control": RateControl,
    /// Quantiser or quality.
    quality "quality": u32,
    /// Speed against quality.
    encoder_preset "encoder-preset": EncoderPreset,
    /// A packet for each picture at once.
    low_latency "low-latency": bool,
    /// B-frames between references.
    b_frames "b-frames": u32,
    /// Pictures that rate control looks ahead.
    lookahead "lookahead": u32,
    /// Seconds between key frames.
    gop "gop": f64,
    /// Ten bits a sample.
    ten_bit "ten-bit": bool,
    /// How many of the colour differences are kept.
    chroma "chroma": Chroma,
    /// Every picture exactly as it was.
    lossless "lossless": bool,
    /// What NVENC is tuned for.
    tune "tune": Tune,
    /// NVENC: whether rate control looks twice.
    multipass "multipass": Multipass,
    /// NVENC: bits where the eye sees them.
    spatial_aq "spatial-aq": bool,
    /// NVENC: bits where they last.
    temporal_aq "temporal-aq": bool,
    /// NVENC: which B-frames are references.
    b_ref "b-ref": BReference,
    /// NVENC: predict fades.
    weighted_prediction "weighted-prediction": bool,
    /// NVENC: refresh pictures by parts, without key frames.
    intra_refresh "intra-refresh": bool,
    /// NVENC: several encoders of the GPU on one picture.
    split_encode "split-encode": SplitEncode,
    /// NVENC: which GPU.
    gpu "gpu": u32,
    /// Fixed or variable rate.
    frame_rate_mode "frame-rate-mode": FrameRateMode,
    /// The filter that scales.
    scaler "scaler": Scaler,
    /// What is shown between two pictures of a slower source.
    interpolate "interpolate": Interpolate,
    /// What becomes of a source in HDR.
    hdr "hdr": Hdr,
    /// The curve between HDR and SDR.
    tone_curve "tone-curve": ToneCurve,
    /// The light of SDR's white in an HDR picture, in cd/m².
    sdr_white "sdr-white": f64,
    /// The display on which a source in HDR was made to look right.
    mastering_display "mastering-display": MasteringDisplay,
    /// How bright a source in HDR is.
    max_cll "max-cll": ContentLight,
    /// Who makes the pictures.
    processing "processing": Processing,
    /// The mouse pointer.
    cursor "cursor": CursorMode,
    /// Sound, a track each, `mix` the sum of the others; an empty list is no sound.
    audio "audio": Vec<AudioSource>,
    /// The codec of every track.
    audio_codec "audio-codec": AudioCodec,
    /// How long to record, in seconds.
    duration "duration": f64,
    /// Whether to look for the source again when it vanishes.
    resume "resume": bool,
    /// Whether a file that exists is replaced.
    overwrite "overwrite": bool,
    /// Whether a live output's bitrate follows what its path carries.
    adapt "adapt": bool,
    /// The least bitrate that it goes down to, in kbit/s.
    bitrate_floor "bitrate-floor": u32,
    /// Whether the desktop is asked for keys.
    hotkeys "hotkeys": bool,
    /// The bitrate below which every second picture is left out, in kbit/s.
    half_rate_below "half-rate-below": u32,
}

/// Why a value does not fit its setting.
#[derive(Debug)]
pub(super) enum Unfit {
    /// There is no such setting.
    Unknown,
    /// The value is of another type.
    Type { name: &'static str, expects: &'static str },
    /// The value is of the right type, but cannot be used.
    Value(ConfigError),
}

impl Unfit {
    pub(super) fn new(name: &'static str, refused: Refused) -> Self {
        match refused {
            Refused::Type(expects) => Self::Type { name, expects },
            Refused::Value(allowed) => Self::Value(ConfigError::new(name, "", allowed)),
        }
    }
}

impl From<ConfigError> for Unfit {
    fn from(error: ConfigError) -> Self {
        Self::Value(error)
    }
}

impl Settings {
    /// Sets one value from its text on the command line. Several texts are a list, which only
    /// `audio` takes.
    ///
    /// # Errors
    /// There is no such setting, or the value is not in its range.
    pub fn set<T: AsRef<str>>(&mut self, key: &str, texts: &[T]) -> Result<(), ConfigError> {
        let given = match texts {
            [one] => Given::Typed(one.as_ref()),
            many => Given::List(many.iter().map(|it| Given::Typed(it.as_ref())).collect()),
        };
        self.put(key, &given).map_err(|unfit| {
            let texts: Vec<_> = texts.iter().map(AsRef::as_ref).collect();
            let value = texts.join(", ");
            match unfit {
                Unfit::Unknown => ConfigError::new("setting", key, Self::KEYS.join(", ")),
                Unfit::Type { name, expects } => ConfigError::new(name, value, expects),
                Unfit::Value(error) => ConfigError { value, ..error },
            }
        })
    }

    /// This layer over another one: what it says counts, the rest is taken from `below`.
    ///
    /// A quality belongs to CQP and CRF and not to lossless, and low latency excludes B-frames: what this layer says
    /// also takes back the part of `below` that contradicts it.
    #[must_use]
    pub fn over(self, mut below: Self) -> Self {
        let by_bitrate =
            |mode: Option<RateControl>| matches!(mode, Some(RateControl::Cbr | RateControl::Vbr));
        if self.quality.is_some() && by_bitrate(below.rate_control) {
            below.rate_control = None;
        }
        if by_bitrate(self.rate_control) {
            below.quality = None;
        }
        if self.low_latency == Some(true) {
            (below.b_frames, below.b_ref, below.tune) = (None, None, None);
        }
        if self.lossless == Some(true) {
            below.quality = None;
        }
        if self.quality.is_some() {
            below.lossless = None;
        }
        self.merged(below)
    }

    /// What ingest servers want where nothing else is asked for: a constant bitrate and a key frame every
    /// two seconds.
    #[must_use]
    pub fn for_live() -> Self {
        Self { rate_control: Some(RateControl::Cbr), gop: Some(2.0), ..Self::default() }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
