//! Which encoders open here, and what would be used.

use serde::Serialize;

use crate::encode::{EncoderStatus, probe_encoders, would_choose};
use crate::{Preset, Size};

/// The size at which encoders are tried: one that all of them take, and that most people record.
const TRIED_AT: (Size, f64) = (Size::new(1920, 1080), 60.0);

/// What would be used for a preset.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PresetChoice {
    /// The preset's name.
    pub preset: &'static str,
    /// The encoder that would be used, by its name in libavcodec.
    pub encoder: Option<String>,
    /// Its codec's word.
    pub codec: Option<String>,
    /// What would be chosen instead of what was asked; or why nothing can be.
    pub notes: Vec<String>,
}

/// Tries every encoder at 1920x1080 and 60 pictures a second.
pub(super) fn examine() -> Vec<EncoderStatus> {
    probe_encoders(TRIED_AT.0, TRIED_AT.1)
}

/// What would be used for each preset, recording to Matroska.
pub(super) fn choices() -> Vec<PresetChoice> {
    Preset::ALL.iter().map(|it| choice(*it)).collect()
}

fn choice(preset: Preset) -> PresetChoice {
    let preset_word = preset.word();
    match would_choose(preset) {
        Ok(it) => PresetChoice {
            preset: preset_word,
            encoder: Some(it.encoder),
            codec: Some(it.codec),
            notes: it.notes,
        },
        Err(error) => {
            PresetChoice { preset: preset_word, encoder: None, codec: None, notes: vec![error.to_string()] }
        }
    }
}
