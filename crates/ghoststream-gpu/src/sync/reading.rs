//! The calls between which the CPU may read a DMA-BUF: `DMA_BUF_IOCTL_SYNC`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use super::ioctl;

/// `DMA_BUF_SYNC_READ` and `DMA_BUF_SYNC_START`, which is 0.
const BEGIN: u64 = 1;
/// `DMA_BUF_SYNC_READ` and `DMA_BUF_SYNC_END`.
const END: u64 = 1 | 4;

/// What is read from now on is what was written, once the kernel's fences on it have signalled.
///
/// # Errors
/// It is no DMA-BUF, or its driver cannot.
pub(crate) fn begin(dmabuf: BorrowedFd<'_>) -> io::Result<()> {
    sync(dmabuf, BEGIN)
}

/// Reading is over.
///
/// # Errors
/// As [`begin`].
pub(crate) fn end(dmabuf: BorrowedFd<'_>) -> io::Result<()> {
    sync(dmabuf, END)
}

fn sync(dmabuf: BorrowedFd<'_>, mut flags: u64) -> io::Result<()> {
    // SAFETY: the call's structure is 64 bits of flags.
    unsafe { ioctl::call::<{ ioctl::DMA_BUF_SYNC }, _>(dmabuf, &mut flags) }
}
