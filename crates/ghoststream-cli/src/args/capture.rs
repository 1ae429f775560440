//! The options that capturing commands share.

use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};
use ghoststream::control::Name;
use ghoststream::{
    AudioCodec, BReference, Chroma, Codec, ConfigError, CursorMode, EncoderChoice, EncoderPreset,
    FrameRateMode, Hdr, Interpolate, Multipass, Preset, Profile, Profiles, RateControl, Resolved, Scaler,
    Settings, SplitEncode, ToneCurve, Tune,
};

use crate::failure::Failure;
use crate::session;

macro_rules! words {
    ($name:ty) => {
        PossibleValuesParser::new(<$name>::ALL.iter().map(|it| it.word()))
    };
}

/// An option that can be taken back: `--ten-bit`, or `--ten-bit=false` over a profile that has it.
macro_rules! switch {
    () => {
        PossibleValuesParser::new(["true", "false"])
    };
}

/// Words as they were typed; ranges are checked with the profile's by the library.
#[derive(Clone, Debug, Default, Args)]
pub struct CaptureArgs {
    /// What to capture: portal (you pick in a dialog), test-card, or node:ID of PipeWire
    #[arg(long, value_name = "SOURCE", help_heading = "Picture")]
    source: Option<String>,

    /// Only this part of the picture, in pixels from its top left corner
    #[arg(long, value_name = "X,Y,WxH", allow_hyphen_values = true, help_heading = "Picture")]
    region: Option<String>,

    /// Output size, even [default: the source's]
    #[arg(long, value_name = "WxH", allow_hyphen_values = true, help_heading = "Picture")]
    size: Option<String>,

    /// Pictures a second, 1 to 240 [default: 60]
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Picture")]
    fps: Option<String>,

    /// A picture at every tick, or only when something changes
    #[arg(long, value_name = "MODE", value_parser = words!(FrameRateMode), help_heading = "Picture")]
    frame_rate_mode: Option<String>,

    /// The filter that scales
    #[arg(long, value_name = "FILTER", value_parser = words!(Scaler), help_heading = "Picture")]
    scaler: Option<String>,

    /// What is shown between two pictures of a source that is slower than the output
    #[arg(long, value_name = "MODE", value_parser = words!(Interpolate), help_heading = "Picture")]
    interpolate: Option<String>,

    /// A source in HDR: auto maps it to SDR, keep records PQ or HLG in ten bits
    #[arg(long, value_name = "MODE", value_parser = words!(Hdr), help_heading = "Picture")]
    hdr: Option<String>,

    /// How HDR is mapped to SDR
    #[arg(long, value_name = "CURVE", value_parser = words!(ToneCurve), help_heading = "Picture")]
    tone_curve: Option<String>,

    /// The light of SDR's white in an HDR picture, 40 to 1000 cd/m² [default: 203]
    #[arg(long, value_name = "CDM2", allow_hyphen_values = true, help_heading = "Picture")]
    sdr_white: Option<String>,

    /// The display for which a source in HDR was made: G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)
    #[arg(long, value_name = "DISPLAY", help_heading = "Picture")]
    mastering_display: Option<String>,

    /// The brightest pixel and the brightest average of a source in HDR, in cd/m²
    #[arg(long, value_name = "CLL,FALL", help_heading = "Picture")]
    max_cll: Option<String>,

    /// Who crops, scales and converts: auto, cpu, gpu or gpu:NAME
    #[arg(long, value_name = "WHO", help_heading = "Picture")]
    processing: Option<String>,

    /// The mouse pointer
    #[arg(long, value_name = "MODE", value_parser = words!(CursorMode), help_heading = "Picture")]
    cursor: Option<String>,

    /// Size, rate and bitrate in one word; `ghoststream presets` lists them
    #[arg(long, value_name = "NAME", value_parser = words!(Preset), hide_possible_values = true, help_heading = "Encoding")]
    preset: Option<String>,

    /// The video codec
    #[arg(long, value_name = "CODEC", value_parser = words!(Codec), help_heading = "Encoding")]
    codec: Option<String>,

    /// NVIDIA's encoder, a software one, or whichever works
    #[arg(long, value_name = "ENCODER", value_parser = words!(EncoderChoice), help_heading = "Encoding")]
    encoder: Option<String>,

    /// Speed against quality
    #[arg(long, value_name = "PRESET", value_parser = words!(EncoderPreset), help_heading = "Encoding")]
    encoder_preset: Option<String>,

    /// How bits are spent [default: vbr, or crf with --quality]
    #[arg(long, value_name = "MODE", value_parser = words!(RateControl), help_heading = "Encoding")]
    rate_control: Option<String>,

