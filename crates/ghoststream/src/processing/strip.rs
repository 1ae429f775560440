//! From four-byte RGB pixels to 4:2:0, two rows at a time.
//!
//! Chroma is sited as MPEG-2, H.264, HEVC and AV1 assume where nothing else is said: on the left
//! luma column of each pair, halfway between the two rows. So a colour difference is the mean of
//! two rows of 1-2-1 around that column, a column beyond the picture's edge being like the one at
//! the edge. Rounding is once, at the end.
//!
//! The arithmetic here is the definition; `avx2` gives the same values, bit by bit.

use super::avx2;
use super::matrix::Weights;

/// Two rows of pixels. Both have `lead + width` pixels of four bytes.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) top: &'a [u8],
    pub(super) bottom: &'a [u8],
    /// Pixels before the first that is converted, 0 at the picture's left edge, else 1.
    pub(super) lead: usize,
}

/// Where chroma goes.
pub(super) enum Chroma<'a> {
    /// In pairs, Cb first.
    Pairs(&'a mut [u8]),
    /// In two planes.
    Planes(&'a mut [u8], &'a mut [u8]),
}

/// Converts two rows to 8 bits. `luma` are the two rows of the result, the second empty where the
/// picture ends.
pub(super) fn convert(weights: &Weights, rows: Rows<'_>, luma: [&mut [u8]; 2], mut chroma: Chroma<'_>) {
    debug_assert_eq!((weights.shift, weights.most), (15, 255));
    let [first, second] = luma;
    let done = avx2::convert(weights, rows, first, second, &mut chroma);
    convert_from(weights, rows, [first, second], chroma, done);
}

/// [`convert`] from pixel `done` on, which is even, without vectors.
pub(super) fn convert_from(
    weights: &Weights,
    rows: Rows<'_>,
    luma: [&mut [u8]; 2],
    chroma: Chroma<'_>,
    done: usize,
) {
    let [first, second] = luma;
    let rest = rows.after(done);
    luma_row(weights, &rest.top[rest.lead * 4..], &mut first[done..]);
    if !second.is_empty() {
        luma_row(weights, &rest.bottom[rest.lead * 4..], &mut second[done..]);
    }
    match chroma {
        Chroma::Pairs(pairs) => {
            let (pairs, _) = pairs[done..].as_chunks_mut::<2>();
            each_chroma(weights, rest, |index, cb, cr| pairs[index] = [cb as u8, cr as u8]);
        }
        Chroma::Planes(cbs, crs) => each_chroma(weights, rest, |index, cb, cr| {
            cbs[done / 2 + index] = cb as u8;
            crs[done / 2 + index] = cr as u8;
        }),
    }
}

/// Converts two rows to P010; `luma` and `pairs` in bytes.
pub(super) fn convert_deep(weights: &Weights, rows: Rows<'_>, luma: [&mut [u8]; 2], pairs: &mut [u8]) {
    let sources = [rows.top, rows.bottom];
    for (source, row) in sources.into_iter().zip(luma) {
        let pixels = source[rows.lead * 4..].as_chunks::<4>().0;
        for (out, pixel) in row.as_chunks_mut::<2>().0.iter_mut().zip(pixels) {
            *out = ten_bits(one_luma(weights, *pixel));
        }
    }
    let (pairs, _) = pairs.as_chunks_mut::<4>();
    each_chroma(weights, rows, |index, cb, cr| {
        let ([a, b], [c, d]) = (ten_bits(cb), ten_bits(cr));
        pairs[index] = [a, b, c, d];
    });
}

/// A sample of P010: the ten bits on top.
fn ten_bits(value: i32) -> [u8; 2] {
    ((value as u16) << 6).to_le_bytes()
}

impl Rows<'_> {
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

fn luma_row(weights: &Weights, source: &[u8], luma: &mut [u8]) {
    for (out, pixel) in luma.iter_mut().zip(source.as_chunks::<4>().0) {
        *out = one_luma(weights, *pixel) as u8;
    }
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
