//! Transform and quantiser: 8.6 of H.265, both ways.

/// Samples of the largest transform block.
pub(super) const AREA: usize = 16 * 16;

/// transMatrix for 16x16. The matrix of half the size is every second row of it, its left half.
const MATRIX: [[i16; 16]; 16] = matrix();

/// Its columns as rows.
const TRANSPOSED: [[i16; 16]; 16] = transposed();

/// 64 times the square root of 2 times the cosine of each 32nd of half a turn, as the standard rounds it;
/// the first one without the root.
const COSINES: [i16; 17] = [64, 90, 89, 87, 83, 80, 75, 70, 64, 57, 50, 43, 36, 25, 18, 9, 0];

const fn matrix() -> [[i16; 16]; 16] {
    let mut matrix = [[0; 16]; 16];
    let mut row = 0;
    while row < 16 {
        let mut column = 0;
        while column < 16 {
            let angle = (2 * column + 1) * row % 64;
            let angle = if angle > 32 { 64 - angle } else { angle };
            matrix[row][column] = if angle > 16 { -COSINES[32 - angle] } else { COSINES[angle] };
            column += 1;
        }
        row += 1;
    }
    matrix
}

const fn transposed() -> [[i16; 16]; 16] {
    let mut transposed = [[0; 16]; 16];
    let mut at = 0;
    while at < AREA {
        transposed[at % 16][at / 16] = MATRIX[at / 16][at % 16];
        at += 1;
    }
    transposed
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

fn forward<const N: usize>(differences: &[i16; AREA], depth: u32, out: &mut [i16; AREA]) {
    let log2 = N.ilog2();
    let mut rows = [0; AREA];
    for row in 0..N {
        let input = &differences[row * N..][..N];
        let mut sums = [0; N];
        for (column, &value) in input.iter().enumerate() {
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum += i32::from(value) * i32::from(TRANSPOSED[column][k * (16 / N)]);
            }
        }
        store::<N>(&sums, log2 + depth - 9, &mut rows[row * N..][..N]);
    }
    for k in 0..N {
        let mut sums = [0; N];
        for row in 0..N {
            add::<N>(&mut sums, &rows[row * N..][..N], MATRIX[k * (16 / N)][row]);
        }
        store::<N>(&sums, log2 + 6, &mut out[k * N..][..N]);
    }
}

fn inverse<const N: usize>(coefficients: &[i16; AREA], depth: u32, out: &mut [i16; AREA]) {
    // Most high frequencies are zero: only the rows and columns that have any are summed.
    let mut used = (0, 0);
    for row in 0..N {
        if let Some(last) = coefficients[row * N..][..N].iter().rposition(|&it| it != 0) {
            used = (row + 1, used.1.max(last + 1));
        }
    }
    let mut columns = [0; AREA];
    for row in 0..N {
        let mut sums = [0; N];
        for k in 0..used.0 {
            add::<N>(&mut sums, &coefficients[k * N..][..N], MATRIX[k * (16 / N)][row]);
        }
        store::<N>(&sums, 7, &mut columns[row * N..][..N]);
    }
    for row in 0..N {
        let mut sums = [0; N];
        for k in 0..used.1 {
            add::<N>(&mut sums, &MATRIX[k * (16 / N)][..N], columns[row * N + k]);
        }
        store::<N>(&sums, 20 - depth, &mut out[row * N..][..N]);
    }
}

/// Adds a multiple of a row.
#[inline]
fn add<const N: usize>(sums: &mut [i32; N], row: &[i16], factor: i16) {
    for (sum, &value) in sums.iter_mut().zip(row) {
        *sum += i32::from(value) * i32::from(factor);
    }
}

/// Rounds sums to fewer bits.
#[inline]
fn store<const N: usize>(sums: &[i32; N], shift: u32, out: &mut [i16]) {
    for (out, &sum) in out.iter_mut().zip(sums) {
        let value = (sum + (1 << (shift - 1))) >> shift;
        *out = value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
    }
}
