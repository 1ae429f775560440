//! A BGRx picture in anybody's memory, drawn into within bounds.

use crate::capture::LayoutError;
use crate::{PixelFormat, Rect, Size};

/// Blue, green, red, and 255, so that the picture is opaque where it is taken for BGRA.
pub(super) type Pixel = [u8; 4];

/// A pixel of this colour.
pub(super) const fn pixel([red, green, blue]: [u8; 3]) -> Pixel {
    [blue, green, red, 255]
}

/// Memory to draw into, found large enough.
pub(super) struct Canvas<'a> {
    bytes: &'a mut [u8],
    stride: usize,
    size: Size,
}

impl<'a> Canvas<'a> {
    /// Takes the memory, if every row lies within it.
    pub fn new(bytes: &'a mut [u8], stride: usize, size: Size) -> Result<Self, LayoutError> {
        let (row_bytes, rows) = (size.width as usize * 4, size.height as usize);
        let end = stride.checked_mul(rows.saturating_sub(1)).and_then(|start| start.checked_add(row_bytes));
        let available = bytes.len();
        if stride < row_bytes || end.is_none_or(|end| end > available) {
            let format = PixelFormat::Bgrx;
            return Err(LayoutError {
                plane: 0,
                size,
                format,
                offset: 0,
                stride,
                rows,
                row_bytes,
                available,
            });
        }
        Ok(Self { bytes, stride, size })
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// The bytes of one row of `area`, which must lie within the picture.
    pub fn row(&mut self, area: Rect, row: u32) -> &mut [u8] {
        let start = (area.y + row) as usize * self.stride + area.x as usize * 4;
        &mut self.bytes[start..start + area.width as usize * 4]
    }

    /// Fills a rectangle with one colour; what lies outside the picture is left out.
    pub fn fill(&mut self, area: Rect, color: Pixel) {
        let area = area.intersection(Rect::of(self.size));
        if area.is_empty() {
            return;
        }
        for pixel in self.row(area, 0).as_chunks_mut().0 {
            *pixel = color;
        }
        self.repeat_first_row(area);
    }

    /// Copies the first row of `area` to its other rows.
    pub fn repeat_first_row(&mut self, area: Rect) {
        let start = area.y as usize * self.stride + area.x as usize * 4;
        let first = start..start + area.width as usize * 4;
        for row in 1..area.height as usize {
            self.bytes.copy_within(first.clone(), start + row * self.stride);
        }
    }

    /// Draws text with its upper left corner at `x`, `y`, each dot `dot` pixels wide and high.
    pub fn text(&mut self, x: u32, y: u32, dot: u32, text: &str, color: Pixel) {
        let mut left = x;
        for letter in text.chars() {
            for (row, bits) in super::glyph(letter).into_iter().enumerate() {
                for column in (0..super::GLYPH_WIDTH).filter(|column| bits >> column & 1 == 1) {
                    // Bit 0 is the rightmost dot.
                    let from_left = super::GLYPH_WIDTH - 1 - column;
                    self.fill(Rect::new(left + from_left * dot, y + row as u32 * dot, dot, dot), color);
                }
            }
            left += (super::GLYPH_WIDTH + 1) * dot;
        }
    }
}
