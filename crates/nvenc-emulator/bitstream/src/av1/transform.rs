//! Transforms: forward as good as can be, inverse to the bit (AV1 7.13).
//!
//! Coefficients are eight times those of the orthonormal transform, for every size.

use std::array;
use std::f64::consts::PI;
use std::sync::LazyLock;

/// A square of samples or coefficients, row by row.
pub(super) type Square<const N: usize> = [[i32; N]; N];

/// The DCT's basis functions, scaled by the root of eight, frequency by frequency.
type Basis<const N: usize> = [[f32; N]; N];

fn basis<const N: usize>() -> Basis<N> {
    array::from_fn(|frequency| {
        let scale = if frequency == 0 { (8.0 / N as f64).sqrt() } else { (16.0 / N as f64).sqrt() };
        array::from_fn(|place| {
            (scale * (PI * (2 * place + 1) as f64 * frequency as f64 / (2 * N) as f64).cos()) as f32
        })
    })
}

static BASIS_4: LazyLock<Basis<4>> = LazyLock::new(basis);
static BASIS_8: LazyLock<Basis<8>> = LazyLock::new(basis);
static BASIS_16: LazyLock<Basis<16>> = LazyLock::new(basis);

/// A size of transform that has a DCT here.
pub(super) trait Dct<const N: usize> {
    /// Its basis functions.
    fn basis() -> &'static Basis<N>;

    /// How far the inverse's rows are shifted down: Transform_Row_Shift.
    const ROW_SHIFT: u32;
}

/// Names the sizes: `Size` is 4x4, 8x8 and 16x16.
pub(super) struct Size;

impl Dct<4> for Size {
    fn basis() -> &'static Basis<4> {
        &BASIS_4
    }
    const ROW_SHIFT: u32 = 0;
}

impl Dct<8> for Size {
    fn basis() -> &'static Basis<8> {
        &BASIS_8
    }
    const ROW_SHIFT: u32 = 1;
}

impl Dct<16> for Size {
    fn basis() -> &'static Basis<16> {
        &BASIS_16
    }
    const ROW_SHIFT: u32 = 2;
}

/// The DCT of a residual.
pub(super) fn forward<const N: usize>(residual: &Square<N>) -> [[f32; N]; N]
where
    Size: Dct<N>,
{
    let samples = residual.map(|row| row.map(|sample| sample as f32));
    transposed(&columns(&transposed(&columns(&samples))))
}

/// The DCT of each column.
///
/// Basis functions are even or odd, so that half of the products are enough.
fn columns<const N: usize>(samples: &[[f32; N]; N]) -> [[f32; N]; N]
where
    Size: Dct<N>,
{
    let mut out = [[0.0; N]; N];
    let (mut even, mut odd) = ([[0.0; N]; N], [[0.0; N]; N]);
    for place in 0..N / 2 {
        for lane in 0..N {
            even[place][lane] = samples[place][lane] + samples[N - 1 - place][lane];
            odd[place][lane] = samples[place][lane] - samples[N - 1 - place][lane];
        }
    }
    for (frequency, (out, weights)) in out.iter_mut().zip(Size::basis()).enumerate() {
        let half = if frequency.is_multiple_of(2) { &even } else { &odd };
        let mut sums = [0.0; N];
        for (row, weight) in half[..N / 2].iter().zip(weights) {
            sums = array::from_fn(|lane| sums[lane] + weight * row[lane]);
        }
        *out = sums;
    }
    out
}

/// What a decoder makes of dequantised coefficients, for samples of `depth` bits.
pub(super) fn inverse<const N: usize>(coefficients: &Square<N>, depth: u32) -> Square<N>
where
    Size: Dct<N>,
{
    let mut lanes = transposed(coefficients);
    inverse_dct(&mut lanes, depth + 8);
    let bits = (depth + 6).max(16);
    let limit = 1 << (bits - 1);
    for value in lanes.iter_mut().flatten() {
        *value = round(*value, Size::ROW_SHIFT).clamp(-limit, limit - 1);
    }
    let mut lanes = transposed(&lanes);
    inverse_dct(&mut lanes, bits);
    lanes.map(|row| row.map(|value| round(value, 4)))
}

fn transposed<T: Copy, const N: usize>(square: &[[T; N]; N]) -> [[T; N]; N] {
    array::from_fn(|row| array::from_fn(|column| square[column][row]))
}

/// Round2 of AV1 4.7.
fn round(value: i32, bits: u32) -> i32 {
    if bits == 0 { value } else { value.wrapping_add(1 << (bits - 1)) >> bits }
}

