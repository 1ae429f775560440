//! From the captured picture to the one that the encoder asked for.
//!
//! [`Process`] is the seam: the CPU way is here, the GPU way will stand beside it. One call crops,
//! turns, scales, converts and draws the pointer.

mod error;
pub(crate) mod pacer;

pub use error::ProcessError;

use crate::av::Picture;
use crate::capture::CapturedFrame;
use crate::encode::InputSpec;
use crate::{Rect, Scaler};

/// What a rendition does to its source's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// Format, size and colour of the result.
    pub(crate) output: InputSpec,
    /// The part of the upright picture to take; clipped to it. `None` is all.
    pub(crate) region: Option<Rect>,
    /// The filter, where sizes differ.
    pub(crate) scaler: Scaler,
}

/// Turns captured pictures into what an encoder wants. All calls come from one thread.
pub(crate) trait Process: Send {
    /// Makes the picture. Where the aspect differs it is fitted, with black bars.
    ///
    /// `frame.damage` is what changed since the frame given in the call before, and the
    /// implementation may rely on it.
    fn process(&mut self, frame: &CapturedFrame) -> Result<Picture, ProcessError>;
}

/// The processor for a recipe.
pub(crate) fn open(recipe: Recipe) -> Box<dyn Process> {
    let _ = recipe;
    unimplemented!("being written")
}
