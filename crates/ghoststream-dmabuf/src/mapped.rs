//! Memory that is shared by its descriptor, mapped for the CPU to write.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::slice;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, ioctl, opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A DMA-BUF or a memfd, mapped.
#[derive(Debug)]
pub struct Mapped {
    fd: OwnedFd,
    base: NonNull<u8>,
    length: usize,
    is_dmabuf: bool,
}

// SAFETY: the mapping has no thread affinity; writing demands `&mut`.
unsafe impl Send for Mapped {}

impl Mapped {
    /// Maps the first `length` bytes of a DMA-BUF.
    ///
    /// # Errors
    /// It is shorter, or its driver lets nobody map it.
    pub fn dmabuf(fd: OwnedFd, length: usize) -> io::Result<Self> {
        Self::map(fd, length, true)
    }

    /// Makes a memfd of so many bytes, all of them 0, whose length nobody changes any more.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn memfd(name: &str, length: usize) -> io::Result<Self> {
        let fd = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&fd, length as u64)?;
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::map(fd, length, false)
    }

    fn map(fd: OwnedFd, length: usize, is_dmabuf: bool) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping, which goes with self.
        let base = unsafe { mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, &fd, 0) }?;
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { fd, base, length, is_dmabuf })
    }

    /// Number of bytes.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Never: the kernel maps nothing that is empty.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether it is a DMA-BUF.
    pub const fn is_dmabuf(&self) -> bool {
        self.is_dmabuf
    }

    /// Lets `paint` write its bytes; of a DMA-BUF between the two calls that the kernel demands of a CPU.
    ///
    /// # Errors
    /// The kernel refused one of them.
    pub fn write<T>(&mut self, paint: impl FnOnce(&mut [u8]) -> T) -> io::Result<T> {
        const WRITE: u64 = 2;
        const END: u64 = 4;
        if !self.is_dmabuf {
            return Ok(paint(self.unsynced()));
        }
        self.sync(WRITE)?;
        let painted = paint(self.unsynced());
        self.sync(WRITE | END)?;
        Ok(painted)
    }

    /// Its bytes without those calls, of which the first waits for the fences of whoever draws.
    pub const fn unsynced(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes are mapped until self goes, and neither a DMA-BUF nor a sealed memfd shrinks. Whoever
        // has the descriptor too may read them meanwhile; that nobody else writes is agreed on with them.
        unsafe { slice::from_raw_parts_mut(self.base.as_ptr(), self.length) }
    }

    fn sync(&self, flags: u64) -> io::Result<()> {
        const SYNC: Opcode = opcode::write::<u64>(b'b', 0);
        loop {
            // SAFETY: DMA_BUF_IOCTL_SYNC reads 64 bits of flags.
            match unsafe { ioctl(&self.fd, Setter::<SYNC, u64>::new(flags)) } {
                Err(Errno::INTR | Errno::AGAIN) => {}
                other => return Ok(other?),
            }
        }
    }
}

impl AsFd for Mapped {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: what `map` mapped; nobody has its bytes any more.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole_pages;

    #[test]
    fn a_memfd_keeps_its_length() {
        let mut memory = Mapped::memfd("test", whole_pages(5000)).unwrap();
        assert_eq!((memory.len(), memory.is_dmabuf()), (65536, false));
        memory.write(|bytes| bytes[4999] = 7).unwrap();
        assert_eq!(memory.unsynced()[4999], 7);
        assert!(ftruncate(memory.as_fd(), 0).is_err(), "whoever maps it is safe");
    }

    #[test]
    fn what_is_no_dmabuf_is_told_before_it_is_written() {
        let file = memfd_create("no-dmabuf", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&file, 4096).unwrap();
        let mut posing = Mapped::dmabuf(file, 4096).unwrap();
        let mut painted = false;
        assert!(posing.write(|_| painted = true).is_err() && !painted);
    }
}
