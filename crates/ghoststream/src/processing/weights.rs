//! Fixed-point weights of 8-bit pixels, as the vectors take them.

use crate::Color;
use ghoststream_picture::matrix::{Levels, to_ycbcr};

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
