//! Writing strips into the planes of an output picture.

use super::deep::{DeepWeights, WordRows};
use super::source::{Layout, Word, byte_order};
use super::strip::{self, Chroma, Rows};
use super::weights::{Order, Weights};
use super::{ProcessError, Recipe, full};
use crate::av::Picture;
use crate::{PixelFormat, Rect};
use ghoststream_picture::dither::threshold;
use ghoststream_picture::matrix::Levels;

/// How pixels of a layout become the output's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    /// Four bytes of RGB to planes of luma and chroma.
    Bytes(Weights),
    /// Words of RGB to planes of luma and chroma.
    Words(DeepWeights),
    /// To four bytes of RGB, from the order of the first to that of the second.
    Reorder(Order, Order),
    /// Words to four bytes of RGB; whether to dither rather than to round.
    Narrow(Order, bool),
}

impl Kernel {
    /// The one from `layout`, that `format` is read in, to the recipe's output.
    pub(super) fn new(format: PixelFormat, layout: Layout, recipe: &Recipe) -> Result<Self, ProcessError> {
        let output = recipe.output;
        let depth = output.format.depth();
        let dithers = depth < format.depth();
        Ok(match (output.format, layout) {
            (to, Layout::Bytes(order)) if is_planar(to) => {
                Self::Bytes(Weights::new(order, output.color, depth))
            }
            (to, Layout::Words) if is_planar(to) => {
                Self::Words(DeepWeights::new(output.color, depth, dithers))
            }
            (to, layout) => match (byte_order(to), to.packed_bytes(), layout) {
                (Some(to), Some(4), Layout::Bytes(from)) => Self::Reorder(from, to),
                (Some(to), Some(4), Layout::Words) => Self::Narrow(to, dithers),
                _ => return Err(ProcessError::Formats { from: format, to }),
            },
        })
    }
}

