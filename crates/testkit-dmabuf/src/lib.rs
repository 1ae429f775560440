//! DMA-BUFs that the kernel makes without a GPU, for tests.
//!
//! [`Source::Udmabuf`] makes one of a memfd's pages, as `ghoststream-dmabuf` does, [`Source::SystemHeap`] allocates one.
//! Neither needs a GPU, only a kernel with `CONFIG_UDMABUF` or `CONFIG_DMABUF_HEAPS_SYSTEM` and the right to open the
//! device.
//! [`Canvas`] is one of vgem's, with fences.
#![warn(missing_docs)]
#![allow(unsafe_code)]

mod vgem;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use ghoststream_dmabuf::{Mapped, Udmabuf, whole_pages};
use rustix::fs::{Mode, OFlags, open};
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

pub use vgem::{Canvas, Drawing};

/// Who makes a DMA-BUF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `/dev/udmabuf`, from the pages of a memfd.
    Udmabuf,
    /// `/dev/dma_heap/system`.
    SystemHeap,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Udmabuf, Self::SystemHeap];

    /// The device.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Udmabuf => Udmabuf::PATH,
            Self::SystemHeap => "/dev/dma_heap/system",
        }
    }

    /// Whether this process can use it.
    pub fn is_there(self) -> bool {
        self.open().is_ok()
    }

    fn open(self) -> io::Result<OwnedFd> {
        Ok(open(self.path(), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
    }

    fn allocate(self, length: usize) -> io::Result<OwnedFd> {
        match self {
            Self::Udmabuf => Udmabuf::open()?.allocate(length),
            Self::SystemHeap => system_heap(&self.open()?, length),
        }
    }
}

/// `struct dma_heap_allocation_data` of `linux/dma-heap.h`.
#[repr(C)]
struct DmaHeapAllocation {
    length: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

fn system_heap(device: &OwnedFd, length: usize) -> io::Result<OwnedFd> {
    const ALLOCATE: Opcode = opcode::read_write::<DmaHeapAllocation>(b'H', 0);
    let fd_flags = (OFlags::RDWR | OFlags::CLOEXEC).bits();
    let mut request = DmaHeapAllocation { length: length as u64, fd: 0, fd_flags, heap_flags: 0 };
    // SAFETY: DMA_HEAP_IOCTL_ALLOC reads such a structure and writes its descriptor into it.
    unsafe { ioctl(device, Updater::<ALLOCATE, _>::new(&mut request)) }?;
    // SAFETY: the descriptor is new, and given to us.
    Ok(unsafe { OwnedFd::from_raw_fd(request.fd as i32) })
}

/// A DMA-BUF, mapped.
#[derive(Debug)]
pub struct Buffer(Mapped);

impl Buffer {
    /// A buffer of at least so many bytes, all of them 0: whole pages, of any machine's size.
    ///
    /// # Errors
    /// The device is not there, may not be opened, or has no memory left.
    pub fn new(source: Source, length: usize) -> io::Result<Self> {
        let length = whole_pages(length);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", source.path()));
        let fd = source.allocate(length).map_err(told)?;
        Self::map(fd, length)
    }

    fn map(fd: OwnedFd, length: usize) -> io::Result<Self> {
        Ok(Self(Mapped::dmabuf(fd, length)?))
    }

    /// Number of bytes.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: a buffer has a page at least.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets `paint` write its bytes, between the two calls that DMA-BUFs demand of a CPU.
    ///
    /// # Errors
    /// The kernel refused one of them.
    pub fn write(&mut self, paint: impl FnOnce(&mut [u8])) -> io::Result<()> {
        self.0.write(paint)
    }

    /// The same without those calls, of which the first waits for the fences of whoever draws.
    pub fn scribble(&mut self, paint: impl FnOnce(&mut [u8])) {
        paint(self.0.unsynced());
    }
}

impl AsFd for Buffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
