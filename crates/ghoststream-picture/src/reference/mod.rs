//! The judge: what a picture should become, one pixel at a time, in `f64`.
//!
//! The processors on the CPU and on the GPU are tested against this. It is slow and plain on purpose,
//! and shares nothing with them but the formats and the geometry of the fit: matrices, siting and
//! filters stand here a second time, as their standards write them. No product code calls it.
//!
//! [`made`] is the whole; its steps are public, so that a test may judge a part:
//!
//! 1. [`shown`]: every pixel of the buffer as red, green and blue of the output's colour
//!    ([`Conversion`]), the pointer over it, cropped, turned upright, the region taken.
//! 2. [`scaled`]: where sizes differ.
//! 3. [`planes`]: code values of the output's planes, chroma where it is sited; not rounded.
//! 4. [`placed`]: with black bars where the aspect differs.
//!
//! [`read`] turns the bytes of a result into the same shape, and [`worst`] and [`psnr`] compare.

mod compare;
mod output;
mod scale;
mod source;
mod unscaled;

#[cfg(test)]
mod tests;

pub use compare::{nearest, psnr, worst};
pub use output::{Output, Planes, blank, placed, planes, read};
pub use scale::scaled;
pub use source::{Cursor, Plane, Rgb, Source, pixel, shown, upright};
pub use unscaled::carried_over;

use crate::filter::Filter;
use crate::{Color, Conversion, Rect, Tone, fit};

/// What is done to a source.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// What comes out.
    pub output: Output,
    /// The part of the upright picture that is taken; `None` is all.
    pub region: Option<Rect>,
    /// How pixels are weighed where sizes differ.
    pub filter: Filter,
    /// How the source's light becomes the output's, where their colours differ in more than matrix and
    /// range. `None` leaves RGB code values as they are, whatever they mean.
    pub tone: Option<Tone>,
}

impl Recipe {
    /// The whole picture to this output.
    #[must_use]
    pub const fn new(output: Output, filter: Filter) -> Self {
        Self { output, region: None, filter, tone: None }
    }

    /// From one colour to that of the output, where there is anything to be done.
    fn conversion(&self, from: Color) -> Option<Conversion> {
        Conversion::new(from, self.output.color, self.tone?)
    }
}

/// The planes of the output in code values, not rounded, bars included.
#[must_use]
pub fn made(source: &Source<'_>, recipe: &Recipe) -> Planes {
    let mut picture = shown(source, recipe);
    let size = crate::Size::new(picture[0].len() as u32, picture.len() as u32);
    let content = fit(size, recipe.output.size);
    if crate::only_trims(size, content.size()) {
        picture.truncate(content.height as usize);
        picture.iter_mut().for_each(|row| row.truncate(content.width as usize));
    }
    let picture = scaled(picture, content.size(), recipe.filter);
    placed(&recipe.output, content, planes(&recipe.output, &picture))
}
