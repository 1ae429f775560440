//! Why nothing could be encoded.

use crate::Codec;
use crate::av::AvError;
use crate::output::OutputError;
use crate::stats::Refusal;

/// Why encoding failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Every encoder that could have done it refused.
    #[error("no encoder for {codec} could be opened: {}", list(refused))]
    NoEncoder {
        /// What was asked for.
        codec: Codec,
        /// Each encoder, its reason and the remedy.
        refused: Vec<Refusal>,
    },
    /// The codec that was asked for does not fit a container.
    #[error(transparent)]
    Unsuitable(#[from] OutputError),
    /// An encoder that was open failed.
    #[error("{encoder} failed: {source}")]
    Failed {
        /// Its name in libavcodec.
        encoder: &'static str,
        /// What it answered.
        source: AvError,
    },
}

fn list(refused: &[Refusal]) -> String {
    let lines: Vec<String> = refused
        .iter()
        .map(|it| match &it.remedy {
            Some(remedy) => format!("{}: {} ({remedy})", it.encoder, it.reason),
            None => format!("{}: {}", it.encoder, it.reason),
        })
        .collect();
    if lines.is_empty() { "there is none in this FFmpeg".to_owned() } else { lines.join("; ") }
}
