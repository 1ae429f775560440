//! Transform and quantiser: 8.6 of H.265, both ways.

/// Samples of the largest transform block.
pub(super) const AREA: usize = 16 * 16;

/// 64 times the square root of 2 times the cosine of each 32nd of half a turn, as the standard rounds it;
/// the first one without the root.
const COSINES: [i16; 17] = [64, 90, 89, 87, 83, 80, 75, 70, 64, 57, 50, 43, 36, 25, 18, 9, 0];

/// The transform of N samples.
struct Matrix<const N: usize>;

impl<const N: usize> Matrix<N> {
    /// transMatrix: a row for each frequency. Even ones are symmetric, odd ones are not but for the sign:
    /// only the left halves are used.
    const ROWS: [[i16; N]; N] = {
        let mut rows = [[0; N]; N];
        let mut at = 0;
        while at < N * N {
            let angle = (2 * (at % N) + 1) * (at / N) * (16 / N) % 64;
            let angle = if angle > 32 { 64 - angle } else { angle };
            rows[at / N][at % N] = if angle > 16 { -COSINES[32 - angle] } else { COSINES[angle] };
            at += 1;
        }
        rows
    };

    /// A row for each sample: first all even frequencies, then the odd ones.
    const COLUMNS: [[i16; N]; N] = {
        let mut columns = [[0; N]; N];
        let mut at = 0;
        while at < N * N {
            let frequency = at / N;
            columns[at % N][frequency % 2 * (N / 2) + frequency / 2] = Self::ROWS[frequency][at % N];
            at += 1;
        }
        columns
    };
}

/// The quantiser of one plane of one picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantizer {
    /// qP: with the offset that more than 8 bits bring.
    step: u32,
    depth: u32,
    /// What is added before rounding down, in 512ths of a step.
    rounding: i32,
}

impl Quantizer {
    /// By QpY and the plane, for samples of this many bits.
    pub(super) fn new(quantizer: u8, chroma_420: bool, depth: u8) -> Self {
        let quantizer = u32::from(quantizer.min(51));
        let own = if chroma_420 { chroma(quantizer) } else { quantizer };
        Self { step: own + 6 * (u32::from(depth) - 8), depth: u32::from(depth), rounding: 0 }
    }

    /// The same that rounds levels as suits intra or inter blocks.
    pub(super) const fn rounding(self, intra: bool) -> Self {
        Self { rounding: if intra { 171 } else { 85 }, ..self }
    }

    /// The largest sum of absolute differences in a block of `size` that surely leaves no level.
    pub(super) const fn silent(&self, size: usize) -> u32 {
        // No basis function is larger than 2 / size, and no step smaller than 2^((step - 4) / 6), in the
        // scale of samples. Levels below 1 - rounding vanish.
        const SIXTHS: [u32; 6] = [645, 724, 813, 912, 1024, 1149];
        let step = SIXTHS[(self.step % 6) as usize] << (self.step / 6);
        ((step as u64 * (512 - self.rounding as u64) * size as u64) >> 20) as u32
    }

    /// Transforms and quantises a square block of differences. Says whether any level is not zero.
    pub(super) fn forward(&self, differences: &[i16; AREA], log2: usize, levels: &mut [i16; AREA]) -> bool {
        let mut coefficients = [0; AREA];
        match log2 {
            2 => forward::<4>(differences, self.depth, &mut coefficients),
            3 => forward::<8>(differences, self.depth, &mut coefficients),
            _ => forward::<16>(differences, self.depth, &mut coefficients),
        }
        const SCALE: [i32; 6] = [26214, 23302, 20560, 18396, 16384, 14564];
        let scale = SCALE[(self.step % 6) as usize];
        // 14 of the scale, 15 - depth - log2 of the transform.
        let shift = 29 + self.step / 6 - self.depth - log2 as u32;
        let rounding = self.rounding << (shift - 9);
        let mut any = 0;
        for (level, &coefficient) in levels.iter_mut().zip(&coefficients).take(1 << (2 * log2)) {
            let magnitude = (i32::from(coefficient).abs() * scale + rounding) >> shift;
            *level = (if coefficient < 0 { -magnitude } else { magnitude }) as i16;
            any |= *level;
        }
        any != 0
    }

    /// What a decoder makes of levels: differences.
    pub(super) fn inverse(&self, levels: &[i16; AREA], log2: usize, differences: &mut [i16; AREA]) {
        const SCALE: [i64; 6] = [40, 45, 51, 57, 64, 72];
        let scale = (16 * SCALE[(self.step % 6) as usize]) << (self.step / 6);
        let shift = self.depth as usize + log2 - 5;
        let mut coefficients = [0; AREA];
        for (coefficient, &level) in coefficients.iter_mut().zip(levels).take(1 << (2 * log2)) {
            if level != 0 {
                let value = (i64::from(level) * scale + (1 << (shift - 1))) >> shift;
                *coefficient = value.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16;
            }
        }
        match log2 {
            2 => inverse::<4>(&coefficients, self.depth, differences),
            3 => inverse::<8>(&coefficients, self.depth, differences),
            _ => inverse::<16>(&coefficients, self.depth, differences),
        }
    }
}

