//! Shared memory of a PipeWire buffer, mapped for reading.
//!
//! The mapping is ours alone: it outlives the PipeWire buffer for as long as a frame needs it. Its
//! file belongs to another process, which may lie about its length or cut it off later; reading
//! beyond the end would be a SIGBUS. So the length is checked when mapping; the file is then sealed
//! against shrinking, and where that is refused, checked again for every frame. (A producer that
//! refuses the seal and shrinks its file between that check and the last read can still hurt us;
//! no compositor does, since it would hurt every other client too.)
#![allow(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use rustix::fs::{SealFlags, fcntl_add_seals, fcntl_get_seals, fstat};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A read-only mapping of a stretch of a file.
#[derive(Debug)]
pub(super) struct Mapping {
    base: NonNull<std::ffi::c_void>,
    mapped: usize,
    /// Bytes between the page that the mapping starts at and the first byte asked for.
    skip: usize,
    length: usize,
    /// The file's least length, and the file, where nothing but us keeps it from shrinking.
    watched: Option<(OwnedFd, u64)>,
}

// SAFETY: the mapping is only ever read, and unmapped once, by whoever drops it.
unsafe impl Send for Mapping {}
// SAFETY: as above; reading from several threads at once is fine.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes of `fd` from `offset` on.
    ///
    /// # Errors
    /// In words: the file is shorter than that, or cannot be mapped.
    pub(super) fn new(fd: BorrowedFd<'_>, offset: u64, length: usize) -> Result<Self, String> {
        let end = offset.checked_add(length as u64).ok_or("its offset and size overflow")?;
        let actual = file_length(fd)?;
        if length == 0 || end > actual {
            return Err(format!("it claims bytes {offset} to {end} of a file of {actual} bytes"));
        }
        // SAFETY: asks for a constant of the system.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(4096) as u64;
        let skip = (offset % page) as usize;
        let mapped = length + skip;
        // SAFETY: a fresh mapping at an address of the kernel's choice; nothing else refers to it.
        let base = unsafe {
            mmap(std::ptr::null_mut(), mapped, ProtFlags::READ, MapFlags::SHARED, fd, offset - skip as u64)
        };
        let base = base.map_err(|error| format!("it cannot be mapped: {error}"))?;
        let base = NonNull::new(base).ok_or("it was mapped nowhere")?;
        let watched = if sealed_against_shrinking(fd) {
            None
        } else {
            let fd = fd.try_clone_to_owned().map_err(|error| format!("its file cannot be kept: {error}"))?;
            Some((fd, end))
        };
        let mapping = Self { base, mapped, skip, length, watched };
        // It may have shrunk between the first look and the seal.
        mapping.check().map(|()| mapping)
    }

    /// Whether every byte is still there.
    ///
    /// # Errors
    /// In words: the file was cut off.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some((fd, end)) = &self.watched else { return Ok(()) };
        let actual = file_length(fd.as_fd())?;
        if actual < *end {
            return Err(format!("its file was cut off at {actual} of {end} bytes"));
        }
        Ok(())
    }

    /// The bytes asked for.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `new` mapped `skip + length` bytes for reading, and they stay mapped until drop.
        // The file reaches that far as far as can be told, see the module's documentation.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().cast::<u8>().add(self.skip), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `base` and `mapped` are what `mmap` was called with; nobody borrows the bytes.
        if let Err(error) = unsafe { munmap(self.base.as_ptr(), self.mapped) } {
            tracing::warn!(%error, "a PipeWire buffer cannot be unmapped");
        }
    }
}

fn file_length(fd: BorrowedFd<'_>) -> Result<u64, String> {
    let stat = fstat(fd).map_err(|error| format!("its file cannot be examined: {error}"))?;
    u64::try_from(stat.st_size).map_err(|_| "its file has a negative size".into())
}

fn sealed_against_shrinking(fd: BorrowedFd<'_>) -> bool {
    let sealed = || fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
    sealed() || (fcntl_add_seals(fd, SealFlags::SHRINK).is_ok() && sealed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
    use std::os::fd::AsFd;

    fn file(flags: MemfdFlags, bytes: &[u8]) -> OwnedFd {
        let fd = memfd_create("mapping-test", flags | MemfdFlags::CLOEXEC).unwrap();
        rustix::io::write(&fd, bytes).unwrap();
        fd
    }

    #[test]
    fn maps_at_offsets_that_are_no_page() {
        let content: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        let fd = file(MemfdFlags::empty(), &content);
        let mapping = Mapping::new(fd.as_fd(), 5001, 4000).unwrap();
        drop(fd);
        assert_eq!(mapping.bytes(), &content[5001..9001]);
    }

    #[test]
    fn refuses_a_file_that_is_too_short() {
        let fd = file(MemfdFlags::empty(), &[0; 100]);
        assert!(Mapping::new(fd.as_fd(), 0, 100).is_ok());
        for (offset, length) in [(0, 101), (1, 100), (u64::MAX, 1), (0, 0), (1 << 40, 5)] {
            assert!(Mapping::new(fd.as_fd(), offset, length).is_err());
        }
    }

    #[test]
    fn notices_that_a_file_was_cut_off_where_it_cannot_be_sealed() {
        let fd = file(MemfdFlags::empty(), &[0; 100]);
        let mapping = Mapping::new(fd.as_fd(), 0, 100).unwrap();
        mapping.check().unwrap();
        ftruncate(&fd, 50).unwrap();
        assert!(mapping.check().unwrap_err().contains("50 of 100"));
    }

    #[test]
    fn keeps_a_file_that_can_be_sealed_from_shrinking() {
        let fd = file(MemfdFlags::ALLOW_SEALING, &[7; 100]);
        let mapping = Mapping::new(fd.as_fd(), 0, 100).unwrap();
        assert!(ftruncate(&fd, 50).is_err());
        assert_eq!(mapping.bytes(), &[7; 100]);
    }
}
