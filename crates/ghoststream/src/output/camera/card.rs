//! The still card: what a camera shows while there is no picture.

use ghoststream_camera::Pixels;

use crate::Size;
use crate::test_card::{GLYPH_HEIGHT, GLYPH_WIDTH, glyph};

/// In the limited range: nearly black, a little blue; and nearly white.
const GROUND: u8 = 30;
const GROUND_CHROMA: [u8; 2] = [134, 126];
const TEXT: u8 = 210;
/// Lines that matter less.
const DIM: u8 = 110;

/// A picture of a few words, NV12.
pub(super) struct Card {
    size: Size,
    luma: Vec<u8>,
    chroma: Vec<u8>,
}

impl Card {
    /// A headline over a smaller line, in the middle of a picture of even sides.
    pub(super) fn new(size: Size, headline: &str, line: &str) -> Self {
        let pixels = size.width as usize * size.height as usize;
        let mut card = Self { size, luma: vec![GROUND; pixels], chroma: GROUND_CHROMA.repeat(pixels / 4) };
        // A tenth of the height, as far as the width allows; the other line half of that.
        let dot = (size.height / 10 / GLYPH_HEIGHT).max(1).min(widest_dot(size, headline));
        let small = (dot / 2).max(1).min(widest_dot(size, line));
        let middle = size.height / 2;
        card.text(middle.saturating_sub(dot * GLYPH_HEIGHT), dot, headline, TEXT);
        card.text(middle + dot * GLYPH_HEIGHT / 2, small, line, DIM);
        card
    }

    /// Writes a line, centred, with its top at `y`.
    fn text(&mut self, y: u32, dot: u32, text: &str, value: u8) {
        let mut left = self.size.width.saturating_sub(width_in_dots(text) * dot) / 2;
        for letter in text.chars() {
            for (row, bits) in (0..).zip(glyph(letter)) {
                for column in (0..GLYPH_WIDTH).filter(|column| bits >> (GLYPH_WIDTH - 1 - column) & 1 == 1) {
                    self.fill(left + column * dot, y + row * dot, dot, value);
                }
            }
            left += (GLYPH_WIDTH + 1) * dot;
        }
    }

    /// Fills a square; what lies outside the picture is left out.
    fn fill(&mut self, x: u32, y: u32, side: u32, value: u8) {
        let Size { width, height } = self.size;
        for row in y..(y + side).min(height) {
            let start = (row * width) as usize;
            self.luma[start + x.min(width) as usize..start + (x + side).min(width) as usize].fill(value);
        }
    }
}

impl Pixels for Card {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        match index {
            0 => (&self.luma, self.size.width as usize),
            1 => (&self.chroma, self.size.width as usize),
            _ => (&[], 0),
        }
    }
}

/// Dots across a line, without the gap after the last letter.
fn width_in_dots(text: &str) -> u32 {
    let letters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    letters.saturating_mul(GLYPH_WIDTH + 1).saturating_sub(1)
}

/// Pixels of a dot so that a line leaves a tenth of the width free.
fn widest_dot(size: Size, text: &str) -> u32 {
    (size.width * 9 / 10 / width_in_dots(text).max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lit(card: &Card, rows: std::ops::Range<usize>, value: u8) -> usize {
        let width = card.size.width as usize;
        card.luma[rows.start * width..rows.end * width].iter().filter(|it| **it == value).count()
    }

    #[test]
    fn words_are_in_the_middle_at_any_size() {
        for size in [Size::new(16, 16), Size::new(320, 180), Size::new(1280, 720), Size::new(64, 2000)] {
            let card = Card::new(size, "Paused", "GhostStream Camera");
            let (height, half) = (size.height as usize, size.height as usize / 2);
            assert!(lit(&card, 0..half, TEXT) > 0 && lit(&card, half..height, DIM) > 0, "{size}");
            // The smallest letters there are take all of the smallest picture.
            assert!(height < 64 || lit(&card, 0..height / 4, TEXT) == 0, "{size}: the top is free");
            assert_eq!(card.plane(0).0.len(), size.width as usize * height);
            assert_eq!(card.plane(1).0.len(), size.width as usize * height / 2);
        }
    }

    #[test]
    fn the_letters_stand_upright() {
        let card = Card::new(Size::new(600, 400), "L", "");
        let lit: Vec<(usize, usize)> =
            (0..600 * 400).filter(|it| card.luma[*it] == TEXT).map(|it| (it % 600, it / 600)).collect();
        let (left, bottom) =
            (lit.iter().map(|it| it.0).min().unwrap(), lit.iter().map(|it| it.1).max().unwrap());
        assert!(lit.contains(&(left, bottom)) && lit.iter().filter(|it| it.1 == bottom).count() > 10);
    }
}
