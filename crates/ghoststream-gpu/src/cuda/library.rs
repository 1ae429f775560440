//! CUDA's driver, opened.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::sync::Arc;

use super::functions::Functions;
use super::{CudaError, Device, LoadError};

/// `libcuda.so.1`, started. Clones share it.
#[derive(Clone)]
pub struct Library(Arc<Functions>);

impl Library {
    /// Opens and starts the driver. It is never closed again: it keeps threads of its own.
    ///
    /// # Errors
    /// There is none, it lacks a function, or it does not start.
    pub fn open() -> Result<Self, LoadError> {
        // SAFETY: loading NVIDIA's driver runs its constructors, which are made for that.
        let library = unsafe { libloading::Library::new("libcuda.so.1") }?;
        // SAFETY: by its name it is CUDA's driver, and it is forgotten below.
        let functions = unsafe { Functions::find(&library) };
        std::mem::forget(library);
        let this = Self(Arc::new(functions?));
        // SAFETY: a plain call; zero is the only flag that there is.
        this.check("cuInit", unsafe { (this.functions().init)(0) })?;
        Ok(this)
    }

    /// The newest CUDA that the driver speaks, major and minor.
    ///
    /// # Errors
    /// The driver failed.
    pub fn version(&self) -> Result<(u32, u32), CudaError> {
        let mut version = 0;
        // SAFETY: the place is valid for the call.
        self.check("cuDriverGetVersion", unsafe { (self.functions().driver_version)(&mut version) })?;
        let version = version.unsigned_abs();
        Ok((version / 1000, version % 1000 / 10))
    }

    /// Every device, in CUDA's order.
    ///
    /// # Errors
    /// The driver failed.
    pub fn devices(&self) -> Result<Vec<Device>, CudaError> {
        let mut count = 0;
        // SAFETY: the place is valid for the call.
        self.check("cuDeviceGetCount", unsafe { (self.functions().device_count)(&mut count) })?;
        (0..count).map(|ordinal| Device::get(self, ordinal)).collect()
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.0
    }

    /// Turns a `CUresult` into a result.
    pub(super) fn check(&self, call: &'static str, code: c_int) -> Result<(), CudaError> {
        if code == 0 {
            return Ok(());
        }
        let word = |find: unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int, otherwise: &str| {
            let mut text = std::ptr::null();
            // SAFETY: the place is valid; what is written there is a static string, or null for a
            // code that the driver does not know.
            unsafe {
                let found = find(code, &mut text) == 0 && !text.is_null();
                if found { CStr::from_ptr(text).to_string_lossy().into_owned() } else { otherwise.to_owned() }
            }
        };
        let name = word(self.functions().error_name, "unknown");
        let text = word(self.functions().error_string, "an unknown error");
        Err(CudaError { call, code, name, text })
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Library(libcuda.so.1)")
    }
}
