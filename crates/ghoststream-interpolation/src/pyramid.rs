//! The picture's luma at full size, half, a quarter and so on.
//!
//! Large motion is found where it is small, and refined where it is exact.

use crate::parallel;
use crate::picture::PictureRef;

/// Pixels around each level that repeat its edge, so that a window may reach beyond it.
pub(crate) const BORDER: i32 = 16;

/// The most levels.
const MOST: usize = 6;

/// The shortest side of a level.
const SHORTEST: i32 = 32;

/// One size of the luma: eight bits a pixel, with a border.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    pub(crate) width: i32,
    pub(crate) height: i32,
    stride: usize,
    pixels: Vec<u8>,
}

impl Level {
    fn new(width: i32, height: i32) -> Self {
        // Windows are read in words of four bytes, and may read to the end of the last one.
        let stride = (width + 2 * BORDER + 7) as usize & !3;
        let rows = (height + 2 * BORDER) as usize;
        Self { width, height, stride, pixels: vec![0; stride * rows + 8] }
    }

    /// The pixels of a row from column `x` on, which may lie in the border.
    #[inline(always)]
    pub(crate) fn row(&self, x: i32, y: i32) -> &[u8] {
        &self.pixels[(y + BORDER) as usize * self.stride + (x + BORDER) as usize..]
    }

    /// Whether a square of `side` pixels at (`x`, `y`) lies in the level or its border.
    pub(crate) const fn holds(&self, x: i32, y: i32, side: i32) -> bool {
        x >= -BORDER && y >= -BORDER && x + side <= self.width + BORDER && y + side <= self.height + BORDER
    }

    /// Blocks across and down.
    pub(crate) const fn blocks(&self) -> (i32, i32) {
        ((self.width + 3) / 4, (self.height + 3) / 4)
    }

    /// Fills each row by `fill`, then the border.
    fn paint(&mut self, fill: impl Fn(i32, &mut [u8]) + Sync) {
        let (width, height, border) = (self.width as usize, self.height, BORDER as usize);
        parallel::rows(&mut self.pixels, self.stride, |row, pixels| {
            if pixels.len() < border * 2 + width {
                return;
            }
            let y = (row as i32 - BORDER).clamp(0, height - 1);
            fill(y, &mut pixels[border..border + width]);
            let (first, last) = (pixels[border], pixels[border + width - 1]);
            pixels[..border].fill(first);
            pixels[border + width..].fill(last);
        });
    }
}

/// The luma of one picture in all sizes. The first level is the largest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pyramid {
    pub(crate) levels: Vec<Level>,
}

impl Pyramid {
    /// An empty pyramid for pictures of this size.
    pub(crate) fn new(width: i32, height: i32) -> Self {
        let mut levels = vec![Level::new(width, height)];
        let (mut width, mut height) = (width, height);
        while levels.len() < MOST && width.min(height) >= 2 * SHORTEST {
            (width, height) = ((width + 1) / 2, (height + 1) / 2);
            levels.push(Level::new(width, height));
        }
        Self { levels }
    }

    /// Takes in a picture's luma, its eight upper bits.
    pub(crate) fn build(&mut self, picture: &PictureRef<'_>) {
        self.levels[0].paint(|y, row| picture.luma(y, row));
        for index in 1..self.levels.len() {
            let (finer, coarser) = self.levels.split_at_mut(index);
            let (from, to) = (&finer[index - 1], &mut coarser[0]);
            to.paint(|y, row| halve(from, y, row));
        }
    }
}

/// Row `y` of the next level: the means of two by two pixels. Odd sizes repeat the last.
fn halve(from: &Level, y: i32, row: &mut [u8]) {
    let (top, bottom) = (from.row(0, 2 * y), from.row(0, 2 * y + 1));
    for (x, out) in row.iter_mut().enumerate() {
        let sum = [top[2 * x], top[2 * x + 1], bottom[2 * x], bottom[2 * x + 1]].map(u32::from);
        *out = ((sum.iter().sum::<u32>() + 2) / 4) as u8;
    }
}
