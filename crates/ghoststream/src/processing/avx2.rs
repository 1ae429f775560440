//! The inner loops with AVX2, found at run time: [`strip::convert`](super::strip::convert) and the
//! fixed-point scaling of [`resample`](super::resample).
//!
//! Conversion takes 32 pixels of two rows in one pass. Each vector holds pixels of the left 16 in its lower lane and
//! of the right 16 in its upper one, so that no packing ever has to cross lanes.
#![allow(unsafe_code)]

use super::filter::FixedAxis;
use super::resample::fixed;
use super::strip::{Chroma, Rows};
use super::weights::Weights;

/// Runs plain code compiled for AVX2 where there is one. What `body` calls must be inlined to gain.
#[inline]
pub(super) fn vectorised(body: impl FnOnce()) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn inner(body: impl FnOnce()) {
            body();
        }
        // SAFETY: AVX2 was found.
        return unsafe { inner(body) };
    }
    body();
}

/// Adds rows' shares to sums, in fixed point. Every row is as long as `sums`.
pub(super) fn blend(rows: &[&[[u8; 4]]], weights: &[i16], sums: &mut [[i16; 4]]) {
    assert!(rows.iter().all(|row| row.len() >= sums.len()), "rows are as long as the sums");
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found, and the lengths were just checked.
        done = unsafe { x86::blend(rows, weights, sums) };
    }
    fixed::blend(rows, weights, sums, done);
}

/// Makes the results from `x` on, as many as `out` has. The sums begin with the first pixel of the
/// first of them, and end with [`FixedAxis::padding`] after the last of the last.
pub(super) fn columns(axis: &FixedAxis, x: u32, sums: &[[i16; 4]], out: &mut [[u8; 4]]) {
    let x = x as usize;
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        let starts = &axis.starts()[x..x + out.len()];
        let reach = starts.last().zip(starts.first()).map_or(0, |(last, first)| last - first) as usize;
        assert!(sums.len() >= reach + axis.padding(), "the filter stays within the sums");
        // SAFETY: AVX2 was found. The last of the starts, which ascend, stays within the sums, as was
        // just checked, so all do.
        done = unsafe {
            match axis.padding() / 4 {
                1 => x86::columns::<1>(axis, x, sums, out),
                2 => x86::columns::<2>(axis, x, sums, out),
                3 => x86::columns::<3>(axis, x, sums, out),
                4 => x86::columns::<4>(axis, x, sums, out),
                5 => x86::columns::<5>(axis, x, sums, out),
                6 => x86::columns::<6>(axis, x, sums, out),
                _ => 0,
            }
        };
    }
    fixed::columns(axis, x, sums, out, done);
}

/// Pixels of one step.
const STEP: usize = 32;

