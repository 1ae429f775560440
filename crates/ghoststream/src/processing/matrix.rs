//! The arithmetic between RGB and YCbCr.

use crate::{Color, ColorRange, ColorSpace};

/// Kr and Kb of a matrix: how much red and blue weigh in luma.
pub(super) const fn luma_weights(space: ColorSpace) -> (f64, f64) {
    match space {
        ColorSpace::Bt601 => (0.299, 0.114),
        ColorSpace::Bt709 => (0.2126, 0.0722),
        ColorSpace::Bt2020 => (0.2627, 0.0593),
    }
}

/// The code values of a range at a bit depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    /// Code value of black.
    pub(super) black: f64,
    /// Code values from black to white.
    pub(super) luma: f64,
    /// Code value of no colour.
    pub(super) neutral: f64,
    /// Code values from the least to the most of a colour difference.
    pub(super) chroma: f64,
    /// The largest code value.
    pub(super) most: f64,
}

impl Levels {
    /// The levels of `range` at `depth` bits.
    pub(super) fn new(range: ColorRange, depth: u32) -> Self {
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
pub(super) fn to_ycbcr(color: Color, depth: u32) -> [[f64; 3]; 3] {
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
pub(super) fn to_rgb(color: Color, depth: u32) -> [[f64; 3]; 3] {
    let (kr, kb) = luma_weights(color.space);
    let kg = 1.0 - kr - kb;
    let levels = Levels::new(color.range, depth);
    let y = 1.0 / levels.luma;
    let (cb, cr) = (2.0 * (1.0 - kb) / levels.chroma, 2.0 * (1.0 - kr) / levels.chroma);
    [[y, 0.0, cr], [y, -kb / kg * cb, -kr / kg * cr], [y, cb, 0.0]]
}

/// Where red, green and blue stand among the four bytes of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) red: usize,
    pub(super) green: usize,
    pub(super) blue: usize,
}

/// The weights of 8-bit pixels for 4:2:0, in fixed point; each by the place of its byte.
///
/// Luma is `(pixel · luma + luma_offset) >> shift`. A colour difference takes the sum of eight
/// pixels, so it is shifted by three more. The weights are rounded so that white is exactly white
/// and every grey has exactly no colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub(super) luma: [i32; 4],
    pub(super) cb: [i32; 4],
    pub(super) cr: [i32; 4],
    /// Black and the rounding.
    pub(super) luma_offset: i32,
    /// No colour and the rounding.
    pub(super) chroma_offset: i32,
    pub(super) shift: u32,
    pub(super) most: i32,
}

impl Weights {
    /// For pixels in this order; to `depth` bits of this colour.
    pub(super) fn new(order: Order, color: Color, depth: u32) -> Self {
        // At 8 bits, weights of 15 bits fit the 16-bit multiplier; deeper samples take the same
        // weights with less shift.
        let shift = 15 - (depth - 8);
        let unit = f64::from(1u32 << shift) / 255.0;
        let levels = Levels::new(color.range, depth);
        let fixed = to_ycbcr(color, depth).map(|row| row.map(|weight| (weight * unit).round() as i32));
        let place = |[r, g, b]: [i32; 3], sum: i32| {
            let mut bytes = [0; 4];
            bytes[order.red] = r;
            bytes[order.green] = g + (sum - r - g - b);
            bytes[order.blue] = b;
            bytes
        };
        Self {
            luma: place(fixed[0], (levels.luma * unit).round() as i32),
            cb: place(fixed[1], 0),
            cr: place(fixed[2], 0),
            luma_offset: ((levels.black as i32) << shift) + (1 << (shift - 1)),
            chroma_offset: ((levels.neutral as i32) << (shift + 3)) + (1 << (shift + 2)),
            shift,
            most: levels.most as i32,
        }
    }
}
