//! What this machine can encode with, for `doctor`.

use serde::Serialize;

use super::backend::Backend;
use super::speed::Load;
use super::table::{self, TABLE};
use super::{EncodeError, Request};
use crate::stats::Refusal;
use crate::{Container, EncoderConfig, Preset, Size};

/// One encoder of the table.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EncoderStatus {
    /// Its name in libavcodec.
    pub encoder: String,
    /// What it makes: the codec's word.
    pub codec: String,
    /// By which word it is asked for: `nvenc` or `software`.
    pub kind: String,
    /// Why it cannot be used, and the remedy; nothing when it opened.
    pub refusal: Option<Refusal>,
    /// Pictures a second that a software encoder is expected to reach at the default encoder preset,
    /// at the size that was probed.
    pub expected_fps: Option<f64>,
}

/// What a preset comes to on this machine.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct WouldChoose {
    /// The preset.
    pub preset: Preset,
    /// The encoder's name in libavcodec.
    pub encoder: String,
    /// The codec's word.
    pub codec: String,
    /// What was chosen instead of what was asked, and what to expect.
    pub notes: Vec<String>,
}

/// Opens every encoder of the table at this size and rate, and closes it again.
///
/// The size must be even and 16x16 at least. Each takes some milliseconds; the slowest software
/// encoders a few tenths of a second at 4K.
pub fn probe_encoders(size: Size, fps: f64) -> Vec<EncoderStatus> {
    TABLE.iter().map(|backend| status(backend, size, fps)).collect()
}

fn status(backend: &'static Backend, size: Size, fps: f64) -> EncoderStatus {
    let config = EncoderConfig::default().with_codec(backend.codec).with_encoder(backend.kind);
    let request = Request { config: &config, size, fps, containers: &[] };
    let load = Load::new(&request);
    EncoderStatus {
        encoder: backend.name.to_owned(),
        codec: backend.codec.to_string(),
        kind: backend.kind.to_string(),
        refusal: table::try_open(backend, &request).err(),
        expected_fps: backend.speed.map(|speed| load.expected_fps(speed, config.preset)),
    }
}

/// What a Matroska recording with a preset's settings would be encoded with, found by opening it.
///
/// # Errors
/// No encoder opens: every refusal is in the error.
pub fn would_choose(preset: Preset) -> Result<WouldChoose, EncodeError> {
    let config = preset.encoder();
    let (size, fps) = (preset.size(), f64::from(preset.fps()));
    let opened = super::open(&Request { config: &config, size, fps, containers: &[Container::Matroska] })?;
    Ok(WouldChoose {
        preset,
        encoder: opened.name.to_owned(),
        codec: opened.codec.to_string(),
        notes: opened.notes,
    })
}
