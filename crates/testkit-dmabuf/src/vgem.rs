//! vgem, the kernel's GPU without a GPU: DMA-BUFs that carry the fences of a drawing, begun and finished by
//! the test.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use rustix::ioctl::{Opcode, Setter, Updater, ioctl, opcode};

use super::Buffer;

/// The first number of a driver's own calls: `DRM_COMMAND_BASE` of `drm/drm.h`.
const OWN: u8 = 0x40;

/// A buffer that is drawn into.
#[derive(Debug)]
pub struct Canvas {
    card: Arc<OwnedFd>,
    handle: u32,
    buffer: Buffer,
}

/// A drawing that is under way: whoever reads the canvas waits for its end. The kernel ends it after ten
/// seconds.
#[derive(Debug)]
pub struct Drawing {
    card: Arc<OwnedFd>,
    fence: u32,
}

/// `struct drm_mode_create_dumb`.
#[repr(C)]
#[derive(Default)]
struct CreateDumb {
    height: u32,
    width: u32,
    bits: u32,
    flags: u32,
    handle: u32,
    pitch: u32,
    size: u64,
}

/// `struct drm_prime_handle`.
#[repr(C)]
struct Prime {
    handle: u32,
    flags: u32,
    fd: i32,
}

/// `struct drm_vgem_fence_attach`.
#[repr(C)]
struct FenceAttach {
    handle: u32,
    flags: u32,
    out_fence: u32,
    pad: u32,
}

/// `struct drm_vgem_fence_signal`.
#[repr(C)]
struct FenceSignal {
    fence: u32,
    flags: u32,
}

impl Canvas {
    /// A buffer of at least so many bytes.
    ///
    /// # Errors
    /// The module `vgem` is not loaded, or its card may not be opened.
    pub fn new(length: usize) -> io::Result<Self> {
        const CREATE: Opcode = opcode::read_write::<CreateDumb>(b'd', 0xb2);
        const EXPORT: Opcode = opcode::read_write::<Prime>(b'd', 0x2d);
        let card = Arc::new(card()?);
        let mut dumb = CreateDumb {
            height: length.div_ceil(4096) as u32,
            width: 1024,
            bits: 32,
            ..CreateDumb::default()
        };
        // SAFETY: DRM_IOCTL_MODE_CREATE_DUMB reads and writes such a structure.
        unsafe { ioctl(&*card, Updater::<CREATE, _>::new(&mut dumb)) }?;
        let flags = (OFlags::RDWR | OFlags::CLOEXEC).bits();
        let mut prime = Prime { handle: dumb.handle, flags, fd: -1 };
        // SAFETY: DRM_IOCTL_PRIME_HANDLE_TO_FD reads and writes such a structure.
        unsafe { ioctl(&*card, Updater::<EXPORT, _>::new(&mut prime)) }?;
        // SAFETY: the descriptor is new, and given to us.
        let fd = unsafe { OwnedFd::from_raw_fd(prime.fd) };
        Ok(Self { card, handle: dumb.handle, buffer: Buffer::map(fd, dumb.size as usize)? })
    }

    /// Its memory.
    pub const fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// Begins to draw.
    ///
    /// # Errors
    /// Somebody else draws, or reads.
    pub fn draw(&self) -> io::Result<Drawing> {
        const ATTACH: Opcode = opcode::read_write::<FenceAttach>(b'd', OWN + 1);
        const WRITES: u32 = 1;
        let mut request = FenceAttach { handle: self.handle, flags: WRITES, out_fence: 0, pad: 0 };
        // SAFETY: DRM_IOCTL_VGEM_FENCE_ATTACH reads and writes such a structure.
        unsafe { ioctl(&*self.card, Updater::<ATTACH, _>::new(&mut request)) }?;
        Ok(Drawing { card: Arc::clone(&self.card), fence: request.out_fence })
    }
}

impl AsFd for Canvas {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.buffer.as_fd()
    }
}

impl Drawing {
    /// Ends it.
    ///
    /// # Errors
    /// The kernel ended it before.
    pub fn finish(self) -> io::Result<()> {
        const SIGNAL: Opcode = opcode::write::<FenceSignal>(b'd', OWN + 2);
        let request = FenceSignal { fence: self.fence, flags: 0 };
        // SAFETY: DRM_IOCTL_VGEM_FENCE_SIGNAL reads such a structure.
        Ok(unsafe { ioctl(&*self.card, Setter::<SIGNAL, _>::new(request)) }?)
    }
}

/// vgem's card among those that there are.
fn card() -> io::Result<OwnedFd> {
    for number in 0..16 {
        let device = fs::read_link(format!("/sys/class/drm/card{number}"));
        if device.is_ok_and(|it| it.components().any(|part| part.as_os_str() == "vgem")) {
            let path = format!("/dev/dri/card{number}");
            return Ok(open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "there is no vgem card; load the module vgem"))
}
