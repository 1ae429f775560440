//! Where the planes of a picture lie within a buffer's blocks, checked against what there is.

use crate::{PixelFormat, Size};

/// Flag of a chunk: its data is damaged.
const CHUNK_CORRUPTED: i32 = 1;

/// `spa_chunk`: what the producer says of one block of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Bytes before the first row.
    pub offset: u32,
    /// Bytes of valid data.
    pub size: u32,
    /// Bytes from row to row; 0 where rows follow each other without padding.
    pub stride: i32,
    /// `SPA_CHUNK_FLAG_*`.
    pub flags: i32,
}

impl Chunk {
    /// Whether the producer marked it as damaged.
    pub const fn is_corrupted(self) -> bool {
        self.flags & CHUNK_CORRUPTED != 0
    }
}

/// A plane found to lie within its block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaneAt {
    /// Which block.
    pub block: usize,
    /// Bytes before its first row, from the block's start.
    pub offset: usize,
    /// Bytes from row to row.
    pub stride: usize,
    /// Bytes of a row.
    pub row_bytes: usize,
    /// Number of rows.
    pub rows: usize,
}

impl PlaneAt {
    /// The first byte behind the last row; `None` when it overflows.
    fn end(&self) -> Option<usize> {
        let before_last = self.stride.checked_mul(self.rows.checked_sub(1)?)?;
        before_last.checked_add(self.offset)?.checked_add(self.row_bytes)
    }
}

/// Places the planes of a picture: one to a block, or all in the first, one behind the other.
/// `blocks` holds the length of each block in bytes. Returns as many planes as the format has.
///
/// # Errors
/// What does not fit, in words.
pub fn place(
    format: PixelFormat,
    size: Size,
    blocks: &[usize],
    chunks: &[Chunk],
) -> Result<[PlaneAt; 3], String> {
    let mut planes = [PlaneAt::default(); 3];
    let apart = blocks.len() >= format.planes() && chunks.len() >= format.planes();
    let mut next_offset = 0;
    for (index, slot) in planes.iter_mut().enumerate().take(format.planes()) {
        let block = if apart { index } else { 0 };
        let (Some(chunk), Some(length)) = (chunks.get(block), blocks.get(block)) else {
            return Err("the buffer has no memory".into());
        };
        if chunk.is_corrupted() {
            return Err("it is marked as corrupted".into());
        }
        let (row_bytes, rows) = format.plane_layout(index, size);
        let stride = stride_of(format, index, *chunk, apart, row_bytes)?;
        let offset = if apart || index == 0 { chunk.offset as usize } else { next_offset };
        let plane = PlaneAt { block, offset, stride, row_bytes, rows };
        let end = plane.end().ok_or("its stride and offset overflow")?;
        let valid = (chunk.offset as usize).saturating_add(chunk.size as usize).min(*length);
        if stride < row_bytes || end > valid {
            return Err(format!(
                "plane {index} of {size} {format:?} (offset {offset}, stride {stride}) needs bytes up to {end} and \
                 rows of {row_bytes}; the buffer has {length} bytes, {valid} of them stated to be valid"
            ));
        }
        next_offset = stride.saturating_mul(rows).saturating_add(offset);
        *slot = plane;
    }
    Ok(planes)
}

/// The stride of a plane. Where planes share a block, the chunk states the first plane's, and those
/// of the others follow from it, as GStreamer and v4l2 have it.
fn stride_of(
    format: PixelFormat,
    plane: usize,
    chunk: Chunk,
    apart: bool,
    row_bytes: usize,
) -> Result<usize, String> {
    // A picture that is stored from the bottom up: producers do not agree where its offset points.
    let stated =
        usize::try_from(chunk.stride).map_err(|_| format!("its stride, {}, is negative", chunk.stride))?;
    Ok(match (stated, format, plane) {
        (0, ..) => row_bytes,
        (_, PixelFormat::I420, 1 | 2) if !apart => stated.div_ceil(2),
        _ => stated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(offset: u32, size: u32, stride: i32) -> Chunk {
        Chunk { offset, size, stride, flags: 0 }
    }

    #[test]
    fn planes_that_share_a_block_follow_each_other() {
        let planes = place(PixelFormat::I420, Size::new(5, 3), &[1000], &[chunk(10, 990, 8)]).unwrap();
        let at = planes.map(|plane| (plane.block, plane.offset, plane.stride, plane.row_bytes, plane.rows));
        assert_eq!(at, [(0, 10, 8, 5, 3), (0, 34, 4, 3, 2), (0, 42, 4, 3, 2)]);
    }

    #[test]
    fn planes_of_their_own_blocks_have_their_own_strides() {
        let chunks = [chunk(0, 100, 8), chunk(4, 100, 16)];
        let planes = place(PixelFormat::Nv12, Size::new(4, 4), &[100, 100], &chunks).unwrap();
        assert_eq!((planes[1].block, planes[1].offset, planes[1].stride), (1, 4, 16));
    }

    #[test]
    fn lies_are_refused() {
        let place = |chunk| place(PixelFormat::Bgrx, Size::new(4, 4), &[64], &[chunk]);
        assert!(place(chunk(0, 64, 16)).is_ok());
        assert!(place(chunk(0, 64, 0)).is_ok(), "no stride: no padding");
        for lie in [
            chunk(0, 64, 15),
            chunk(0, 64, 17),
            chunk(1, 64, 16),
            chunk(0, 63, 16),
            chunk(0, 64, -16),
            chunk(u32::MAX, u32::MAX, i32::MAX),
            Chunk { flags: 1, ..chunk(0, 64, 16) },
        ] {
            assert!(place(lie).is_err(), "{lie:?}");
        }
        assert!(super::place(PixelFormat::Bgrx, Size::new(4, 4), &[], &[]).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_said_no_plane_leaves_its_block(
            offset: u32, size: u32, stride: i32, width in 1u32..300, height in 1u32..300,
            length in 0usize..400_000, format in 0usize..4,
        ) {
            let format = [PixelFormat::Bgrx, PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb24][format];
            let chunk = chunk(offset % 1000, size, stride % 5000);
            if let Ok(planes) = place(format, Size::new(width, height), &[length], &[chunk]) {
                for plane in &planes[..format.planes()] {
                    prop_assert!(plane.end().unwrap() <= length);
                    prop_assert!(plane.stride >= plane.row_bytes);
                }
            }
        }
    }
}
