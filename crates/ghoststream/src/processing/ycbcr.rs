//! Luma and chroma that stay what they are: from one layout of planes to another.
//!
//! Where matrix and levels are the same, and no sample moves, there is no way through RGB and back,
//! which would blur the chroma and cost much more.

use super::source::buffer;
use super::strip::Chroma;
use super::target::Target;
use crate::capture::CapturedFrame;
use crate::encode::InputSpec;
use crate::{Color, ColorRange, PixelFormat, Rect};
use ghoststream_picture::View;

/// Whether samples can be carried over. `color` is that of the source.
pub(super) fn carries_over(format: PixelFormat, color: Color, view: &View, output: &InputSpec) -> bool {
    // From eight to ten bits, full range is no plain shift.
    let same_steps = format.depth() == output.format.depth() || color.range == ColorRange::Limited;
    let aligned = view.upright_origin().is_some_and(|(x, y)| x.is_multiple_of(2) && y.is_multiple_of(2));
    let planar = matches!(
        output.format,
        PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::P010 | PixelFormat::I010
    );
    format.is_yuv() && planar && color == output.color && same_steps && aligned
}

/// Carries over a rectangle of the view, whose place is even, to `place` in the output.
pub(super) fn carry_over(
    frame: &CapturedFrame,
    view: &View,
    rect: Rect,
    place: (u32, u32),
    target: &mut Target<'_>,
) {
    let Some((left, top)) = view.upright_origin() else { return };
    let (x, width) = ((left + rect.x) as usize, rect.width as usize);
    let source = Source { frame, to: target.format() };
    for row in (0..rect.height).step_by(2) {
        let height = (rect.height - row).min(2);
        let y = (top + rect.y + row) as usize;
        let rows = target.rows(Rect::new(place.0, place.1 + row, rect.width, height));
        let (luma, mut chroma) = rows;
        for (y, out) in (y..).zip(luma).take(height as usize) {
            source.luma(x, y, out);
        }
        source.chroma(x / 2, width.div_ceil(2), [y, y + height as usize - 1], &mut chroma);
    }
}

/// Samples of a frame, as those of another format.
struct Source<'a> {
    frame: &'a CapturedFrame,
    to: PixelFormat,
}

impl Source<'_> {
    /// The bytes of a plane from a place on.
    fn bytes(&self, plane: usize, at: usize, row: usize) -> &[u8] {
        let (bytes, stride) = buffer(self.frame).plane(plane);
        &bytes[row * stride + at..]
    }

    fn luma(&self, x: usize, y: usize, out: &mut [u8]) {
        let from = self.frame.format;
        let deep_in = from.depth() > 8;
        if from != PixelFormat::Yuy2 && !deep_in && self.to.depth() == 8 {
            let bytes = self.bytes(0, x, y);
            let length = out.len();
            out.copy_from_slice(&bytes[..length]);
            return;
        }
        let step = from.packed_bytes().unwrap_or(if deep_in { 2 } else { 1 });
        let samples = self.bytes(0, x * step, y).chunks(step);
        if self.to.depth() > 8 {
            for (out, sample) in out.as_chunks_mut().0.iter_mut().zip(samples) {
                *out = self.sample(sample).to_le_bytes();
            }
        } else {
            for (out, sample) in out.iter_mut().zip(samples) {
                *out = self.sample(sample) as u8;
            }
        }
    }

    fn chroma(&self, first: usize, count: usize, rows: [usize; 2], chroma: &mut Chroma<'_>) {
        let from = self.frame.format;
        let size = if from.depth() > 8 { 2 } else { 1 };
        let row = rows[0] / 2;
        // Of ten-bit samples, the unused bits may be anything.
        if from == self.to
            && size == 1
            && let Chroma::Pairs(out) = chroma
        {
            let length = out.len();
            out.copy_from_slice(&self.bytes(1, first * 2, row)[..length]);
            return;
        }
        let deep = self.to.depth() > 8;
        let mut put = |index: usize, cb: u16, cr: u16| match deep {
            true => chroma.put_deep(index, cb, cr),
            false => chroma.put(index, cb as u8, cr as u8),
        };
        if from == PixelFormat::Yuy2 {
            // It has chroma in every row: the mean of two is halfway between them.
            let [a, b] = rows.map(|row| self.bytes(0, first * 4, row).as_chunks::<4>().0);
            for (index, (a, b)) in a.iter().zip(b).take(count).enumerate() {
                let [cb, cr] = [1, 3].map(|at| (u16::from(a[at]) + u16::from(b[at])) * 2);
                put(index, self.of_ten_bits(cb), self.of_ten_bits(cr));
            }
        } else if from.planes() == 3 {
            let [cbs, crs] = [1, 2].map(|plane| self.bytes(plane, first * size, row).chunks(size));
            for (index, (cb, cr)) in cbs.zip(crs).take(count).enumerate() {
                put(index, self.sample(cb), self.sample(cr));
            }
        } else {
            let pairs = self.bytes(1, first * 2 * size, row).chunks_exact(2 * size);
            for (index, pair) in pairs.take(count).enumerate() {
                put(index, self.sample(&pair[..size]), self.sample(&pair[size..]));
            }
        }
    }

    /// The number that stands in the output for a sample, whose bytes come first.
    fn sample(&self, bytes: &[u8]) -> u16 {
        self.of_ten_bits(match (self.frame.format, bytes) {
            (PixelFormat::P010, &[low, high, ..]) => u16::from_le_bytes([low, high]) >> 6,
            (PixelFormat::I010, &[low, high, ..]) => u16::from_le_bytes([low, high]) & 0x3FF,
            (_, &[byte, ..]) => u16::from(byte) << 2,
            (_, []) => 0,
        })
    }

    /// The number that stands in the output for a sample of ten bits.
    fn of_ten_bits(&self, ten: u16) -> u16 {
        match self.to {
            PixelFormat::P010 => ten << 6,
            PixelFormat::I010 => ten,
            _ => ((ten + 2) >> 2).min(255),
        }
    }
}
