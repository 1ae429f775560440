//! Which encoders open here, and what would be used.

use serde::Serialize;

use crate::encode::{self, Request};
use crate::stats::Refusal;
use crate::{Codec, Container, EncodeError, EncoderChoice, EncoderConfig, Preset, Size};

/// What became of an attempt to open an encoder.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EncoderFinding {
    /// Its name in libavcodec.
    pub name: String,
    /// Whether it opened.
    pub works: bool,
    /// Why it did not.
    pub reason: Option<String>,
    /// What can be done about it.
    pub remedy: Option<String>,
}

/// What would be used for a preset.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PresetChoice {
    /// The preset's name.
    pub preset: &'static str,
    /// The encoder that would be used.
    pub encoder: Option<String>,
    /// Its codec.
    pub codec: Option<&'static str>,
    /// Why none would be, or what is to be known of the choice.
    pub notes: Vec<String>,
}

/// Tries each encoder at a size that all of them take.
pub(super) fn examine() -> Vec<EncoderFinding> {
    let mut found: Vec<EncoderFinding> = Vec::new();
    for choice in [EncoderChoice::Nvenc, EncoderChoice::Software] {
        for codec in [Codec::H264, Codec::Hevc, Codec::AV1] {
            let config = EncoderConfig::default().with_codec(codec).with_encoder(choice);
            let request = Request { config: &config, size: Size::new(1280, 720), fps: 30.0, containers: &[] };
            let (opened, refused) = match encode::open(&request) {
                Ok(opened) => (Some(opened.name), opened.refused),
                Err(EncodeError::NoEncoder { refused, .. }) => (None, refused),
                Err(error) => (
                    None,
                    vec![Refusal { encoder: codec.to_string(), reason: error.to_string(), remedy: None }],
                ),
            };
            found.extend(refused.into_iter().map(EncoderFinding::from));
            found.extend(opened.map(EncoderFinding::working));
        }
    }
    found
}

/// What would be used for each preset, recording to Matroska.
pub(super) fn choices() -> Vec<PresetChoice> {
    Preset::ALL.iter().map(|it| choice(*it)).collect()
}

fn choice(preset: Preset) -> PresetChoice {
    let config = preset.encoder();
    let request = Request {
        config: &config,
        size: preset.size(),
        fps: f64::from(preset.fps()),
        containers: &[Container::Matroska],
    };
    match encode::open(&request) {
        Ok(opened) => PresetChoice {
            preset: preset.word(),
            encoder: Some(opened.name.to_owned()),
            codec: Some(opened.codec.word()),
            notes: opened.notes,
        },
        Err(error) => {
            PresetChoice { preset: preset.word(), encoder: None, codec: None, notes: vec![error.to_string()] }
        }
    }
}

impl EncoderFinding {
    /// Not one of them answered.
    pub(super) fn hanging(reason: String) -> Self {
        let remedy = Some("a driver hangs: `dmesg` tells more; restart the machine".to_owned());
        Self { name: "all".to_owned(), works: false, reason: Some(reason), remedy }
    }

    fn working(name: &str) -> Self {
        Self { name: name.to_owned(), works: true, reason: None, remedy: None }
    }
}

impl From<Refusal> for EncoderFinding {
    fn from(refusal: Refusal) -> Self {
        let Refusal { encoder, reason, remedy } = refusal;
        Self { name: encoder, works: false, reason: Some(reason), remedy }
    }
}