/// The inverse DCT of AV1 7.13.2.3 of each column, with sums clamped to `bits` bits.
///
/// The numbers of its steps are those of the standard.
fn inverse_dct<const N: usize>(t: &mut Square<N>, bits: u32) {
    let n = N.trailing_zeros();
    let copy = *t;
    for (index, row) in t.iter_mut().enumerate() {
        *row = copy[reversed(n, index)];
    }
    let h = |t: &mut Square<N>, a: usize, b: usize, flip: usize| hadamard(t, a, b, flip == 1, bits);
    if n >= 4 {
        (0..4).for_each(|i| rotate(t, 8 + i, 15 - i, 12 + (reversed(2, 3 - i) << 4), false)); // 5
    }
    if n >= 3 {
        (0..2).for_each(|i| rotate(t, 4 + i, 7 - i, 56 - 32 * i, false)); // 8
    }
    if n >= 4 {
        (0..4).for_each(|i| h(t, 8 + 2 * i, 9 + 2 * i, i & 1)); // 9
    }
    (0..2).for_each(|i| rotate(t, 2 * i, 2 * i + 1, 32 + 16 * i, i == 0)); // 12
    if n >= 3 {
        (0..2).for_each(|i| h(t, 4 + 2 * i, 5 + 2 * i, i)); // 13
    }
    if n >= 4 {
        (0..2).for_each(|i| rotate(t, 14 - i, 9 + i, 48 + 64 * i, true)); // 14
    }
    (0..2).for_each(|i| h(t, i, 3 - i, 0)); // 17
    if n >= 3 {
        rotate(t, 6, 5, 32, true); // 18
    }
    if n >= 4 {
        for i in 0..2 {
            (0..2).for_each(|j| h(t, 8 + 4 * i + j, 11 + 4 * i - j, i)); // 19
        }
    }
    if n >= 3 {
        (0..4).for_each(|i| h(t, i, 7 - i, 0)); // 22
    }
    if n >= 4 {
        (0..2).for_each(|i| rotate(t, 13 - i, 10 + i, 32, true)); // 23
        (0..8).for_each(|i| h(t, i, 15 - i, 0)); // 26
    }
}

/// The low `bits` bits of a number, in reverse: brev.
fn reversed(bits: u32, value: usize) -> usize {
    value.reverse_bits() >> (usize::BITS - bits)
}

/// 4096 times the cosine of an angle of which 256 make a turn: cos128.
const COSINES: [i32; 65] = [
    4096, 4095, 4091, 4085, 4076, 4065, 4052, 4036, 4017, 3996, 3973, 3948, 3920, 3889, 3857, 3822, 3784,
    3745, 3703, 3659, 3612, 3564, 3513, 3461, 3406, 3349, 3290, 3229, 3166, 3102, 3035, 2967, 2896, 2824,
    2751, 2675, 2598, 2520, 2440, 2359, 2276, 2191, 2106, 2019, 1931, 1842, 1751, 1660, 1567, 1474, 1380,
    1285, 1189, 1092, 995, 897, 799, 700, 601, 501, 401, 301, 201, 101, 0,
];

fn cosine(angle: usize) -> i32 {
    match angle & 255 {
        angle @ 0..=64 => COSINES[angle],
        angle @ 65..=128 => -COSINES[128 - angle],
        angle @ 129..=192 => -COSINES[angle - 128],
        angle => COSINES[256 - angle],
    }
}

/// The butterfly B: a rotation, and an exchange with `flip`.
///
/// Products of a conforming stream fit; wrapping says so to the compiler.
fn rotate<const N: usize>(t: &mut Square<N>, a: usize, b: usize, angle: usize, flip: bool) {
    let (cos, sin) = (cosine(angle), cosine(angle + 192));
    let (first, second) = (t[a], t[b]);
    let (mut x, mut y) = ([0; N], [0; N]);
    for lane in 0..N {
        let turned = first[lane].wrapping_mul(cos).wrapping_sub(second[lane].wrapping_mul(sin));
        x[lane] = round(turned, 12);
        let turned = first[lane].wrapping_mul(sin).wrapping_add(second[lane].wrapping_mul(cos));
        y[lane] = round(turned, 12);
    }
    (t[a], t[b]) = if flip { (y, x) } else { (x, y) };
}

/// The Hadamard rotation H.
fn hadamard<const N: usize>(t: &mut Square<N>, a: usize, b: usize, flip: bool, bits: u32) {
    let (a, b) = if flip { (b, a) } else { (a, b) };
    let limit = 1 << (bits - 1);
    let (first, second) = (t[a], t[b]);
    for lane in 0..N {
        t[a][lane] = first[lane].wrapping_add(second[lane]).clamp(-limit, limit - 1);
        t[b][lane] = first[lane].wrapping_sub(second[lane]).clamp(-limit, limit - 1);
    }
}

/// The Walsh-Hadamard transform of lossless coding: the inverse of AV1 7.13.2.10 gives back the very residual.
pub(super) fn forward_wht(residual: &Square<4>) -> Square<4> {
    transposed(&wht_columns(&transposed(&wht_columns(residual))))
}

fn wht_columns(samples: &Square<4>) -> Square<4> {
    let mut out = [[0; 4]; 4];
    for column in 0..4 {
        let [x0, x1, x2, x3] = array::from_fn(|row| samples[row][column]);
        let (a, d) = (x0 + x1, x3 - x2);
        let e = (a - d) >> 1;
        let (b, c) = (e - x1, e - x2);
        for (row, value) in [a - c, c, d + b, b].into_iter().enumerate() {
            out[row][column] = value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<const N: usize>()
    where
        Size: Dct<N>,
    {
        let residual: Square<N> = array::from_fn(|row| {
            array::from_fn(|column| (row * 37 + column * column * 11) as i32 % 200 - 100)
        });
        let coefficients = forward(&residual).map(|row| row.map(|value| value.round() as i32));
        let back = inverse(&coefficients, 8);
        for (back, sample) in back.iter().flatten().zip(residual.iter().flatten()) {
            assert!((back - sample).abs() <= 1, "{N}: {back} of {sample}");
        }
    }

    #[test]
    fn the_inverse_undoes_the_forward_transform() {
        round_trip::<4>();
        round_trip::<8>();
        round_trip::<16>();
    }
}