/// QpC by qPi where chroma is subsampled: table 8-10.
const fn chroma(quantizer: u32) -> u32 {
    const BETWEEN: [u32; 13] = [29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36, 37];
    match quantizer {
        ..30 => quantizer,
        30..43 => BETWEEN[quantizer as usize - 30],
        _ => quantizer - 6,
    }
}

/// Transforms rows, then columns, each from the sums and differences of opposite samples. Those of columns
/// saturate: this direction need not be exact.
fn forward<const N: usize>(differences: &[i16; AREA], depth: u32, out: &mut [i16; AREA]) {
    let log2 = N.ilog2();
    let mut rows = [0; AREA];
    for (row, input) in rows.chunks_exact_mut(N).zip(differences.chunks_exact(N)).take(N) {
        let (mut even, mut odd) = ([0; 8], [0; 8]);
        for at in 0..N / 2 {
            let (near, far) = (input[at], input[N - 1 - at]);
            let (evens, odds) = Matrix::<N>::COLUMNS[at].split_at(N / 2);
            add(&mut even, evens, near + far);
            add(&mut odd, odds, near - far);
        }
        for (at, pair) in row.chunks_exact_mut(2).enumerate() {
            pair[0] = round(even[at], log2 + depth - 9);
            pair[1] = round(odd[at], log2 + depth - 9);
        }
    }
    let (mut sums, mut lacks) = ([0i16; AREA / 2], [0i16; AREA / 2]);
    for at in 0..N * N / 2 {
        let (near, far) = (rows[at], rows[(N - 1 - at / N) * N + at % N]);
        sums[at] = near.saturating_add(far);
        lacks[at] = near.saturating_sub(far);
    }
    for (frequency, out) in out.chunks_exact_mut(N).take(N).enumerate() {
        let mut column = [0; N];
        let halves = if frequency % 2 == 0 { &sums } else { &lacks };
        for (half, &factor) in halves.chunks_exact(N).zip(&Matrix::<N>::ROWS[frequency][..N / 2]) {
            add(&mut column, half, factor);
        }
        for (out, sum) in out.iter_mut().zip(column) {
            *out = round(sum, log2 + 6);
        }
    }
}

/// The inverse by the letter: columns, then rows, each as the sums and differences of what even and odd
/// frequencies make.
fn inverse<const N: usize>(coefficients: &[i16; AREA], depth: u32, out: &mut [i16; AREA]) {
    // Most high frequencies are zero: only the rows and columns that have any are summed.
    let mut used = (0, 0);
    for (row, values) in coefficients.chunks_exact(N).take(N).enumerate() {
        if let Some(last) = values.iter().rposition(|&it| it != 0) {
            used = (row + 1, used.1.max(last + 1));
        }
    }
    let mut columns = [0; AREA];
    for at in 0..N / 2 {
        let mut parts = [[0; N]; 2];
        for (frequency, row) in coefficients.chunks_exact(N).enumerate().take(used.0) {
            add(&mut parts[frequency % 2], row, Matrix::<N>::ROWS[frequency][at]);
        }
        let [even, odd] = parts;
        for x in 0..N {
            columns[at * N + x] = round(even[x] + odd[x], 7);
            columns[(N - 1 - at) * N + x] = round(even[x] - odd[x], 7);
        }
    }
    for (out, row) in out.chunks_exact_mut(N).zip(columns.chunks_exact(N)).take(N) {
        let mut parts = [[0; 8]; 2];
        for (frequency, &value) in row.iter().enumerate().take(used.1) {
            add(&mut parts[frequency % 2], &Matrix::<N>::ROWS[frequency][..N / 2], value);
        }
        let [even, odd] = parts;
        for at in 0..N / 2 {
            out[at] = round(even[at] + odd[at], 20 - depth);
            out[N - 1 - at] = round(even[at] - odd[at], 20 - depth);
        }
    }
}

/// Adds a multiple of a row.
#[inline]
fn add(sums: &mut [i32], row: &[i16], factor: i16) {
    for (sum, &value) in sums.iter_mut().zip(row) {
        *sum += i32::from(value) * i32::from(factor);
    }
}

/// Rounds a sum to fewer bits.
#[inline]
fn round(sum: i32, shift: u32) -> i16 {
    ((sum + (1 << (shift - 1))) >> shift).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
