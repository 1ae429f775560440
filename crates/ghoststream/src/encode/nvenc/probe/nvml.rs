//! What goes on on the GPUs, from the driver's management library.
//!
//! [NVML](https://docs.nvidia.com/deploy/nvml-api/) comes with every driver. Where it is missing or
//! does not say something, that is not known, and nothing fails.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::time::Duration;

use libloading::Library;

use super::answer::{Activity, MemoryClock};
use super::child::Report;
use super::cuda::{Cuda, Device, function};

/// `nvmlReturn_t`; zero is success.
type Code = c_int;
/// `nvmlDevice_t`, opaque.
type Handle = *mut c_void;
type GetNumber = unsafe extern "C" fn(Handle, *mut c_uint) -> Code;
type GetClock = unsafe extern "C" fn(Handle, c_uint, *mut c_uint) -> Code;

/// `NVML_CLOCK_MEM`.
const CLOCK_MEM: c_uint = 2;
/// `NVML_PSTATE_UNKNOWN`, and above it nothing that is a state.
const STATE_UNKNOWN: u32 = 32;

/// How long CUDA works before the clock has settled.
const SETTLING: Duration = Duration::from_millis(400);

/// `libnvidia-ml.so.1`, initialised.
struct Nvml {
    device_by_address: unsafe extern "C" fn(*const c_char, *mut Handle) -> Code,
    encoder_stats: unsafe extern "C" fn(Handle, *mut c_uint, *mut c_uint, *mut c_uint) -> Code,
    encoder_utilization: unsafe extern "C" fn(Handle, *mut c_uint, *mut c_uint) -> Code,
    performance_state: GetNumber,
    clock: GetClock,
    max_clock: GetClock,
}

/// What goes on on each GPU, as far as it can be told.
pub(super) fn activity(cuda: &Cuda, devices: &[Device], report: &mut Report) -> Vec<Activity> {
    let Some(nvml) = Nvml::load(report) else { return Vec::new() };
    devices.iter().filter_map(|it| nvml.of(cuda, it, report)).collect()
}

impl Nvml {
    fn load(report: &mut Report) -> Option<Self> {
        report.step("loading libnvidia-ml.so.1");
        // SAFETY: the driver's library is trusted to be loaded. Never unloaded.
        let library = Box::leak(Box::new(unsafe { Library::new("libnvidia-ml.so.1") }.ok()?));
        report.step("nvmlInit");
        // SAFETY: names and types are those of NVML's header.
        unsafe {
            let init: unsafe extern "C" fn() -> Code = function(library, "nvmlInit_v2").ok()?;
            if init() != 0 {
                return None;
            }
            Some(Self {
                device_by_address: function(library, "nvmlDeviceGetHandleByPciBusId_v2").ok()?,
                encoder_stats: function(library, "nvmlDeviceGetEncoderStats").ok()?,
                encoder_utilization: function(library, "nvmlDeviceGetEncoderUtilization").ok()?,
                performance_state: function(library, "nvmlDeviceGetPerformanceState").ok()?,
                clock: function(library, "nvmlDeviceGetClockInfo").ok()?,
                max_clock: function(library, "nvmlDeviceGetMaxClockInfo").ok()?,
            })
        }
    }

    fn of(&self, cuda: &Cuda, device: &Device, report: &mut Report) -> Option<Activity> {
        report.step(format!("nvmlDeviceGetEncoderStats on {}", device.name));
        let address = CString::new(device.address.as_str()).ok()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the text ends with a NUL; writes one handle, which NVML keeps.
        if unsafe { (self.device_by_address)(address.as_ptr(), &raw mut handle) } != 0 {
            return None;
        }
        let (mut sessions, mut fps, mut latency) = (0, 0, 0);
        // SAFETY: the handle is NVML's; writes three numbers.
        let code = unsafe { (self.encoder_stats)(handle, &raw mut sessions, &raw mut fps, &raw mut latency) };
        let sessions = (code == 0).then_some(sessions);
        let (mut percent, mut period) = (0, 0);
        // SAFETY: as above; writes two numbers.
        let code = unsafe { (self.encoder_utilization)(handle, &raw mut percent, &raw mut period) };
        let encoder_percent = (code == 0).then_some(percent);
        report.step(format!("working with CUDA on {}", device.name));
        let memory = self.memory_under(cuda, device, handle);
        Some(Activity { address: device.address.clone(), sessions, encoder_percent, memory })
    }

    /// The memory clock while CUDA works.
    fn memory_under(&self, cuda: &Cuda, device: &Device, handle: Handle) -> Option<MemoryClock> {
        let max_mhz = clock(self.max_clock, handle)?;
        let mut best: Option<MemoryClock> = None;
        cuda.work(device, SETTLING, || {
            let (Some(cuda_mhz), Some(state)) = (clock(self.clock, handle), self.state(handle)) else {
                return;
            };
            if best.is_none_or(|it| cuda_mhz > it.cuda_mhz) {
                best = Some(MemoryClock { max_mhz, cuda_mhz, state });
            }
        })?;
        best
    }

    fn state(&self, handle: Handle) -> Option<u32> {
        let mut state = STATE_UNKNOWN;
        // SAFETY: the handle is NVML's; writes one number.
        let code = unsafe { (self.performance_state)(handle, &raw mut state) };
        (code == 0 && state < STATE_UNKNOWN).then_some(state)
    }
}

/// The memory clock that a function tells, in MHz.
fn clock(ask: GetClock, handle: Handle) -> Option<u32> {
    let mut mhz = 0;
    // SAFETY: the handle is NVML's; writes one number.
    let code = unsafe { ask(handle, CLOCK_MEM, &raw mut mhz) };
    (code == 0 && mhz > 0).then_some(mhz)
}
