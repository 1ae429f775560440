//! What capture hands on: a picture in the producer's own memory, leased.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use ghoststream_gpu::{Acquire, DmaBuf};
use ghoststream_picture::HdrMetadata;

use crate::{Color, PixelFormat, Rect, Size, Timestamp, Transform};

/// One captured picture and all that the producer said about it.
///
/// The pixels stay in the producer's buffer until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct CapturedFrame {
    /// Which of the session's streams it came from, counted from 0.
    pub stream: usize,
    /// Counts the stream's frames from 0, those dropped later included.
    pub sequence: u64,
    /// When the producer says that the picture was made.
    pub pts: Timestamp,
    /// When it reached us. Latency is measured from here.
    pub arrived: Timestamp,
    /// The whole buffer, in pixels.
    pub size: Size,
    /// How the pixels lie in memory.
    pub format: PixelFormat,
    /// What the code values mean.
    pub color: Color,
    /// The part of the buffer that is the picture; within `size` and not empty.
    pub crop: Rect,
    /// How the producer turned the picture; undone before it is shown.
    pub transform: Transform,
    /// What changed since the stream's previous frame, in buffer coordinates.
    pub damage: Damage,
    /// The pointer, where the producer sends it beside the picture.
    pub cursor: Option<Cursor>,
    /// What the producer says of an HDR picture; `None` where it says nothing.
    pub hdr: Option<HdrMetadata>,
    /// The pixels.
    pub memory: Memory,
}

impl CapturedFrame {
    /// The size at which it is shown: cropped, then turned upright.
    pub const fn shown_size(&self) -> Size {
        self.transform.apply(self.crop.size())
    }
}

/// What changed between two frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Not known, or everything.
    Full,
    /// These rectangles of the buffer; none at all when nothing changed.
    Rects(Vec<Rect>),
}

impl Damage {
    /// Beyond this many rectangles, their bounding box is kept instead.
    const MOST: usize = 32;

    /// What changed over two steps.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Full, _) => {}
            (_, Self::Full) => *self = Self::Full,
            (Self::Rects(mine), Self::Rects(theirs)) => {
                mine.extend_from_slice(theirs);
                if mine.len() > Self::MOST {
                    let all = mine.drain(..).fold(Rect::default(), Rect::union);
                    mine.push(all);
                }
            }
        }
    }
}

/// The pointer, as `SPA_META_Cursor` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Where the hot spot is, in buffer coordinates; may lie outside.
    pub position: (i32, i32),
    /// Which pixel of the bitmap is the hot spot.
    pub hotspot: (i32, i32),
    /// What it looks like. Shared between frames until the producer sends another.
    pub bitmap: Arc<CursorBitmap>,
}

/// A pointer's picture: premultiplied RGBA, 8 bits each, rows without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct CursorBitmap {
    /// Pixels across and down; empty when the pointer is hidden.
    pub size: Size,
    /// `width * height * 4` bytes.
    pub rgba: Vec<u8>,
}

impl fmt::Debug for CursorBitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CursorBitmap({})", self.size)
    }
}

/// Where the pixels are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Memory {
    /// Memory that the CPU reads.
    Cpu(CpuBuffer),
    /// Memory of a GPU.
    Gpu(GpuBuffer),
}

impl Memory {
    /// The picture in memory that the CPU reads; `None` where it is in a GPU's.
    pub const fn cpu(&self) -> Option<&CpuBuffer> {
        match self {
            Self::Cpu(buffer) => Some(buffer),
            Self::Gpu(_) => None,
        }
    }
}

/// A picture in a GPU's memory, lent by its producer until the last clone is dropped.
#[derive(Clone)]
pub struct GpuBuffer {
    /// What it is. The same for every frame that comes in the same buffer: what was imported once is
    /// found again by [`DmaBuf::id`].
    pub buffer: Arc<DmaBuf>,
    /// The hold on it.
    pub lease: Arc<dyn GpuLease>,
}

/// The hold on a buffer in a GPU's memory. Dropping it gives the buffer back to the producer, which
/// may draw into it again once every fence that was named has signalled.
pub trait GpuLease: Send + Sync {
    /// When the picture may be read.
    ///
    /// # Errors
    /// The producer's fence cannot be had, in words; the frame is of no use.
    fn acquire(&self) -> Result<Acquire, String>;

    /// Names a sync file that signals when the GPU has read the picture.
    fn read_until(&self, fence: OwnedFd);

    /// The buffer cannot be used: the producer is to be asked for buffers of another kind.
    fn refuse(&self, why: &str);
}

