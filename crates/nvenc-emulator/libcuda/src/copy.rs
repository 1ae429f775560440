//! Where bytes move: every one of them is checked to lie where it may.

use crate::abi::{Memcpy2D, Memcpy2DSide, memory_type};
use crate::argument::Host;
use crate::code::{Code, Result};
use crate::state::{DEVICE_SPACE, Driver};

/// One side of a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// Device memory, or page-locked host memory that has a device address.
    Device(u64),
    /// The caller's memory, which the caller answers for.
    Host(Host),
}

impl Side {
    /// Whichever the address says.
    pub(crate) fn of_address(address: u64) -> Self {
        if address >= DEVICE_SPACE {
            Self::Device(address)
        } else {
            Self::Host(Host(address as usize as *mut _))
        }
    }

    /// Where so many bytes really are.
    fn locate(self, driver: &Driver, length: u64) -> Result<*mut u8> {
        match self {
            Self::Device(address) => {
                let allocation = driver.memory.find_range(address, length);
                Ok(allocation.ok_or(Code::ERROR_INVALID_VALUE)?.real(address))
            }
            Self::Host(Host(pointer)) if pointer.is_null() => Err(Code::ERROR_INVALID_VALUE),
            Self::Host(Host(pointer)) => Ok(pointer.cast()),
        }
    }
}

/// Rows on one side of a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// Where the first begins.
    pub(crate) side: Side,
    /// From one to the next, in bytes.
    pub(crate) pitch: usize,
}

/// Copies bytes.
pub(crate) fn bytes(driver: &Driver, to: Side, from: Side, length: usize) -> Result {
    rows(driver, Rows { side: to, pitch: length }, Rows { side: from, pitch: length }, length, 1)
}

/// Copies rows of `width` bytes.
pub(crate) fn rows(driver: &Driver, to: Rows, from: Rows, width: usize, height: usize) -> Result {
    if width == 0 || height == 0 {
        return Ok(());
    }
    let target = locate_rows(driver, to, width, height)?;
    let source = locate_rows(driver, from, width, height)?;
    for row in 0..height {
        // SAFETY: device memory was found to hold all rows, and lives while the driver is locked; for host
        // memory the caller of the exported function answers. They may overlap, which `copy` allows.
        unsafe {
            let target = target.wrapping_add(row * to.pitch);
            std::ptr::copy(source.wrapping_add(row * from.pitch), target, width);
        }
    }
    Ok(())
}

/// Sets rows of `width` elements to one value, whose bytes are given.
pub(crate) fn fill(driver: &Driver, to: Rows, value: &[u8], width: usize, height: usize) -> Result {
    let Side::Device(address) = to.side else { return Err(Code::ERROR_INVALID_VALUE) };
    if !address.is_multiple_of(value.len() as u64) || !to.pitch.is_multiple_of(value.len()) {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    let bytes = width.checked_mul(value.len()).ok_or(Code::ERROR_INVALID_VALUE)?;
    if bytes == 0 || height == 0 {
        return Ok(());
    }
    let target = locate_rows(driver, to, bytes, height)?;
    let row = value.repeat(width);
    for number in 0..height {
        // SAFETY: as in `rows`; the row is ours.
        unsafe { std::ptr::copy(row.as_ptr(), target.wrapping_add(number * to.pitch), bytes) };
    }
    Ok(())
}

fn locate_rows(driver: &Driver, rows: Rows, width: usize, height: usize) -> Result<*mut u8> {
    if height > 1 && rows.pitch < width {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    let above = rows.pitch.checked_mul(height - 1);
    let length = above.and_then(|above| above.checked_add(width)).ok_or(Code::ERROR_INVALID_VALUE)?;
    rows.side.locate(driver, length as u64)
}

/// What `cuMemcpy2D` describes.
pub(crate) fn described(driver: &Driver, copy: &Memcpy2D) -> Result {
    let to = described_side(&copy.dst, copy)?;
    let from = described_side(&copy.src, copy)?;
    rows(driver, to, from, copy.width, copy.height)
}

fn described_side(side: &Memcpy2DSide, copy: &Memcpy2D) -> Result<Rows> {
    // Without a pitch rows lie one after the other.
    let pitch = if side.pitch == 0 { copy.width } else { side.pitch };
    let fits = side.x.checked_add(copy.width).is_some_and(|width| width <= pitch);
    let skipped = side.y.checked_mul(pitch).and_then(|rows| rows.checked_add(side.x));
    let (true, Some(skipped)) = (fits, skipped) else { return Err(Code::ERROR_INVALID_VALUE) };
    let device = || side.device.checked_add(skipped as u64).ok_or(Code::ERROR_INVALID_VALUE);
    let side = match side.memory_type {
        memory_type::HOST if side.host.is_null() => return Err(Code::ERROR_INVALID_VALUE),
        memory_type::HOST => Side::Host(Host(side.host.cast::<u8>().wrapping_add(skipped).cast())),
        memory_type::DEVICE => Side::Device(device()?),
        memory_type::UNIFIED => Side::of_address(device()?),
        // Arrays, which nobody can have made.
        _ => return Err(Code::ERROR_INVALID_VALUE),
    };
    Ok(Rows { side, pitch })
}
