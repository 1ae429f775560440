//! Reading every format that a source may have.

use super::Recipe;
use crate::{Color, ColorRange, ColorSpace, Conversion, PixelFormat, Rect, Size, Transform};

/// Red, green and blue as code values of full range, 0 to 1; half floats may lie outside.
pub type Rgb = [f64; 3];

/// What a pointer's colours mean: sRGB, as the rest of the desktop's pictures.
const POINTER: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);

/// A plane in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plane<'a> {
    /// From its first row on.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// A pointer that is drawn over a picture.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    /// Where the hot spot is, in pixels of the buffer.
    pub position: (i32, i32),
    /// Which pixel of the bitmap is the hot spot.
    pub hotspot: (i32, i32),
    /// Pixels of the bitmap.
    pub size: Size,
    /// Premultiplied RGBA, 8 bits each, without padding.
    pub rgba: &'a [u8],
}

/// A picture as its producer made it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// How its pixels lie in memory.
    pub format: PixelFormat,
    /// The whole buffer, in pixels.
    pub size: Size,
    /// What its code values mean.
    pub color: Color,
    /// As many as the format has.
    pub planes: [Plane<'a>; 3],
    /// The part of the buffer that is the picture.
    pub crop: Rect,
    /// How the producer turned it.
    pub transform: Transform,
    /// The pointer, if it is to be drawn.
    pub cursor: Option<Cursor<'a>>,
}

