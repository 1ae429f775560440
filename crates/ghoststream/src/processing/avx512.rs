//! [`strip::convert`](super::strip::convert) with AVX-512 and its dot product, found at run time: 64
//! pixels of two rows in one pass. Half the instructions of AVX2, so that memory is what is left.
#![allow(unsafe_code)]

use super::strip::{Chroma, Rows};
use super::weights::Weights;

/// Converts as many pixels from the left as fill whole steps, as
/// [`avx2::convert`](super::avx2::convert) does.
pub(super) fn convert(
    weights: &Weights,
    rows: Rows<'_>,
    first: &mut [u8],
    second: &mut [u8],
    chroma: &mut Chroma<'_>,
) -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_available() {
        let steps = (rows.top.len() / 4 - rows.lead) / x86::STEP;
        let done = steps * x86::STEP;
        assert!(rows.bottom.len() >= rows.top.len(), "both rows have the same pixels");
        assert!(first.len() >= done && (second.is_empty() || second.len() >= done), "luma fits");
        match chroma {
            Chroma::Pairs(pairs) => assert!(pairs.len() >= done, "chroma fits"),
            Chroma::Planes(cb, cr) => assert!(cb.len() >= done / 2 && cr.len() >= done / 2, "chroma fits"),
        }
        let second = if second.is_empty() { None } else { Some(second) };
        // SAFETY: the instructions were found, and the lengths were just checked.
        unsafe { x86::convert(weights, rows, steps, first, second, chroma) };
        return done;
    }
    let _ = (weights, rows, first, second, chroma);
    0
}