    /// Thousand bits a second, 50 to 800000 [default: by size and rate]
    #[arg(long, value_name = "KBPS", allow_hyphen_values = true, help_heading = "Encoding")]
    bitrate: Option<String>,

    /// For cqp and crf, lower is better: 0 to 51, AV1 0 to 63
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Encoding")]
    quality: Option<String>,

    /// A packet for each picture at once: no B-frames, no lookahead
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "Encoding")]
    low_latency: Option<String>,

    /// B-frames between references, 0 to 16
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Encoding")]
    b_frames: Option<String>,

    /// Pictures that rate control looks ahead, 0 to 250
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Encoding")]
    lookahead: Option<String>,

    /// Seconds between key frames, 0.1 to 60 [default: 2]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, help_heading = "Encoding")]
    gop: Option<String>,

    /// Ten bits a sample
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "Encoding")]
    ten_bit: Option<String>,

    /// Colour differences: 420 is what every player takes, 444 keeps coloured text sharp
    #[arg(long, value_name = "CHROMA", value_parser = words!(Chroma), help_heading = "Encoding")]
    chroma: Option<String>,

    /// Every picture comes back exactly as it went in
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "Encoding")]
    lossless: Option<String>,

    /// What it is tuned for [default: hq, with --low-latency ull]
    #[arg(long, value_name = "TUNE", value_parser = words!(Tune), help_heading = "NVIDIA's encoder")]
    tune: Option<String>,

    /// Whether rate control looks twice [default: by the encoder preset]
    #[arg(long, value_name = "MODE", value_parser = words!(Multipass), help_heading = "NVIDIA's encoder")]
    multipass: Option<String>,

    /// Spend bits where the eye sees them, within a picture
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "NVIDIA's encoder")]
    spatial_aq: Option<String>,

    /// Spend bits where they last, across pictures
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "NVIDIA's encoder")]
    temporal_aq: Option<String>,

    /// Which B-frames others may refer to
    #[arg(long, value_name = "MODE", value_parser = words!(BReference), help_heading = "NVIDIA's encoder")]
    b_ref: Option<String>,

    /// Predict fades; without B-frames
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "NVIDIA's encoder")]
    weighted_prediction: Option<String>,

    /// Refresh a part of each picture instead of sending key frames
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, help_heading = "NVIDIA's encoder")]
    intra_refresh: Option<String>,

    /// Several encoders of the GPU on one picture: HEVC and AV1
    #[arg(long, value_name = "MODE", value_parser = words!(SplitEncode), help_heading = "NVIDIA's encoder")]
    split_encode: Option<String>,

    /// Which GPU, as CUDA counts them [default: the first that can]
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "NVIDIA's encoder")]
    gpu: Option<String>,

    /// Sound: desktop, mic, app:NAME, node:ID, mix (of the others) or none; repeat for a track each [default: desktop]
    #[arg(long, value_name = "SOURCE", help_heading = "Sound")]
    audio: Vec<String>,

    /// The audio codec [default: opus, in MP4 aac]
    #[arg(long, value_name = "CODEC", value_parser = words!(AudioCodec), help_heading = "Sound")]
    audio_codec: Option<String>,

    /// Stop by itself after so long
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    duration: Option<String>,

    /// Look for the source again when it vanishes, instead of ending
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    resume: Option<String>,

    /// Replace the file if it exists
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    overwrite: Option<String>,

    /// Live outputs: keep the bitrate and drop pictures when the network carries less
    #[arg(long)]
    no_adapt: bool,

    /// Live outputs: the least bitrate, in kbit/s, 50 to 800000 [default: a tenth, 300 at least]
    #[arg(long, value_name = "KBPS", allow_hyphen_values = true)]
    bitrate_floor: Option<String>,

    /// Live outputs: leave out every second picture below this bitrate, in kbit/s, 50 to 800000 [default: none]
    #[arg(long, value_name = "KBPS", allow_hyphen_values = true)]
    half_rate_below: Option<String>,

    /// The profile file [default: ~/.config/ghoststream/config.toml]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Profiles")]
    pub config: Option<PathBuf>,

    /// Which profile of that file to use
    #[arg(long, value_name = "NAME", help_heading = "Profiles")]
    pub profile: Option<String>,

    /// The name by which `ghoststream ctl` finds it [default: its process id]
    #[arg(long, value_name = "NAME")]
    pub control: Option<Name>,

    /// Ask the desktop for keys that save the replay, pause, set a marker and stop, wherever you are; it says which
    #[arg(long, value_name = "BOOL", value_parser = switch!(), num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true)]
    hotkeys: Option<String>,

    /// Print one JSON object a second and a last one with the report
    #[arg(long)]
    pub json: bool,
}

