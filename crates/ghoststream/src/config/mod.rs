//! What a caller asks for. Every struct here is built with `with_*` and checked by the pipeline.

mod adaptation;
mod audio;
mod byte_size;
mod capture;
mod choices;
mod encoder;
mod live;
mod nvenc;
mod output;
mod packets;
mod profile;
mod profile_reader;
mod query;
mod resolve;
mod run_file;
mod setting;
mod settings;

pub use adaptation::Adaptation;
pub use audio::{AudioCodec, AudioConfig, AudioSource};
pub use byte_size::ByteSize;
pub use capture::{CaptureConfig, CaptureSource, CursorMode, SourceKinds};
pub use choices::{
    Chroma, Codec, EncoderChoice, EncoderPreset, FrameRateMode, Hdr, Interpolate, Processing, RateControl,
    Scaler, ToneCurve,
};
pub use encoder::EncoderConfig;
pub(crate) use encoder::check_bitrate;
pub use nvenc::{BReference, Multipass, NvencConfig, SplitEncode, Tune};
pub use output::{Container, Output, OutputConfig};
pub use packets::{PacketFormat, PacketOptions, WhenFull};
pub use profile::{Place, Profile, ProfileError, Profiles};
pub use resolve::Resolved;
pub use run_file::RunFile;
pub(crate) use run_file::{Named, Names, output_from_json, rendition_from_json};
pub use settings::Settings;

use std::fmt;

/// A value that cannot be used: which, what it was, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} = {value} is not possible: {allowed}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting, in the words of the command line and of TOML.
    pub name: &'static str,
    /// What was given.
    pub value: String,
    /// What is allowed, in words.
    pub allowed: String,
}

impl ConfigError {
    /// A setting out of its range.
    pub fn new(name: &'static str, value: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self { name, value: value.to_string(), allowed: allowed.into() }
    }
}

impl From<crate::ShapeError> for ConfigError {
    fn from(error: crate::ShapeError) -> Self {
        Self::new(error.name, error.value, error.allowed)
    }
}

/// Defines an enumeration whose variants have the words of the command line and of TOML.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident: $what:literal { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its word on the command line and in TOML.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ConfigError;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|it| it.word() == word).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|it| it.word()).collect();
                    $crate::ConfigError::new($what, word, format!("one of {}", words.join(", ")))
                })
            }
        }
    };
}
pub(crate) use words;
