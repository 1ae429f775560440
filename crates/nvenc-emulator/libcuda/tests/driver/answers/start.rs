//! Before `cuInit`, and devices.

use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};

use super::{Question, question};
use crate::api::*;

/// What is asked of a driver that was not started.
pub fn before_init() -> Vec<Question> {
    vec![
        question(
            "cuDeviceGetCount before cuInit",
            NOT_INITIALIZED,
            |cuda| cu!(cuda, cuDeviceGetCount(&mut 0 => *mut i32)),
        ),
        question(
            "cuMemAlloc before cuInit",
            NOT_INITIALIZED,
            |cuda| cu!(cuda, cuMemAlloc_v2(&mut 0 => *mut u64, 64 => usize)),
        ),
        question(
            "cuCtxGetCurrent before cuInit",
            NOT_INITIALIZED,
            |cuda| cu!(cuda, cuCtxGetCurrent(&mut 0 => *mut usize)),
        ),
        question(
            "cuCtxPopCurrent before cuInit",
            NOT_INITIALIZED,
            |cuda| cu!(cuda, cuCtxPopCurrent_v2(&mut 0 => *mut usize)),
        ),
        question(
            "cuDriverGetVersion before cuInit",
            SUCCESS,
            |cuda| cu!(cuda, cuDriverGetVersion(&mut 0 => *mut i32)),
        ),
        question(
            "cuDriverGetVersion, to nowhere",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuDriverGetVersion(null_mut() => *mut i32)),
        ),
        question(
            "cuGetErrorName before cuInit",
            SUCCESS,
            |cuda| cu!(cuda, cuGetErrorName(1 => u32, &mut null() => *mut *const c_char)),
        ),
        question(
            "cuGetErrorName of a number without a name",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuGetErrorName(12345 => u32, &mut null() => *mut *const c_char)),
        ),
        question("cuInit with flags", INVALID_VALUE, |cuda| cu!(cuda, cuInit(1 => u32))),
    ]
}

/// Devices, and functions by name.
pub fn devices() -> Vec<Question> {
    vec![
        question(
            "cuDeviceGet of one that is not there",
            INVALID_DEVICE,
            |cuda| cu!(cuda, cuDeviceGet(&mut 0 => *mut i32, 99 => i32)),
        ),
        question(
            "cuDeviceGet of number -1",
            INVALID_DEVICE,
            |cuda| cu!(cuda, cuDeviceGet(&mut 0 => *mut i32, -1 => i32)),
        ),
        question(
            "cuDeviceGetCount, to nowhere",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuDeviceGetCount(null_mut() => *mut i32)),
        ),
        question(
            "cuDeviceGetName, to nowhere",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuDeviceGetName(null_mut() => *mut c_char, 64 => i32, 0 => i32)),
        ),
        question("cuDeviceGetName into seven bytes", SUCCESS, |cuda| {
            let mut text = [0; 64];
            cu!(cuda, cuDeviceGetName(text.as_mut_ptr() => *mut c_char, 7 => i32, 0 => i32))
        }),
        question("cuDeviceGetName of device 99", INVALID_DEVICE, |cuda| {
            let mut text = [0; 64];
            cu!(cuda, cuDeviceGetName(text.as_mut_ptr() => *mut c_char, 64 => i32, 99 => i32))
        }),
        question(
            "cuDeviceGetAttribute of number 9999",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuDeviceGetAttribute(&mut 0 => *mut i32, 9999 => u32, 0 => i32)),
        ),
        question(
            "cuDeviceTotalMem, to nowhere",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuDeviceTotalMem_v2(null_mut() => *mut usize, 0 => i32)),
        ),
        question("cuDeviceGetByPCIBusId of an empty slot", INVALID_DEVICE, |cuda| {
            cu!(cuda, cuDeviceGetByPCIBusId(
                &mut 0 => *mut i32, c"00ff:ff:1f.0".as_ptr() => *const c_char))
        }),
        question(
            "cuDeviceGetByPCIBusId of what is no address",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuDeviceGetByPCIBusId(&mut 0 => *mut i32, c"nonsense".as_ptr() => *const c_char)),
        ),
        question("cuDeviceGetPCIBusId into four bytes", INVALID_VALUE, |cuda| {
            let mut text = [0; 4];
            cu!(cuda, cuDeviceGetPCIBusId(text.as_mut_ptr() => *mut c_char, 4 => i32, 0 => i32))
        }),
        question("cuGetProcAddress of nothing there is", NOT_FOUND, |cuda| {
            cu!(cuda, cuGetProcAddress(
                c"cuNothing".as_ptr() => *const c_char, &mut null_mut() => *mut *mut c_void,
                12000 => i32, 0 => u64))
        }),
    ]
}
