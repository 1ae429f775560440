//! What memory and streams belong to.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use super::functions::{BLOCKING_SYNC, RawContext};
use super::{CudaError, Device, Library};

/// A context of our own on a device. Clones share it; the last one to go destroys it.
#[derive(Clone, Debug)]
pub struct Context(Arc<Owner>);

#[derive(Debug)]
struct Owner {
    device: Device,
    raw: RawContext,
}

// SAFETY: a CUcontext may be made current on any thread; CUDA locks what threads share.
unsafe impl Send for Owner {}
// SAFETY: as above.
unsafe impl Sync for Owner {}

impl Context {
    /// A context on a device, current on no thread. Who waits for the GPU in it sleeps.
    ///
    /// # Errors
    /// The device has no memory left, or the driver failed.
    pub fn new(device: &Device) -> Result<Self, CudaError> {
        let library = device.library();
        let mut raw = ptr::null_mut();
        // SAFETY: the place is valid for the call.
        let code = unsafe { (library.functions().context_create)(&mut raw, BLOCKING_SYNC, device.raw()) };
        library.check("cuCtxCreate", code)?;
        let this = Self(Arc::new(Owner { device: device.clone(), raw }));
        // Creating it made it current; taken away here, it is current where it is pushed alone.
        drop(Current { context: &this, thread: PhantomData });
        Ok(this)
    }

    /// Makes it current on this thread until the guard goes.
    ///
    /// # Errors
    /// The driver failed.
    pub fn push(&self) -> Result<Current<'_>, CudaError> {
        let library = self.library();
        // SAFETY: the context lives as long as self.
        let code = unsafe { (library.functions().context_push)(self.0.raw) };
        library.check("cuCtxPushCurrent", code)?;
        Ok(Current { context: self, thread: PhantomData })
    }

    /// Its device.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// The `CUcontext`, for other C interfaces. It is valid as long as self lives.
    pub fn as_raw(&self) -> *mut c_void {
        self.0.raw
    }

    pub(super) fn library(&self) -> &Library {
        self.0.device.library()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: self owns the context, and all that is within it holds a clone of the owner. An
        // error leaves nothing to do: it is gone with the process.
        unsafe { (self.device.library().functions().context_destroy)(self.raw) };
    }
}

/// While it lives, the context is current on this thread.
#[derive(Debug)]
pub struct Current<'a> {
    context: &'a Context,
    /// Contexts are stacked on each thread.
    thread: PhantomData<*const ()>,
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        let mut popped = ptr::null_mut();
        // SAFETY: the place is valid for the call. Guards go in the reverse of their order on their
        // own thread, so that what is popped is what this one pushed.
        unsafe { (self.context.library().functions().context_pop)(&mut popped) };
    }
}
