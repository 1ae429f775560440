//! Sync files: descriptors that become readable once what they stand for is done.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::ioctl::{self, DmaBufSyncFile, Merge};

/// `DMA_BUF_SYNC_READ`: of whoever reads.
const READ: u32 = 1;

/// The fences that who wants to read a DMA-BUF has to wait for: those of all who write to it.
///
/// # Errors
/// The kernel is older than 6.0, or it is no DMA-BUF.
pub fn of_writers(dmabuf: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut argument = DmaBufSyncFile { flags: READ, fd: -1 };
    // SAFETY: the structure of that call, without addresses; the descriptor it hands out is ours.
    unsafe {
        ioctl::call::<{ ioctl::EXPORT_SYNC_FILE }, _>(dmabuf, &mut argument)?;
        ioctl::made(argument.fd)
    }
}

/// Lets whoever writes to a DMA-BUF wait until `fence`, our reading, has signalled.
///
/// # Errors
/// As [`of_writers`]; or `fence` is no sync file.
pub fn add_reader(dmabuf: BorrowedFd<'_>, fence: BorrowedFd<'_>) -> io::Result<()> {
    let mut argument = DmaBufSyncFile { flags: READ, fd: fence.as_raw_fd() };
    // SAFETY: the structure of that call, without addresses.
    unsafe { ioctl::call::<{ ioctl::IMPORT_SYNC_FILE }, _>(dmabuf, &mut argument) }
}

/// A sync file that signals when both have.
///
/// # Errors
/// One of them is no sync file.
pub fn merge(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut name = [0; 32];
    name[..11].copy_from_slice(b"ghoststream");
    let mut argument = Merge { name, other: other.as_raw_fd(), fence: -1, flags: 0, pad: 0 };
    // SAFETY: the structure of that call, without addresses; the descriptor it hands out is ours.
    unsafe {
        ioctl::call::<{ ioctl::SYNC_MERGE }, _>(one, &mut argument)?;
        ioctl::made(argument.fence)
    }
}

/// Whether it has signalled, asked without waiting. One that cannot be asked has not.
pub fn is_signalled(fence: impl AsFd) -> bool {
    wait(fence, Duration::ZERO)
}

/// Waits until it has signalled; false when that takes longer than `most`, or it cannot be asked.
pub fn wait(fence: impl AsFd, most: Duration) -> bool {
    let mut polled = [PollFd::new(&fence, PollFlags::IN)];
    let most = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: most.subsec_nanos().into() };
    poll(&mut polled, Some(&most)).is_ok() && polled[0].revents().contains(PollFlags::IN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readable means signalled, of a sync file as of a pipe.
    #[test]
    fn what_becomes_readable_has_signalled() {
        let (fence, signal) = rustix::pipe::pipe().unwrap();
        assert!(!is_signalled(&fence));
        rustix::io::write(&signal, b"!").unwrap();
        assert!(is_signalled(&fence));
    }

    #[test]
    fn other_files_are_refused() {
        let (one, other) = rustix::pipe::pipe().unwrap();
        assert!(of_writers(one.as_fd()).is_err());
        assert!(add_reader(one.as_fd(), other.as_fd()).is_err());
        assert!(merge(one.as_fd(), other.as_fd()).is_err());
    }
}
