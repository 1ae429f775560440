//! The few calls that an encoder makes of `libcuda.so.1`: whichever is loaded, emulated or NVIDIA's own.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::OnceLock;

use libloading::Library;
use nvenc_emulator::Loss;

use crate::status::{Answer, Refusal, Status};

type Context = *mut c_void;
type Stream = *mut c_void;

struct Functions {
    push: unsafe extern "C" fn(Context) -> u32,
    pop: unsafe extern "C" fn(*mut Context) -> u32,
    copy_to_host: unsafe extern "C" fn(*mut c_void, u64, usize) -> u32,
    wait: unsafe extern "C" fn(Stream) -> u32,
    /// The emulated library's own: the GPU is lost, for good where not 0.
    lose: Option<unsafe extern "C" fn(i32) -> u32>,
    /// Kept open for as long as the process lives.
    _library: Library,
}

/// A CUDA context that a client opened a session on.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    context: usize,
}

impl Device {
    /// Proves that this is a context.
    pub fn new(context: usize) -> Answer<Self> {
        let device = Self { context };
        device.inside(|_| Ok(()))?;
        Ok(device)
    }

    /// Copies device memory, after what the stream has to do yet.
    pub fn read(self, address: u64, size: usize, stream: usize) -> Answer<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.inside(|cuda| {
            if stream != 0 {
                // SAFETY: the client gave this stream for as long as the session uses it.
                check("cuStreamSynchronize", unsafe { (cuda.wait)(stream as Stream) })?;
            }
            // SAFETY: `bytes` has room for `size`; CUDA itself checks that the address is device memory.
            let result = unsafe { (cuda.copy_to_host)(bytes.as_mut_ptr().cast(), address, size) };
            check("cuMemcpyDtoH", result)
        })?;
        Ok(bytes)
    }

    /// Does something with the context current. What that costs is CUDA's.
    fn inside<T>(self, body: impl FnOnce(&Functions) -> Answer<T>) -> Answer<T> {
        let cuda = functions()?;
        nvenc_emulator::account::elsewhere(|| self.with_current(cuda, body))
    }

    fn with_current<T>(self, cuda: &Functions, body: impl FnOnce(&Functions) -> Answer<T>) -> Answer<T> {
        // SAFETY: the client says that this is a context; CUDA refuses one that is destroyed.
        let pushed = unsafe { (cuda.push)(self.context as Context) };
        if pushed != 0 {
            let why = format!("the device is no CUDA context: cuCtxPushCurrent returns {pushed}");
            return Err(Refusal::new(Status::InvalidEncoderDevice, why));
        }
        let result = body(cuda);
        let mut popped = std::ptr::null_mut();
        // SAFETY: `popped` has room for a context.
        check("cuCtxPopCurrent", unsafe { (cuda.pop)(&raw mut popped) })?;
        result
    }
}

/// Has CUDA lose the GPU too, where it is emulated: every context dies, and with it other sessions.
pub fn lose(loss: Loss) {
    if let Ok(Functions { lose: Some(lose), .. }) = functions() {
        // SAFETY: a function of the emulated library's that takes a number.
        let _ = unsafe { lose(i32::from(loss == Loss::Gone)) };
    }
}

fn check(function: &str, result: u32) -> Answer {
    if result == 0 {
        return Ok(());
    }
    // Whatever CUDA cannot do with memory that was registered, a driver cannot encode from either.
    Err(Refusal::new(Status::Generic, format!("{function} returns CUDA error {result}")))
}

fn functions() -> Answer<&'static Functions> {
    static FUNCTIONS: OnceLock<Result<Functions, String>> = OnceLock::new();
    FUNCTIONS
        .get_or_init(|| load().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| Refusal::new(Status::NoEncodeDevice, format!("libcuda.so.1: {error}")))
}

fn load() -> Result<Functions, libloading::Error> {
    // SAFETY: NVIDIA's library and the emulated one may be loaded at any time, and are most often loaded already.
    // The signatures are those of the CUDA driver API.
    unsafe {
        let library = Library::new("libcuda.so.1")?;
        Ok(Functions {
            push: *library.get(b"cuCtxPushCurrent_v2\0")?,
            pop: *library.get(b"cuCtxPopCurrent_v2\0")?,
            copy_to_host: *library.get(b"cuMemcpyDtoH_v2\0")?,
            wait: *library.get(b"cuStreamSynchronize\0")?,
            lose: library.get(b"nvenc_emulator_lose_device\0").ok().map(|symbol| *symbol),
            _library: library,
        })
    }
}
