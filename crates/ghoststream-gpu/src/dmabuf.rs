//! A picture in a GPU's memory, as another program describes it.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use ghoststream_picture::{PixelFormat, Size};

/// A picture in memory that a GPU reads. Nothing in it was checked: it says what another program said.
#[derive(Debug)]
pub struct DmaBuf {
    id: u64,
    /// How the pixels lie in each plane, but for tiling.
    pub format: PixelFormat,
    /// Pixels across and down.
    pub size: Size,
    /// How they are tiled: a modifier of `drm_fourcc.h`; 0 is linear.
    pub modifier: u64,
    /// The planes of the memory: those of the format and, for some modifiers, more.
    pub planes: Vec<DmaBufPlane>,
    /// What their descriptors stand for.
    pub kind: MemoryKind,
}

/// What a descriptor of memory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// A DMA-BUF, which any driver may know.
    DmaBuf,
    /// What Vulkan exports as opaque: memory that means something to the driver that made it alone, and only
    /// on the device with this UUID. The modifier says nothing. It never comes from another program, since
    /// nobody can check it.
    Opaque([u8; 16]),
}

/// A plane of a [`DmaBuf`].
#[derive(Debug)]
pub struct DmaBufPlane {
    /// Its memory. Several planes may share it, each with a descriptor of its own.
    pub fd: OwnedFd,
    /// Bytes before its first row.
    pub offset: u64,
    /// Bytes from row to row.
    pub stride: u64,
}

/// When a picture may be read.
#[derive(Debug)]
pub enum Acquire {
    /// At once.
    Now,
    /// When this sync file has signalled.
    Fence(OwnedFd),
}

impl DmaBuf {
    /// A picture with an id of its own.
    pub fn new(format: PixelFormat, size: Size, modifier: u64, planes: Vec<DmaBufPlane>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, format, size, modifier, planes, kind: MemoryKind::DmaBuf }
    }

    /// A picture of one plane in memory that the device with this UUID has exported as opaque.
    pub fn opaque(format: PixelFormat, size: Size, fd: OwnedFd, device: [u8; 16]) -> Self {
        let plane = DmaBufPlane { fd, offset: 0, stride: 0 };
        Self { kind: MemoryKind::Opaque(device), ..Self::new(format, size, crate::IMPLICIT, vec![plane]) }
    }

    /// Never used again for another buffer of this process.
    pub const fn id(&self) -> u64 {
        self.id
    }
}
