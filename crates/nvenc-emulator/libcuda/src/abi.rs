//! The structures that cross the API: our own definitions of CUDA's layouts.

use std::ffi::c_void;

/// A `CUdeviceptr`.
pub type DevicePointer = u64;

/// `CUmemorytype`.
pub(crate) mod memory_type {
    pub(crate) const HOST: u32 = 1;
    pub(crate) const DEVICE: u32 = 2;
    pub(crate) const UNIFIED: u32 = 4;
}

/// `CUDA_MEMCPY2D`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Memcpy2D {
    /// Where from.
    pub src: Memcpy2DSide,
    /// Where to.
    pub dst: Memcpy2DSide,
    /// Bytes of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// One side of a `CUDA_MEMCPY2D`, which are alike.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Memcpy2DSide {
    /// Bytes to skip in each row.
    pub x: usize,
    /// Rows to skip.
    pub y: usize,
    /// A `CUmemorytype`, which says which of the next three counts.
    pub memory_type: u32,
    /// Host memory.
    pub host: *mut c_void,
    /// Device memory, or any by its address.
    pub device: DevicePointer,
    /// An array.
    pub array: *mut c_void,
    /// Bytes from row to row.
    pub pitch: usize,
}

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`, of which only the descriptor counts on Linux.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ExternalMemoryHandle {
    /// A `CUexternalMemoryHandleType`.
    pub kind: u32,
    /// The descriptor, in a union of two pointers.
    pub handle: ExternalMemoryUnion,
    /// Bytes.
    pub size: u64,
    /// `CUDA_EXTERNAL_MEMORY_DEDICATED`.
    pub flags: u32,
    _reserved: [u32; 16],
}

/// The union of a descriptor and two pointers.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct ExternalMemoryUnion {
    /// The descriptor.
    pub fd: i32,
    _rest: [u32; 3],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ExternalMemoryBuffer {
    /// Bytes before it.
    pub offset: u64,
    /// Bytes of it.
    pub size: u64,
    /// Must be 0.
    pub flags: u32,
    _reserved: [u32; 16],
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    /// Sizes and places as C lays them out where pointers have eight bytes.
    #[test]
    fn layouts_are_those_of_c() {
        assert_eq!(size_of::<Memcpy2D>(), 128);
        assert_eq!(offset_of!(Memcpy2D, dst), 56);
        assert_eq!(offset_of!(Memcpy2DSide, host), 24);
        assert_eq!(offset_of!(Memcpy2DSide, pitch), 48);
        assert_eq!(size_of::<ExternalMemoryHandle>(), 104);
        assert_eq!(offset_of!(ExternalMemoryHandle, handle), 8);
        assert_eq!(offset_of!(ExternalMemoryHandle, size), 24);
        assert_eq!(size_of::<ExternalMemoryBuffer>(), 88);
    }
}
