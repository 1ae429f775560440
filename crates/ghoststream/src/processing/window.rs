//! Rows of the upright source for the scaler, read once while they are needed.

use super::resample::{GROUP, Group};
use super::room;
use crate::Rect;

/// Rows kept at once, by blocks.
const BLOCKS: usize = 4;
/// Rows read at once: a turned picture is read along its buffer's rows, many of ours at a time.
const BLOCK: u32 = GROUP as u32;

/// A memory of rows of some columns.
#[derive(Debug, Default)]
pub(super) struct Window<P> {
    pixels: Vec<P>,
    first: u32,
    width: u32,
    /// Which block of rows is in each place.
    held: [Option<u32>; BLOCKS],
}

impl<P: Copy + Default> Window<P> {
    /// Forgets all, and will hold rows of the columns from `first` to before `end`.
    pub(super) fn begin(&mut self, (first, end): (u32, u32)) {
        (self.first, self.width) = (first, end - first);
        self.held = [None; BLOCKS];
    }

    /// `count` rows from `first` on, of a source `height` rows high; `read` reads what is not held.
    pub(super) fn rows(
        &mut self,
        first: u32,
        count: usize,
        height: u32,
        mut read: impl FnMut(Rect, &mut [P]),
    ) -> Group<'_, P> {
        let (width, block_size) = (self.width as usize, BLOCK as usize * self.width as usize);
        room(&mut self.pixels, BLOCKS * block_size);
        for block in first / BLOCK..=(first + count as u32 - 1) / BLOCK {
            let place = block as usize % BLOCKS;
            if self.held[place] != Some(block) {
                let y = block * BLOCK;
                let rect = Rect::new(self.first, y, self.width, BLOCK.min(height - y));
                read(rect, &mut self.pixels[place * block_size..][..rect.size().area() as usize]);
                self.held[place] = Some(block);
            }
        }
        let mut group: Group<'_, P> = [&[]; GROUP];
        for (row, slot) in (first as usize..).zip(&mut group[..count]) {
            *slot = &self.pixels[row % (BLOCKS * BLOCK as usize) * width..][..width];
        }
        group
    }
}
