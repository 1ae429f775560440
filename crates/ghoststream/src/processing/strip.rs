//! From four-byte RGB pixels to 4:2:0, two rows at a time.
//!
//! Chroma is sited as MPEG-2, H.264, HEVC and AV1 assume where nothing else is said: on the left
//! luma column of each pair, halfway between the two rows. So a colour difference is the mean of
//! two rows of 1-2-1 around that column, a column beyond the picture's edge being like the one at
//! the edge. Rounding is once, at the end.
//!
//! The arithmetic here is the definition; `avx2` and `avx512` give the same values, bit by bit.

use super::weights::Weights;
use super::{avx2, avx512};

/// Two rows of pixels. Both have `lead + width` pixels of four bytes.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) top: &'a [u8],
    pub(super) bottom: &'a [u8],
    /// Pixels before the first that is converted, 0 at the picture's left edge, else 1.
    pub(super) lead: usize,
}

/// Where chroma goes, in bytes.
pub(super) enum Chroma<'a> {
    /// In pairs, Cb first.
    Pairs(&'a mut [u8]),
    /// In two planes.
    Planes(&'a mut [u8], &'a mut [u8]),
}

impl Chroma<'_> {
    /// What is left after `done` pixels, an even number.
    fn after(&mut self, done: usize) -> Chroma<'_> {
        match self {
            Self::Pairs(pairs) => Chroma::Pairs(&mut pairs[done..]),
            Self::Planes(cbs, crs) => Chroma::Planes(&mut cbs[done / 2..], &mut crs[done / 2..]),
        }
    }

    /// Writes a sample of 8 bits.
    #[inline(always)]
    pub(super) fn put(&mut self, at: usize, cb: u8, cr: u8) {
        match self {
            Self::Pairs(pairs) => pairs.as_chunks_mut().0[at] = [cb, cr],
            Self::Planes(cbs, crs) => (cbs[at], crs[at]) = (cb, cr),
        }
    }

    /// Writes a sample of 16 bits, little-endian.
    #[inline(always)]
    pub(super) fn put_deep(&mut self, at: usize, cb: u16, cr: u16) {
        let ([a, b], [c, d]) = (cb.to_le_bytes(), cr.to_le_bytes());
        match self {
            Self::Pairs(pairs) => pairs.as_chunks_mut().0[at] = [a, b, c, d],
            Self::Planes(cbs, crs) => {
                cbs.as_chunks_mut().0[at] = [a, b];
                crs.as_chunks_mut().0[at] = [c, d];
            }
        }
    }
}

/// Converts two rows to 8 bits. `luma` are the two rows of the result, the second empty where the
/// picture ends.
pub(super) fn convert(weights: &Weights, rows: Rows<'_>, luma: [&mut [u8]; 2], mut chroma: Chroma<'_>) {
    debug_assert_eq!((weights.shift, weights.most), (15, 255));
    let [first, second] = luma;
    let done = avx512::convert(weights, rows, first, second, &mut chroma);
    let rest = second.get_mut(done..).unwrap_or_default();
    let more = avx2::convert(weights, rows.after(done), &mut first[done..], rest, &mut chroma.after(done));
    convert_from(weights, rows, [first, second], chroma, done + more);
}

/// [`convert`] from pixel `done` on, which is even, without vectors.
pub(super) fn convert_from(
    weights: &Weights,
    rows: Rows<'_>,
    luma: [&mut [u8]; 2],
    mut chroma: Chroma<'_>,
    done: usize,
) {
    let rest = rows.after(done);
    for (source, row) in [rest.top, rest.bottom].into_iter().zip(luma) {
        let pixels = source[rest.lead * 4..].as_chunks::<4>().0;
        for (out, pixel) in row.iter_mut().skip(done).zip(pixels) {
            *out = one_luma(weights, *pixel) as u8;
        }
    }
    each_chroma(weights, rest, |index, cb, cr| chroma.put(done / 2 + index, cb as u8, cr as u8));
}

/// Converts two rows to 10 bits in 16-bit samples, moved up by `shift` bits.
pub(super) fn convert_deep(
    weights: &Weights,
    rows: Rows<'_>,
    luma: [&mut [u8]; 2],
    mut chroma: Chroma<'_>,
    shift: u32,
) {
    for (source, row) in [rows.top, rows.bottom].into_iter().zip(luma) {
        let pixels = source[rows.lead * 4..].as_chunks::<4>().0;
        for (out, pixel) in row.as_chunks_mut::<2>().0.iter_mut().zip(pixels) {
            *out = ((one_luma(weights, *pixel) << shift) as u16).to_le_bytes();
        }
    }
    each_chroma(weights, rows, |index, cb, cr| {
        chroma.put_deep(index, (cb << shift) as u16, (cr << shift) as u16);
    });
}

impl Rows<'_> {
    /// Bytes to the same place two rows on, where the next call most likely reads. Fetching that
    /// early halves the time: pixels come cold from another process, and the processor's own
    /// prefetching ends with each page, of which a row has few.
    pub(super) fn to_next(self) -> usize {
        let stride = (self.bottom.as_ptr() as usize).wrapping_sub(self.top.as_ptr() as usize);
        stride.wrapping_mul(2)
    }

    /// What is left after `done` pixels.
    fn after(self, done: usize) -> Self {
        if done == 0 {
            return self;
        }
        let skip = (self.lead + done - 1) * 4;
        Self { top: &self.top[skip..], bottom: &self.bottom[skip..], lead: 1 }
    }
}

fn one_luma(weights: &Weights, pixel: [u8; 4]) -> i32 {
    let sum: i32 = (0..4).map(|at| i32::from(pixel[at]) * weights.luma[at]).sum();
    ((sum + weights.luma_offset) >> weights.shift).clamp(0, weights.most)
}

/// Calls `put` with each chroma sample's place, Cb and Cr.
fn each_chroma(weights: &Weights, rows: Rows<'_>, mut put: impl FnMut(usize, i32, i32)) {
    let (top, bottom) = (rows.top.as_chunks::<4>().0, rows.bottom.as_chunks::<4>().0);
    let width = top.len() - rows.lead;
    let both = |at: usize| [0, 1, 2, 3].map(|byte| i32::from(top[at][byte]) + i32::from(bottom[at][byte]));
    for index in 0..width.div_ceil(2) {
        let at = rows.lead + index * 2;
        let (left, here) = (both(at.saturating_sub(1)), both(at));
        let right = both((at + 1).min(top.len() - 1));
        let sum: [i32; 4] = std::array::from_fn(|byte| left[byte] + 2 * here[byte] + right[byte]);
        let difference = |row: &[i32; 4]| {
            let dot: i32 = sum.iter().zip(row).map(|(a, b)| a * b).sum();
            ((dot + weights.chroma_offset) >> (weights.shift + 3)).clamp(0, weights.most)
        };
        put(index, difference(&weights.cb), difference(&weights.cr));
    }
}