/// Whether this processor has the instructions.
pub(super) fn is_used() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_available();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether this processor has the instructions.
#[cfg(target_arch = "x86_64")]
fn is_available() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512vnni")
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Chroma, Rows, Weights};

    /// Pixels of one step.
    pub(super) const STEP: usize = 64;

    /// The weights of one result, for the bytes 0 and 2 of each pixel and for the bytes 1 and 3.
    #[derive(Clone, Copy)]
    struct Pair(__m512i, __m512i);

    /// Both halves of pixels, as 16-bit numbers: bytes 0 and 2, bytes 1 and 3.
    #[derive(Clone, Copy)]
    struct Split(__m512i, __m512i);

    #[target_feature(enable = "avx512f")]
    fn pair(weights: [i32; 4]) -> Pair {
        let join = |low: i32, high: i32| _mm512_set1_epi32((low & 0xFFFF) | (high << 16));
        Pair(join(weights[0], weights[2]), join(weights[1], weights[3]))
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn split(pixels: __m512i) -> Split {
        Split(_mm512_and_si512(pixels, _mm512_set1_epi32(0x00FF_00FF)), _mm512_srli_epi16(pixels, 8))
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn dot(pixels: Split, weights: Pair, offset: __m512i) -> __m512i {
        _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(offset, pixels.0, weights.0), pixels.1, weights.1)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn add(a: Split, b: Split) -> Split {
        Split(_mm512_add_epi16(a.0, b.0), _mm512_add_epi16(a.1, b.1))
    }

    /// Puts the fours of two packings within lanes into order.
    #[target_feature(enable = "avx512f")]
    fn in_order(packed: __m512i) -> __m512i {
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm512_permutexvar_epi32(order, packed)
    }

    /// 64 luma samples.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn luma(pixels: &[Split; 4], weights: Pair, offset: __m512i) -> __m512i {
        let [a, b, c, d] = pixels.map(|it| _mm512_srli_epi32(dot(it, weights, offset), 15));
        in_order(_mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d)))
    }

    /// 1-2-1 around the even ones of 64 pixels. `before` ends with the last odd pixel of the step
    /// before, and becomes that of this one.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn smooth(v: [__m512i; 4], before: &mut __m512i) -> [__m512i; 2] {
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        let pick = |which| {
            [_mm512_permutex2var_epi32(v[0], which, v[1]), _mm512_permutex2var_epi32(v[2], which, v[3])]
        };
        let (evens, odds) = (pick(even), pick(odd));
        let lefts = [_mm512_alignr_epi32(odds[0], *before, 15), _mm512_alignr_epi32(odds[1], odds[0], 15)];
        *before = odds[1];
        [0, 1].map(|at| {
            let sides = _mm512_add_epi16(odds[at], lefts[at]);
            _mm512_add_epi16(sides, _mm512_add_epi16(evens[at], evens[at]))
        })
    }

    /// # Safety
    /// Both rows hold `lead + steps * STEP` pixels of four bytes, `first`, and `second` if there is
    /// one, `steps * STEP` bytes; chroma as many, or half as many in each plane.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn convert(
        weights: &Weights,
        rows: Rows<'_>,
        steps: usize,
        first: &mut [u8],
        mut second: Option<&mut [u8]>,
        chroma: &mut Chroma<'_>,
    ) {
        if steps == 0 {
            return;
        }
        let [y, cb, cr] = [weights.luma, weights.cb, weights.cr].map(|it| pair(it));
        let y_offset = _mm512_set1_epi32(weights.luma_offset);
        let c_offset = _mm512_set1_epi32(weights.chroma_offset);
        let edge =
            |row: &[u8]| split(_mm512_set1_epi32(i32::from_le_bytes([row[0], row[1], row[2], row[3]])));
        let mut left = add(edge(rows.top), edge(rows.bottom));
        let (top, bottom) = (rows.top[rows.lead * 4..].as_ptr(), rows.bottom[rows.lead * 4..].as_ptr());
        let ahead = rows.to_next();
        for step in 0..steps {
            let at = step * STEP;
            for line in [0, 64, 128, 192] {
                _mm_prefetch(top.wrapping_add(at * 4 + ahead + line).cast(), _MM_HINT_T0);
                _mm_prefetch(bottom.wrapping_add(at * 4 + ahead + line).cast(), _MM_HINT_T0);
            }
            // SAFETY: the caller's promise: `at + STEP` pixels of each row can be read, and as many
            // luma samples be written.
            let (above, below) = unsafe {
                let read = |row: *const u8| {
                    [0, 1, 2, 3].map(|it| split(_mm512_loadu_si512(row.add(at * 4 + it * 64).cast())))
                };
                let (above, below) = (read(top), read(bottom));
                _mm512_storeu_si512(first.as_mut_ptr().add(at).cast(), luma(&above, y, y_offset));
                if let Some(second) = second.as_deref_mut() {
                    _mm512_storeu_si512(second.as_mut_ptr().add(at).cast(), luma(&below, y, y_offset));
                }
                (above, below)
            };
            let both = [0, 1, 2, 3].map(|it| add(above[it], below[it]));
            let low = smooth(both.map(|it| it.0), &mut left.0);
            let high = smooth(both.map(|it| it.1), &mut left.1);
            let differences = |weights: Pair| {
                [0, 1].map(|it| _mm512_srai_epi32(dot(Split(low[it], high[it]), weights, c_offset), 18))
            };
            let (cbs, crs) = (differences(cb), differences(cr));
            // SAFETY: the caller's promise: chroma has room for `at + STEP` samples in all.
            unsafe { store_chroma(cbs, crs, at, chroma) };
        }
    }

    /// # Safety
    /// Chroma has room for `at + STEP` samples, half of them in each plane where there are two.
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn store_chroma(cbs: [__m512i; 2], crs: [__m512i; 2], at: usize, chroma: &mut Chroma<'_>) {
        match chroma {
            Chroma::Pairs(pairs) => {
                let words = [0, 1]
                    .map(|it| _mm512_mask_blend_epi16(0xAAAA_AAAA, cbs[it], _mm512_slli_epi32(crs[it], 16)));
                let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
                let bytes = _mm512_permutexvar_epi64(order, _mm512_packus_epi16(words[0], words[1]));
                // SAFETY: the caller's promise.
                unsafe { _mm512_storeu_si512(pairs.as_mut_ptr().add(at).cast(), bytes) };
            }
            Chroma::Planes(cb, cr) => {
                let (cbs, crs) = (_mm512_packs_epi32(cbs[0], cbs[1]), _mm512_packs_epi32(crs[0], crs[1]));
                let bytes = in_order(_mm512_packus_epi16(cbs, crs));
                // SAFETY: the caller's promise.
                unsafe {
                    let (low, high) = (_mm512_castsi512_si256(bytes), _mm512_extracti64x4_epi64(bytes, 1));
                    _mm256_storeu_si256(cb.as_mut_ptr().add(at / 2).cast(), low);
                    _mm256_storeu_si256(cr.as_mut_ptr().add(at / 2).cast(), high);
                }
            }
        }
    }
}
