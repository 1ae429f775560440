//! The judge: one pixel at a time, in `f64`, with nothing in common with the code it judges but the
//! pixel formats and the geometry of the fit.

use crate::av::Picture;
use crate::capture::CapturedFrame;
use crate::encode::InputSpec;
use crate::processing::Recipe;
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Transform};

type Rgb = [f64; 3];

fn weights(space: ColorSpace) -> (f64, f64, f64) {
    match space {
        ColorSpace::Bt601 => (0.299, 0.587, 0.114),
        ColorSpace::Bt709 => (0.2126, 0.7152, 0.0722),
        ColorSpace::Bt2020 => (0.2627, 0.678, 0.0593),
    }
}

/// (black, white - black, neutral, chroma span) at 8 bits scaled to `depth`.
fn levels(range: ColorRange, depth: u32) -> (f64, f64, f64, f64) {
    let unit = f64::from(1 << (depth - 8));
    let most = 256.0 * unit - 1.0;
    match range {
        ColorRange::Limited => (16.0 * unit, 219.0 * unit, 128.0 * unit, 224.0 * unit),
        ColorRange::Full => (0.0, most, 128.0 * unit, most),
    }
}

fn byte(frame: &CapturedFrame, plane: usize, row: u32, at: usize) -> f64 {
    let buffer = frame.memory.cpu().expect("memory of the CPU");
    let (bytes, stride) = buffer.plane(plane);
    f64::from(bytes[row as usize * stride + at])
}

/// One colour of the buffer, from 0 to 1.
pub(super) fn source_pixel(frame: &CapturedFrame, x: u32, y: u32) -> Rgb {
    let at = |place: usize, size: usize| byte(frame, 0, y, x as usize * size + place) / 255.0;
    let word = || (0..4).map(|i| (byte(frame, 0, y, x as usize * 4 + i) as u32) << (8 * i)).sum::<u32>();
    let bits = |shift: u32| f64::from(word() >> shift & 1023) / 1023.0;
    match frame.format {
        PixelFormat::Bgrx => [at(2, 4), at(1, 4), at(0, 4)],
        PixelFormat::Rgbx => [at(0, 4), at(1, 4), at(2, 4)],
        PixelFormat::Xrgb => [at(1, 4), at(2, 4), at(3, 4)],
        PixelFormat::Xbgr => [at(3, 4), at(2, 4), at(1, 4)],
        PixelFormat::Rgb24 => [at(0, 3), at(1, 3), at(2, 3)],
        PixelFormat::Bgr24 => [at(2, 3), at(1, 3), at(0, 3)],
        PixelFormat::Xrgb2101010 => [bits(20), bits(10), bits(0)],
        PixelFormat::Xbgr2101010 => [bits(0), bits(10), bits(20)],
        PixelFormat::Rgbx1010102 => [bits(22), bits(12), bits(2)],
        PixelFormat::Bgrx1010102 => [bits(2), bits(12), bits(22)],
        _ => {
            let [luma, cb, cr] = source_ycbcr(frame, x, y);
            to_rgb(frame.color, frame.format.depth(), luma, cb, cr)
        }
    }
}

/// Luma and interpolated chroma of the buffer, in code values.
fn source_ycbcr(frame: &CapturedFrame, x: u32, y: u32) -> [f64; 3] {
    let deep = |plane, row, at: usize| {
        let value = byte(frame, plane, row, at * 2) + 256.0 * byte(frame, plane, row, at * 2 + 1);
        if frame.format == PixelFormat::P010 { (value / 64.0).floor() } else { value % 1024.0 }
    };
    let (columns, rows) = (frame.size.width.div_ceil(2), frame.size.height.div_ceil(2));
    let x_at = x as usize;
    let luma = match frame.format {
        PixelFormat::Yuy2 => byte(frame, 0, y, x_at * 2),
        PixelFormat::P010 | PixelFormat::I010 => deep(0, y, x_at),
        _ => byte(frame, 0, y, x_at),
    };
    let one = |which: usize, column: u32, row: u32| {
        let at = column.min(columns - 1) as usize;
        match frame.format {
            PixelFormat::Yuy2 => byte(frame, 0, row, at * 4 + 1 + 2 * which),
            PixelFormat::Nv12 => byte(frame, 1, row, at * 2 + which),
            PixelFormat::P010 => deep(1, row, at * 2 + which),
            PixelFormat::I010 => deep(1 + which, row, at),
            _ => byte(frame, 1 + which, row, at),
        }
    };
    // Chroma sample (i, j) stands at luma place (2 i, 2 j + 0.5).
    let chroma = |which: usize| {
        let across = |row: u32| {
            let share = f64::from(x % 2) / 2.0;
            one(which, x / 2, row) * (1.0 - share) + one(which, x / 2 + 1, row) * share
        };
        if frame.format == PixelFormat::Yuy2 {
            return across(y);
        }
        let place = ((f64::from(y) - 0.5) / 2.0).clamp(0.0, f64::from(rows - 1));
        let (row, share) = (place.floor(), place.fract());
        across(row as u32) * (1.0 - share) + across((row as u32 + 1).min(rows - 1)) * share
    };
    [luma, chroma(0), chroma(1)]
}

