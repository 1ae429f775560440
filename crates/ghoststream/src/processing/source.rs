//! Reading captured pixels, upright and in one of two layouts.
//!
//! [`Layout::Bytes`] keeps what is 8-bit RGB as it is, four bytes a pixel in the producer's order.
//! [`Layout::Words`] is for all else: red, green, blue and an unused one, 16 bits each, full scale.

use super::weights::Order;
use crate::capture::{CapturedFrame, CpuBuffer};
use crate::{PixelFormat, Rect, Size};
use ghoststream_picture::matrix::{Levels, to_rgb};
use ghoststream_picture::{View, half};

/// A pixel of [`Layout::Words`].
pub(super) type Word = [u16; 4];

/// How pixels are read from a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Bytes(Order),
    Words,
}

impl Layout {
    /// The layout that loses nothing of a format.
    pub(super) const fn of(format: PixelFormat) -> Self {
        match byte_order(format) {
            Some(order) => Self::Bytes(order),
            None => Self::Words,
        }
    }
}

/// Where the colours are among the bytes of a pixel, for 8-bit RGB.
pub(super) const fn byte_order(format: PixelFormat) -> Option<Order> {
    match format {
        PixelFormat::Bgrx | PixelFormat::Bgr24 => Some(Order { red: 2, green: 1, blue: 0 }),
        PixelFormat::Rgbx | PixelFormat::Rgb24 => Some(Order { red: 0, green: 1, blue: 2 }),
        PixelFormat::Xrgb => Some(Order { red: 1, green: 2, blue: 3 }),
        PixelFormat::Xbgr => Some(Order { red: 3, green: 2, blue: 1 }),
        _ => None,
    }
}

/// The memory of a frame.
pub(super) fn buffer(frame: &CapturedFrame) -> &CpuBuffer {
    let Some(buffer) = frame.memory.cpu() else { unreachable!("the processor looked") };
    buffer
}

/// The bytes and the stride of the picture from the view's pixel at (`x`, `y`) on, where they can be
/// converted in place: four bytes a pixel, upright.
pub(super) fn in_place<'a>(
    frame: &'a CapturedFrame,
    view: &View,
    x: u32,
    y: u32,
) -> Option<(&'a [u8], usize)> {
    let (left, top) = view.upright_origin()?;
    if frame.format.packed_bytes() != Some(4) || byte_order(frame.format).is_none() {
        return None;
    }
    let (bytes, stride) = buffer(frame).plane(0);
    Some((&bytes[(top + y) as usize * stride + (left + x) as usize * 4..], stride))
}

/// Reads a rectangle of the view as [`Layout::Bytes`].
pub(super) fn read_bytes(frame: &CapturedFrame, view: &View, rect: Rect, out: &mut [[u8; 4]]) {
    let (bytes, stride) = buffer(frame).plane(0);
    let size = frame.format.packed_bytes().unwrap_or(4);
    if let (4, Some((left, top))) = (size, view.upright_origin()) {
        for (row, out) in out.chunks_exact_mut(rect.width as usize).enumerate() {
            let from = ((top + rect.y) as usize + row) * stride + (left + rect.x) as usize * 4;
            out.as_flattened_mut().copy_from_slice(&bytes[from..][..rect.width as usize * 4]);
        }
    } else if size == 4 {
        walk(view, rect, |index, x, y| {
            if let Some(pixel) = bytes[y * stride + x * 4..].first_chunk() {
                out[index] = *pixel;
            }
        });
    } else {
        walk(view, rect, |index, x, y| {
            if let Some(&[a, b, c]) = bytes[y * stride + x * 3..].first_chunk() {
                out[index] = [a, b, c, 0];
            }
        });
    }
}

