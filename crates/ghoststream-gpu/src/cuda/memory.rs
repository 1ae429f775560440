//! Device memory, and host memory that the device reads directly.

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use super::functions::DevicePointer;
use super::{Context, CudaError};

/// Memory of a device, not initialised.
#[derive(Debug)]
pub struct DeviceBuffer {
    context: Context,
    address: DevicePointer,
    length: usize,
}

impl DeviceBuffer {
    /// So many bytes.
    ///
    /// # Errors
    /// The device has no memory left, or the length is zero.
    pub fn new(context: &Context, length: usize) -> Result<Self, CudaError> {
        let _current = context.push()?;
        let library = context.library();
        let mut address = 0;
        // SAFETY: the place is valid for the call, and the context current.
        let code = unsafe { (library.functions().memory_alloc)(&mut address, length) };
        library.check("cuMemAlloc", code)?;
        Ok(Self { context: context.clone(), address, length })
    }

    /// Its `CUdeviceptr`. It is no address of this process.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Bytes.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Never: there is no buffer of no bytes.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        let Ok(_current) = self.context.push() else { return };
        // SAFETY: self owns the memory. Copies under way into it are waited for by CUDA.
        unsafe { (self.context.library().functions().memory_free)(self.address) };
    }
}

/// Host memory whose pages stay where they are, so that a device copies from it without a detour.
#[derive(Debug)]
pub struct PinnedBuffer {
    context: Context,
    data: NonNull<u8>,
    length: usize,
}

// SAFETY: it is plain memory, and self its only owner.
unsafe impl Send for PinnedBuffer {}
// SAFETY: through `&PinnedBuffer` it is only read.
unsafe impl Sync for PinnedBuffer {}

impl PinnedBuffer {
    /// So many bytes, all zero.
    ///
    /// # Errors
    /// There is no memory left that may be pinned, or the length is zero.
    pub fn new(context: &Context, length: usize) -> Result<Self, CudaError> {
        let _current = context.push()?;
        let library = context.library();
        let mut data: *mut c_void = ptr::null_mut();
        // SAFETY: the place is valid for the call, and the context current.
        let code = unsafe { (library.functions().host_alloc)(&mut data, length) };
        library.check("cuMemAllocHost", code)?;
        let data = NonNull::new(data.cast::<u8>()).ok_or_else(|| {
            let (name, text) = ("CUDA_ERROR_OUT_OF_MEMORY".to_owned(), "out of memory".to_owned());
            CudaError { call: "cuMemAllocHost", code: 2, name, text }
        })?;
        // SAFETY: CUDA gave so many bytes, which are ours alone.
        unsafe { data.as_ptr().write_bytes(0, length) };
        Ok(Self { context: context.clone(), data, length })
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are ours, and were written when they were allocated.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.length) }
    }

    /// The bytes, for writing.
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and &mut self says that no one else reads them.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.length) }
    }
}

impl Drop for PinnedBuffer {
    fn drop(&mut self) {
        let Ok(_current) = self.context.push() else { return };
        // SAFETY: self owns the memory; copies from it hold it until they are done.
        unsafe { (self.context.library().functions().host_free)(self.data.as_ptr().cast()) };
    }
}