fn to_rgb(color: Color, depth: u32, luma: f64, cb: f64, cr: f64) -> Rgb {
    let (kr, kg, kb) = weights(color.space);
    let (black, span, neutral, chroma) = levels(color.range, depth);
    let (y, cb, cr) = ((luma - black) / span, (cb - neutral) / chroma, (cr - neutral) / chroma);
    let (r, b) = (y + cr * 2.0 * (1.0 - kr), y + cb * 2.0 * (1.0 - kb));
    [r, (y - kr * r - kb * b) / kg, b].map(|it| it.clamp(0.0, 1.0))
}

/// Code values, not rounded.
fn to_ycbcr(color: Color, depth: u32, [r, g, b]: Rgb) -> [f64; 3] {
    let (kr, kg, kb) = weights(color.space);
    let (black, span, neutral, chroma) = levels(color.range, depth);
    let y = kr * r + kg * g + kb * b;
    let (cb, cr) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
    [black + y * span, neutral + cb * chroma, neutral + cr * chroma]
}

/// Puts the picture as it is shown into rows, by copying the buffer and undoing what the producer
/// did to it step by step: first the counter-clockwise turns, one at a time, then the flip.
pub(super) fn upright<T: Clone>(mut rows: Vec<Vec<T>>, transform: Transform) -> Vec<Vec<T>> {
    let (turns, flipped) = match transform {
        Transform::Normal => (0, false),
        Transform::Rotated90 => (1, false),
        Transform::Rotated180 => (2, false),
        Transform::Rotated270 => (3, false),
        Transform::Flipped => (0, true),
        Transform::Flipped90 => (1, true),
        Transform::Flipped180 => (2, true),
        Transform::Flipped270 => (3, true),
    };
    for _ in 0..turns {
        // A quarter clockwise: the first column, from below, is the new first row.
        let width = rows[0].len();
        rows = (0..width).map(|x| rows.iter().rev().map(|row| row[x].clone()).collect()).collect();
    }
    if flipped {
        rows.iter_mut().for_each(|row| row.reverse());
    }
    rows
}

/// The picture that is shown: cursor, crop, transform, region.
pub(super) fn shown(frame: &CapturedFrame, region: Option<Rect>) -> Vec<Vec<Rgb>> {
    let crop = frame.crop;
    let row = |y| (crop.x..crop.right()).map(|x| with_cursor(frame, x, y)).collect::<Vec<_>>();
    let rows = upright((crop.y..crop.bottom()).map(row).collect(), frame.transform);
    let Some(region) = region else { return rows };
    let rows = rows.into_iter().skip(region.y as usize).take(region.height as usize);
    rows.map(|row| row.into_iter().skip(region.x as usize).take(region.width as usize).collect()).collect()
}

fn with_cursor(frame: &CapturedFrame, x: u32, y: u32) -> Rgb {
    let under = source_pixel(frame, x, y);
    let Some(cursor) = &frame.cursor else { return under };
    let column = i64::from(x) - i64::from(cursor.position.0) + i64::from(cursor.hotspot.0);
    let row = i64::from(y) - i64::from(cursor.position.1) + i64::from(cursor.hotspot.1);
    let size = cursor.bitmap.size;
    if column < 0 || row < 0 || column >= i64::from(size.width) || row >= i64::from(size.height) {
        return under;
    }
    let at = (row as usize * size.width as usize + column as usize) * 4;
    let pixel = &cursor.bitmap.rgba[at..at + 4];
    let keep = 1.0 - f64::from(pixel[3]) / 255.0;
    std::array::from_fn(|c| (f64::from(pixel[c]) / 255.0 + under[c] * keep).min(1.0))
}