/// Reads a rectangle of the view as [`Layout::Words`], which must be the layout of the format.
pub(super) fn read_words(frame: &CapturedFrame, view: &View, rect: Rect, out: &mut [Word]) {
    use PixelFormat::*;
    match frame.format {
        Xrgb2101010 => read_packed(frame, view, rect, out, [20, 10, 0]),
        Xbgr2101010 => read_packed(frame, view, rect, out, [0, 10, 20]),
        Rgbx1010102 => read_packed(frame, view, rect, out, [22, 12, 2]),
        Bgrx1010102 => read_packed(frame, view, rect, out, [2, 12, 22]),
        Nv12 | I420 | Yuy2 | P010 | I010 => read_ycbcr(frame, view, rect, out),
        Rgba16f => read_halves(frame, view, rect, out),
        I444 | I444P10 | I444P16 => debug_assert!(false, "no source sends them"),
        Bgrx | Rgbx | Xrgb | Xbgr | Rgb24 | Bgr24 => debug_assert!(false, "their layout is bytes"),
    }
}

/// Reads a rectangle of the view of any format as words of what it means: half floats as they are, beyond
/// 0 and 1 as well, all else as [`read_words`] does.
pub(super) fn read_codes(frame: &CapturedFrame, view: &View, rect: Rect, out: &mut [Word]) {
    let (bytes, stride) = buffer(frame).plane(0);
    if frame.format == PixelFormat::Rgba16f {
        return walk(view, rect, |index, x, y| {
            if let Some(&[a, b, c, d, e, f]) = bytes[y * stride + x * 8..].first_chunk() {
                out[index] = [[a, b], [c, d], [e, f], [0; 2]].map(u16::from_le_bytes);
            }
        });
    }
    let Some(order) = byte_order(frame.format) else { return read_words(frame, view, rect, out) };
    let size = frame.format.packed_bytes().unwrap_or(4);
    walk(view, rect, |index, x, y| {
        let pixel = &bytes[y * stride + x * size..][..size];
        let [r, g, b] = [order.red, order.green, order.blue].map(|it| u16::from(pixel[it]) * 257);
        out[index] = [r, g, b, 0];
    });
}

/// Reads ten-bit RGB; `shifts` are those of red, green and blue.
fn read_packed(frame: &CapturedFrame, view: &View, rect: Rect, out: &mut [Word], shifts: [u32; 3]) {
    let (bytes, stride) = buffer(frame).plane(0);
    walk(view, rect, |index, x, y| {
        if let Some(pixel) = bytes[y * stride + x * 4..].first_chunk() {
            let pixel = u32::from_le_bytes(*pixel);
            let [r, g, b] = shifts.map(|shift| {
                let value = (pixel >> shift & 0x3FF) as u16;
                value << 6 | value >> 4
            });
            out[index] = [r, g, b, 0];
        }
    });
}

/// Reads half floats; what is below 0 or above 1 is cut off.
fn read_halves(frame: &CapturedFrame, view: &View, rect: Rect, out: &mut [Word]) {
    let (bytes, stride) = buffer(frame).plane(0);
    walk(view, rect, |index, x, y| {
        if let Some(pixel) = bytes[y * stride + x * 8..].first_chunk::<8>() {
            let value = |at: usize| half::to_single(u16::from_le_bytes([pixel[at], pixel[at + 1]]));
            let [r, g, b] = [0, 2, 4].map(|at| (value(at) * 65535.0 + 0.5).clamp(0.0, 65535.0) as u16);
            out[index] = [r, g, b, 0];
        }
    });
}

/// Reads luma and chroma. Chroma lies on the left luma column of each pair and halfway between the
/// two rows; between its samples it is interpolated.
fn read_ycbcr(frame: &CapturedFrame, view: &View, rect: Rect, out: &mut [Word]) {
    let samples = Samples::of(frame);
    let depth = frame.format.depth();
    let levels = Levels::new(frame.color.range, depth);
    let matrix = to_rgb(frame.color, depth).map(|row| row.map(|it| (it * 65535.0) as f32));
    let (black, neutral) = (levels.black as f32, levels.neutral as f32);
    walk(view, rect, |index, x, y| {
        let luma = samples.luma(x, y) - black;
        let [cb, cr] = samples.chroma(x, y).map(|it| it - neutral);
        let [r, g, b] =
            matrix.map(|row| (row[0] * luma + row[1] * cb + row[2] * cr + 0.5).clamp(0.0, 65535.0) as u16);
        out[index] = [r, g, b, 0];
    });
}

