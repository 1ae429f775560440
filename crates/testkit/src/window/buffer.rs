//! Memory shared with the compositor.

use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};

use anyhow::{Context, Result, ensure};
use ghoststream::Size;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Pixels that the compositor sees too, BGRx without padding.
pub(super) struct Pixels {
    memory: NonNull<u8>,
    length: usize,
    file: OwnedFd,
    stride: usize,
}

// SAFETY: the mapping belongs to this value alone, and memory has no thread affinity.
unsafe impl Send for Pixels {}

impl Pixels {
    pub(super) fn new(size: Size) -> Result<Self> {
        let stride = size.width as usize * 4;
        let length = stride * size.height as usize;
        ensure!(length > 0 && i32::try_from(length).is_ok(), "a window of {size} cannot be drawn");
        let file = memfd_create("test-card", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, length as u64)?;
        // SAFETY: a new mapping at an address of the kernel's choice, of a file that is as long.
        let memory = unsafe {
            mmap(ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0)
        }?;
        let memory = NonNull::new(memory.cast()).context("the kernel mapped memory at null")?;
        Ok(Self { memory, length, file, stride })
    }

    /// The file that the compositor maps.
    pub(super) fn file(&self) -> impl AsFd {
        &self.file
    }

    /// Bytes from row to row.
    pub(super) const fn stride(&self) -> usize {
        self.stride
    }

    /// Bytes in all.
    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// The bytes. To be written only while the compositor does not read them.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is `length` bytes long and lives as long as self; the compositor maps
        // it for reading, and a torn read is its own picture's loss.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), self.length) }
    }
}

impl Drop for Pixels {
    fn drop(&mut self) {
        // SAFETY: nothing borrows the mapping any more, and it is unmapped once.
        let _ = unsafe { munmap(self.memory.as_ptr().cast(), self.length) };
    }
}
