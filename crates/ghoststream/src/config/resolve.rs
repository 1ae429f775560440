//! How layers of settings become a configuration: what nobody said is filled in, and the whole is checked.

use std::time::Duration;

use super::{
    Adaptation, AudioConfig, AudioSource, CaptureConfig, Codec, ConfigError, EncoderConfig, NvencConfig,
    RateControl, Settings,
};
use crate::{HdrMetadata, Preset};

/// What the layers add up to, checked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Resolved {
    /// What to capture.
    pub capture: CaptureConfig,
    /// How to encode it.
    pub encoder: EncoderConfig,
    /// Which sound goes with it.
    pub audio: Vec<AudioConfig>,
    /// How long to record. `None` is until it is stopped.
    pub duration: Option<Duration>,
    /// Whether a file that exists is replaced.
    pub overwrite: bool,
    /// Whether and how far a live output's bitrate follows what its path carries.
    pub adaptation: Adaptation,
    /// Whether the desktop is asked for keys that work wherever the user is. A pipeline knows nothing of it: it is
    /// for the program that runs one.
    pub hotkeys: bool,
}

/// The longest recording that can be asked for by `duration`: a year.
const LONGEST: f64 = 365.0 * 86_400.0;

impl Settings {
    /// Fills in the preset and the defaults and checks the whole.
    ///
    /// # Errors
    /// The first value that cannot be used, alone or with the others.
    pub fn resolve(&self) -> Result<Resolved, ConfigError> {
        let resolved = Resolved {
            capture: self.capture(),
            encoder: self.encoder()?,
            audio: self.audio(),
            duration: self.duration()?,
            overwrite: self.overwrite.unwrap_or(false),
            adaptation: self.adaptation(),
            hotkeys: self.hotkeys.unwrap_or(false),
        };
        resolved.capture.validate()?;
        resolved.encoder.validate()?;
        resolved.adaptation.validate()?;
        resolved.audio.iter().try_for_each(AudioConfig::validate)?;
        Ok(resolved)
    }

    /// Whether and how far a live output's bitrate follows its path.
    pub(super) fn adaptation(&self) -> Adaptation {
        Adaptation {
            follows: self.adapt.unwrap_or(true),
            floor_kbps: self.bitrate_floor,
            half_rate_below_kbps: self.half_rate_below,
        }
    }

    /// Checks a layer that says a single thing: what depends on other settings is left open.
    pub(super) fn check_alone(&self) -> Result<(), ConfigError> {
        // AV1 has the widest range of quantisers; the codec that is used has the last word.
        let open = if self.quality.is_some() { Some(Codec::AV1) } else { self.codec };
        Self { codec: open, ..self.clone() }.resolve().map(drop)
    }

    /// Checks a layer as a whole, for all that it says itself.
    pub(super) fn check_layer(&self) -> Result<(), ConfigError> {
        let decided = self.codec.is_some_and(|it| it != Codec::Auto);
        let codec = if decided { self.codec } else { Some(Codec::AV1) };
        Self { codec, ..self.clone() }.resolve().map(drop)
    }

    fn capture(&self) -> CaptureConfig {
        let mut capture = self.preset.map_or_else(CaptureConfig::default, Preset::capture);
        if let Some(source) = &self.source {
            capture.source = source.clone();
        }
        if let Some(fps) = self.fps {
            capture.fps = fps;
        }
        if let Some(cursor) = self.cursor {
            capture.cursor = cursor;
        }
        capture.region = self.region;
        capture.resume = self.resume.unwrap_or(false);
        if capture.source.is_test_card() && self.region.is_none() {
            // Drawn at the size that is recorded, so that its blocks stay sharp.
            capture.test_card_size = self.size.or_else(|| self.preset.map(Preset::size));
        }
        capture
    }

    fn encoder(&self) -> Result<EncoderConfig, ConfigError> {
        let mut encoder = self.preset.map_or_else(EncoderConfig::default, Preset::encoder);
        fn lay<T: Copy>(over: Option<T>, onto: &mut T) {
            if let Some(value) = over {
                *onto = value;
            }
        }
        lay(self.codec, &mut encoder.codec);
        lay(self.encoder, &mut encoder.encoder);
        lay(self.rate_control.or_else(|| self.quality.map(|_| RateControl::Crf)), &mut encoder.rate_control);
        lay(self.encoder_preset, &mut encoder.preset);
        lay(self.low_latency, &mut encoder.low_latency);
        lay(self.gop, &mut encoder.gop_seconds);
        lay(self.ten_bit, &mut encoder.ten_bit);
        lay(self.chroma, &mut encoder.chroma);
        lay(self.lossless, &mut encoder.lossless);
        lay(self.frame_rate_mode, &mut encoder.frame_rate_mode);
        lay(self.scaler, &mut encoder.scaler);
        lay(self.interpolate, &mut encoder.interpolate);
        lay(self.hdr, &mut encoder.hdr);
        lay(self.tone_curve, &mut encoder.tone_curve);
        lay(self.sdr_white, &mut encoder.sdr_white);
        encoder.hdr_metadata = HdrMetadata { mastering: self.mastering_display, light: self.max_cll };
        encoder.processing = self.processing.clone().unwrap_or_default();
        encoder.size = self.size.or(encoder.size);
        encoder.bitrate_kbps = self.bitrate.or(encoder.bitrate_kbps);
        encoder.quality = self.quality;
        encoder.b_frames = self.b_frames;
        encoder.lookahead = self.lookahead;
        encoder.nvenc = self.nvenc();
        match (self.quality, encoder.rate_control) {
            (Some(quality), mode @ (RateControl::Cbr | RateControl::Vbr)) => Err(ConfigError::new(
                "quality",
                quality,
                format!("it goes with rate-control cqp or crf, and rate-control is {mode}"),
            )),
            _ => Ok(encoder),
        }
    }

    fn nvenc(&self) -> NvencConfig {
        NvencConfig {
            tune: self.tune,
            multipass: self.multipass,
            spatial_aq: self.spatial_aq,
            temporal_aq: self.temporal_aq,
            b_reference: self.b_ref,
            weighted_prediction: self.weighted_prediction,
            intra_refresh: self.intra_refresh,
            split_encode: self.split_encode,
            gpu: self.gpu,
            ..NvencConfig::default()
        }
    }

    fn audio(&self) -> Vec<AudioConfig> {
        let usual = match &self.source {
            Some(source) if source.is_test_card() => AudioSource::TestCard,
            _ => AudioSource::Desktop,
        };
        let sources = self.audio.clone().unwrap_or_else(|| vec![usual]);
        sources
            .into_iter()
            .map(|it| AudioConfig { codec: self.audio_codec, ..AudioConfig::new(it) })
            .collect()
    }

    fn duration(&self) -> Result<Option<Duration>, ConfigError> {
        match self.duration {
            None => Ok(None),
            Some(seconds) if (0.1..=LONGEST).contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
            Some(other) => Err(ConfigError::new("duration", other, "0.1 to 31536000 seconds")),
        }
    }
}
