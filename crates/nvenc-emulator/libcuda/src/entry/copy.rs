//! Copies.

use crate::abi::{DevicePointer, Memcpy2D, Memcpy2DSide, memory_type};
use crate::argument::{Handle, Host, In, address};
use crate::call::entries;
use crate::code::Result;
use crate::copy::{Side, bytes, described};
use crate::state::Driver;

use nvenc_emulator::Call;
use serde_json::json;

/// Copies, in the order of a stream where there is one.
fn copy(stream: Option<Handle>, to: Side, from: Side, length: usize) -> Result {
    let driver = ready(stream)?;
    bytes(&driver, to, from, length)
}

fn copy_2d(call: &mut Call<'_>, stream: Option<Handle>, description: In<Memcpy2D>) -> Result {
    let description = description.get()?;
    let side = |side: &Memcpy2DSide| {
        let at = if side.memory_type == memory_type::HOST { side.host as u64 } else { side.device };
        json!({"type": side.memory_type, "at": address(at), "x": side.x, "y": side.y, "pitch": side.pitch})
    };
    call.field("from", || side(&description.src));
    call.field("to", || side(&description.dst));
    call.field("width", || description.width);
    call.field("height", || description.height);
    let driver = ready(stream)?;
    described(&driver, &description)
}

/// The driver, once what was given to the stream before is done.
fn ready(stream: Option<Handle>) -> Result<std::sync::MutexGuard<'static, Driver>> {
    let driver = Driver::lock();
    let Some(stream) = stream else {
        driver.current()?;
        return Ok(driver);
    };
    driver.context_of(stream)?;
    drop(driver);
    crate::state::wait(stream);
    Ok(Driver::lock())
}

entries! {
    /// Copies between any two places.
    fn cuMemcpy(dst: DevicePointer, src: DevicePointer, count: usize) |_call| {
        copy(None, Side::of_address(dst), Side::of_address(src), count)
    }

    /// Copies between any two places, in a stream's order.
    fn cuMemcpyAsync(dst: DevicePointer, src: DevicePointer, count: usize, stream: Handle) |_call| {
        copy(Some(stream), Side::of_address(dst), Side::of_address(src), count)
    }

    /// Copies to the device.
    fn cuMemcpyHtoD_v2(dst: DevicePointer, src: Host, count: usize) |_call| {
        copy(None, Side::Device(dst), Side::Host(src), count)
    }

    /// Copies to the device, in a stream's order.
    fn cuMemcpyHtoDAsync_v2(dst: DevicePointer, src: Host, count: usize, stream: Handle) |_call| {
        copy(Some(stream), Side::Device(dst), Side::Host(src), count)
    }

    /// Copies from the device.
    fn cuMemcpyDtoH_v2(dst: Host, src: DevicePointer, count: usize) |_call| {
        copy(None, Side::Host(dst), Side::Device(src), count)
    }

    /// Copies from the device, in a stream's order.
    fn cuMemcpyDtoHAsync_v2(dst: Host, src: DevicePointer, count: usize, stream: Handle) |_call| {
        copy(Some(stream), Side::Host(dst), Side::Device(src), count)
    }

    /// Copies on the device.
    fn cuMemcpyDtoD_v2(dst: DevicePointer, src: DevicePointer, count: usize) |_call| {
        copy(None, Side::Device(dst), Side::Device(src), count)
    }

    /// Copies on the device, in a stream's order.
    fn cuMemcpyDtoDAsync_v2(dst: DevicePointer, src: DevicePointer, count: usize, stream: Handle) |_call| {
        copy(Some(stream), Side::Device(dst), Side::Device(src), count)
    }

    /// Copies rows.
    fn cuMemcpy2D_v2(description: In<Memcpy2D>) |call| {
        copy_2d(call, None, description)
    }

    /// Copies rows, whatever their pitch.
    fn cuMemcpy2DUnaligned_v2(description: In<Memcpy2D>) |call| {
        copy_2d(call, None, description)
    }

    /// Copies rows, in a stream's order.
    fn cuMemcpy2DAsync_v2(description: In<Memcpy2D>, stream: Handle) |call| {
        copy_2d(call, Some(stream), description)
    }
}
