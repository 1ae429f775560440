//! Calls to the kernel, as `linux/dma-buf.h`, `linux/sync_file.h` and `drm/drm.h` describe them. Each carries one
//! structure of plain numbers.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

/// `dma_buf_export_sync_file` and `dma_buf_import_sync_file`.
#[repr(C)]
pub(super) struct DmaBufSyncFile {
    pub(super) flags: u32,
    pub(super) fd: i32,
}

/// `sync_merge_data`.
#[repr(C)]
pub(super) struct Merge {
    pub(super) name: [u8; 32],
    pub(super) other: i32,
    pub(super) fence: i32,
    pub(super) flags: u32,
    pub(super) pad: u32,
}

/// `drm_get_cap`.
#[repr(C)]
pub(super) struct Capability {
    pub(super) capability: u64,
    pub(super) value: u64,
}

/// `drm_syncobj_create` and `drm_syncobj_destroy`.
#[repr(C)]
pub(super) struct SyncobjLife {
    pub(super) handle: u32,
    pub(super) flags: u32,
}

/// `drm_syncobj_handle` without `point`, which came with Linux 6.16: the kernel takes the shorter one as well.
#[repr(C)]
pub(super) struct SyncobjHandle {
    pub(super) handle: u32,
    pub(super) flags: u32,
    pub(super) fd: i32,
    pub(super) pad: u32,
}

/// `drm_syncobj_transfer`.
#[repr(C)]
pub(super) struct SyncobjTransfer {
    pub(super) source: u32,
    pub(super) target: u32,
    pub(super) source_point: u64,
    pub(super) target_point: u64,
    pub(super) flags: u32,
    pub(super) pad: u32,
}

/// `drm_syncobj_timeline_wait` without `deadline_nsec`, as for [`SyncobjHandle`].
#[repr(C)]
pub(super) struct SyncobjWait {
    pub(super) handles: u64,
    pub(super) points: u64,
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub(super) until: i64,
    pub(super) count: u32,
    pub(super) flags: u32,
    pub(super) first_signalled: u32,
    pub(super) pad: u32,
}

/// `drm_syncobj_timeline_array`.
#[repr(C)]
pub(super) struct SyncobjPoints {
    pub(super) handles: u64,
    pub(super) points: u64,
    pub(super) count: u32,
    pub(super) flags: u32,
}

pub(super) const DMA_BUF_SYNC: Opcode = opcode::write::<u64>(b'b', 0);
pub(super) const EXPORT_SYNC_FILE: Opcode = opcode::read_write::<DmaBufSyncFile>(b'b', 2);
pub(super) const IMPORT_SYNC_FILE: Opcode = opcode::write::<DmaBufSyncFile>(b'b', 3);
pub(super) const SYNC_MERGE: Opcode = opcode::read_write::<Merge>(b'>', 3);
pub(super) const GET_CAP: Opcode = opcode::read_write::<Capability>(b'd', 0x0c);
pub(super) const SYNCOBJ_CREATE: Opcode = opcode::read_write::<SyncobjLife>(b'd', 0xbf);
pub(super) const SYNCOBJ_DESTROY: Opcode = opcode::read_write::<SyncobjLife>(b'd', 0xc0);
pub(super) const SYNCOBJ_HANDLE_TO_FD: Opcode = opcode::read_write::<SyncobjHandle>(b'd', 0xc1);
pub(super) const SYNCOBJ_FD_TO_HANDLE: Opcode = opcode::read_write::<SyncobjHandle>(b'd', 0xc2);
pub(super) const SYNCOBJ_TIMELINE_WAIT: Opcode = opcode::read_write::<SyncobjWait>(b'd', 0xca);
pub(super) const SYNCOBJ_TRANSFER: Opcode = opcode::read_write::<SyncobjTransfer>(b'd', 0xcc);
pub(super) const SYNCOBJ_TIMELINE_SIGNAL: Opcode = opcode::read_write::<SyncobjPoints>(b'd', 0xcd);

/// Makes a call; once more where it was interrupted, as DRM wants it.
///
/// # Safety
/// `CODE` is a call that takes a `T`, and the addresses in it are good for what the call does with them.
pub(super) unsafe fn call<const CODE: Opcode, T>(fd: impl AsFd, argument: &mut T) -> io::Result<()> {
    loop {
        // SAFETY: the caller promises that code and structure belong together.
        match unsafe { ioctl(fd.as_fd(), Updater::<CODE, T>::new(argument)) } {
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            other => return Ok(other?),
        }
    }
}

/// Owns a descriptor that a call has just made.
///
/// # Safety
/// The kernel has just handed `fd` out, and nobody else has it.
pub(super) unsafe fn made(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::other("the kernel handed out no descriptor"));
    }
    // SAFETY: the caller promises it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
