//! The arithmetic between RGB and YCbCr.

use crate::{Color, ColorRange, ColorSpace};

/// Kr and Kb of a matrix: how much red and blue weigh in luma.
pub const fn luma_weights(space: ColorSpace) -> (f64, f64) {
    match space {
        ColorSpace::Bt601 => (0.299, 0.114),
        ColorSpace::Bt709 => (0.2126, 0.0722),
        ColorSpace::Bt2020 => (0.2627, 0.0593),
    }
}

/// The code values of a range at a bit depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Code value of black.
    pub black: f64,
    /// Code values from black to white.
    pub luma: f64,
    /// Code value of no colour.
    pub neutral: f64,
    /// Code values from the least to the most of a colour difference.
    pub chroma: f64,
    /// The largest code value.
    pub most: f64,
}

impl Levels {
    /// The levels of `range` at `depth` bits.
    pub fn new(range: ColorRange, depth: u32) -> Self {
        let unit = f64::from(1u32 << (depth - 8));
        let most = 256.0 * unit - 1.0;
        match range {
            ColorRange::Limited => Self {
                black: 16.0 * unit,
                luma: 219.0 * unit,
                neutral: 128.0 * unit,
                chroma: 224.0 * unit,
                most,
            },
            ColorRange::Full => Self { black: 0.0, luma: most, neutral: 128.0 * unit, chroma: most, most },
        }
    }
}

/// What red, green and blue, each from 0 to 1, add to luma and the two colour differences, in code
/// values and without the offsets.
pub fn to_ycbcr(color: Color, depth: u32) -> [[f64; 3]; 3] {
    let (kr, kb) = luma_weights(color.space);
    let kg = 1.0 - kr - kb;
    let levels = Levels::new(color.range, depth);
    let (cb, cr) = (levels.chroma / (2.0 * (1.0 - kb)), levels.chroma / (2.0 * (1.0 - kr)));
    [
        [kr, kg, kb].map(|k| k * levels.luma),
        [-kr * cb, -kg * cb, (1.0 - kb) * cb],
        [(1.0 - kr) * cr, -kg * cr, -kb * cr],
    ]
}

/// What luma and the colour differences, in code values less their offsets, add to red, green and
/// blue, each from 0 to 1.
pub fn to_rgb(color: Color, depth: u32) -> [[f64; 3]; 3] {
    let (kr, kb) = luma_weights(color.space);
    let kg = 1.0 - kr - kb;
    let levels = Levels::new(color.range, depth);
    let y = 1.0 / levels.luma;
    let (cb, cr) = (2.0 * (1.0 - kb) / levels.chroma, 2.0 * (1.0 - kr) / levels.chroma);
    [[y, 0.0, cr], [y, -kb / kg * cb, -kr / kg * cr], [y, cb, 0.0]]
}
