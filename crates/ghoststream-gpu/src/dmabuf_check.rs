//! Whether a picture fits the memory that it is said to be in: what can be told before a driver is asked.

use std::os::fd::{AsFd, BorrowedFd};

use ghoststream_picture::{PixelFormat, Size};
use rustix::fs::{SeekFrom, fstatfs, seek};

use crate::imports::LINEAR;

/// Pixels across or down at most.
pub const MOST_SIDE: u32 = 16384;

/// Planes at most: those of a Vulkan image or a DRM frame buffer.
pub const MOST_PLANES: usize = 4;

/// `DMA_BUF_MAGIC` of `linux/magic.h`: the file system in which the kernel keeps DMA-BUFs since 5.3.
const DMA_BUF_MAGIC: u64 = 0x444d_4142;

/// Where a plane of memory is said to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaneLayout {
    /// Bytes before its first row.
    pub offset: u64,
    /// Bytes from row to row; of a tiled plane, what its modifier makes of that.
    pub stride: u64,
    /// Bytes that its memory really has.
    pub length: u64,
}

/// Why a picture cannot be in the memory that it is said to be in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum DmaBufError {
    #[error("its size, {0}, is not within 1x1 to {MOST_SIDE}x{MOST_SIDE}")]
    Size(Size),
    #[error("it has {found} planes of memory; a {format:?} picture with modifier {modifier:#x} has {wanted}")]
    Planes { found: usize, wanted: u32, format: PixelFormat, modifier: u64 },
    #[error(
        "plane {plane} of a {size} {format:?} picture with modifier {modifier:#x} (offset {offset}, stride {stride}) \
         does not fit its {length} bytes of memory"
    )]
    Layout {
        plane: usize,
        size: Size,
        format: PixelFormat,
        modifier: u64,
        offset: u64,
        stride: u64,
        length: u64,
    },
    #[error("a descriptor of its memory is not a DMA-BUF")]
    NotDmaBuf,
    #[error("its memory cannot be examined: {0}")]
    Unreadable(std::io::ErrorKind),
}

/// Checks a description: the number of planes is what the modifier has, and each lies in its memory.
///
/// The planes that a modifier adds to a format's own (compression data, a clear colour) have layouts that only
/// the driver knows: of those, that they begin within their memory is all that is checked. A tiled plane is
/// held to what a linear one would need, which is the least that tiling takes.
///
/// # Errors
/// What does not fit.
pub fn check_layout(
    format: PixelFormat,
    size: Size,
    modifier: u64,
    wanted: u32,
    planes: &[PlaneLayout],
) -> Result<(), DmaBufError> {
    if size.is_empty() || size.width > MOST_SIDE || size.height > MOST_SIDE {
        return Err(DmaBufError::Size(size));
    }
    let found = planes.len();
    if found == 0 || found > MOST_PLANES || found != wanted as usize || found < format.planes() {
        return Err(DmaBufError::Planes { found, wanted, format, modifier });
    }
    for (plane, at) in planes.iter().enumerate() {
        let own = plane < format.planes() || modifier == LINEAR;
        if !(if own { holds_rows(format, size, plane, *at) } else { at.offset < at.length }) {
            let PlaneLayout { offset, stride, length } = *at;
            return Err(DmaBufError::Layout { plane, size, format, modifier, offset, stride, length });
        }
    }
    Ok(())
}

/// Whether every row of a plane lies within its memory.
fn holds_rows(format: PixelFormat, size: Size, plane: usize, at: PlaneLayout) -> bool {
    let (row_bytes, rows) = format.plane_layout(plane, size);
    let end = at
        .stride
        .checked_mul(rows.saturating_sub(1) as u64)
        .and_then(|bytes| bytes.checked_add(at.offset))
        .and_then(|bytes| bytes.checked_add(row_bytes as u64));
    // A stride is 32 bits in every interface that it goes through.
    at.stride >= row_bytes as u64
        && u32::try_from(at.stride).is_ok()
        && end.is_some_and(|end| end <= at.length)
}

