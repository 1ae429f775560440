//! What a copy of rows is described by.

use std::ffi::c_void;

/// `CUDA_MEMCPY2D`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Copy2D {
    pub src: Side,
    pub dst: Side,
    pub width: usize,
    pub height: usize,
}

/// One end of it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Side {
    pub x: usize,
    pub y: usize,
    pub memory_type: u32,
    pub host: *mut c_void,
    pub device: u64,
    pub array: *mut c_void,
    pub pitch: usize,
}

/// Nothing said.
pub const EMPTY: Side = Side {
    x: 0,
    y: 0,
    memory_type: 0,
    host: std::ptr::null_mut(),
    device: 0,
    array: std::ptr::null_mut(),
    pitch: 0,
};

/// Rows in device memory.
pub fn device(device: u64, pitch: usize) -> Side {
    Side { memory_type: 2, device, pitch, ..EMPTY }
}

/// Rows in ours.
pub fn host(host: &mut [u8], pitch: usize) -> Side {
    Side { memory_type: 1, host: host.as_mut_ptr().cast(), pitch, ..EMPTY }
}
