//! The judge: reads a recording of the test card back and says what is wrong with it.
//!
//! It decodes every frame and every sample with libavcodec, reads the card's stamps from the
//! pictures and finds the beeps in the sound. What it says rests on nothing but the file: not on
//! what the recorder believes to have written.

mod card;
mod colors;
mod ear;
mod eye;
mod file;
mod hdr;
mod sync;
mod verdict;

#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Context, Result};

pub use card::{CardVerdict, Timing};
pub use hdr::Hdr;
pub use verdict::{AudioVerdict, Color, Seek, Verdict, VideoVerdict};

/// What the judge is told of the recording beforehand.
#[derive(Clone, Debug)]
pub struct Options {
    /// Card frames to one recorded frame, 1.0 unless told: a card at 120 recorded at 60 is 2.0.
    pub step: f64,
    /// Whether the recording was paused: the card's time may jump, and each stretch is judged alone.
    pub pauses: bool,
    /// Whether to measure the colours, which takes longer.
    pub colors: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { step: 1.0, pauses: false, colors: true }
    }
}

/// Judges a recording made at the card's own rate, without a pause.
///
/// # Errors
/// The file cannot be opened, or has neither pictures nor sound.
pub fn judge(path: impl AsRef<Path>) -> Result<Verdict> {
    judge_with(path, &Options::default())
}

/// Judges a recording.
///
/// # Errors
/// The file cannot be opened, or has neither pictures nor sound.
pub fn judge_with(path: impl AsRef<Path>, options: &Options) -> Result<Verdict> {
    let path = path.as_ref();
    let mut file = file::File::open(path).with_context(|| format!("judging {}", path.display()))?;
    let mut senses = file.senses(options)?;
    let errors = file.read(&mut senses)?;
    let seek = file.seek(&senses);

    let frames = senses.video.as_ref().map(eye::Eye::frames).unwrap_or_default();
    let card = card::judge(frames, options);
    let skews = senses.audio.iter().map(|ear| sync::judge(frames, ear)).collect();
    Ok(verdict::write(&file, senses, card, skews, seek, errors))
}