/// The samples of a picture of luma and chroma, whichever its format.
pub(super) struct Samples<'a> {
    format: PixelFormat,
    size: Size,
    planes: [(&'a [u8], usize); 3],
}

impl<'a> Samples<'a> {
    pub(super) fn of(frame: &'a CapturedFrame) -> Self {
        let buffer = buffer(frame);
        let planes = [0, 1, 2]
            .map(|index| if index < frame.format.planes() { buffer.plane(index) } else { (&[][..], 0) });
        Self { format: frame.format, size: frame.size, planes }
    }

    fn byte(&self, plane: usize, column: usize, row: usize) -> f32 {
        let (bytes, stride) = self.planes[plane];
        f32::from(bytes[row * stride + column])
    }

    /// A ten-bit sample, by its place in its row.
    fn deep(&self, plane: usize, column: usize, row: usize) -> f32 {
        let (bytes, stride) = self.planes[plane];
        let at = row * stride + column * 2;
        let value = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        f32::from(if self.format == PixelFormat::P010 { value >> 6 } else { value & 0x3FF })
    }

    fn luma(&self, x: usize, y: usize) -> f32 {
        match self.format {
            PixelFormat::Yuy2 => self.byte(0, x * 2, y),
            PixelFormat::P010 | PixelFormat::I010 => self.deep(0, x, y),
            _ => self.byte(0, x, y),
        }
    }

    /// Cb and Cr of a place in the chroma planes.
    fn pair(&self, column: usize, row: usize) -> [f32; 2] {
        match self.format {
            PixelFormat::Nv12 => [self.byte(1, column * 2, row), self.byte(1, column * 2 + 1, row)],
            PixelFormat::P010 => [self.deep(1, column * 2, row), self.deep(1, column * 2 + 1, row)],
            PixelFormat::Yuy2 => [self.byte(0, column * 4 + 1, row), self.byte(0, column * 4 + 3, row)],
            PixelFormat::I010 => [self.deep(1, column, row), self.deep(2, column, row)],
            _ => [self.byte(1, column, row), self.byte(2, column, row)],
        }
    }

    /// Cb and Cr at a luma sample.
    fn chroma(&self, x: usize, y: usize) -> [f32; 2] {
        let last = (self.size.width as usize).div_ceil(2) - 1;
        let across = |row: usize| {
            let here = self.pair(x / 2, row);
            if x.is_multiple_of(2) {
                return here;
            }
            let next = self.pair((x / 2 + 1).min(last), row);
            [(here[0] + next[0]) * 0.5, (here[1] + next[1]) * 0.5]
        };
        if self.format == PixelFormat::Yuy2 {
            return across(y);
        }
        let rows = (self.size.height as usize).div_ceil(2);
        let near = y / 2;
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(rows - 1) };
        let (near, far) = (across(near), across(far));
        [near[0] * 0.75 + far[0] * 0.25, near[1] * 0.75 + far[1] * 0.25]
    }
}

/// Calls `read` for each pixel of a rectangle of the view with its place in the rectangle and in the
/// buffer. Goes along the buffer's rows as far as it can, for the sake of the caches.
fn walk(view: &View, rect: Rect, mut read: impl FnMut(usize, usize, usize)) {
    let (x, y) = view.locate(rect.x, rect.y);
    let ((rx, ry), (dx, dy)) = view.steps();
    let (width, height) = (rect.width as usize, rect.height as usize);
    let mut visit = |column: usize, row: usize| {
        let (c, r) = (column as i64, row as i64);
        let bx = i64::from(x) + rx * c + dx * r;
        let by = i64::from(y) + ry * c + dy * r;
        read(row * width + column, bx as usize, by as usize);
    };
    if rx == 0 {
        (0..width).for_each(|column| (0..height).for_each(|row| visit(column, row)));
    } else {
        (0..height).for_each(|row| (0..width).for_each(|column| visit(column, row)));
    }
}