impl CaptureArgs {
    /// Lays what was typed over the profile and checks the whole.
    pub fn resolve(&self) -> Result<Resolved, Failure> {
        self.resolve_over(Settings::default())
    }

    /// The same, over what a command takes where neither says anything.
    pub fn resolve_over(&self, defaults: Settings) -> Result<Resolved, Failure> {
        let flags = self.settings().map_err(|error| in_flags(&error))?;
        let profile = self.read_profile()?;
        let merged = flags.clone().over(profile.settings().clone()).over(defaults);
        let mut resolved = merged.resolve().map_err(|error| {
            let blamed = if flags.has(error.name) { None } else { profile.blame(&error) };
            blamed.map_or_else(|| in_flags(&error), Failure::from)
        })?;
        // Each profile remembers its own choice of screen.
        if let Some(name) = &self.profile {
            resolved.capture = resolved.capture.with_restore_profile(Some(name.clone()));
        }
        Ok(resolved)
    }

    /// How the command shows itself and is found while it runs.
    pub fn session(&self, resolved: &Resolved) -> session::Options {
        session::Options { json: self.json, control: self.control.clone(), hotkeys: resolved.hotkeys }
    }

    fn read_profile(&self) -> Result<Profile, Failure> {
        let profiles = match &self.config {
            Some(path) => Profiles::read(path)?,
            None => Profiles::read_default()?,
        };
        Ok(profiles.get(self.profile.as_deref())?)
    }

    fn settings(&self) -> Result<Settings, ConfigError> {
        let mut settings = Settings::default();
        for (key, value) in self.typed() {
            if let Some(value) = value {
                settings.set(key, &[value])?;
            }
        }
        if self.no_adapt {
            settings.set("adapt", &["false"])?;
        }
        if !self.audio.is_empty() {
            settings.set("audio", &self.audio)?;
        }
        Ok(settings)
    }

    /// Every option but `--audio` and `--no-adapt`, by its key.
    const fn typed(&self) -> [(&'static str, &Option<String>); 44] {
        [
            ("source", &self.source),
            ("region", &self.region),
            ("codec", &self.codec),
            ("encoder", &self.encoder),
            ("preset", &self.preset),
            ("size", &self.size),
            ("fps", &self.fps),
            ("bitrate", &self.bitrate),
            ("rate_control", &self.rate_control),
            ("quality", &self.quality),
            ("encoder_preset", &self.encoder_preset),
            ("low_latency", &self.low_latency),
            ("b_frames", &self.b_frames),
            ("lookahead", &self.lookahead),
            ("gop", &self.gop),
            ("ten_bit", &self.ten_bit),
            ("chroma", &self.chroma),
            ("lossless", &self.lossless),
            ("tune", &self.tune),
            ("multipass", &self.multipass),
            ("spatial_aq", &self.spatial_aq),
            ("temporal_aq", &self.temporal_aq),
            ("b_ref", &self.b_ref),
            ("weighted_prediction", &self.weighted_prediction),
            ("intra_refresh", &self.intra_refresh),
            ("split_encode", &self.split_encode),
            ("gpu", &self.gpu),
            ("frame_rate_mode", &self.frame_rate_mode),
            ("scaler", &self.scaler),
            ("interpolate", &self.interpolate),
            ("hdr", &self.hdr),
            ("tone_curve", &self.tone_curve),
            ("sdr_white", &self.sdr_white),
            ("mastering_display", &self.mastering_display),
            ("max_cll", &self.max_cll),
            ("processing", &self.processing),
            ("cursor", &self.cursor),
            ("audio_codec", &self.audio_codec),
            ("duration", &self.duration),
            ("resume", &self.resume),
            ("overwrite", &self.overwrite),
            ("bitrate_floor", &self.bitrate_floor),
            ("hotkeys", &self.hotkeys),
            ("half_rate_below", &self.half_rate_below),
        ]
    }
}

/// An error in the words of the command line.
pub(super) fn in_flags(error: &ConfigError) -> Failure {
    Failure::usage(format!("--{} {} is not possible: {}", error.name, error.value, error.allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_an_option() {
        let args = CaptureArgs::default();
        let mut typed: Vec<_> = args.typed().iter().map(|(key, _)| *key).chain(["audio", "adapt"]).collect();
        let mut keys = Settings::KEYS.to_vec();
        typed.sort_unstable();
        keys.sort_unstable();
        assert_eq!(typed, keys);
    }
}