impl<'a> Source<'a> {
    /// All of a buffer, upright, without a pointer.
    #[must_use]
    pub fn new(format: PixelFormat, size: Size, color: Color, planes: &[Plane<'a>]) -> Self {
        let mut kept = [Plane::default(); 3];
        kept.iter_mut().zip(planes).for_each(|(slot, plane)| *slot = *plane);
        Self {
            format,
            size,
            color,
            planes: kept,
            crop: Rect::of(size),
            transform: Transform::Normal,
            cursor: None,
        }
    }

    fn byte(&self, plane: usize, row: u32, at: usize) -> f64 {
        let Plane { bytes, stride } = self.planes[plane];
        f64::from(bytes[row as usize * stride + at])
    }

    /// Sixteen bits, little-endian, by their place in the row.
    fn word(&self, plane: usize, row: u32, at: usize) -> f64 {
        self.byte(plane, row, at * 2) + 256.0 * self.byte(plane, row, at * 2 + 1)
    }

    /// A sample of ten bits.
    fn deep(&self, plane: usize, row: u32, at: usize) -> f64 {
        let value = self.word(plane, row, at);
        match self.format {
            PixelFormat::P010 | PixelFormat::I444P16 => (value / 64.0).floor(),
            _ => value % 1024.0,
        }
    }

    /// Luma of a pixel, in code values.
    pub(super) fn luma(&self, x: u32, y: u32) -> f64 {
        let at = x as usize;
        match self.format {
            PixelFormat::Yuy2 => self.byte(0, y, at * 2),
            format if format.depth() > 8 => self.deep(0, y, at),
            _ => self.byte(0, y, at),
        }
    }

    /// A sample of Cb (0) or Cr (1) by its place among the samples of its kind, in code values.
    pub(super) fn chroma(&self, which: usize, column: u32, row: u32) -> f64 {
        let at = column as usize;
        match self.format {
            PixelFormat::Yuy2 => self.byte(0, row, at * 4 + 1 + 2 * which),
            PixelFormat::Nv12 => self.byte(1, row, at * 2 + which),
            PixelFormat::P010 => self.deep(1, row, at * 2 + which),
            format if format.depth() > 8 => self.deep(1 + which, row, at),
            _ => self.byte(1 + which, row, at),
        }
    }

    /// Luma and interpolated chroma of a pixel, in code values.
    pub(super) fn ycbcr(&self, x: u32, y: u32) -> [f64; 3] {
        [self.luma(x, y), self.chroma_at(0, x, y), self.chroma_at(1, x, y)]
    }

    /// Chroma at a pixel. Chroma sample (i, j) of 4:2:0 stands at luma place (2 i, 2 j + 0.5), that of
    /// 4:2:2 at (2 i, j); between samples it is interpolated.
    fn chroma_at(&self, which: usize, x: u32, y: u32) -> f64 {
        if self.format.is_full_chroma() {
            return self.chroma(which, x, y);
        }
        let last = self.size.width.div_ceil(2) - 1;
        let across = |row: u32| {
            let share = f64::from(x % 2) / 2.0;
            let next = (x / 2 + 1).min(last);
            self.chroma(which, x / 2, row) * (1.0 - share) + self.chroma(which, next, row) * share
        };
        if self.format == PixelFormat::Yuy2 {
            return across(y);
        }
        let rows = self.size.height.div_ceil(2);
        let place = ((f64::from(y) - 0.5) / 2.0).clamp(0.0, f64::from(rows - 1));
        let (row, share) = (place.floor(), place.fract());
        across(row as u32) * (1.0 - share) + across((row as u32 + 1).min(rows - 1)) * share
    }
}

/// One pixel of the buffer.
#[must_use]
pub fn pixel(source: &Source<'_>, x: u32, y: u32) -> Rgb {
    let column = x as usize;
    let at = |place: usize, size: usize| source.byte(0, y, column * size + place) / 255.0;
    let word = || source.word(0, y, column * 2) + 65536.0 * source.word(0, y, column * 2 + 1);
    let bits = |shift: u32| f64::from(word() as u32 >> shift & 1023) / 1023.0;
    let half = |place: usize| half(source.word(0, y, column * 4 + place) as u16);
    match source.format {
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
        PixelFormat::Rgba16f => [half(0), half(1), half(2)],
        _ => to_rgb(source.color, source.format.depth(), source.ycbcr(x, y)),
    }
}

/// An IEEE 754 half; what is no number is 0.
fn half(bits: u16) -> f64 {
    let (exponent, significand) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => significand * 2f64.powi(-24),
        31 if significand > 0.0 => 0.0,
        31 => f64::INFINITY,
        _ => (1.0 + significand / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Kr, Kg and Kb as BT.601, BT.709 and BT.2020 write them.
pub(super) const fn weights(space: ColorSpace) -> (f64, f64, f64) {
    match space {
        ColorSpace::Bt601 => (0.299, 0.587, 0.114),
        ColorSpace::Bt709 => (0.2126, 0.7152, 0.0722),
        ColorSpace::Bt2020 => (0.2627, 0.678, 0.0593),
    }
}

/// (black, white - black, neutral, chroma span) at 8 bits, scaled to `depth`.
pub(super) fn levels(range: ColorRange, depth: u32) -> (f64, f64, f64, f64) {
    let unit = f64::from(1 << (depth - 8));
    let most = 256.0 * unit - 1.0;
    match range {
        ColorRange::Limited => (16.0 * unit, 219.0 * unit, 128.0 * unit, 224.0 * unit),
        ColorRange::Full => (0.0, most, 128.0 * unit, most),
    }
}

fn to_rgb(color: Color, depth: u32, [luma, cb, cr]: [f64; 3]) -> Rgb {
    let (kr, kg, kb) = weights(color.space);
    let (black, span, neutral, chroma) = levels(color.range, depth);
    let (y, cb, cr) = ((luma - black) / span, (cb - neutral) / chroma, (cr - neutral) / chroma);
    let (r, b) = (y + cr * 2.0 * (1.0 - kr), y + cb * 2.0 * (1.0 - kb));
    [r, (y - kr * r - kb * b) / kg, b].map(|it| it.clamp(0.0, 1.0))
}

/// Puts the picture as it is shown into rows, by copying the buffer and undoing what the producer
/// did to it step by step: first the counter-clockwise turns, one at a time, then the flip.
#[must_use]
pub fn upright<T: Clone>(mut rows: Vec<Vec<T>>, transform: Transform) -> Vec<Vec<T>> {
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

/// The picture that is shown, in the output's colour: pointer, crop, transform, region. What is not from
/// 0 to 1 is cut off.
#[must_use]
pub fn shown(source: &Source<'_>, recipe: &Recipe) -> Vec<Vec<Rgb>> {
    let crop = source.crop;
    let conversion = recipe.conversion(source.color);
    let of_pointer = recipe.conversion(POINTER);
    let at = |x, y| {
        let code = pixel(source, x, y);
        let under = conversion.map_or(code, |it| it.apply(code)).map(|it| it.clamp(0.0, 1.0));
        source.cursor.map_or(under, |cursor| over(&cursor, of_pointer, x, y, under))
    };
    let row = |y| (crop.x..crop.right()).map(|x| at(x, y)).collect::<Vec<_>>();
    let rows = upright((crop.y..crop.bottom()).map(row).collect(), source.transform);
    let Some(region) = recipe.region else { return rows };
    let rows = rows.into_iter().skip(region.y as usize).take(region.height as usize);
    rows.map(|row| row.into_iter().skip(region.x as usize).take(region.width as usize).collect()).collect()
}

/// The pointer over a pixel. Its colours become the output's before they are mixed, in code values.
fn over(cursor: &Cursor<'_>, conversion: Option<Conversion>, x: u32, y: u32, under: Rgb) -> Rgb {
    let column = i64::from(x) - i64::from(cursor.position.0) + i64::from(cursor.hotspot.0);
    let row = i64::from(y) - i64::from(cursor.position.1) + i64::from(cursor.hotspot.1);
    let size = cursor.size;
    if column < 0 || row < 0 || column >= i64::from(size.width) || row >= i64::from(size.height) {
        return under;
    }
    let at = (row as usize * size.width as usize + column as usize) * 4;
    let [r, g, b, alpha] = [0, 1, 2, 3].map(|c| f64::from(cursor.rgba[at + c]) / 255.0);
    let premultiplied = match conversion {
        Some(conversion) if alpha > 0.0 => {
            conversion.apply([r, g, b].map(|it| it / alpha)).map(|it| it * alpha)
        }
        _ => [r, g, b],
    };
    std::array::from_fn(|c| (premultiplied[c] + under[c] * (1.0 - alpha)).min(1.0))
}
