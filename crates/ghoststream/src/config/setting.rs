//! How one setting is read, from the command line and from TOML alike.

use super::{
    AudioCodec, AudioSource, BReference, CaptureSource, Chroma, Codec, ConfigError, Container, CursorMode,
    EncoderChoice, EncoderPreset, FrameRateMode, Hdr, Interpolate, Multipass, Processing, RateControl,
    Scaler, SplitEncode, ToneCurve, Tune,
};
use crate::{ContentLight, MasteringDisplay, Preset, Rect, Size};

/// A value as it was given, before anything is known of what it should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given<'a> {
    /// A word of the command line, which may stand for anything.
    Typed(&'a str),
    /// A TOML string.
    Text(&'a str),
    /// A TOML number, as it was written; `None` where it is in another base or too long to read.
    Number(Option<f64>),
    /// A TOML boolean.
    Flag(bool),
    /// A TOML array or a repeated option.
    List(Vec<Given<'a>>),
    /// Anything else of TOML, by its name.
    Other(&'static str),
}

impl Given<'_> {
    /// What it is, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Typed(_) | Self::Text(_) => "text",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Other(name) => name,
        }
    }
}

/// Why a value was not taken.
pub(super) enum Refused {
    /// It is of another type than the one named.
    Type(&'static str),
    /// It is of the right type, but only this is allowed.
    Value(String),
}

/// A type that a setting can have.
pub(super) trait Setting: Sized {
    fn read(given: &Given<'_>) -> Result<Self, Refused>;
}

/// A number from any text or number; what is no number becomes `NaN`, which is in no range, so that
/// the range check answers with the range.
fn number(given: &Given<'_>) -> Result<f64, Refused> {
    match given {
        Given::Typed(text) => Ok(text.trim().parse().unwrap_or(f64::NAN)),
        Given::Number(value) => Ok(value.unwrap_or(f64::NAN)),
        _ => Err(Refused::Type("a number")),
    }
}

impl Setting for f64 {
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        number(given)
    }
}

impl Setting for u32 {
    /// `u32::MAX` stands for every number that is negative, too large or not whole: no range holds
    /// it, so that the range check answers with the range.
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        let value = number(given)?;
        let fits = value.fract() == 0.0 && (0.0..f64::from(Self::MAX)).contains(&value);
        Ok(if fits { value as Self } else { Self::MAX })
    }
}

impl Setting for bool {
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        match given {
            Given::Flag(value) => Ok(*value),
            Given::Typed("true") => Ok(true),
            Given::Typed("false") => Ok(false),
            Given::Typed(_) => Err(Refused::Value("true or false".into())),
            _ => Err(Refused::Type("true or false")),
        }
    }
}

impl Setting for Vec<AudioSource> {
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        let none = |it: &Given<'_>| matches!(it, Given::Typed("none") | Given::Text("none"));
        match given {
            Given::List(items) if items.len() == 1 && none(&items[0]) => Ok(Vec::new()),
            Given::List(items) if items.iter().any(none) => {
                Err(Refused::Value("none stands alone; leave it out to record the other sources".into()))
            }
            Given::List(items) => items.iter().map(AudioSource::read).collect(),
            one if none(one) => Ok(Vec::new()),
            Given::Typed(_) | Given::Text(_) => Ok(vec![AudioSource::read(given)?]),
            _ => Err(Refused::Type("text or a list of texts")),
        }
    }
}

/// Types that are written as text.
macro_rules! texts {
    ($($name:ty),+ $(,)?) => {
        $(impl Setting for $name {
            fn read(given: &Given<'_>) -> Result<Self, Refused> {
                match given {
                    Given::Typed(text) | Given::Text(text) => {
                        text.parse().map_err(|error| Refused::Value(ConfigError::from(error).allowed))
                    }
                    _ => Err(Refused::Type("text")),
                }
            }
        })+
    };
}

texts!(
    AudioCodec,
    AudioSource,
    BReference,
    CaptureSource,
    Chroma,
    Codec,
    Container,
    ContentLight,
    CursorMode,
    EncoderChoice,
    EncoderPreset,
    FrameRateMode,
    Hdr,
    Interpolate,
    MasteringDisplay,
    Multipass,
    Preset,
    Processing,
    RateControl,
    Rect,
    Scaler,
    Size,
    SplitEncode,
    ToneCurve,
    Tune,
);
