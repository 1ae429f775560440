//! The 4x4 transform, quantisation, and back exactly as decoders do it (8.5).

/// A 4x4 block, row after row.
pub(super) type Four = [i32; 16];

/// Where each coefficient in scan order lies in a block: figure 8-8, frames.
pub(super) const ZIGZAG: [usize; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];

/// normAdjust4x4 (8-315), by QP modulo 6: corners, the middle four, the others.
const SCALE: [[i32; 3]; 6] =
    [[10, 16, 13], [11, 18, 14], [13, 20, 16], [14, 23, 18], [16, 25, 20], [18, 29, 23]];

/// QP_C for a qP_I from 30 on: table 8-15.
const CHROMA: [u8; 22] =
    [29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36, 36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39];

/// QP_C of a QP_Y.
pub(super) fn chroma_quantizer(luma: i32) -> i32 {
    if luma < 30 { luma } else { i32::from(CHROMA[luma as usize - 30]) }
}

/// One quantiser, both ways.
#[derive(Clone, Debug)]
pub(super) struct Quantizer {
    /// What a coefficient is multiplied with, in 15 + `octave` bits of fraction.
    forward: Four,
    back: Four,
    /// Each doubles the step.
    octave: u32,
}

impl Quantizer {
    /// For QP', which is 0 at the finest.
    pub(super) fn new(quantizer: u32) -> Self {
        let back = std::array::from_fn(|at| {
            let class = match (at / 4 % 2, at % 2) {
                (0, 0) => 0,
                (1, 1) => 1,
                _ => 2,
            };
            SCALE[quantizer as usize % 6][class]
        });
        // The forward transform's basis functions have squared norms 16, 100 and 40 where `back`
        // belongs to 16, 25 and 20; one step of the finest quantiser is 10/16.
        let forward = std::array::from_fn(|at| {
            let norm = match (at / 4 % 2, at % 2) {
                (0, 0) => 1 << 17,
                (1, 1) => (1 << 21) / 25,
                _ => (1 << 20) / 10,
            };
            (norm + back[at] / 2) / back[at]
        });
        Self { forward, back, octave: quantizer / 6 }
    }

    /// The step in samples, in quarters of one.
    pub(super) fn step(&self) -> u32 {
        (self.back[0] as u32) << self.octave >> 2
    }

    /// Quantises all of a block. A `rounding` of 3 rounds up from two thirds, 6 from five sixths.
    pub(super) fn quantize(&self, block: &mut Four, rounding: i32) {
        let shift = 15 + self.octave;
        let offset = (1 << shift) / rounding;
        for (coefficient, factor) in block.iter_mut().zip(&self.forward) {
            *coefficient = level(*coefficient, *factor, offset, shift);
        }
    }

    /// Quantises DC coefficients that were transformed once more, which makes them twice as large.
    fn quantize_all_dc<const N: usize>(&self, dc: [i32; N], rounding: i32) -> [i32; N] {
        let shift = 16 + self.octave;
        let offset = (1 << shift) / rounding;
        dc.map(|coefficient| level(coefficient, self.forward[0], offset, shift))
    }

    /// The coefficients that levels stand for, but for a DC that comes from elsewhere.
    pub(super) fn scale(&self, levels: &mut Four) {
        for (level, scale) in levels.iter_mut().zip(&self.back) {
            *level = (*level * scale) << self.octave;
        }
    }

    /// Transforms and quantises the DC coefficients of the 16 blocks of a 16x16, row after row.
    pub(super) fn quantize_dc(&self, dc: &Four) -> Four {
        self.quantize_all_dc(hadamard(dc).map(|value| (value + 1) >> 1), 3)
    }

    /// The DC coefficients that levels stand for: (8-320).
    pub(super) fn scale_dc(&self, levels: &Four) -> Four {
        hadamard(levels).map(|value| {
            let value = value * self.back[0] * 16;
            match self.octave {
                octave @ 6.. => value << (octave - 6),
                octave => (value + (1 << (5 - octave))) >> (6 - octave),
            }
        })
    }

    /// As [`quantize_dc`](Self::quantize_dc) for the four blocks of 4:2:0 chroma.
    pub(super) fn quantize_chroma_dc(&self, dc: &[i32; 4], rounding: i32) -> [i32; 4] {
        self.quantize_all_dc(hadamard_2x2(dc), rounding)
    }

    /// As [`scale_dc`](Self::scale_dc) for the four blocks of 4:2:0 chroma: (8-328).
    pub(super) fn scale_chroma_dc(&self, levels: &[i32; 4]) -> [i32; 4] {
        hadamard_2x2(levels).map(|value| ((value * self.back[0] * 16) << self.octave) >> 5)
    }
}

/// The level of a coefficient, without branches: it is what most of the time is spent on.
#[inline(always)]
const fn level(coefficient: i32, factor: i32, offset: i32, shift: u32) -> i32 {
    let sign = coefficient >> 31;
    let level = (coefficient.abs() * factor + offset) >> shift;
    (level ^ sign) - sign
}

/// The forward core transform.
pub(super) fn forward(block: &mut Four) {
    let one = |[a, b, c, d]: [i32; 4]| {
        let (sum, inner, difference, inner_difference) = (a + d, b + c, a - d, b - c);
        [sum + inner, 2 * difference + inner_difference, sum - inner, difference - 2 * inner_difference]
    };
    rows_and_columns(block, one);
}

/// The inverse transform of 8.5.12.2 with its last rounding.
pub(super) fn inverse(block: &mut Four) {
    let one = |[a, b, c, d]: [i32; 4]| {
        let (e, f, g, h) = (a + c, a - c, (b >> 1) - d, b + (d >> 1));
        [e + h, f + g, f - g, e - h]
    };
    rows_and_columns(block, one);
    for value in block {
        *value = (*value + 32) >> 6;
    }
}

fn hadamard(block: &Four) -> Four {
    let mut block = *block;
    let one = |[a, b, c, d]: [i32; 4]| [a + b + c + d, a + b - c - d, a - b - c + d, a - b + c - d];
    rows_and_columns(&mut block, one);
    block
}

const fn hadamard_2x2(&[a, b, c, d]: &[i32; 4]) -> [i32; 4] {
    [a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d]
}

fn rows_and_columns(block: &mut Four, one: impl Fn([i32; 4]) -> [i32; 4]) {
    for row in block.as_chunks_mut::<4>().0 {
        *row = one(*row);
    }
    for x in 0..4 {
        let column = one([block[x], block[x + 4], block[x + 8], block[x + 12]]);
        for (y, value) in column.into_iter().enumerate() {
            block[x + 4 * y] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_factors_are_those_that_undo_the_standard_scale() {
        let factors = |quantizer| {
            let forward = Quantizer::new(quantizer).forward;
            [forward[0], forward[5], forward[1]]
        };
        assert_eq!(factors(0), [13107, 5243, 8066]);
        assert_eq!(factors(4), [8192, 3355, 5243]);
    }

    #[test]
    fn what_is_quantised_comes_back_within_a_step() {
        for quantizer in [0, 17, 30, 51] {
            let coder = Quantizer::new(quantizer);
            let original: Four = std::array::from_fn(|at| (at as i32 * 53 + 20) % 255 - 128);
            let mut block = original;
            forward(&mut block);
            coder.quantize(&mut block, 3);
            coder.scale(&mut block);
            inverse(&mut block);
            let step = 1 + (10 << (quantizer / 6)) / 8;
            for (found, expected) in block.iter().zip(&original) {
                assert!((found - expected).abs() <= step * 2, "{quantizer}: {block:?} of {original:?}");
            }
        }
    }
}
