//! The planes of an output, as they should be and as they are.

use super::source::{levels, weights};
use super::{Plane, Rgb};
use crate::{Color, PixelFormat, Rect, Size};

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// How its pixels lie in memory.
    pub format: PixelFormat,
    /// Pixels across and down.
    pub size: Size,
    /// What its code values mean.
    pub color: Color,
}

/// Rows of code values: luma, Cb and Cr, or red, green and blue, each in a plane of its own.
pub type Planes = [Vec<Vec<f64>>; 3];

/// Code values, not rounded.
fn to_ycbcr(color: Color, depth: u32, [r, g, b]: Rgb) -> [f64; 3] {
    let (kr, kg, kb) = weights(color.space);
    let (black, span, neutral, chroma) = levels(color.range, depth);
    let y = kr * r + kg * g + kb * b;
    let (cb, cr) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
    [black + y * span, neutral + cb * chroma, neutral + cr * chroma]
}

/// The planes of a picture in the format and colour of `output`, whatever its size.
///
/// Chroma of 4:2:0 is sited on the left luma column of each pair, halfway between the two rows: the
/// mean of two rows of 1-2-1, a column beyond the edge being like the one at the edge.
#[must_use]
pub fn planes(output: &Output, picture: &[Vec<Rgb>]) -> Planes {
    let (height, width) = (picture.len(), picture[0].len());
    if !output.format.is_yuv() {
        return [0, 1, 2]
            .map(|c| picture.iter().map(|row| row.iter().map(|rgb| rgb[c] * 255.0).collect()).collect());
    }
    let depth = output.format.depth();
    let most = f64::from((1u32 << depth) - 1);
    let ycc: Vec<Vec<[f64; 3]>> = picture
        .iter()
        .map(|row| row.iter().map(|rgb| to_ycbcr(output.color, depth, *rgb)).collect())
        .collect();
    let luma = ycc.iter().map(|row| row.iter().map(|it| it[0]).collect()).collect();
    if output.format.is_full_chroma() {
        let whole = |c: usize| ycc.iter().map(|row| row.iter().map(|it| it[c].min(most)).collect()).collect();
        return [luma, whole(1), whole(2)];
    }
    let chroma = |c: usize| {
        let sample = |i: usize, j: usize| {
            let rows = [2 * j, (2 * j + 1).min(height - 1)];
            let taps = [((2 * i).saturating_sub(1), 1.0), (2 * i, 2.0), ((2 * i + 1).min(width - 1), 1.0)];
            let sum: f64 = rows.iter().flat_map(|y| taps.map(|(x, w)| ycc[*y][x][c] * w)).sum();
            (sum / 8.0).min(most)
        };
        (0..height.div_ceil(2)).map(|j| (0..width.div_ceil(2)).map(|i| sample(i, j)).collect()).collect()
    };
    [luma, chroma(1), chroma(2)]
}

/// A black picture.
#[must_use]
pub fn blank(output: &Output) -> Planes {
    let yuv = output.format.is_yuv();
    let [black, neutral] = if yuv {
        let (black, _, neutral, _) = levels(output.color.range, output.format.depth());
        [black, neutral]
    } else {
        [0.0; 2]
    };
    let (width, height) = (output.size.width, output.size.height);
    let by = if yuv && !output.format.is_full_chroma() { 2 } else { 1 };
    let plane = |value, by| vec![vec![value; width.div_ceil(by) as usize]; height.div_ceil(by) as usize];
    [plane(black, 1), plane(neutral, by), plane(neutral, by)]
}

/// Puts the planes of a picture at `content`, whose place is even, into a black one. The chroma of the
/// picture's edges does not mix with the bars.
#[must_use]
pub fn placed(output: &Output, content: Rect, planes: Planes) -> Planes {
    let mut all = blank(output);
    for (index, (all, plane)) in all.iter_mut().zip(planes).enumerate() {
        let halved = output.format.is_yuv() && !output.format.is_full_chroma() && index > 0;
        let by = if halved { 2 } else { 1 };
        let (x, y) = ((content.x / by) as usize, (content.y / by) as usize);
        for (row, from) in all[y..].iter_mut().zip(plane) {
            row[x..x + from.len()].copy_from_slice(&from);
        }
    }
    all
}

/// The planes of a real picture, in code values.
///
/// # Panics
/// Where a sample of ten bits on top has others below, or where the format is no output.
#[must_use]
pub fn read(format: PixelFormat, size: Size, planes: &[Plane<'_>]) -> Planes {
    let (width, height) = (size.width as usize, size.height as usize);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let plane = |index: usize, w: usize, h: usize, step: usize, at: usize| -> Vec<Vec<f64>> {
        let Plane { bytes, stride } = planes[index];
        let value = |x: usize, y: usize| {
            let at = x * step + at;
            if format.is_yuv() && format.depth() > 8 {
                let at = y * stride + at * 2;
                let value = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
                let shift = if matches!(format, PixelFormat::P010 | PixelFormat::I444P16) { 6 } else { 0 };
                assert_eq!(value & ((1 << shift) - 1), 0, "the low bits are unused");
                return f64::from(value >> shift);
            }
            f64::from(bytes[y * stride + at])
        };
        (0..h).map(|y| (0..w).map(|x| value(x, y)).collect()).collect()
    };
    let packed = |places: [usize; 3]| places.map(|at| plane(0, width, height, 4, at));
    match format {
        PixelFormat::Nv12 | PixelFormat::P010 => [
            plane(0, width, height, 1, 0),
            plane(1, half_width, half_height, 2, 0),
            plane(1, half_width, half_height, 2, 1),
        ],
        PixelFormat::I420 | PixelFormat::I010 => [
            plane(0, width, height, 1, 0),
            plane(1, half_width, half_height, 1, 0),
            plane(2, half_width, half_height, 1, 0),
        ],
        PixelFormat::I444 | PixelFormat::I444P10 | PixelFormat::I444P16 => {
            [0, 1, 2].map(|index| plane(index, width, height, 1, 0))
        }
        PixelFormat::Bgrx => packed([2, 1, 0]),
        PixelFormat::Rgbx => packed([0, 1, 2]),
        PixelFormat::Xrgb => packed([1, 2, 3]),
        PixelFormat::Xbgr => packed([3, 2, 1]),
        other => panic!("{other:?} is no output"),
    }
}
