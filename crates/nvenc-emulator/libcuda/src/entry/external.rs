//! Memory of other APIs, shared by a file descriptor.
//!
//! What Vulkan's software drivers export is memory that can be mapped, and is shared for real. Their
//! semaphores live inside them and cannot be shared: importing one is not supported.

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;

use crate::abi::{DevicePointer, ExternalMemoryBuffer, ExternalMemoryHandle};
use crate::argument::{Handle, In, Out, address};
use crate::call::entries;
use crate::code::{Code, Result};
use crate::mapping::Mapping;
use crate::state::{Driver, External, Origin};

/// `CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD`.
const OPAQUE_FD: u32 = 1;

/// Maps a descriptor's memory. The descriptor is the driver's, which closes it, as a real one does, whatever
/// comes of it.
fn map(fd: i32, size: u64) -> Result<Mapping> {
    if fd < 0 || size == 0 {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    // SAFETY: the caller gives an open descriptor away.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    check_and_map(&owned, size)
}

fn check_and_map(file: &OwnedFd, size: u64) -> Result<Mapping> {
    let held = rustix::fs::fstat(file).map_err(|_| Code::ERROR_INVALID_VALUE)?.st_size;
    let offset = mesa_header(file, held.unsigned_abs());
    // What lies behind a file's end cannot be touched. Other memory than files has no size here.
    if held > 0 && size > held.unsigned_abs() - offset {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    use std::os::fd::AsFd;
    Mapping::shared(file.as_fd(), offset, size as usize).map_err(|_| Code::ERROR_INVALID_VALUE)
}

/// Bytes in front of the memory that Mesa's software driver exports: a header that begins with the length
/// of the whole file and where in it the memory is, on a page of its own. None in another file.
fn mesa_header(file: &OwnedFd, held: u64) -> u64 {
    let mut words = [0u8; 16];
    if rustix::io::pread(file, &mut words, 0) != Ok(words.len()) {
        return 0;
    }
    let [length, offset] = [0, 8].map(|at| u64::from_ne_bytes(std::array::from_fn(|it| words[at + it])));
    let is_header = length == held && (1..held).contains(&offset) && offset % 4096 == 0;
    if is_header { offset } else { 0 }
}

entries! {
    /// Imports memory by its descriptor, which is the driver's from then on.
    fn cuImportExternalMemory(out: Out<Handle>, description: In<ExternalMemoryHandle>) |call| {
        out.check()?;
        let description = description.get()?;
        call.field("type", || description.kind);
        call.field("size", || description.size);
        let mut driver = Driver::lock();
        driver.current()?;
        if description.kind != OPAQUE_FD {
            return Err(Code::ERROR_NOT_SUPPORTED);
        }
        let pages = Arc::new(map(description.handle.fd, description.size)?);
        let handle = driver.new_handle();
        driver.externals.insert(handle, External { pages });
        call.field("memory", || address(handle.0 as u64));
        out.put(handle)
    }

    /// Gives a part of imported memory a device address.
    fn cuExternalMemoryGetMappedBuffer(
        pointer: Out<DevicePointer>, memory: Handle, description: In<ExternalMemoryBuffer>
    ) |call| {
        pointer.check()?;
        let description = description.get()?;
        let mut driver = Driver::lock();
        let context = driver.current()?;
        let pages = Arc::clone(&driver.externals.get(&memory).ok_or(Code::ERROR_INVALID_HANDLE)?.pages);
        let end = description.offset.checked_add(description.size);
        let fits = end.is_some_and(|end| description.size > 0 && end <= pages.length() as u64);
        if !fits || description.flags != 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let start = description.offset as usize;
        let mapped = driver.memory.insert(context, description.size, Origin::External, pages, start)?;
        call.field("pointer", || address(mapped));
        pointer.put(mapped)
    }

    /// Ends an import. Buffers that were mapped from it are freed on their own.
    fn cuDestroyExternalMemory(memory: Handle) |_call| {
        Driver::lock().externals.remove(&memory).map(drop).ok_or(Code::ERROR_INVALID_HANDLE)
    }
}
