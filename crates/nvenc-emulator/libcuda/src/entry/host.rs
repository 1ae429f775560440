//! Page-locked host memory.

use std::sync::Arc;

use crate::abi::DevicePointer;
use crate::argument::{Host, Out, address};
use crate::call::{emulator, entries, fault};
use crate::code::{Code, Result};
use crate::mapping::Mapping;
use crate::state::{Allocation, Driver, Origin};

fn allocate(out: Out<Host>, size: usize, flags: u32) -> Result<u64> {
    out.check()?;
    let mut driver = Driver::lock();
    let context = driver.current()?;
    // PORTABLE, DEVICEMAP, WRITECOMBINED.
    if flags & !7 != 0 {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    if size == 0 {
        out.put(Host(std::ptr::null_mut()))?;
        return Ok(0);
    }
    if fault(emulator()?.faults.next_allocation())? {
        return Err(Code::ERROR_OUT_OF_MEMORY);
    }
    let pages = Mapping::anonymous(size).map_err(|_| Code::ERROR_OUT_OF_MEMORY)?;
    let start = pages.start();
    driver.memory.insert_host(Allocation {
        address: start as u64,
        size: size as u64,
        context,
        origin: Origin::PinnedHost,
        pages: Some((Arc::new(pages), 0)),
    });
    out.put(Host(start.cast()))?;
    Ok(start as u64)
}

fn register(pointer: Host, size: usize) -> Result {
    let mut driver = Driver::lock();
    let context = driver.current()?;
    let start = pointer.0 as u64;
    let end = start.checked_add(size as u64).filter(|_| start != 0 && size != 0);
    let end = end.ok_or(Code::ERROR_INVALID_VALUE)?;
    let overlaps = |other: &Allocation| other.address < end && start < other.address + other.size;
    if driver.memory.live().any(overlaps) {
        return Err(Code::ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    }
    let (size, origin) = (size as u64, Origin::RegisteredHost);
    driver.memory.insert_host(Allocation { address: start, size, context, origin, pages: None });
    Ok(())
}

entries! {
    /// Allocates page-locked host memory.
    fn cuMemAllocHost_v2(pointer: Out<Host>, bytesize: usize) |call| {
        let start = allocate(pointer, bytesize, 0)?;
        call.field("host", || address(start));
        Ok(())
    }

    /// Allocates page-locked host memory, with wishes.
    fn cuMemHostAlloc(pointer: Out<Host>, bytesize: usize, flags: u32) |call| {
        let start = allocate(pointer, bytesize, flags)?;
        call.field("host", || address(start));
        Ok(())
    }

    /// Frees page-locked host memory; null is nothing to free.
    fn cuMemFreeHost(pointer: Host) |_call| {
        if pointer.0.is_null() {
            return Ok(());
        }
        let mut driver = Driver::lock();
        driver.current()?;
        driver.memory.free(pointer.0 as u64, |origin| origin == Origin::PinnedHost)
    }

    /// Page-locks the caller's memory.
    fn cuMemHostRegister_v2(pointer: Host, bytesize: usize, _flags: u32) |_call| {
        register(pointer, bytesize)
    }

    /// Ends that.
    fn cuMemHostUnregister(pointer: Host) |_call| {
        let mut driver = Driver::lock();
        driver.current()?;
        let freed = driver.memory.free(pointer.0 as u64, |origin| origin == Origin::RegisteredHost);
        freed.map_err(|_| Code::ERROR_HOST_MEMORY_NOT_REGISTERED)
    }

    /// The device's address of page-locked host memory, which is the host's.
    fn cuMemHostGetDevicePointer_v2(pointer: Out<DevicePointer>, host: Host, flags: u32) |_call| {
        let driver = Driver::lock();
        driver.current()?;
        let start = host.0 as u64;
        let known = driver.memory.find(start).is_some_and(|allocation| !allocation.origin.is_device());
        if flags != 0 || !known {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        pointer.put(start)
    }
}