/// The bytes that a DMA-BUF really has.
///
/// # Errors
/// It is none (unless `only_dmabufs` is off), or cannot be examined.
pub fn memory_length(fd: BorrowedFd<'_>, only_dmabufs: bool) -> Result<u64, DmaBufError> {
    let unreadable = |error: rustix::io::Errno| DmaBufError::Unreadable(error.kind());
    if only_dmabufs {
        let system = fstatfs(fd).map_err(unreadable)?;
        if system.f_type as u64 != DMA_BUF_MAGIC {
            return Err(DmaBufError::NotDmaBuf);
        }
    }
    // `fstat` says 0 of a DMA-BUF; this is how the kernel tells its size.
    seek(fd.as_fd(), SeekFrom::End(0)).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TILED: u64 = 0x0300_0000_0060_6010;

    fn plane(offset: u64, stride: u64, length: u64) -> PlaneLayout {
        PlaneLayout { offset, stride, length }
    }

    fn check(format: PixelFormat, modifier: u64, wanted: u32, planes: &[PlaneLayout]) -> bool {
        check_layout(format, Size::new(64, 32), modifier, wanted, planes).is_ok()
    }

    #[test]
    fn every_row_must_lie_within_the_memory() {
        let one = |at| check(PixelFormat::Bgrx, LINEAR, 1, &[at]);
        assert!(one(plane(0, 256, 8192)));
        assert!(one(plane(256, 512, 256 + 31 * 512 + 256)), "the last row needs no padding");
        for bad in [
            plane(0, 256, 8191),
            plane(1, 256, 8192),
            plane(0, 255, 8192),
            plane(0, 0, 8192),
            plane(0, u64::MAX, 8192),
            plane(u64::MAX, 256, 8192),
            plane(0, 1 << 32, u64::MAX),
            plane(0, 256, 0),
        ] {
            assert!(!one(bad), "{bad:?}");
        }
    }

    #[test]
    fn planes_are_as_many_as_the_modifier_says() {
        let at = plane(0, 256, 8192);
        assert!(!check(PixelFormat::Bgrx, LINEAR, 1, &[]), "none");
        assert!(!check(PixelFormat::Bgrx, LINEAR, 1, &[at, at]));
        assert!(!check(PixelFormat::Bgrx, TILED, 10, &[at; 10]), "more than there can be");
        assert!(!check(PixelFormat::Nv12, LINEAR, 1, &[at]), "fewer than the format has");
        assert!(check(PixelFormat::Nv12, LINEAR, 2, &[at, at]));
        assert!(
            check(PixelFormat::Bgrx, TILED, 2, &[at, plane(8000, 64, 8192)]),
            "compression data behind it"
        );
        assert!(!check(PixelFormat::Bgrx, TILED, 2, &[at, plane(8192, 64, 8192)]));
    }

    #[test]
    fn sizes_have_their_limits() {
        let long = plane(0, 1 << 20, 1 << 40);
        for (size, good) in [
            (Size::new(MOST_SIDE, MOST_SIDE), true),
            (Size::new(MOST_SIDE + 1, 1), false),
            (Size::new(1, MOST_SIDE + 1), false),
            (Size::new(0, 1), false),
        ] {
            assert_eq!(check_layout(PixelFormat::Bgrx, size, LINEAR, 1, &[long]).is_ok(), good, "{size}");
        }
    }

    #[test]
    fn a_file_in_memory_is_no_dmabuf() {
        let file = rustix::fs::memfd_create("no-dmabuf", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::fs::ftruncate(&file, 4096).unwrap();
        assert_eq!(memory_length(file.as_fd(), true), Err(DmaBufError::NotDmaBuf));
        assert_eq!(memory_length(file.as_fd(), false), Ok(4096));
        let (pipe, _other) = rustix::pipe::pipe().unwrap();
        assert!(matches!(memory_length(pipe.as_fd(), false), Err(DmaBufError::Unreadable(_))));
    }

    proptest! {
        /// Whatever passes, the last byte of every row of the format's own planes is in memory.
        #[test]
        fn what_passes_lies_within(
            width in 1u32..2000, height in 1u32..2000, format in 0usize..4, modifier in prop_oneof![Just(LINEAR), Just(TILED)],
            planes in proptest::collection::vec((0u64..5000, prop_oneof![0u64..20_000, any::<u64>()], 0u64..40_000_000), 0..5),
            wanted in 0u32..5,
        ) {
            let format =
                [PixelFormat::Bgrx, PixelFormat::Nv12, PixelFormat::P010, PixelFormat::Rgba16f][format];
            let size = Size::new(width, height);
            let planes: Vec<_> =
                planes.into_iter().map(|(offset, stride, length)| plane(offset, stride, length)).collect();
            if check_layout(format, size, modifier, wanted, &planes).is_ok() {
                prop_assert_eq!(planes.len(), wanted as usize);
                for (index, at) in planes.iter().enumerate().take(format.planes()) {
                    let (row_bytes, rows) = format.plane_layout(index, size);
                    for row in [0, rows - 1] {
                        let last = u128::from(at.offset) + u128::from(at.stride) * row as u128 + row_bytes as u128;
                        prop_assert!(last <= u128::from(at.length));
                    }
                }
            }
        }
    }
}
