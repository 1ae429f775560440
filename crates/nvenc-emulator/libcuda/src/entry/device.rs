//! The driver, its errors, and the device.

use std::ffi::{c_char, c_int};

use nvenc_emulator::Loss;

use crate::argument::{Out, Text};
use crate::attribute;
use crate::call::{emulator, entries, fault};
use crate::code::{Code, name_and_text};
use crate::leaks;
use crate::state::{DEVICE, Driver, check_device};

/// A `CUuuid`.
pub type Uuid = [u8; 16];

entries! {
    /// Finds the GPU.
    any time fn cuInit(flags: u32) |_call| {
        let emulator = emulator()?;
        fault(emulator.crash_or_hang())?;
        if flags != 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        if emulator.trace.is_on() {
            leaks::watch();
        }
        Driver::lock().initialize()
    }

    /// The newest CUDA that the driver speaks: 12080 is 12.8.
    any time fn cuDriverGetVersion(version: Out<c_int>) |call| {
        let (major, minor) = emulator()?.machine.driver.cuda;
        let number = (major * 1000 + minor * 10) as c_int;
        call.field("version", || number);
        version.put(number)
    }

    /// A code's name.
    any time fn cuGetErrorName(error: u32, name: Out<*const c_char>) |_call| {
        let known = name_and_text(error);
        name.put(known.map_or(std::ptr::null(), |(name, _)| name.as_ptr()))?;
        known.map(drop).ok_or(Code::ERROR_INVALID_VALUE)
    }

    /// A code's meaning.
    any time fn cuGetErrorString(error: u32, text: Out<*const c_char>) |_call| {
        let known = name_and_text(error);
        text.put(known.map_or(std::ptr::null(), |(_, text)| text.as_ptr()))?;
        known.map(drop).ok_or(Code::ERROR_INVALID_VALUE)
    }

    /// How many GPUs there are: one.
    fn cuDeviceGetCount(count: Out<c_int>) |_call| {
        count.put(1)
    }

    /// The GPU of a number.
    fn cuDeviceGet(device: Out<c_int>, ordinal: c_int) |_call| {
        check_device(ordinal)?;
        device.put(DEVICE)
    }

    /// Its marketing name.
    fn cuDeviceGetName(name: Out<c_char>, len: c_int, dev: c_int) |_call| {
        check_device(dev)?;
        name.put_text(&emulator()?.machine.gpu.name, len)
    }

    /// Its UUID.
    fn cuDeviceGetUuid(uuid: Out<Uuid>, dev: c_int) |_call| {
        check_device(dev)?;
        uuid.put(emulator()?.uuid())
    }

    /// Its UUID, which differs from the first version's on parts of a GPU only.
    fn cuDeviceGetUuid_v2(uuid: Out<Uuid>, dev: c_int) |_call| {
        check_device(dev)?;
        uuid.put(emulator()?.uuid())
    }

    /// A name of Windows's.
    fn cuDeviceGetLuid(_luid: Out<c_char>, _device_node_mask: Out<u32>, dev: c_int) |_call| {
        check_device(dev)?;
        Err(Code::ERROR_NOT_SUPPORTED)
    }

    /// The GPU at an address, such as `0000:01:00.0`; domain and function may be left out.
    fn cuDeviceGetByPCIBusId(dev: Out<c_int>, pci_bus_id: Text) |_call| {
        let text = pci_bus_id.get()?.to_ascii_lowercase();
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)) {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let full = attribute::ADDRESS;
        let known = [full, &full[5..], full.trim_end_matches(".0"), full[5..].trim_end_matches(".0")];
        if !known.contains(&text.as_str()) {
            return Err(Code::ERROR_INVALID_DEVICE);
        }
        dev.put(DEVICE)
    }

    /// Where it sits. An address is not cut short, as a name is.
    fn cuDeviceGetPCIBusId(pci_bus_id: Out<c_char>, len: c_int, dev: c_int) |_call| {
        check_device(dev)?;
        if len <= attribute::ADDRESS.len() as c_int {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        pci_bus_id.put_text(attribute::ADDRESS, len)
    }

    /// Its compute capability.
    fn cuDeviceComputeCapability(major: Out<c_int>, minor: Out<c_int>, dev: c_int) |_call| {
        check_device(dev)?;
        let capability = emulator()?.machine.gpu.compute;
        major.put(capability.0 as c_int)?;
        minor.put(capability.1 as c_int)
    }

    /// One of its attributes.
    fn cuDeviceGetAttribute(value: Out<c_int>, attribute: u32, dev: c_int) |call| {
        check_device(dev)?;
        let found = attribute::value(emulator()?.machine.gpu, attribute).ok_or(Code::ERROR_INVALID_VALUE)?;
        call.field("value", || found);
        value.put(found)
    }

    /// Its memory in bytes.
    fn cuDeviceTotalMem_v2(bytes: Out<usize>, dev: c_int) |_call| {
        check_device(dev)?;
        bytes.put((emulator()?.machine.gpu.memory_mib << 20) as usize)
    }

    /// Whether one GPU reads the other's memory: there is only one.
    fn cuDeviceCanAccessPeer(can: Out<c_int>, dev: c_int, peer: c_int) |_call| {
        check_device(dev)?;
        check_device(peer)?;
        can.put(0)
    }

    /// Not of CUDA: the emulated encoder tells that the GPU is lost, for good where `gone` is not 0.
    any time fn nvenc_emulator_lose_device(gone: c_int) |_call| {
        Driver::lock().lose(if gone == 0 { Loss::Reset } else { Loss::Gone });
        Ok(())
    }
}

/// CPU time that this library has taken so far, in nanoseconds: the emulator's own, for benches. It is no
/// call of CUDA's, and not traced.
#[unsafe(no_mangle)]
pub extern "C" fn nvenc_emulator_cuda_cpu_time() -> u64 {
    nvenc_emulator::account::cpu_time().as_nanos() as u64
}
