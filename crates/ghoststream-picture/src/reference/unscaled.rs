//! Luma and chroma that may stay what they are.

use super::{Planes, Recipe, Source};
use crate::{ColorRange, PixelFormat, Transform};

/// The planes of a picture whose luma and chroma are the source's own: the same colour, nothing
/// turned, on even places. `None` where that cannot be. The pointer is left out, and that nothing is
/// scaled is for the caller to know.
///
/// A processor may go either this way, which keeps chroma sharp, or through RGB as
/// [`made`](super::made) does.
#[must_use]
pub fn carried_over(source: &Source<'_>, recipe: &Recipe) -> Option<Planes> {
    let (input, output) = (source.format, recipe.output.format);
    let region = recipe.region.unwrap_or_default();
    let (left, top) = (source.crop.x + region.x, source.crop.y + region.y);
    let plain = input.is_yuv()
        && output.is_yuv()
        && !input.is_full_chroma()
        && !output.is_full_chroma()
        && source.color == recipe.output.color
        && (input.depth() == output.depth() || source.color.range == ColorRange::Limited)
        && source.transform == Transform::Normal
        && left % 2 == 0
        && top % 2 == 0;
    if !plain {
        return None;
    }
    let size = recipe.output.size;
    let scale = f64::from(1u32 << output.depth()) / f64::from(1u32 << input.depth());
    let most = f64::from((1u32 << output.depth()) - 1);
    let plane = |which: usize| {
        let by = if which > 0 { 2 } else { 1 };
        let at = |x: u32, y: u32| {
            let (x, y) = (left + x * by, top + y * by);
            let value = if which == 0 {
                source.luma(x, y)
            } else if input == PixelFormat::Yuy2 {
                // Every row has its own: the place of the output's is between two.
                let below = (y + 1).min(top + size.height - 1);
                (source.chroma(which - 1, x / 2, y) + source.chroma(which - 1, x / 2, below)) / 2.0
            } else {
                source.chroma(which - 1, x / 2, y / 2)
            };
            (value * scale).min(most)
        };
        let (columns, rows) = (size.width.div_ceil(by), size.height.div_ceil(by));
        (0..rows).map(|y| (0..columns).map(|x| at(x, y)).collect()).collect()
    };
    Some([0, 1, 2].map(plane))
}
