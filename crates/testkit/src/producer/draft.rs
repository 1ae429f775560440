//! A frame before it is sent.

use ghoststream::internals::layout::{self, Chunk};
use ghoststream::{PixelFormat, Size};

/// What a painter fills in. Everything but the pixels is right beforehand.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Counts the producer's frames from 0.
    pub number: u64,
    /// The header's timestamp, nanoseconds of `CLOCK_MONOTONIC`.
    pub pts: i64,
    /// The header's flags.
    pub header_flags: u32,
    /// How the pixels lie in memory.
    pub format: PixelFormat,
    /// The picture's size.
    pub size: Size,
    /// The first plane's stride.
    pub stride: usize,
    /// Whether it is in a GPU's memory.
    pub in_gpu: bool,
    /// Whether this buffer was never painted before.
    pub first_use: bool,
    /// The buffer's memory; none where it was cut off before.
    pub blocks: Vec<&'a mut [u8]>,
    /// What is said of each block.
    pub chunks: Vec<Chunk>,
    /// The crop region: x, y, width, height.
    pub crop: [i32; 4],
    /// `SPA_META_TRANSFORMATION_*`.
    pub transform: u32,
    /// Damage regions.
    pub damage: Vec<[i32; 4]>,
    /// The bytes of the cursor meta, see [`cursor_meta`].
    pub cursor: Vec<u8>,
    /// Cuts the first block's file off at so many bytes, before the frame is sent.
    pub truncate: Option<u64>,
    /// Sends nothing.
    pub skip: bool,
}

impl Draft<'_> {
    /// Fills every row of every plane with [`pattern`].
    pub fn fill(&mut self) {
        let lengths: Vec<usize> = self.blocks.iter().map(|block| block.len()).collect();
        let Ok(planes) = layout::place(self.format, self.size, &lengths, &self.chunks) else { return };
        for (index, plane) in planes.iter().enumerate().take(self.format.planes()) {
            for row in 0..plane.rows {
                let start = plane.offset + row * plane.stride;
                let bytes = &mut self.blocks[plane.block][start..start + plane.row_bytes];
                for (column, byte) in bytes.iter_mut().enumerate() {
                    *byte = pattern(self.number, index, row, column);
                }
            }
        }
    }
}

/// The byte at `column` of `row` of `plane` of the frame `number`.
pub const fn pattern(number: u64, plane: usize, row: usize, column: usize) -> u8 {
    let mixed = (number as usize).wrapping_mul(31) + plane * 97 + row * 7 + column * 3 + (row * column) % 11;
    mixed as u8
}

/// A `SPA_META_Cursor` with an RGBA bitmap; without one where `rgba` is empty.
pub fn cursor_meta(position: (i32, i32), hotspot: (i32, i32), size: Size, rgba: &[u8]) -> Vec<u8> {
    let offset = if rgba.is_empty() { 0 } else { 28 };
    let mut bytes: Vec<u8> = Vec::new();
    for word in [1, 0, position.0, position.1, hotspot.0, hotspot.1, offset] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    if !rgba.is_empty() {
        for word in [11, size.width, size.height, size.width * 4, 20] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(rgba);
    }
    bytes
}
