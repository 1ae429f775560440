//! Writing strips into the planes of an output picture.

use super::deep::{DeepWeights, WordRows};
use super::matrix::{Levels, Order, Weights};
use super::source::{Layout, byte_order};
use super::strip::{self, Chroma, Rows};
use super::{ProcessError, Recipe};
use crate::av::Picture;
use crate::{PixelFormat, Rect};

/// How pixels of a layout become the output's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    /// Four bytes of RGB to 4:2:0.
    Bytes(Weights),
    /// Words of RGB to 4:2:0.
    Words(DeepWeights),
    /// To four bytes of RGB, from the order of the first to that of the second.
    Reorder(Order, Order),
    /// Words to four bytes of RGB.
    Narrow(Order),
}

impl Kernel {
    /// The one from `layout`, that `format` is read in, to the recipe's output.
    pub(super) fn new(format: PixelFormat, recipe: &Recipe) -> Result<Self, ProcessError> {
        let output = recipe.output;
        let depth = output.format.depth();
        Ok(match (output.format, Layout::of(format)) {
            (PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::P010, Layout::Bytes(order)) => {
                Self::Bytes(Weights::new(order, output.color, depth))
            }
            (PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::P010, Layout::Words) => {
                Self::Words(DeepWeights::new(output.color, depth))
            }
            (to, layout) => match (byte_order(to), to.packed_bytes(), layout) {
                (Some(to), Some(4), Layout::Bytes(from)) => Self::Reorder(from, to),
                (Some(to), Some(4), Layout::Words) => Self::Narrow(to),
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

    /// Makes all of it black.
    pub(super) fn blacken(&mut self, levels: Levels) {
        let [(first, _), (second, _), (third, _)] = &mut self.planes;
        let (black, neutral) = (levels.black as u16, levels.neutral as u16);
        match self.format {
            PixelFormat::P010 => {
                first.as_chunks_mut().0.fill((black << 6).to_le_bytes());
                second.as_chunks_mut().0.fill((neutral << 6).to_le_bytes());
            }
            PixelFormat::Nv12 | PixelFormat::I420 => {
                first.fill(black as u8);
                second.fill(neutral as u8);
                third.fill(neutral as u8);
            }
            _ => first.fill(0),
        }
    }

    /// Writes one or two rows of four-byte pixels at `rect`, whose place is even.
    pub(super) fn put_bytes(&mut self, kernel: &Kernel, rect: Rect, rows: Rows<'_>) {
        match kernel {
            Kernel::Bytes(weights) if self.format == PixelFormat::P010 => {
                let [luma, chroma, _] = &mut self.planes;
                let pairs =
                    span(chroma, rect.x as usize * 2, rect.y / 2, rect.width.div_ceil(2) as usize * 4);
                strip::convert_deep(weights, rows, two(luma, rect, 2), pairs);
            }
            Kernel::Bytes(weights) => {
                let (luma, chroma) = self.split(rect);
                strip::convert(weights, rows, luma, chroma);
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
            Kernel::Words(_) | Kernel::Narrow(_) => debug_assert!(false, "not a kernel for bytes"),
        }
    }

    /// Writes one or two rows of words at `rect`, whose place is even.
    pub(super) fn put_words(&mut self, kernel: &Kernel, rect: Rect, rows: WordRows<'_>) {
        let sources = [&rows.top[rows.lead..], &rows.bottom[rows.lead..]];
        match kernel {
            Kernel::Words(weights) if self.format == PixelFormat::P010 => {
                let [luma, chroma, _] = &mut self.planes;
                for (source, row) in sources.into_iter().zip(two(luma, rect, 2)) {
                    let (row, _) = row.as_chunks_mut::<2>();
                    let count = row.len().min(source.len());
                    weights.luma(&source[..count], |at, value| row[at] = (value << 6).to_le_bytes());
                }
                let pairs =
                    span(chroma, rect.x as usize * 2, rect.y / 2, rect.width.div_ceil(2) as usize * 4);
                let (pairs, _) = pairs.as_chunks_mut::<4>();
                weights.chroma(rows, |at, cb, cr| {
                    let ([a, b], [c, d]) = ((cb << 6).to_le_bytes(), (cr << 6).to_le_bytes());
                    pairs[at] = [a, b, c, d];
                });
            }
            Kernel::Words(weights) => {
                let (luma, chroma) = self.split(rect);
                for (source, row) in sources.into_iter().zip(luma) {
                    let count = row.len().min(source.len());
                    weights.luma(&source[..count], |at, value| row[at] = value as u8);
                }
                match chroma {
                    Chroma::Pairs(pairs) => {
                        let (pairs, _) = pairs.as_chunks_mut::<2>();
                        weights.chroma(rows, |at, cb, cr| pairs[at] = [cb as u8, cr as u8]);
                    }
                    Chroma::Planes(cbs, crs) => {
                        weights.chroma(rows, |at, cb, cr| (cbs[at], crs[at]) = (cb as u8, cr as u8));
                    }
                }
            }
            Kernel::Narrow(order) => {
                for (source, row) in sources.into_iter().zip(two(&mut self.planes[0], rect, 4)) {
                    for (out, pixel) in row.as_chunks_mut::<4>().0.iter_mut().zip(source) {
                        *out = [255; 4];
                        for (place, value) in [(order.red, 0), (order.green, 1), (order.blue, 2)] {
                            out[place] = ((u32::from(pixel[value]) * 255 + 32767) / 65535) as u8;
                        }
                    }
                }
            }
            Kernel::Bytes(_) | Kernel::Reorder(..) => debug_assert!(false, "not a kernel for words"),
        }
    }

    /// The luma rows and the chroma row of NV12 or I420 at `rect`.
    fn split(&mut self, rect: Rect) -> ([&mut [u8]; 2], Chroma<'_>) {
        let [luma, second, third] = &mut self.planes;
        let (half, row) = (rect.width.div_ceil(2) as usize, rect.y / 2);
        let chroma = if self.format == PixelFormat::I420 {
            let x = (rect.x / 2) as usize;
            Chroma::Planes(span(second, x, row, half), span(third, x, row, half))
        } else {
            Chroma::Pairs(span(second, rect.x as usize, row, half * 2))
        };
        (two(luma, rect, 1), chroma)
    }
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
