//! Memory that stands behind device memory: mapped pages.

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// Mapped pages, given back on drop.
///
/// Others may change what is in them (the caller, another process), so no reference to them is ever made:
/// they are read and written by [`crate::copy`] alone.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: pages belong to the process, not to a thread; who may touch them when is the copier's affair.
unsafe impl Send for Mapping {}
// SAFETY: as above: a shared mapping gives out its address and nothing else.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Zeroed pages, which take memory only once they are written.
    pub(crate) fn anonymous(length: usize) -> rustix::io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping where the kernel likes it disturbs no other.
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, flags)?
        };
        Self::new(start.cast(), length)
    }

    /// A file's bytes from `offset` on, a multiple of the page, shared with whoever else has it.
    pub(crate) fn shared(file: BorrowedFd<'_>, offset: u64, length: usize) -> rustix::io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: as above.
        let start =
            unsafe { mmap(std::ptr::null_mut(), length, protection, MapFlags::SHARED, file, offset)? };
        Self::new(start.cast(), length)
    }

    fn new(start: *mut u8, length: usize) -> rustix::io::Result<Self> {
        let start = NonNull::new(start).ok_or(rustix::io::Errno::NOMEM)?;
        Ok(Self { start, length })
    }

    /// Its first byte.
    pub(crate) const fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Bytes.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`'s callers with this length; nothing refers to it but this.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
    }
}