impl fmt::Debug for GpuBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GpuBuffer").field("buffer", &self.buffer).finish_non_exhaustive()
    }
}

/// A borrowed stretch of memory; dropping it gives it back to its owner.
///
/// Another process may write to the bytes while they are lent to us: nothing may depend on reading
/// the same value twice.
pub trait Lease: Send + Sync {
    /// The whole stretch, from its first byte.
    fn bytes(&self) -> &[u8];
}

impl Lease for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// Where a plane lies within the leased bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plane {
    /// Bytes before its first row.
    pub offset: usize,
    /// Bytes from one row to the next.
    pub stride: usize,
}

/// A picture in CPU memory whose every row was found to lie within the lease.
#[derive(Clone)]
pub struct CpuBuffer {
    lease: Arc<dyn Lease>,
    planes: [Plane; 3],
}

/// A producer described a picture that its buffer does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "plane {plane} of a {size} {format:?} picture (offset {offset}, stride {stride}, {rows} rows of {row_bytes} bytes) \
     does not fit its buffer of {available} bytes"
)]
#[allow(missing_docs)]
pub struct LayoutError {
    pub plane: usize,
    pub size: Size,
    pub format: PixelFormat,
    pub offset: usize,
    pub stride: usize,
    pub rows: usize,
    pub row_bytes: usize,
    pub available: usize,
}

impl CpuBuffer {
    /// Takes a picture, if every row of every plane lies within the leased bytes.
    ///
    /// # Errors
    /// A plane reaches beyond the bytes, or its stride is shorter than its row.
    pub fn new(
        lease: Arc<dyn Lease>,
        format: PixelFormat,
        size: Size,
        planes: &[Plane],
    ) -> Result<Self, LayoutError> {
        let available = lease.bytes().len();
        let mut kept = [Plane::default(); 3];
        for (index, slot) in kept.iter_mut().enumerate().take(format.planes()) {
            let plane = planes.get(index).copied().unwrap_or_default();
            let (row_bytes, rows) = format.plane_layout(index, size);
            let end = plane
                .stride
                .checked_mul(rows.saturating_sub(1))
                .and_then(|bytes| bytes.checked_add(plane.offset))
                .and_then(|bytes| bytes.checked_add(row_bytes));
            if plane.stride < row_bytes || rows == 0 || end.is_none_or(|end| end > available) {
                return Err(LayoutError {
                    plane: index,
                    size,
                    format,
                    offset: plane.offset,
                    stride: plane.stride,
                    rows,
                    row_bytes,
                    available,
                });
            }
            *slot = plane;
        }
        Ok(Self { lease, planes: kept })
    }

    /// The bytes of a plane from its first row on, and its stride. Holds at least
    /// `stride * (rows - 1) + row_bytes` bytes.
    pub fn plane(&self, index: usize) -> (&[u8], usize) {
        let plane = self.planes[index];
        (&self.lease.bytes()[plane.offset..], plane.stride)
    }
}

impl fmt::Debug for CpuBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuBuffer").field("planes", &self.planes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(bytes: usize, stride: usize, offset: usize) -> Result<CpuBuffer, LayoutError> {
        let lease = Arc::new(vec![0u8; bytes]);
        CpuBuffer::new(lease, PixelFormat::Bgrx, Size::new(4, 2), &[Plane { offset, stride }])
    }

    #[test]
    fn a_picture_must_fit_its_buffer() {
        assert!(buffer(32, 16, 0).is_ok());
        assert!(buffer(31, 16, 0).is_err(), "one byte short");
        assert!(buffer(32, 15, 0).is_err(), "stride shorter than a row");
        assert!(buffer(32, 16, 1).is_err(), "offset pushes it out");
        assert!(buffer(36, 20, 0).is_ok(), "the last row needs no padding");
        assert!(buffer(32, usize::MAX, 0).is_err(), "no overflow");
        assert!(buffer(32, 16, usize::MAX).is_err(), "no overflow");
    }

    #[test]
    fn damage_adds_up_and_stays_small() {
        let mut damage = Damage::Rects(vec![]);
        for x in 0..100 {
            damage.merge(&Damage::Rects(vec![Rect::new(x, 0, 1, 1)]));
        }
        let Damage::Rects(rects) = &damage else { panic!("not full") };
        assert!(rects.len() <= Damage::MOST + 1);
        assert_eq!(rects.iter().copied().fold(Rect::default(), Rect::union), Rect::new(0, 0, 100, 1));
        damage.merge(&Damage::Full);
        assert_eq!(damage, Damage::Full);
    }
}
