//! The options of `bench`.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use ghoststream::bench::Bench;
use ghoststream::{Codec, ConfigError, EncoderChoice, EncoderPreset, Settings, Size};

use super::capture::in_flags;
use crate::failure::Failure;

macro_rules! words {
    ($name:ty) => {
        PossibleValuesParser::new(<$name>::ALL.iter().map(|it| it.word()))
    };
}

/// The lengths of a run, in seconds, that make sense.
const LENGTHS: std::ops::RangeInclusive<f64> = 0.1..=600.0;

/// Words as they were typed; ranges are checked by the library.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// The pictures' size, even
    #[arg(long, value_name = "WxH", default_value = "1920x1080")]
    size: String,

    /// The rate at which latency is measured, 1 to 240
    #[arg(long, value_name = "N", default_value = "60", allow_hyphen_values = true)]
    fps: String,

    /// Only encoders of this codec
    #[arg(long, value_name = "CODEC", value_parser = words!(Codec), default_value = "auto")]
    codec: String,

    /// Only NVIDIA's encoders, or only software ones
    #[arg(long, value_name = "ENCODER", value_parser = words!(EncoderChoice), default_value = "auto")]
    encoder: String,

    /// Speed against quality
    #[arg(long, value_name = "PRESET", value_parser = words!(EncoderPreset), default_value = "balanced")]
    encoder_preset: String,

    /// A packet for each picture at once: no B-frames, no lookahead
    #[arg(long)]
    low_latency: bool,

    /// Ten bits a sample
    #[arg(long)]
    ten_bit: bool,

    /// How long each of an encoder's two runs takes, 0.1 to 600
    #[arg(long, value_name = "SECONDS", default_value = "3", allow_hyphen_values = true)]
    seconds: String,

    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

impl BenchArgs {
    /// What to measure.
    pub fn resolve(&self) -> Result<Bench, Failure> {
        self.bench().map_err(|error| in_flags(&error))
    }

    fn bench(&self) -> Result<Bench, ConfigError> {
        let mut settings = Settings::default();
        let switch = |on: bool| if on { "true" } else { "false" };
        for (key, value) in [
            ("size", self.size.as_str()),
            ("fps", &self.fps),
            ("codec", &self.codec),
            ("encoder", &self.encoder),
            ("encoder_preset", &self.encoder_preset),
            ("low_latency", switch(self.low_latency)),
            ("ten_bit", switch(self.ten_bit)),
        ] {
            settings.set(key, &[value])?;
        }
        let resolved = settings.resolve()?;
        let size = resolved.encoder.size.unwrap_or(Size::new(1920, 1080));
        let bench = Bench::new(resolved.encoder, size, resolved.capture.fps);
        Ok(bench.with_length(self.length()?))
    }

    fn length(&self) -> Result<Duration, ConfigError> {
        let seconds = self.seconds.parse::<f64>().ok().filter(|it| LENGTHS.contains(it));
        seconds
            .map(Duration::from_secs_f64)
            .ok_or_else(|| ConfigError::new("seconds", &self.seconds, "a number from 0.1 to 600"))
    }
}
