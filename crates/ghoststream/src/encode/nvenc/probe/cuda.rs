//! As much of CUDA's driver interface as the probe needs.
//!
//! [The interface](https://docs.nvidia.com/cuda/cuda-driver-api/) is stable: every function here has
//! been the same since CUDA 4.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::time::{Duration, Instant};

use libloading::Library;

use super::answer::Answer;
use super::child::Report;

/// `CUresult`; zero is success.
type Code = c_int;
/// `CUdevice`, a number.
type Ordinal = c_int;
/// `CUdeviceptr`.
type Pointer = u64;
/// `CUcontext`, opaque.
pub(super) type ContextHandle = *mut c_void;

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `_MINOR`.
const COMPUTE_CAPABILITY: [c_int; 2] = [75, 76];

const RESTART: &str = "check it with nvidia-smi; after a driver update, restart the machine";

/// `libcuda.so.1`, initialised.
pub(super) struct Cuda {
    get_error_name: unsafe extern "C" fn(Code, *mut *const c_char) -> Code,
    driver_get_version: unsafe extern "C" fn(*mut c_int) -> Code,
    device_get_count: unsafe extern "C" fn(*mut c_int) -> Code,
    device_get: unsafe extern "C" fn(*mut Ordinal, c_int) -> Code,
    device_get_name: unsafe extern "C" fn(*mut c_char, c_int, Ordinal) -> Code,
    device_get_pci_bus_id: unsafe extern "C" fn(*mut c_char, c_int, Ordinal) -> Code,
    device_get_attribute: unsafe extern "C" fn(*mut c_int, c_int, Ordinal) -> Code,
    /// Drivers before CUDA 9.2 have none.
    device_get_uuid: Option<unsafe extern "C" fn(*mut [u8; 16], Ordinal) -> Code>,
    ctx_create: unsafe extern "C" fn(*mut ContextHandle, c_uint, Ordinal) -> Code,
    ctx_destroy: unsafe extern "C" fn(ContextHandle) -> Code,
    ctx_synchronize: unsafe extern "C" fn() -> Code,
    mem_alloc: unsafe extern "C" fn(*mut Pointer, usize) -> Code,
    mem_free: unsafe extern "C" fn(Pointer) -> Code,
    memset_d8: unsafe extern "C" fn(Pointer, u8, usize) -> Code,
}

/// A GPU, as CUDA describes it.
pub(super) struct Device {
    ordinal: Ordinal,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) uuid: Option<[u8; 16]>,
    pub(super) compute: (u32, u32),
}

/// A context on a GPU, current on this thread.
pub(super) struct Context<'a> {
    cuda: &'a Cuda,
    pub(super) handle: ContextHandle,
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: the context is ours, and this thread's; nothing uses it any more.
        unsafe { (self.cuda.ctx_destroy)(self.handle) };
    }
}

/// The function of this name.
///
/// # Safety
/// `F` is its type.
pub(super) unsafe fn function<F: Copy>(library: &Library, name: &str) -> Result<F, Answer> {
    // SAFETY: the caller's promise.
    let found = unsafe { library.get::<F>(name.as_bytes()) };
    let missing =
        |_| Answer::refused(format!("the NVIDIA driver's library has no {name}"), "update NVIDIA's driver");
    found.map(|it| *it).map_err(missing)
}

impl Cuda {
    /// Loads and initialises it.
    pub(super) fn load(report: &mut Report) -> Result<Self, Answer> {
        report.step("loading libcuda.so.1");
        // SAFETY: the driver's library is trusted to be loaded. Never unloaded: its threads run on.
        let library = unsafe { Library::new("libcuda.so.1") };
        let library = Box::leak(Box::new(library.map_err(|error| {
            let reason = format!("libcuda.so.1 cannot be loaded: no NVIDIA driver is installed ({error})");
            Answer::refused(reason, "install NVIDIA's driver, 525 or newer, or use a software encoder")
        })?));
        // SAFETY: names and types are those of CUDA's header.
        let cuda = unsafe {
            Self {
                get_error_name: function(library, "cuGetErrorName")?,
                driver_get_version: function(library, "cuDriverGetVersion")?,
                device_get_count: function(library, "cuDeviceGetCount")?,
                device_get: function(library, "cuDeviceGet")?,
                device_get_name: function(library, "cuDeviceGetName")?,
                device_get_pci_bus_id: function(library, "cuDeviceGetPCIBusId")?,
                device_get_attribute: function(library, "cuDeviceGetAttribute")?,
                device_get_uuid: function(library, "cuDeviceGetUuid").ok(),
                ctx_create: function(library, "cuCtxCreate_v2")?,
                ctx_destroy: function(library, "cuCtxDestroy_v2")?,
                ctx_synchronize: function(library, "cuCtxSynchronize")?,
                mem_alloc: function(library, "cuMemAlloc_v2")?,
                mem_free: function(library, "cuMemFree_v2")?,
                memset_d8: function(library, "cuMemsetD8_v2")?,
            }
        };
        report.step("cuInit");
        // SAFETY: the type is that of CUDA's header; it is called once, and takes no flags.
        let code = unsafe {
            let init: unsafe extern "C" fn(c_uint) -> Code = function(library, "cuInit")?;
            init(0)
        };
        match cuda.check(code) {
            Ok(()) => Ok(cuda),
            Err(name) if name == "CUDA_ERROR_NO_DEVICE" => Err(no_gpu()),
            Err(name) => Err(Answer::refused(
                format!("the NVIDIA driver does not start: cuInit answers {name}"),
                RESTART,
            )),
        }
    }

