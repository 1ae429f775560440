//! Memory and timelines of Vulkan's, as CUDA sees them.
//!
//! Both come by a descriptor, once: what Vulkan writes to a buffer is at its address here, and a stream
//! waits on the device for what Vulkan's queue has reached, without the CPU.

use std::os::fd::{IntoRawFd, OwnedFd};
use std::ptr;

use super::functions::{
    DEDICATED, DevicePointer, MappedBuffer, MemoryHandle, OPAQUE_FD, RawExternal, SemaphoreHandle,
    TIMELINE_FD, WaitParameters,
};
use super::{Context, CudaError, Stream};

/// A buffer of Vulkan's in the same device's memory.
#[derive(Debug)]
pub struct ExternalMemory {
    context: Context,
    raw: RawExternal,
    address: DevicePointer,
}

// SAFETY: handles of CUDA's have no thread affinity; the context is made current where they are used.
unsafe impl Send for ExternalMemory {}
// SAFETY: as above; nothing is changed through a reference.
unsafe impl Sync for ExternalMemory {}

impl ExternalMemory {
    /// Imports what [`Buffer::export`](crate::vulkan::Buffer::export) gave: an allocation of so many bytes
    /// that is all the buffer's. The device must be the same, by its UUID.
    ///
    /// # Errors
    /// The driver cannot; the memory is another device's.
    pub fn import(context: &Context, descriptor: OwnedFd, allocation: u64) -> Result<Self, CudaError> {
        let _current = context.push()?;
        let (library, functions) = (context.library(), context.library().functions());
        let handle = MemoryHandle {
            kind: OPAQUE_FD,
            // It is the driver's from here on: NVIDIA's closes it also where the import fails.
            descriptor: descriptor.into_raw_fd().into(),
            name: 0,
            size: allocation,
            flags: DEDICATED,
            reserved: [0; 16],
        };
        let mut raw = ptr::null_mut();
        // SAFETY: both places are valid for the call; the descriptor is open, and ours to give away.
        let code = unsafe { (functions.external_memory_import)(&mut raw, &handle) };
        library.check("cuImportExternalMemory", code)?;
        let mut this = Self { context: context.clone(), raw, address: 0 };
        let part = MappedBuffer { offset: 0, size: allocation, flags: 0, reserved: [0; 16] };
        // SAFETY: both places are valid for the call, and the import lives.
        let code = unsafe { (functions.external_memory_map)(&mut this.address, raw, &part) };
        library.check("cuExternalMemoryGetMappedBuffer", code)?;
        Ok(this)
    }

    /// Its `CUdeviceptr`, the same as long as self lives.
    pub const fn address(&self) -> u64 {
        self.address
    }
}

impl Drop for ExternalMemory {
    fn drop(&mut self) {
        let Ok(_current) = self.context.push() else { return };
        let functions = self.context.library().functions();
        // SAFETY: self owns the address and the import; who reads them holds self. A mapped buffer is
        // freed as other memory is, before what it was mapped from.
        unsafe {
            if self.address != 0 {
                (functions.memory_free)(self.address);
            }
            (functions.external_memory_destroy)(self.raw);
        }
    }
}

/// A timeline of Vulkan's.
#[derive(Debug)]
pub struct ExternalTimeline {
    context: Context,
    raw: RawExternal,
}

// SAFETY: as for ExternalMemory.
unsafe impl Send for ExternalTimeline {}
// SAFETY: as above.
unsafe impl Sync for ExternalTimeline {}

impl ExternalTimeline {
    /// Imports what [`Timeline::export`](crate::vulkan::Timeline::export) gave.
    ///
    /// # Errors
    /// The driver cannot, which is so before CUDA 11.2.
    pub fn import(context: &Context, descriptor: OwnedFd) -> Result<Self, CudaError> {
        let _current = context.push()?;
        let library = context.library();
        let handle = SemaphoreHandle {
            kind: TIMELINE_FD,
            // It is the driver's from here on: NVIDIA's closes it also where the import fails.
            descriptor: descriptor.into_raw_fd().into(),
            name: 0,
            flags: 0,
            reserved: [0; 16],
        };
        let mut raw = ptr::null_mut();
        // SAFETY: both places are valid for the call; the descriptor is open, and ours to give away.
        let code = unsafe { (library.functions().semaphore_import)(&mut raw, &handle) };
        library.check("cuImportExternalSemaphore", code)?;
        Ok(Self { context: context.clone(), raw })
    }

    /// What is put into the stream from now on begins once the timeline has reached `value`. Returns at
    /// once.
    ///
    /// # Errors
    /// The driver failed, or the stream is of another context.
    pub fn hold(&self, stream: &Stream, value: u64) -> Result<(), CudaError> {
        let _current = self.context.push()?;
        let library = self.context.library();
        let parameters = WaitParameters { value, reserved: [0; 17] };
        // SAFETY: one semaphore and its parameters, valid for the call; both handles live.
        let code =
            unsafe { (library.functions().semaphore_wait)(&self.raw, &parameters, 1, stream.as_raw()) };
        library.check("cuWaitExternalSemaphoresAsync", code)
    }
}

impl Drop for ExternalTimeline {
    fn drop(&mut self) {
        let Ok(_current) = self.context.push() else { return };
        // SAFETY: self owns the import; the reference allows it while waits are still in streams.
        unsafe { (self.context.library().functions().semaphore_destroy)(self.raw) };
    }
}
