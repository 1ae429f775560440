//! From the source to the output where sizes differ.

use super::reader::Reader;
use super::resample::{GROUP, Group, Resampler, Source};
use super::source::{Layout, Word};
use super::target::{Kernel, Target};
use super::weights::Order;
use super::window::Window;
use super::{Recipe, room};
use crate::{Rect, Size};

/// The filters and all the memory that scaling needs from frame to frame.
pub(super) struct Scaling {
    resampler: Resampler,
    window_of_bytes: Window<[u8; 4]>,
    window_of_words: Window<Word>,
    /// Two rows of the result.
    bytes: Vec<[u8; 4]>,
    words: Vec<Word>,
}

impl Scaling {
    pub(super) fn new(from: Size, to: Size, recipe: &Recipe) -> Self {
        Self {
            resampler: Resampler::new(from, to, recipe.scaler),
            window_of_bytes: Window::default(),
            window_of_words: Window::default(),
            bytes: vec![],
            words: vec![],
        }
    }

    /// The part of the result that a part of the source has an effect on.
    pub(super) fn touches(&self, rect: Rect) -> Rect {
        let (left, right) = self.resampler.across().touches(rect.x, rect.right());
        let (top, bottom) = self.resampler.down().touches(rect.y, rect.bottom());
        Rect::new(left, top, right - left, bottom - top)
    }

    /// Makes a rectangle of the result and puts it at `rect` from `origin` on. Its place and that of
    /// the origin are even.
    pub(super) fn convert(
        &mut self,
        reader: &Reader<'_>,
        kernel: &Kernel,
        rect: Rect,
        origin: (u32, u32),
        target: &mut Target<'_>,
    ) {
        let lead = u32::from(rect.x > 0);
        let (x, width) = (rect.x - lead, (rect.width + lead) as usize);
        let columns = self.resampler.across().needs(x, rect.right());
        let Self { resampler, window_of_bytes, window_of_words, bytes, words } = self;
        window_of_bytes.begin(columns);
        window_of_words.begin(columns);
        for y in (rect.y..rect.bottom()).step_by(2) {
            let height = (rect.bottom() - y).min(2);
            let place = Rect::new(origin.0 + rect.x, origin.1 + y, rect.width, height);
            match reader.layout() {
                Layout::Bytes(order) => {
                    let pixels = room(bytes, width * height as usize);
                    for (row, out) in (y..).zip(pixels.chunks_exact_mut(width)) {
                        let mut source = Bytes { reader, order, columns, window: &mut *window_of_bytes };
                        resampler.row_of_bytes((x, row), &mut source, out);
                    }
                    target.put_band_of_bytes(kernel, place, pixels.as_flattened(), width * 4, lead);
                }
                Layout::Words => {
                    let pixels = room(words, width * height as usize);
                    for (row, out) in (y..).zip(pixels.chunks_exact_mut(width)) {
                        let mut source = Words { reader, window: &mut *window_of_words };
                        resampler.row((x, row), &mut source, out);
                    }
                    target.put_band_of_words(kernel, place, pixels, lead);
                }
            }
        }
    }
}

/// Four-byte rows, from the buffer itself where that can be.
struct Bytes<'a, 'b> {
    reader: &'a Reader<'b>,
    order: Order,
    columns: (u32, u32),
    window: &'a mut Window<[u8; 4]>,
}

impl Source<[u8; 4]> for Bytes<'_, '_> {
    fn rows(&mut self, first: u32, count: usize) -> Group<'_, [u8; 4]> {
        let (left, right) = self.columns;
        let rect = Rect::new(left, first, right - left, count as u32);
        if let Some((bytes, stride)) = self.reader.in_place(rect) {
            let mut group: Group<'_, [u8; 4]> = [&[]; GROUP];
            for (row, slot) in group[..count].iter_mut().enumerate() {
                *slot = bytes[row * stride..][..rect.width as usize * 4].as_chunks().0;
            }
            return group;
        }
        self.window.rows(first, count, self.reader.height(), |rect, out| {
            self.reader.bytes(self.order, rect, out);
        })
    }
}

/// Rows of words.
struct Words<'a, 'b> {
    reader: &'a Reader<'b>,
    window: &'a mut Window<Word>,
}

impl Source<Word> for Words<'_, '_> {
    fn rows(&mut self, first: u32, count: usize) -> Group<'_, Word> {
        self.window.rows(first, count, self.reader.height(), |rect, out| self.reader.words(rect, out))
    }
}
