//! From residuals to levels, and back to what a decoder adds to its prediction.

use super::coefficients::{Coefficients, ends_of};
use super::tables;
use super::transform::{self, Dct, Size, Square};

/// The residual of a block, transform block by transform block.
#[derive(Debug)]
pub(super) struct Residual {
    /// The size of each plane's transforms: 0 is 4x4, 1 is 8x8, 2 is 16x16.
    pub(super) sizes: [usize; 3],
    pub(super) levels: [[i32; 256]; 3],
    /// Ends of levels in the scan: one a transform block, up to sixteen of 4x4 in lossless coding.
    pub(super) ends: [[usize; 16]; 3],
}

impl Residual {
    /// One without levels.
    pub(super) const fn new() -> Self {
        Self { sizes: [0; 3], levels: [[0; 256]; 3], ends: [[0; 16]; 3] }
    }

    /// Forgets the block before. Levels without an end mean nothing.
    pub(super) fn clear(&mut self) {
        self.ends = [[0; 16]; 3];
    }

    /// Whether all levels are zero.
    pub(super) fn is_zero(&self) -> bool {
        self.ends.as_flattened().iter().all(|&end| end == 0)
    }

    /// One transform block of a plane.
    pub(super) fn coefficients(&self, plane: usize, index: usize) -> Coefficients<'_> {
        let size = self.sizes[plane];
        let area = 16 << (2 * size);
        Coefficients {
            size,
            levels: &self.levels[plane][index * area..][..area],
            end: self.ends[plane][index],
        }
    }
}

/// How coefficients of a picture are quantised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantizer {
    /// Steps of the first coefficient and of the others.
    steps: [i32; 2],
    depth: u32,
    /// What part of a step a level's lower bound lies below the level itself.
    rounding: f32,
}

impl Quantizer {
    /// That of a base_q_idx of 1 to 255.
    pub(super) fn new(index: u8, depth: u8, intra: bool) -> Self {
        let row = usize::from(depth > 8);
        let steps = [tables::DC[row][usize::from(index)], tables::AC[row][usize::from(index)]].map(i32::from);
        Self { steps, depth: u32::from(depth), rounding: if intra { 0.4 } else { 0.3 } }
    }

    /// The step of all coefficients but the first, in eighths of a sample.
    pub(super) fn step(&self) -> u32 {
        self.steps[1] as u32
    }

    /// Whether all levels will be zero for certain, by the sum of absolute samples.
    pub(super) fn vanishes(&self, sum: u32, size: usize) -> bool {
        // No basis function is larger than 2 / N, times the eight of all coefficients.
        let largest = sum as f32 * 4.0 / (1 << size) as f32;
        largest < self.steps[0].min(self.steps[1]) as f32 * (1.0 - self.rounding)
    }

    /// Codes a residual: fills `levels`, puts what a decoder gets into `residual`, and gives the end of the
    /// levels in the scan.
    pub(super) fn code(&self, size: usize, residual: &mut [i32], levels: &mut [i32]) -> usize {
        match size {
            0 => self.code_square::<4>(size, residual, levels),
            1 => self.code_square::<8>(size, residual, levels),
            _ => self.code_square::<16>(size, residual, levels),
        }
    }

    fn code_square<const N: usize>(&self, size: usize, residual: &mut [i32], levels: &mut [i32]) -> usize
    where
        Size: Dct<N>,
    {
        let mut square: Square<N> = [[0; N]; N];
        square.as_flattened_mut().copy_from_slice(residual);
        let coefficients = transform::forward(&square);
        let [first, others] = self.steps.map(|step| 1.0 / step as f32);
        let quantized = |value: f32, scale: f32| {
            let size = floor(value.abs() * scale + self.rounding);
            if value < 0.0 { size.wrapping_neg() } else { size }
        };
        for (level, &value) in levels.iter_mut().zip(coefficients.as_flattened()) {
            *level = quantized(value, others);
        }
        levels[0] = quantized(coefficients[0][0], first);
        let end = end_of(size, levels);
        if end == 0 {
            residual.fill(0);
            return 0;
        }
        let limit = 1 << (7 + self.depth);
        let value = |level: i32, step: i32| level.wrapping_mul(step).clamp(-limit, limit - 1);
        for (out, &level) in square.as_flattened_mut().iter_mut().zip(&*levels) {
            *out = value(level, self.steps[1]);
        }
        square[0][0] = value(levels[0], self.steps[0]);
        residual.copy_from_slice(transform::inverse(&square, self.depth).as_flattened());
        end
    }
}

/// Codes a residual of 4x4 so that nothing is lost.
pub(super) fn code_lossless(residual: &[i32], levels: &mut [i32]) -> usize {
    let mut square = [[0; 4]; 4];
    square.as_flattened_mut().copy_from_slice(residual);
    levels.copy_from_slice(transform::forward_wht(&square).as_flattened());
    end_of(0, levels)
}

/// The whole part of a number below 2^22.
///
/// What is added leaves the whole number in the low bits of the mantissa; unlike a cast, this is done for
/// several numbers at once.
fn floor(value: f32) -> i32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 times 2^23
    (value - 0.5 + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()) as i32
}

/// One more than the last level's place in the scan; 0 where all are zero.
fn end_of(size: usize, levels: &[i32]) -> usize {
    let ends = levels.iter().zip(ends_of(size)).map(|(&level, &end)| if level == 0 { 0 } else { end });
    usize::from(ends.fold(0, u16::max))
}
