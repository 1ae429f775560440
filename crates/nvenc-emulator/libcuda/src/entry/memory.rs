//! Device memory.

use std::ffi::c_void;

use crate::abi::DevicePointer;
use crate::argument::{Handle, Out, address};
use crate::call::{emulator, entries, fault};
use crate::code::{Code, Result};
use crate::copy::{Rows, Side, fill};
use crate::state::{Driver, Origin, pitch_of};

/// Allocates in the current context, unless memory is to run out now.
fn allocate(size: usize) -> Result<u64> {
    let mut driver = Driver::lock();
    let context = driver.current()?;
    if fault(emulator()?.faults.next_allocation())? {
        return Err(Code::ERROR_OUT_OF_MEMORY);
    }
    driver.memory.allocate(context, size as u64)
}

/// Sets memory, in the order of a stream where there is one.
fn set(stream: Option<Handle>, to: (u64, usize), value: &[u8], width: usize, height: usize) -> Result {
    let driver = Driver::lock();
    match stream {
        Some(stream) => driver.context_of(stream)?,
        None => driver.current()?,
    };
    fill(&driver, Rows { side: Side::Device(to.0), pitch: to.1 }, value, width, height)
}

entries! {
    /// Allocates device memory.
    fn cuMemAlloc_v2(dptr: Out<DevicePointer>, bytesize: usize) |call| {
        dptr.check()?;
        let allocated = allocate(bytesize)?;
        call.field("pointer", || address(allocated));
        dptr.put(allocated)
    }

    /// Allocates rows of device memory, whose pitch the driver chooses.
    fn cuMemAllocPitch_v2(
        dptr: Out<DevicePointer>, pitch: Out<usize>, width: usize, height: usize, element: u32
    ) |call| {
        dptr.check()?;
        pitch.check()?;
        let chosen = pitch_of(width).ok_or(Code::ERROR_INVALID_VALUE)?;
        if !matches!(element, 4 | 8 | 16) || width == 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let allocated = allocate(chosen.checked_mul(height).ok_or(Code::ERROR_OUT_OF_MEMORY)?)?;
        call.field("pointer", || address(allocated));
        call.field("pitch", || chosen);
        pitch.put(chosen)?;
        dptr.put(allocated)
    }

    /// Frees device memory by its first address; null is nothing to free.
    fn cuMemFree_v2(dptr: DevicePointer) |_call| {
        if dptr == 0 {
            return Ok(());
        }
        let mut driver = Driver::lock();
        driver.current()?;
        driver.memory.free(dptr, Origin::is_device)
    }

    /// Device memory, free and in all.
    fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) |_call| {
        let driver = Driver::lock();
        driver.current()?;
        let info = driver.memory.info();
        free.put(info.0 as usize)?;
        total.put(info.1 as usize)
    }

    /// The allocation that an address is in.
    fn cuMemGetAddressRange_v2(base: Out<DevicePointer>, size: Out<usize>, dptr: DevicePointer) |_call| {
        let driver = Driver::lock();
        driver.current()?;
        let allocation = driver.memory.find(dptr).ok_or(Code::ERROR_NOT_FOUND)?;
        base.put_if_wanted(allocation.address);
        size.put_if_wanted(allocation.size as usize);
        Ok(())
    }

    /// What is known of an address: context, kind of memory, device and host pointers.
    fn cuPointerGetAttribute(data: Out<c_void>, attribute: u32, ptr: DevicePointer) |_call| {
        data.check()?;
        let driver = Driver::lock();
        let allocation = driver.memory.find(ptr).ok_or(Code::ERROR_INVALID_VALUE)?;
        let is_device = allocation.origin.is_device();
        match attribute {
            1 => data.cast().put(allocation.context),
            2 => data.cast().put(if is_device { 2_u32 } else { 1 }),
            3 => data.cast().put(ptr),
            4 if is_device => Err(Code::ERROR_INVALID_VALUE),
            4 => data.cast().put(ptr),
            8 => data.cast().put(false),
            9 => data.cast().put(crate::state::DEVICE),
            11 => data.cast().put(allocation.address),
            12 => data.cast().put(allocation.size as usize),
            13 => data.cast().put(true),
            // What there is beyond these is of newer kinds of memory, which nobody can have made.
            5..=21 => Err(Code::ERROR_NOT_SUPPORTED),
            _ => Err(Code::ERROR_INVALID_VALUE),
        }
    }

    /// Sets bytes.
    fn cuMemsetD8_v2(dst: DevicePointer, value: u8, count: usize) |_call| {
        set(None, (dst, count), &[value], count, 1)
    }

    /// Sets bytes, in a stream's order.
    fn cuMemsetD8Async(dst: DevicePointer, value: u8, count: usize, stream: Handle) |_call| {
        set(Some(stream), (dst, count), &[value], count, 1)
    }

    /// Sets words of two bytes.
    fn cuMemsetD16_v2(dst: DevicePointer, value: u16, count: usize) |_call| {
        set(None, (dst, 2), &value.to_ne_bytes(), count, 1)
    }

    /// Sets words of two bytes, in a stream's order.
    fn cuMemsetD16Async(dst: DevicePointer, value: u16, count: usize, stream: Handle) |_call| {
        set(Some(stream), (dst, 2), &value.to_ne_bytes(), count, 1)
    }

    /// Sets words of four bytes.
    fn cuMemsetD32_v2(dst: DevicePointer, value: u32, count: usize) |_call| {
        set(None, (dst, 4), &value.to_ne_bytes(), count, 1)
    }

    /// Sets words of four bytes, in a stream's order.
    fn cuMemsetD32Async(dst: DevicePointer, value: u32, count: usize, stream: Handle) |_call| {
        set(Some(stream), (dst, 4), &value.to_ne_bytes(), count, 1)
    }

    /// Sets rows of bytes.
    fn cuMemsetD2D8_v2(dst: DevicePointer, pitch: usize, value: u8, width: usize, height: usize) |_call| {
        set(None, (dst, pitch), &[value], width, height)
    }

    /// Sets rows of bytes, in a stream's order.
    fn cuMemsetD2D8Async(
        dst: DevicePointer, pitch: usize, value: u8, width: usize, height: usize, stream: Handle
    ) |_call| {
        set(Some(stream), (dst, pitch), &[value], width, height)
    }

    /// Sets rows of words of two bytes.
    fn cuMemsetD2D16_v2(dst: DevicePointer, pitch: usize, value: u16, width: usize, height: usize) |_call| {
        set(None, (dst, pitch), &value.to_ne_bytes(), width, height)
    }

    /// Sets rows of words of two bytes, in a stream's order.
    fn cuMemsetD2D16Async(
        dst: DevicePointer, pitch: usize, value: u16, width: usize, height: usize, stream: Handle
    ) |_call| {
        set(Some(stream), (dst, pitch), &value.to_ne_bytes(), width, height)
    }
}
