//! Which parts of a picture have to be made anew.

use crate::{Rect, Size};

/// A set of tiles of a picture. Bounded whatever is marked, and without overlaps, so that nothing is
/// converted twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tiles {
    size: Size,
    /// Words of a row of tiles, a bit each.
    words: usize,
    bits: Vec<u64>,
}

impl Tiles {
    /// Small enough that a blinking caret costs little, wide enough for whole vectors and cache lines.
    const WIDTH: u32 = 64;
    const HEIGHT: u32 = 16;

    /// No tile of a picture of this size.
    pub(super) fn new(size: Size) -> Self {
        let columns = size.width.div_ceil(Self::WIDTH) as usize;
        let rows = size.height.div_ceil(Self::HEIGHT) as usize;
        let words = columns.div_ceil(64);
        Self { size, words, bits: vec![0; words * rows] }
    }

    /// Adds the tiles that `rect` touches.
    pub(super) fn mark(&mut self, rect: Rect) {
        let rect = rect.intersection(Rect::of(self.size));
        if rect.is_empty() {
            return;
        }
        let (first, last) = ((rect.x / Self::WIDTH) as usize, ((rect.right() - 1) / Self::WIDTH) as usize);
        for row in rect.y / Self::HEIGHT..=(rect.bottom() - 1) / Self::HEIGHT {
            let row = &mut self.bits[row as usize * self.words..][..self.words];
            for (index, word) in row.iter_mut().enumerate().take(last / 64 + 1).skip(first / 64) {
                let from = first.saturating_sub(index * 64);
                let to = (last - index * 64).min(63);
                *word |= (u64::MAX << from) & (u64::MAX >> (63 - to));
            }
        }
    }

    /// Adds every tile.
    pub(super) fn mark_all(&mut self) {
        self.mark(Rect::of(self.size));
    }

    /// Adds the tiles of another set, of the same size.
    pub(super) fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.size, other.size);
        for (mine, theirs) in self.bits.iter_mut().zip(&other.bits) {
            *mine |= theirs;
        }
    }

    /// Takes all tiles out.
    pub(super) fn clear(&mut self) {
        self.bits.fill(0);
    }

    /// Whether it holds no tile.
    pub(super) fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }

    /// Number of tiles.
    pub(super) fn count(&self) -> u32 {
        self.bits.iter().map(|word| word.count_ones()).sum()
    }

    /// The pixels of the set as rectangles that do not overlap, put into `rects`.
    pub(super) fn rects(&self, rects: &mut Vec<Rect>) {
        rects.clear();
        let mut above = 0;
        for (row, bits) in self.bits.chunks_exact(self.words.max(1)).enumerate() {
            let y = row as u32 * Self::HEIGHT;
            let height = Self::HEIGHT.min(self.size.height - y);
            let here = rects.len();
            let mut column = 0;
            while let Some((first, end)) = next_run(bits, column) {
                column = end;
                let x = first as u32 * Self::WIDTH;
                let width = (end as u32 * Self::WIDTH).min(self.size.width) - x;
                let same = |it: &&mut Rect| it.x == x && it.width == width && it.bottom() == y;
                match rects[above..here].iter_mut().find(same) {
                    Some(rect) => rect.height += height,
                    None => rects.push(Rect::new(x, y, width, height)),
                }
            }
            // Rectangles that reach down to this row may have begun long before it.
            above = rects.iter().position(|it| it.bottom() == y + height).unwrap_or(rects.len());
        }
    }
}

/// The first and the end column of the next run of set bits, from `column` on.
fn next_run(bits: &[u64], column: usize) -> Option<(usize, usize)> {
    let is_set = |at: usize| bits[at / 64] >> (at % 64) & 1 == 1;
    let columns = bits.len() * 64;
    let mut first = column;
    while first < columns && !is_set(first) {
        // Whole words without a tile are common.
        first = if bits[first / 64] >> (first % 64) == 0 { (first / 64 + 1) * 64 } else { first + 1 };
    }
    let end = (first..columns).find(|at| !is_set(*at)).unwrap_or(columns);
    (first < columns).then_some((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rects_cover_what_was_marked_and_never_overlap(
            (width, height) in (1u32..9000, 1u32..300),
            marks in proptest::collection::vec((0u32..9000, 0u32..300, 0u32..2000, 0u32..100), 0..6),
        ) {
            let size = Size::new(width, height);
            let mut tiles = Tiles::new(size);
            for &(x, y, w, h) in &marks {
                tiles.mark(Rect::new(x, y, w, h));
            }
            let mut rects = vec![];
            tiles.rects(&mut rects);
            for (index, rect) in rects.iter().enumerate() {
                prop_assert_eq!(rect.intersection(Rect::of(size)), *rect);
                prop_assert!(rects[..index].iter().all(|other| other.intersection(*rect).is_empty()));
            }
            let covered = |rect: Rect| rects.iter().map(|it| it.intersection(rect).size().area()).sum::<u64>();
            for &(x, y, w, h) in &marks {
                let mark = Rect::new(x, y, w, h).intersection(Rect::of(size));
                prop_assert_eq!(covered(mark), mark.size().area());
            }
            let mut again = Tiles::new(size);
            rects.iter().for_each(|rect| again.mark(*rect));
            prop_assert_eq!(again, tiles);
        }
    }

    #[test]
    fn a_full_set_is_one_rect() {
        let size = Size::new(1920, 1080);
        let mut tiles = Tiles::new(size);
        tiles.mark_all();
        let mut rects = vec![];
        tiles.rects(&mut rects);
        assert_eq!(rects, [Rect::of(size)]);
    }
}
