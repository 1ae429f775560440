//! From the captured picture to the one that the encoder asked for.
//!
//! [`Process`] is the seam: the CPU way is here, the GPU's is in [`gpu`]. One call crops, turns, scales,
//! converts and draws the pointer. Another makes pictures between two that were made so.

mod avx2;
mod avx512;
mod between;
mod cpu;
mod deep;
mod error;
mod filter;
mod full;
mod geometry;
pub(crate) mod gpu;
mod light;
mod mapped;
pub(crate) mod pacer;
mod pointer;
mod pool;
mod reader;
mod resample;
mod scaling;
mod source;
mod strip;
mod target;
mod tiles;
mod weights;
mod window;
mod ycbcr;

#[cfg(test)]
mod tests;

pub use between::BetweenError;
pub use error::ProcessError;

use std::time::Duration;

use ghoststream_interpolation::Time;
pub use ghoststream_picture::ToneMapping;
use ghoststream_picture::filter::Filter;
use ghoststream_picture::peak;

use crate::capture::CapturedFrame;
use crate::encode::{AnyPicture, InputSpec, PictureMemory};
use crate::{EncoderConfig, Rect, Scaler};

impl From<Scaler> for Filter {
    fn from(scaler: Scaler) -> Self {
        match scaler {
            Scaler::Nearest => Self::Nearest,
            Scaler::Bilinear => Self::Bilinear,
            Scaler::Lanczos => Self::Lanczos,
        }
    }
}

/// What a rendition does to its source's pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Format, size and colour of the result.
    pub output: InputSpec,
    /// The part of the upright picture to take; clipped to it. `None` is all.
    pub region: Option<Rect>,
    /// The filter, where sizes differ.
    pub scaler: Scaler,
    /// How HDR becomes SDR, and the other way round.
    pub tone: ToneMapping,
}

impl From<&EncoderConfig> for ToneMapping {
    /// What a rendition asks for.
    fn from(config: &EncoderConfig) -> Self {
        let peak = peak::stated(&config.hdr_metadata);
        Self { curve: config.tone_curve.into(), white: config.sdr_white, peak }
    }
}

/// Turns captured pictures into what an encoder wants. All calls come from one thread.
pub trait Process: Send {
    /// Makes the picture. Where the aspect differs it is fitted, with black bars.
    ///
    /// `frame.damage` is what changed since the frame given in the call before, and the
    /// implementation may rely on it. The picture is shared with the processor, which reuses its
    /// memory once every other reference is gone.
    ///
    /// # Errors
    /// The region lies outside the picture, there is no way between the formats, or no memory.
    fn process(&mut self, frame: &CapturedFrame) -> Result<AnyPicture, ProcessError>;

    /// Gets ready to make pictures between two others, and sees whether one takes less than `limit`.
    ///
    /// # Errors
    /// It takes longer, or pictures like these cannot be interpolated.
    fn get_ready_between(&mut self, limit: Duration) -> Result<(), BetweenError>;

    /// Makes the pictures at `times` between two that [`process`](Self::process) has made, in order. They are
    /// where those are.
    ///
    /// # Errors
    /// [`get_ready_between`](Self::get_ready_between) was not asked or refused; one of the two is not there any
    /// more; too many are held, or no memory is left.
    fn between(&mut self, pair: [&AnyPicture; 2], times: &[Time]) -> Result<Vec<AnyPicture>, BetweenError>;
}

/// The CPU's way for a recipe.
pub fn open(recipe: Recipe) -> Box<dyn Process> {
    open_for(recipe, None)
}

/// The same for an encoder that has memory of its own for its pictures.
pub(crate) fn open_for(recipe: Recipe, memory: Option<PictureMemory>) -> Box<dyn Process> {
    Box::new(cpu::Cpu::new(recipe, memory))
}

/// The first `length` elements of a memory that is used again and again, and grows where it must.
fn room<T: Copy + Default>(memory: &mut Vec<T>, length: usize) -> &mut [T] {
    if memory.len() < length {
        memory.resize(length, T::default());
    }
    &mut memory[..length]
}
