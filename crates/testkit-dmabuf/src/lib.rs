//! DMA-BUFs that the kernel makes without a GPU, for tests.
//!
//! [`Source::Udmabuf`] makes one of a memfd's pages, [`Source::SystemHeap`] allocates one. Neither needs a
//! GPU, only a kernel with `CONFIG_UDMABUF` or `CONFIG_DMABUF_HEAPS_SYSTEM` and the right to open the device.
//! [`Canvas`] is one of vgem's, with fences.
#![warn(missing_docs)]
#![allow(unsafe_code)]

mod vgem;

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::{fmt, slice};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create, open};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Setter, Updater, ioctl, opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

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
            Self::Udmabuf => "/dev/udmabuf",
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
            Self::Udmabuf => udmabuf(&self.open()?, length),
            Self::SystemHeap => system_heap(&self.open()?, length),
        }
    }
}

/// `struct udmabuf_create` of `linux/udmabuf.h`.
#[repr(C)]
struct UdmabufCreate {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

// SAFETY: UDMABUF_CREATE reads such a structure at the pointer, writes nothing, and returns a descriptor.
unsafe impl Ioctl for UdmabufCreate {
    type Output = OwnedFd;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::write::<Self>(b'u', 0x42)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut *self).cast()
    }

    unsafe fn output_from_ptr(fd: IoctlOutput, _: *mut c_void) -> rustix::io::Result<OwnedFd> {
        // SAFETY: the descriptor is new, and given to us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

fn udmabuf(device: &OwnedFd, length: usize) -> io::Result<OwnedFd> {
    const CLOEXEC: u32 = 1;
    let memory = memfd_create("dmabuf", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&memory, length as u64)?;
    // The driver demands that its pages cannot go.
    fcntl_add_seals(&memory, SealFlags::SHRINK)?;
    let memfd = memory.as_raw_fd() as u32;
    let request = UdmabufCreate { memfd, flags: CLOEXEC, offset: 0, size: length as u64 };
    // SAFETY: see the implementation of `Ioctl`; the memfd is open during the call.
    Ok(unsafe { ioctl(device, request) }?)
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
pub struct Buffer {
    fd: OwnedFd,
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping has no thread affinity; writing demands `&mut`.
unsafe impl Send for Buffer {}

impl Buffer {
    /// A buffer of at least so many bytes, all of them 0: whole pages, of any machine's size.
    ///
    /// # Errors
    /// The device is not there, may not be opened, or has no memory left.
    pub fn new(source: Source, length: usize) -> io::Result<Self> {
        let length = length.max(1).next_multiple_of(1 << 16);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", source.path()));
        let fd = source.allocate(length).map_err(told)?;
        Self::map(fd, length)
    }

    fn map(fd: OwnedFd, length: usize) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping, which goes with self.
        let base = unsafe { mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, &fd, 0) }?;
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { fd, base, length })
    }

    /// Number of bytes.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Never: a buffer has a page at least.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Lets `paint` write its bytes, between the two calls that DMA-BUFs demand of a CPU.
    ///
    /// # Errors
    /// The kernel refused one of them.
    pub fn write(&mut self, paint: impl FnOnce(&mut [u8])) -> io::Result<()> {
        const WRITE: u64 = 2;
        const END: u64 = 4;
        self.sync(WRITE)?;
        self.scribble(paint);
        self.sync(WRITE | END)
    }

    /// The same without those calls, of which the first waits for the fences of whoever draws.
    pub fn scribble(&mut self, paint: impl FnOnce(&mut [u8])) {
        // SAFETY: so many bytes are mapped until self goes. Whoever has the descriptor too may change them
        // meanwhile, which tests do not.
        paint(unsafe { slice::from_raw_parts_mut(self.base.as_ptr(), self.length) });
    }

    fn sync(&self, flags: u64) -> io::Result<()> {
        const SYNC: Opcode = opcode::write::<u64>(b'b', 0);
        // SAFETY: DMA_BUF_IOCTL_SYNC reads 64 bits of flags.
        Ok(unsafe { ioctl(&self.fd, Setter::<SYNC, u64>::new(flags)) }?)
    }
}

impl AsFd for Buffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped; nobody has its bytes any more.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("fd", &self.fd).field("length", &self.length).finish()
    }
}
