//! `/dev/udmabuf`, see `linux/udmabuf.h`.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create, open};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

use crate::whole_pages;

/// The device that makes a DMA-BUF of a memfd's pages.
#[derive(Debug)]
pub struct Udmabuf {
    device: OwnedFd,
}

impl Udmabuf {
    /// Where it is.
    pub const PATH: &str = "/dev/udmabuf";

    /// Opens the device, and has it make a small one, to see that it does.
    ///
    /// # Errors
    /// It is not there, may not be opened, or makes none.
    pub fn open() -> io::Result<Self> {
        let device = Self::open_at(Path::new(Self::PATH))?;
        device.allocate(whole_pages(1)).map(|_| device)
    }

    /// Opens it where it is elsewhere. That it is such a device is found out when it is to make something.
    ///
    /// # Errors
    /// As [`Udmabuf::open`].
    pub fn open_at(path: &Path) -> io::Result<Self> {
        Ok(Self { device: open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())? })
    }

    /// A DMA-BUF of so many bytes, which are whole pages ([`whole_pages`](crate::whole_pages)), all of them 0.
    ///
    /// # Errors
    /// They are no whole pages, there is no memory left, or they are more than the kernel allows: 64 MB, or what
    /// `/sys/module/udmabuf/parameters/size_limit_mb` says.
    pub fn allocate(&self, length: usize) -> io::Result<OwnedFd> {
        const CLOEXEC: u32 = 1;
        let memory = memfd_create("dmabuf", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&memory, length as u64)?;
        // The driver demands that its pages cannot go.
        fcntl_add_seals(&memory, SealFlags::SHRINK)?;
        let memfd = memory.as_raw_fd().cast_unsigned();
        let request = Create { memfd, flags: CLOEXEC, offset: 0, size: length as u64 };
        // SAFETY: see the implementation of `Ioctl`; the memfd is open during the call.
        Ok(unsafe { ioctl(&self.device, request) }?)
    }
}

/// `struct udmabuf_create`.
#[repr(C)]
struct Create {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

// SAFETY: UDMABUF_CREATE reads such a structure at the pointer, writes nothing, and returns a descriptor.
unsafe impl Ioctl for Create {
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
