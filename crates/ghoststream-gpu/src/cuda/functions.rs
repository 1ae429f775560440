//! The functions of `libcuda.so.1`, with their C signatures, from CUDA's driver API reference.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// `CUdevice`.
pub(super) type RawDevice = c_int;
/// `CUcontext`.
pub(super) type RawContext = *mut c_void;
/// `CUstream`.
pub(super) type RawStream = *mut c_void;
/// `CUevent`.
pub(super) type RawEvent = *mut c_void;
/// `CUdeviceptr`.
pub(super) type DevicePointer = u64;

/// `CUexternalMemory` or `CUexternalSemaphore`.
pub(super) type RawExternal = *mut c_void;

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`. On Linux its union holds a descriptor, at its first byte.
#[repr(C)]
#[derive(Debug)]
pub(super) struct MemoryHandle {
    /// `CUexternalMemoryHandleType`.
    pub(super) kind: c_uint,
    pub(super) descriptor: i64,
    pub(super) name: u64,
    pub(super) size: u64,
    pub(super) flags: c_uint,
    pub(super) reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
#[derive(Debug)]
pub(super) struct MappedBuffer {
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) flags: c_uint,
    pub(super) reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC`, its union as in [`MemoryHandle`].
#[repr(C)]
#[derive(Debug)]
pub(super) struct SemaphoreHandle {
    /// `CUexternalSemaphoreHandleType`.
    pub(super) kind: c_uint,
    pub(super) descriptor: i64,
    pub(super) name: u64,
    pub(super) flags: c_uint,
    pub(super) reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS`: after the value for what is no timeline, flags and room.
#[repr(C)]
#[derive(Debug)]
pub(super) struct WaitParameters {
    pub(super) value: u64,
    pub(super) reserved: [u64; 17],
}

/// `CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD`.
pub(super) const OPAQUE_FD: c_uint = 1;
/// `CUDA_EXTERNAL_MEMORY_DEDICATED`: the allocation is one buffer's.
pub(super) const DEDICATED: c_uint = 1;
/// `CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD`.
pub(super) const TIMELINE_FD: c_uint = 9;

/// `CUDA_MEMCPY2D`.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Copy2d {
    pub(super) source_x: usize,
    pub(super) source_y: usize,
    /// `CUmemorytype`.
    pub(super) source_kind: c_uint,
    pub(super) source_host: *const c_void,
    pub(super) source_device: DevicePointer,
    pub(super) source_array: *mut c_void,
    pub(super) source_pitch: usize,
    pub(super) target_x: usize,
    pub(super) target_y: usize,
    pub(super) target_kind: c_uint,
    pub(super) target_host: *mut c_void,
    pub(super) target_device: DevicePointer,
    pub(super) target_array: *mut c_void,
    pub(super) target_pitch: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// `CU_MEMORYTYPE_HOST`.
pub(super) const HOST: c_uint = 1;
/// `CU_MEMORYTYPE_DEVICE`.
pub(super) const DEVICE: c_uint = 2;
/// `CU_CTX_SCHED_BLOCKING_SYNC`: who waits sleeps.
pub(super) const BLOCKING_SYNC: c_uint = 4;
/// `CU_STREAM_NON_BLOCKING`: it does not wait for the default stream.
pub(super) const NON_BLOCKING: c_uint = 1;
/// `CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING`.
pub(super) const EVENT_FLAGS: c_uint = 1 | 2;
/// `CUDA_ERROR_NOT_READY`.
pub(super) const NOT_READY: c_int = 600;

macro_rules! functions {
    ($($field:ident = $symbol:literal ($($arg:ty),*);)+) => {
        /// Looked up once.
        pub(super) struct Functions {
            $(pub(super) $field: unsafe extern "C" fn($($arg),*) -> c_int,)+
        }

        impl Functions {
            /// # Safety
            /// The library is CUDA's driver, or behaves as it, and is never unloaded.
            pub(super) unsafe fn find(library: &libloading::Library) -> Result<Self, libloading::Error> {
                // SAFETY: the signatures are those of CUDA's reference for these symbols, and the
                // caller says that the library is that.
                unsafe { Ok(Self { $($field: *library.get(concat!($symbol, "\0").as_bytes())?,)+ }) }
            }
        }
    };
}

functions! {
    init = "cuInit"(c_uint);
    driver_version = "cuDriverGetVersion"(*mut c_int);
    error_name = "cuGetErrorName"(c_int, *mut *const c_char);
    error_string = "cuGetErrorString"(c_int, *mut *const c_char);
    device_count = "cuDeviceGetCount"(*mut c_int);
    device_get = "cuDeviceGet"(*mut RawDevice, c_int);
    device_name = "cuDeviceGetName"(*mut c_char, c_int, RawDevice);
    device_uuid = "cuDeviceGetUuid"(*mut [u8; 16], RawDevice);
    device_pci = "cuDeviceGetPCIBusId"(*mut c_char, c_int, RawDevice);
    device_memory = "cuDeviceTotalMem_v2"(*mut usize, RawDevice);
    device_attribute = "cuDeviceGetAttribute"(*mut c_int, c_uint, RawDevice);
    context_create = "cuCtxCreate_v2"(*mut RawContext, c_uint, RawDevice);
    context_destroy = "cuCtxDestroy_v2"(RawContext);
    context_push = "cuCtxPushCurrent_v2"(RawContext);
    context_pop = "cuCtxPopCurrent_v2"(*mut RawContext);
    memory_alloc = "cuMemAlloc_v2"(*mut DevicePointer, usize);
    memory_free = "cuMemFree_v2"(DevicePointer);
    host_alloc = "cuMemAllocHost_v2"(*mut *mut c_void, usize);
    host_free = "cuMemFreeHost"(*mut c_void);
    copy_2d = "cuMemcpy2DAsync_v2"(*const Copy2d, RawStream);
    stream_create = "cuStreamCreate"(*mut RawStream, c_uint);
    stream_synchronize = "cuStreamSynchronize"(RawStream);
    stream_destroy = "cuStreamDestroy_v2"(RawStream);
    event_create = "cuEventCreate"(*mut RawEvent, c_uint);
    event_record = "cuEventRecord"(RawEvent, RawStream);
    event_query = "cuEventQuery"(RawEvent);
    event_synchronize = "cuEventSynchronize"(RawEvent);
    event_destroy = "cuEventDestroy_v2"(RawEvent);
    external_memory_import = "cuImportExternalMemory"(*mut RawExternal, *const MemoryHandle);
    external_memory_map = "cuExternalMemoryGetMappedBuffer"(
        *mut DevicePointer, RawExternal, *const MappedBuffer);
    external_memory_destroy = "cuDestroyExternalMemory"(RawExternal);
    semaphore_import = "cuImportExternalSemaphore"(*mut RawExternal, *const SemaphoreHandle);
    semaphore_destroy = "cuDestroyExternalSemaphore"(RawExternal);
    semaphore_wait = "cuWaitExternalSemaphoresAsync"(
        *const RawExternal, *const WaitParameters, c_uint, RawStream);
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    /// Sizes and places as C lays them out where pointers have eight bytes.
    #[test]
    fn structures_lie_as_in_c() {
        assert_eq!(size_of::<MemoryHandle>(), 104);
        assert_eq!((offset_of!(MemoryHandle, descriptor), offset_of!(MemoryHandle, size)), (8, 24));
        assert_eq!(size_of::<MappedBuffer>(), 88);
        assert_eq!(size_of::<SemaphoreHandle>(), 96);
        assert_eq!((offset_of!(SemaphoreHandle, descriptor), offset_of!(SemaphoreHandle, flags)), (8, 24));
        assert_eq!(size_of::<WaitParameters>(), 144);
        assert_eq!(size_of::<Copy2d>(), 128);
    }
}
