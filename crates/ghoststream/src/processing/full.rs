//! From RGB to 4:4:4: every pixel keeps its own colour differences, so each is converted by itself.

use super::avx2;
use super::deep::DeepWeights;
use super::source::Word;
use super::weights::Weights;

/// A row of luma, of Cb and of Cr, in bytes.
pub(super) type Planes<'a> = [&'a mut [u8]; 3];

/// Converts a row of four-byte pixels to samples of 8 bits.
pub(super) fn convert(weights: &Weights, pixels: &[[u8; 4]], planes: Planes<'_>) {
    let [luma, cbs, crs] = planes;
    avx2::vectorised(
        #[inline(always)]
        || {
            let samples = luma.iter_mut().zip(cbs.iter_mut().zip(crs.iter_mut()));
            for (pixel, (y, (cb, cr))) in pixels.iter().zip(samples) {
                let [a, b, c] = sample(weights, *pixel);
                (*y, *cb, *cr) = (a as u8, b as u8, c as u8);
            }
        },
    );
}

/// The same to 10 bits in 16-bit samples, moved up by `shift` bits.
pub(super) fn convert_deep(weights: &Weights, pixels: &[[u8; 4]], planes: Planes<'_>, shift: u32) {
    let [luma, cbs, crs] = planes.map(|plane| plane.as_chunks_mut::<2>().0);
    let samples = luma.iter_mut().zip(cbs.iter_mut().zip(crs.iter_mut()));
    for (pixel, (y, (cb, cr))) in pixels.iter().zip(samples) {
        let [a, b, c] = sample(weights, *pixel).map(|it| ((it << shift) as u16).to_le_bytes());
        (*y, *cb, *cr) = (a, b, c);
    }
}

/// Luma, Cb and Cr of one pixel. The weights are made for sums of eight colour differences.
#[inline(always)]
fn sample(weights: &Weights, pixel: [u8; 4]) -> [i32; 3] {
    let dot = |row: &[i32; 4]| -> i32 { (0..4).map(|at| i32::from(pixel[at]) * row[at]).sum() };
    let luma = (dot(&weights.luma) + weights.luma_offset) >> weights.shift;
    let chroma = |row| (8 * dot(row) + weights.chroma_offset) >> (weights.shift + 3);
    [luma, chroma(&weights.cb), chroma(&weights.cr)].map(|it| it.clamp(0, weights.most))
}

/// Converts a row of words to samples of `depth` bits, moved up by `shift` bits. `place` is where in the
/// picture it goes.
pub(super) fn convert_words(
    weights: &DeepWeights,
    pixels: &[Word],
    place: (u32, u32),
    planes: Planes<'_>,
    depth: u32,
    shift: u32,
) {
    if depth > 8 {
        let [luma, cbs, crs] = planes.map(|plane| plane.as_chunks_mut::<2>().0);
        weights.full(&pixels[..pixels.len().min(luma.len())], place, |at, sample| {
            let [y, cb, cr] = sample.map(|it| (it << shift).to_le_bytes());
            (luma[at], cbs[at], crs[at]) = (y, cb, cr);
        });
    } else {
        let [luma, cbs, crs] = planes;
        weights.full(&pixels[..pixels.len().min(luma.len())], place, |at, sample| {
            let [y, cb, cr] = sample.map(|it| it as u8);
            (luma[at], cbs[at], crs[at]) = (y, cb, cr);
        });
    }
}