/// Converts as many pixels from the left as fill whole steps; returns how many that are, an even
/// number, and none without AVX2. An empty `second` is not written.
pub(super) fn convert(
    weights: &Weights,
    rows: Rows<'_>,
    first: &mut [u8],
    second: &mut [u8],
    chroma: &mut Chroma<'_>,
) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        let width = rows.top.len() / 4 - rows.lead;
        let steps = width / STEP;
        let done = steps * STEP;
        assert!(rows.bottom.len() >= rows.top.len(), "both rows have the same pixels");
        assert!(first.len() >= done && (second.is_empty() || second.len() >= done), "luma fits");
        let second = if second.is_empty() { None } else { Some(second) };
        match chroma {
            Chroma::Pairs(pairs) => assert!(pairs.len() >= done, "chroma fits"),
            Chroma::Planes(cb, cr) => assert!(cb.len() >= done / 2 && cr.len() >= done / 2, "chroma fits"),
        }
        // SAFETY: AVX2 was found, and the lengths were just checked.
        unsafe { x86::convert(weights, rows, steps, first, second, chroma) };
        return done;
    }
    let _ = (weights, rows, first, second, chroma);
    0
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Chroma, FixedAxis, Rows, STEP, Weights};

    /// The weights of one result, for the bytes 0 and 2 of each pixel and for the bytes 1 and 3.
    #[derive(Clone, Copy)]
    struct Pair(__m256i, __m256i);

    /// Both halves of pixels, as 16-bit numbers: bytes 0 and 2, bytes 1 and 3.
    #[derive(Clone, Copy)]
    struct Split(__m256i, __m256i);

    #[target_feature(enable = "avx2")]
    fn pair(weights: [i32; 4]) -> Pair {
        let join = |low: i32, high: i32| _mm256_set1_epi32((low & 0xFFFF) | (high << 16));
        Pair(join(weights[0], weights[2]), join(weights[1], weights[3]))
    }

    #[target_feature(enable = "avx2")]
    fn dot(pixels: Split, weights: Pair, offset: __m256i) -> __m256i {
        let sum =
            _mm256_add_epi32(_mm256_madd_epi16(pixels.0, weights.0), _mm256_madd_epi16(pixels.1, weights.1));
        _mm256_add_epi32(sum, offset)
    }

    #[target_feature(enable = "avx2")]
    fn add(a: Split, b: Split) -> Split {
        Split(_mm256_add_epi16(a.0, b.0), _mm256_add_epi16(a.1, b.1))
    }

    /// Four pixels from `at` in the lower lane, four from 16 further on in the upper.
    ///
    /// # Safety
    /// 20 pixels can be read from `at`.
    #[target_feature(enable = "avx2")]
    unsafe fn load(at: *const u8) -> Split {
        // SAFETY: the caller's promise; unaligned loads.
        let pixels = unsafe {
            let low = _mm256_castsi128_si256(_mm_loadu_si128(at.cast()));
            _mm256_inserti128_si256(low, _mm_loadu_si128(at.add(64).cast()), 1)
        };
        Split(_mm256_and_si256(pixels, _mm256_set1_epi32(0x00FF_00FF)), _mm256_srli_epi16(pixels, 8))
    }

    /// 32 luma samples.
    #[target_feature(enable = "avx2")]
    fn luma(pixels: &[Split; 4], weights: Pair, offset: __m256i) -> __m256i {
        let [a, b, c, d] = pixels.map(|it| _mm256_srli_epi32(dot(it, weights, offset), 15));
        _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d))
    }

    #[target_feature(enable = "avx2")]
    fn even(a: __m256i, b: __m256i) -> __m256i {
        let (a, b) = (_mm256_castsi256_ps(a), _mm256_castsi256_ps(b));
        _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88))
    }

    #[target_feature(enable = "avx2")]
    fn odd(a: __m256i, b: __m256i) -> __m256i {
        let (a, b) = (_mm256_castsi256_ps(a), _mm256_castsi256_ps(b));
        _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD))
    }

    /// 1-2-1 around the even ones of 32 pixels, as two vectors in order within each lane. `before`
    /// ends with the last odd pixel of the step before, and becomes that of this one.
    #[target_feature(enable = "avx2")]
    fn smooth(v: [__m256i; 4], before: &mut __m256i) -> [__m256i; 2] {
        let evens = [even(v[0], v[1]), even(v[2], v[3])];
        let odds = [odd(v[0], v[1]), odd(v[2], v[3])];
        let carried = _mm256_permute2x128_si256(*before, odds[1], 0x21);
        let lefts = [_mm256_alignr_epi8(odds[0], carried, 12), _mm256_alignr_epi8(odds[1], odds[0], 12)];
        *before = odds[1];
        [0, 1].map(|at| {
            let sides = _mm256_add_epi16(odds[at], lefts[at]);
            _mm256_add_epi16(sides, _mm256_add_epi16(evens[at], evens[at]))
        })
    }

    /// The pixel of both rows to the left of the first, where every lane ends with it.
    #[target_feature(enable = "avx2")]
    fn before(rows: Rows<'_>) -> Split {
        let pixel = |row: &[u8]| i32::from_le_bytes([row[0], row[1], row[2], row[3]]);
        let split = |pixel: i32| {
            let pixels = _mm256_set1_epi32(pixel);
            Split(_mm256_and_si256(pixels, _mm256_set1_epi32(0x00FF_00FF)), _mm256_srli_epi16(pixels, 8))
        };
        add(split(pixel(rows.top)), split(pixel(rows.bottom)))
    }

    /// # Safety
    /// Both rows hold `lead + steps * STEP` pixels of four bytes, `first`, and `second` if there is
    /// one, `steps * STEP` bytes; chroma as many, or half as many in each plane.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn convert(
        weights: &Weights,
        rows: Rows<'_>,
        steps: usize,
        first: &mut [u8],
        mut second: Option<&mut [u8]>,
        chroma: &mut Chroma<'_>,
    ) {
        let [y, cb, cr] = [weights.luma, weights.cb, weights.cr].map(|it| pair(it));
        let y_offset = _mm256_set1_epi32(weights.luma_offset);
        let c_offset = _mm256_set1_epi32(weights.chroma_offset);
        if steps == 0 {
            return;
        }
        let mut left = before(rows);
        let ahead = rows.to_next();
        let (top, bottom) = (rows.top[rows.lead * 4..].as_ptr(), rows.bottom[rows.lead * 4..].as_ptr());
        for step in 0..steps {
            let at = step * STEP;
            for line in [0, 64] {
                _mm_prefetch(top.wrapping_add(at * 4 + ahead + line).cast(), _MM_HINT_T0);
                _mm_prefetch(bottom.wrapping_add(at * 4 + ahead + line).cast(), _MM_HINT_T0);
            }
            // SAFETY: the caller's promise: `at + STEP` pixels of each row can be read, and as many
            // luma samples be written.
            let (above, below) = unsafe {
                let read = |row: *const u8| [0, 1, 2, 3].map(|four| load(row.add(at * 4 + four * 16)));
                let (above, below) = (read(top), read(bottom));
                _mm256_storeu_si256(first.as_mut_ptr().add(at).cast(), luma(&above, y, y_offset));
                if let Some(second) = second.as_deref_mut() {
                    _mm256_storeu_si256(second.as_mut_ptr().add(at).cast(), luma(&below, y, y_offset));
                }
                (above, below)
            };
            let both = [0, 1, 2, 3].map(|four| add(above[four], below[four]));
            let low = smooth(both.map(|it| it.0), &mut left.0);
            let high = smooth(both.map(|it| it.1), &mut left.1);
            let differences = |weights: Pair| {
                [0, 1].map(|it| _mm256_srai_epi32(dot(Split(low[it], high[it]), weights, c_offset), 18))
            };
            let (cbs, crs) = (differences(cb), differences(cr));
            // SAFETY: the caller's promise: chroma has room for `at + STEP` samples in all.
            unsafe { store_chroma(cbs, crs, at, chroma) };
        }
    }

    /// # Safety
    /// Chroma has room for `at + STEP` samples, half of them in each plane where there are two.
    #[target_feature(enable = "avx2")]
    unsafe fn store_chroma(cbs: [__m256i; 2], crs: [__m256i; 2], at: usize, chroma: &mut Chroma<'_>) {
        match chroma {
            Chroma::Pairs(pairs) => {
                let words =
                    [0, 1].map(|it| _mm256_blend_epi16(cbs[it], _mm256_slli_epi32(crs[it], 16), 0b1010_1010));
                let bytes = _mm256_packus_epi16(words[0], words[1]);
                // SAFETY: the caller's promise.
                unsafe { _mm256_storeu_si256(pairs.as_mut_ptr().add(at).cast(), bytes) };
            }
            Chroma::Planes(cb, cr) => {
                let (cbs, crs) = (_mm256_packs_epi32(cbs[0], cbs[1]), _mm256_packs_epi32(crs[0], crs[1]));
                let bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(cbs, crs), 0b11_01_10_00);
                // SAFETY: the caller's promise.
                unsafe {
                    _mm_storeu_si128(cb.as_mut_ptr().add(at / 2).cast(), _mm256_castsi256_si128(bytes));
                    _mm_storeu_si128(cr.as_mut_ptr().add(at / 2).cast(), _mm256_extracti128_si256(bytes, 1));
                }
            }
        }
    }

    /// Sixteen pixels a step; returns how many pixels that makes.
    ///
    /// # Safety
    /// Every row has as many pixels as `sums`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn blend(rows: &[&[[u8; 4]]], weights: &[i16], sums: &mut [[i16; 4]]) -> usize {
        let steps = sums.len() / 16;
        for step in 0..steps {
            let at = step * 16;
            // SAFETY: `at + 16` pixels of each row and as many sums are there, by the caller's promise.
            unsafe {
                let place = sums.as_mut_ptr().add(at).cast::<__m256i>();
                let mut total = [0, 1, 2, 3].map(|it| _mm256_loadu_si256(place.add(it)));
                for (row, weight) in rows.iter().zip(weights) {
                    let weight = _mm256_set1_epi16(*weight);
                    let pixels = row.as_ptr().add(at).cast::<__m128i>();
                    for (it, total) in total.iter_mut().enumerate() {
                        let wide = _mm256_cvtepu8_epi16(_mm_loadu_si128(pixels.add(it)));
                        let share = _mm256_mulhrs_epi16(_mm256_slli_epi16(wide, 7), weight);
                        *total = _mm256_add_epi16(*total, share);
                    }
                }
                for (it, total) in total.into_iter().enumerate() {
                    _mm256_storeu_si256(place.add(it), total);
                }
            }
        }
        steps * 16
    }

    /// Four results a step; returns how many results that makes. `FOURS` is how many times four
    /// source pixels a result is made of.
    ///
    /// # Safety
    /// Sums reach as far as the filter does, with its padding.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn columns<const FOURS: usize>(
        axis: &FixedAxis,
        x: usize,
        sums: &[[i16; 4]],
        out: &mut [[u8; 4]],
    ) -> usize {
        let half = _mm_set1_epi32(1 << (FixedAxis::BITS + 5));
        let (quads, _) = out.as_chunks_mut::<4>();
        let done = quads.len() * 4;
        let starts = &axis.starts()[x..x + done];
        let weights = &axis.fours()[x * FOURS..(x + done) * FOURS];
        let first = starts.first().copied().unwrap_or(0);
        for (quad, out) in quads.iter_mut().enumerate() {
            let results = [0, 1, 2, 3].map(|one| {
                let index = quad * 4 + one;
                // SAFETY: the slices hold `done` results; the caller's promise for the sums.
                let sum = unsafe {
                    let pixels = sums.as_ptr().add((*starts.get_unchecked(index) - first) as usize);
                    column::<FOURS>(pixels, weights.as_ptr().add(index * FOURS))
                };
                _mm_srai_epi32(_mm_add_epi32(sum, half), FixedAxis::BITS as i32 + 6)
            });
            let words = [_mm_packs_epi32(results[0], results[1]), _mm_packs_epi32(results[2], results[3])];
            // SAFETY: four pixels are sixteen bytes.
            unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), _mm_packus_epi16(words[0], words[1])) };
        }
        done
    }

    /// The four channels of one result, four pixels at a time.
    ///
    /// # Safety
    /// `FOURS` times four pixels and as many weights can be read.
    #[target_feature(enable = "avx2")]
    unsafe fn column<const FOURS: usize>(pixels: *const [i16; 4], weights: *const [i16; 4]) -> __m128i {
        // Two neighbours' values of a channel side by side, for the multiplier that adds pairs.
        let pairs =
            _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
        let spread = _mm256_setr_epi8(
            0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7,
        );
        let mut total = _mm256_setzero_si256();
        for four in 0..FOURS {
            // SAFETY: the caller's promise.
            let (pixels, weights) = unsafe {
                (_mm256_loadu_si256(pixels.add(four * 4).cast()), _mm_loadl_epi64(weights.add(four).cast()))
            };
            let weights = _mm256_shuffle_epi8(_mm256_broadcastq_epi64(weights), spread);
            let product = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, pairs), weights);
            total = _mm256_add_epi32(total, product);
        }
        _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1))
    }
}
