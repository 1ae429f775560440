//! Why nothing could be encoded.

use std::time::Duration;

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
    /// The encoder takes up no other bitrate while it runs.
    #[error("{encoder} cannot change its bitrate while it runs: {remedy}")]
    FixedBitrate {
        /// Its name in libavcodec.
        encoder: &'static str,
        /// What would work.
        remedy: &'static str,
    },
    /// An encoder that was open failed.
    #[error("{encoder} failed: {source}")]
    Failed {
        /// Its name in libavcodec.
        encoder: &'static str,
        /// What it answered.
        source: AvError,
    },
    /// A call into an encoder's driver has not returned.
    #[error("{encoder} does not answer: a call has not returned within {} s", after.as_secs_f64())]
    Stuck {
        /// Its name in libavcodec.
        encoder: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// An encoder panicked, which is a bug.
    #[error("{encoder} panicked, which is a bug")]
    Panicked {
        /// Its name in libavcodec.
        encoder: &'static str,
    },
    /// An encoder failed while it ran, and no other could take over.
    #[error("{failure}, and no other encoder could take over: {}", list(refused))]
    NoSuccessor {
        /// How it failed.
        failure: Box<EncodeError>,
        /// Who was asked to take over, each with its reason.
        refused: Vec<Refusal>,
    },
    /// The GPU that encodes failed, or has no memory left for another picture.
    #[error("{encoder} failed: the GPU takes no picture: {source}")]
    Device {
        /// The encoder's name in libavcodec.
        encoder: &'static str,
        /// What the driver answered.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A picture that a GPU was to make is not there: it is left out, and the encoder goes on.
    #[error("a picture is not there: {source}")]
    Picture {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl EncodeError {
    /// The refusal of an encoder that takes up no other bitrate while it runs.
    pub(crate) const fn fixed_bitrate(encoder: &'static str) -> Self {
        let remedy = "NVENC can with rate control vbr and cbr, libx264 with cbr";
        Self::FixedBitrate { encoder, remedy }
    }
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