/// The planes of an output picture in code values, not rounded; one for each of luma, Cb and Cr, or
/// of red, green and blue.
pub(super) fn planes(output: InputSpec, picture: &[Vec<Rgb>]) -> [Vec<Vec<f64>>; 3] {
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

/// The planes of a real picture, in code values.
pub(super) fn read(picture: &Picture, format: PixelFormat) -> [Vec<Vec<f64>>; 3] {
    let size = picture.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let plane = |index: usize, w: usize, h: usize, step: usize, at: usize| -> Vec<Vec<f64>> {
        let (bytes, stride) = picture.plane(index);
        let value = |x: usize, y: usize| match format {
            PixelFormat::P010 | PixelFormat::I444P16 => {
                let at = y * stride + (x * step + at) * 2;
                let value = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
                assert_eq!(value & 63, 0, "the low bits are unused");
                f64::from(value >> 6)
            }
            PixelFormat::I010 | PixelFormat::I444P10 => {
                let at = y * stride + (x * step + at) * 2;
                f64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
            }
            _ => f64::from(bytes[y * stride + x * step + at]),
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

/// The largest distance between what came out and what the reference says, once that is rounded.
pub(super) fn worst(got: &[Vec<Vec<f64>>; 3], wanted: &[Vec<Vec<f64>>; 3]) -> f64 {
    let mut worst = 0.0f64;
    for (got, wanted) in got.iter().zip(wanted) {
        assert_eq!(got.len(), wanted.len(), "rows");
        for (got, wanted) in got.iter().zip(wanted) {
            assert_eq!(got.len(), wanted.len(), "columns");
            worst = got.iter().zip(wanted).fold(worst, |worst, (a, b)| worst.max((a - b.round()).abs()));
        }
    }
    worst
}

/// The planes of a picture whose luma and chroma are the source's own: the same colour, nothing
/// turned, nothing scaled, on even places.
fn carried_over(frame: &CapturedFrame, recipe: &Recipe) -> Option<[Vec<Vec<f64>>; 3]> {
    let (input, output) = (frame.format, recipe.output.format);
    let region = recipe.region.unwrap_or_default();
    let (left, top) = (frame.crop.x + region.x, frame.crop.y + region.y);
    let plain = input.is_yuv()
        && output.is_yuv()
        && !output.is_full_chroma()
        && frame.color == recipe.output.color
        && (input.depth() == output.depth() || frame.color.range == ColorRange::Limited)
        && frame.transform == Transform::Normal
        && left % 2 == 0
        && top % 2 == 0;
    if !plain {
        return None;
    }
    let size = recipe.output.size;
    let scale = f64::from(1u32 << output.depth()) / f64::from(1u32 << input.depth());
    let most = f64::from((1u32 << output.depth()) - 1);
    let plane = |which: usize| {
        let by = if which > 0 { 2 } else { 1 };
        let at = |x: u32, y: u32| {
            // At even columns chroma is not interpolated across; where every row has its own, the
            // place of the output's is between two.
            let (x, y) = (left + x * by, top + y * by);
            let value = if which == 0 {
                source_ycbcr(frame, x, y)[0]
            } else if input == PixelFormat::Yuy2 {
                let below = (y + 1).min(top + size.height - 1);
                (source_ycbcr(frame, x, y)[which] + source_ycbcr(frame, x, below)[which]) / 2.0
            } else {
                raw_chroma(frame, which - 1, x / 2, y / 2)
            };
            (value * scale).min(most)
        };
        let (columns, rows) = (size.width.div_ceil(by), size.height.div_ceil(by));
        (0..rows).map(|y| (0..columns).map(|x| at(x, y)).collect()).collect()
    };
    Some([0, 1, 2].map(plane))
}

/// A sample of a 4:2:0 chroma plane, as it is: at the place where nothing is interpolated.
fn raw_chroma(frame: &CapturedFrame, which: usize, column: u32, row: u32) -> f64 {
    let at = column as usize;
    let deep = |plane: usize, at: usize| {
        byte(frame, plane, row, at * 2) + 256.0 * byte(frame, plane, row, at * 2 + 1)
    };
    match frame.format {
        PixelFormat::Nv12 => byte(frame, 1, row, at * 2 + which),
        PixelFormat::P010 => (deep(1, at * 2 + which) / 64.0).floor(),
        PixelFormat::I010 => deep(1 + which, at) % 1024.0,
        _ => byte(frame, 1 + which, row, at),
    }
}

/// Asserts that a picture made without scaling is what the reference makes, within `bound`.
pub(super) fn check(frame: &CapturedFrame, recipe: &Recipe, picture: &Picture, bound: f64, what: &str) {
    let got = read(picture, recipe.output.format);
    let converted = planes(recipe.output, &shown(frame, recipe.region));
    let worst = match carried_over(frame, recipe) {
        None => worst(&got, &converted),
        Some(carried) if frame.cursor.is_none() => worst(&got, &carried),
        // Near the pointer it is converted, elsewhere carried over.
        Some(carried) => {
            let nearest =
                std::array::from_fn(|plane| nearest(&got[plane], &converted[plane], &carried[plane]));
            worst(&got, &nearest)
        }
    };
    assert!(worst <= bound, "{what}: off by {worst}");
}

/// For each sample the one of two that it is nearer to.
fn nearest(got: &[Vec<f64>], one: &[Vec<f64>], other: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let rows = got.iter().zip(one).zip(other);
    rows.map(|((got, one), other)| {
        let samples = got.iter().zip(one).zip(other);
        samples.map(|((g, a), b)| if (g - a).abs() < (g - b).abs() { *a } else { *b }).collect()
    })
    .collect()
}