/// The planes of the picture that is being written.
pub(super) struct Target<'a> {
    format: PixelFormat,
    planes: [(&'a mut [u8], usize); 3],
}

impl<'a> Target<'a> {
    /// The planes of a picture in `format`; `None` while it is shared.
    pub(super) fn new(picture: &'a mut Picture, format: PixelFormat) -> Option<Self> {
        picture.planes_mut().map(|planes| Self { format, planes })
    }

    /// How its pixels lie.
    pub(super) const fn format(&self) -> PixelFormat {
        self.format
    }

    /// Makes all of it black.
    pub(super) fn blacken(&mut self, levels: Levels) {
        let [(first, _), (second, _), (third, _)] = &mut self.planes;
        let (black, neutral) = (levels.black as u16, levels.neutral as u16);
        let deep = |value: u16| (value << self.format.sample_shift()).to_le_bytes();
        match self.format {
            format if is_planar(format) && format.depth() > 8 => {
                first.as_chunks_mut().0.fill(deep(black));
                second.as_chunks_mut().0.fill(deep(neutral));
                third.as_chunks_mut().0.fill(deep(neutral));
            }
            format if is_planar(format) => {
                first.fill(black as u8);
                second.fill(neutral as u8);
                third.fill(neutral as u8);
            }
            _ => first.fill(0),
        }
    }

    /// Writes rows of four-byte pixels at `rect`, whose place is even. Each row of `bytes`, `stride`
    /// apart, has `lead` more pixels on its left.
    pub(super) fn put_band_of_bytes(
        &mut self,
        kernel: &Kernel,
        rect: Rect,
        bytes: &[u8],
        stride: usize,
        lead: u32,
    ) {
        let length = (rect.width + lead) as usize * 4;
        for (y, height) in pairs(rect.height) {
            let row = |y: u32| &bytes[y as usize * stride..][..length];
            let rows = Rows { top: row(y), bottom: row(y + height - 1), lead: lead as usize };
            self.put_bytes(kernel, Rect { y: rect.y + y, height, ..rect }, rows);
        }
    }

    /// The same for words, one row right after the other.
    pub(super) fn put_band_of_words(&mut self, kernel: &Kernel, rect: Rect, pixels: &[Word], lead: u32) {
        let length = (rect.width + lead) as usize;
        for (y, height) in pairs(rect.height) {
            let row = |y: u32| &pixels[y as usize * length..][..length];
            let rows = WordRows { top: row(y), bottom: row(y + height - 1), lead: lead as usize };
            self.put_words(kernel, Rect { y: rect.y + y, height, ..rect }, rows);
        }
    }

    /// Writes one or two rows of four-byte pixels at `rect`, whose place is even.
    fn put_bytes(&mut self, kernel: &Kernel, rect: Rect, rows: Rows<'_>) {
        match kernel {
            Kernel::Bytes(weights) if self.format.is_full_chroma() => {
                let (deep, shift) = (self.format.depth() > 8, self.format.sample_shift());
                for (source, y) in [rows.top, rows.bottom].into_iter().zip(rect.y..rect.bottom()) {
                    let pixels = source[rows.lead * 4..].as_chunks().0;
                    let planes = self.full_row(rect, y);
                    match deep {
                        true => full::convert_deep(weights, pixels, planes, shift),
                        false => full::convert(weights, pixels, planes),
                    }
                }
            }
            Kernel::Bytes(weights) => {
                let (deep, shift) = (self.format.depth() > 8, self.format.sample_shift());
                let (luma, chroma) = self.rows(rect);
                if deep {
                    strip::convert_deep(weights, rows, luma, chroma, shift);
                } else {
                    strip::convert(weights, rows, luma, chroma);
                }
            }
            Kernel::Reorder(from, to) => {
                for (source, row) in
                    [rows.top, rows.bottom].into_iter().zip(two(&mut self.planes[0], rect, 4))
                {
                    let source = &source[rows.lead * 4..];
                    if from == to {
                        let length = row.len().min(source.len());
                        row[..length].copy_from_slice(&source[..length]);
                    } else {
                        reorder(*from, *to, source, row);
                    }
                }
            }
            Kernel::Words(_) | Kernel::Narrow(..) => debug_assert!(false, "not a kernel for bytes"),
        }
    }

    /// Writes one or two rows of words at `rect`, whose place is even.
    fn put_words(&mut self, kernel: &Kernel, rect: Rect, rows: WordRows<'_>) {
        let sources = [&rows.top[rows.lead..], &rows.bottom[rows.lead..]];
        match kernel {
            Kernel::Words(weights) if self.format.is_full_chroma() => {
                let (depth, shift) = (self.format.depth(), self.format.sample_shift());
                for (source, y) in sources.into_iter().zip(rect.y..rect.bottom()) {
                    full::convert_words(weights, source, (rect.x, y), self.full_row(rect, y), depth, shift);
                }
            }
            Kernel::Words(weights) => {
                let (deep, shift) = (self.format.depth() > 8, self.format.sample_shift());
                let (luma, mut chroma) = self.rows(rect);
                for ((source, row), y) in sources.into_iter().zip(luma).zip(rect.y..) {
                    let place = (rect.x, y);
                    if deep {
                        let (row, _) = row.as_chunks_mut::<2>();
                        let source = &source[..row.len().min(source.len())];
                        weights.luma(source, place, |at, value| row[at] = (value << shift).to_le_bytes());
                    } else {
                        let source = &source[..row.len().min(source.len())];
                        weights.luma(source, place, |at, value| row[at] = value as u8);
                    }
                }
                let place = (rect.x / 2, rect.y / 2);
                if deep {
                    weights.chroma(rows, place, |at, cb, cr| chroma.put_deep(at, cb << shift, cr << shift));
                } else {
                    weights.chroma(rows, place, |at, cb, cr| chroma.put(at, cb as u8, cr as u8));
                }
            }
            Kernel::Narrow(order, dithers) => {
                for ((source, row), y) in
                    sources.into_iter().zip(two(&mut self.planes[0], rect, 4)).zip(rect.y..)
                {
                    for ((out, pixel), x) in row.as_chunks_mut::<4>().0.iter_mut().zip(source).zip(rect.x..) {
                        let rounding = if *dithers { (threshold(x, y) * 65535.0) as u32 } else { 32767 };
                        *out = [255; 4];
                        for (place, value) in [(order.red, 0), (order.green, 1), (order.blue, 2)] {
                            out[place] = ((u32::from(pixel[value]) * 255 + rounding) / 65535) as u8;
                        }
                    }
                }
            }
            Kernel::Bytes(_) | Kernel::Reorder(..) => debug_assert!(false, "not a kernel for words"),
        }
    }

    /// Row `y` of `rect` in each of three planes of 4:4:4.
    fn full_row(&mut self, rect: Rect, y: u32) -> full::Planes<'_> {
        let sample = if self.format.depth() > 8 { 2 } else { 1 };
        let (x, width) = (rect.x as usize * sample, rect.width as usize * sample);
        self.planes.each_mut().map(|plane| span(plane, x, y, width))
    }

    /// The luma rows and the chroma row of 4:2:0 at `rect`.
    pub(super) fn rows(&mut self, rect: Rect) -> ([&mut [u8]; 2], Chroma<'_>) {
        let [luma, second, third] = &mut self.planes;
        let sample = if self.format.depth() > 8 { 2 } else { 1 };
        let (half, row) = (rect.width.div_ceil(2) as usize * sample, rect.y / 2);
        let x = (rect.x / 2) as usize * sample;
        let chroma = if self.format.planes() == 3 {
            Chroma::Planes(span(second, x, row, half), span(third, x, row, half))
        } else {
            Chroma::Pairs(span(second, x * 2, row, half * 2))
        };
        (two(luma, rect, sample), chroma)
    }
}

/// Whether luma and chroma go to planes of their own.
const fn is_planar(format: PixelFormat) -> bool {
    format.is_yuv() && format.packed_bytes().is_none()
}

/// The first row and the number of rows of each pair; the last may be alone.
fn pairs(height: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..height).step_by(2).map(move |y| (y, (height - y).min(2)))
}

/// `length` bytes of a row, from byte `x` on.
fn span<'a>(plane: &'a mut (&mut [u8], usize), x: usize, row: u32, length: usize) -> &'a mut [u8] {
    &mut plane.0[row as usize * plane.1 + x..][..length]
}

/// The rows of `rect`, of `size` bytes a pixel: two, or one and an empty one.
fn two<'a>(plane: &'a mut (&mut [u8], usize), rect: Rect, size: usize) -> [&'a mut [u8]; 2] {
    let (x, length) = (rect.x as usize * size, rect.width as usize * size);
    let (first, rest) = plane.0[rect.y as usize * plane.1..].split_at_mut(plane.1);
    let second = if rect.height > 1 { &mut rest[x..x + length] } else { &mut [] };
    [&mut first[x..x + length], second]
}

/// Copies pixels into another order of bytes; the unused one becomes 255.
fn reorder(from: Order, to: Order, source: &[u8], out: &mut [u8]) {
    let mut places = [from.red; 4];
    (places[to.green], places[to.blue]) = (from.green, from.blue);
    let unused = 6 - to.red - to.green - to.blue;
    for (out, pixel) in out.as_chunks_mut::<4>().0.iter_mut().zip(source.as_chunks::<4>().0) {
        *out = places.map(|place| pixel[place]);
        out[unused] = 255;
    }
}