    /// The newest CUDA that the driver speaks.
    pub(super) fn version(&self) -> (u32, u32) {
        let mut version = 0;
        // SAFETY: writes one number. On failure it stays zero, which says "unknown".
        unsafe { (self.driver_get_version)(&raw mut version) };
        let version = version.max(0) as u32;
        (version / 1000, version % 1000 / 10)
    }

    /// The GPUs, in CUDA's order.
    pub(super) fn devices(&self, report: &mut Report) -> Result<Vec<Device>, Answer> {
        report.step("cuDeviceGetCount");
        let mut count = 0;
        // SAFETY: writes one number.
        let code = unsafe { (self.device_get_count)(&raw mut count) };
        self.check(code).map_err(|name| failed("cuDeviceGetCount", &name))?;
        if count <= 0 {
            return Err(no_gpu());
        }
        (0..count).map(|it| self.device(it)).collect()
    }

    fn device(&self, index: c_int) -> Result<Device, Answer> {
        let (mut ordinal, mut name, mut address) = (0, [0; 256], [0; 32]);
        // SAFETY: writes one number.
        let code = unsafe { (self.device_get)(&raw mut ordinal, index) };
        self.check(code).map_err(|it| failed("cuDeviceGet", &it))?;
        // SAFETY: the buffers are ours and their lengths true; both stay text that ends with a NUL.
        let code = unsafe { (self.device_get_name)(name.as_mut_ptr(), 255, ordinal) };
        self.check(code).map_err(|it| failed("cuDeviceGetName", &it))?;
        // SAFETY: as above.
        let code = unsafe { (self.device_get_pci_bus_id)(address.as_mut_ptr(), 31, ordinal) };
        self.check(code).map_err(|it| failed("cuDeviceGetPCIBusId", &it))?;
        let mut compute = [0; 2];
        for (value, attribute) in compute.iter_mut().zip(COMPUTE_CAPABILITY) {
            // SAFETY: writes one number. On failure it stays zero, which says "unknown".
            unsafe { (self.device_get_attribute)(value, attribute, ordinal) };
        }
        let [major, minor] = compute.map(|it| it.max(0) as u32);
        // PCI addresses are written in small letters elsewhere.
        let address = text(&address).to_lowercase();
        let uuid = self.device_get_uuid.and_then(|get| {
            let mut uuid = [0; 16];
            // SAFETY: writes 16 bytes.
            (unsafe { get(&raw mut uuid, ordinal) } == 0).then_some(uuid)
        });
        Ok(Device { ordinal, name: text(&name), address, uuid, compute: (major, minor) })
    }

    /// A context on a GPU; the code's name where there is none to be had.
    pub(super) fn context(&self, device: &Device) -> Result<Context<'_>, String> {
        let mut handle = ptr::null_mut();
        // SAFETY: writes one handle, which the result owns.
        let code = unsafe { (self.ctx_create)(&raw mut handle, 0, device.ordinal) };
        self.check(code)?;
        Ok(Context { cuda: self, handle })
    }

    /// Keeps a GPU's memory busy for so long, and calls `look` every few milliseconds meanwhile.
    pub(super) fn work(&self, device: &Device, length: Duration, mut look: impl FnMut()) -> Option<()> {
        /// Enough that clearing it takes about a millisecond.
        const BYTES: usize = 256 << 20;
        let _context = self.context(device).ok()?;
        let mut memory = 0;
        // SAFETY: writes one address, which is given back below; the context is current.
        let code = unsafe { (self.mem_alloc)(&raw mut memory, BYTES) };
        self.check(code).ok()?;
        let end = Instant::now() + length;
        let mut works = true;
        while works && Instant::now() < end {
            // SAFETY: the memory is as long as it is said to be.
            works = unsafe { (0..4).all(|_| (self.memset_d8)(memory, 0, BYTES) == 0) };
            look();
            // SAFETY: waits for what was begun above.
            works &= unsafe { (self.ctx_synchronize)() } == 0;
        }
        // SAFETY: it is ours, and nothing uses it any more.
        unsafe { (self.mem_free)(memory) };
        works.then_some(())
    }

    /// The name of a code that is no success.
    fn check(&self, code: Code) -> Result<(), String> {
        if code == 0 {
            return Ok(());
        }
        let mut name = ptr::null();
        // SAFETY: writes a pointer to a static string, or null.
        let known = unsafe { (self.get_error_name)(code, &raw mut name) } == 0 && !name.is_null();
        if !known {
            return Err(format!("error {code}"));
        }
        // SAFETY: it is static and ends with a NUL.
        Err(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    }
}

fn failed(call: &str, name: &str) -> Answer {
    Answer::refused(format!("the NVIDIA driver fails: {call} answers {name}"), RESTART)
}

fn no_gpu() -> Answer {
    Answer::refused(
        "the NVIDIA driver is installed, but there is no NVIDIA GPU that it can use",
        "check that the GPU is there (nvidia-smi), and that this user or container may use it",
    )
}

/// The text in a buffer, up to its NUL.
fn text(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> = buffer.iter().map(|it| *it as u8).take_while(|it| *it != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
