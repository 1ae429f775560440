//! Initialising, the device, and contexts.

use std::ffi::{CStr, c_char};

use crate::api::*;

#[test]
fn nothing_works_before_it_is_initialised() {
    let cuda = Cuda::load();
    let mut number = 0;
    assert_eq!(cu!(cuda, cuDeviceGetCount(&mut number => *mut i32)), NOT_INITIALIZED);
    let mut pointer = 0;
    assert_eq!(cu!(cuda, cuMemAlloc_v2(&mut pointer => *mut u64, 64 => usize)), NOT_INITIALIZED);
    assert_eq!(cu!(cuda, cuDriverGetVersion(&mut number => *mut i32)), SUCCESS);
    assert_eq!(number, 12080);
    assert_eq!(cu!(cuda, cuInit(1 => u32)), INVALID_VALUE);
    assert_eq!(cu!(cuda, cuInit(0 => u32)), SUCCESS);
    assert_eq!(cu!(cuda, cuDeviceGetCount(&mut number => *mut i32)), SUCCESS);
    assert_eq!(number, 1);
}

#[test]
fn the_device_is_the_one_of_the_profile() {
    let (cuda, _) = Cuda::start();
    let mut text = [0 as c_char; 64];
    assert_eq!(cu!(cuda, cuDeviceGetName(text.as_mut_ptr() => *mut c_char, 64 => i32, 0 => i32)), SUCCESS);
    // SAFETY: the call above has ended the text.
    assert_eq!(unsafe { CStr::from_ptr(text.as_ptr()) }, c"NVIDIA GeForce RTX 3060");
    assert_eq!(cu!(cuda, cuDeviceGetName(text.as_mut_ptr() => *mut c_char, 7 => i32, 0 => i32)), SUCCESS);
    // SAFETY: as above.
    assert_eq!(unsafe { CStr::from_ptr(text.as_ptr()) }, c"NVIDIA");

    let (mut major, mut minor, mut number, mut total) = (0, 0, 0, 0);
    let capability =
        cu!(cuda, cuDeviceComputeCapability(&mut major => *mut i32, &mut minor => *mut i32, 0 => i32));
    assert_eq!((capability, major, minor), (SUCCESS, 8, 6));
    let attribute =
        |number: &mut i32, which| cu!(cuda, cuDeviceGetAttribute(number => *mut i32, which => u32, 0 => i32));
    assert_eq!((attribute(&mut number, 16), number), (SUCCESS, 28));
    assert_eq!(attribute(&mut number, 9999), INVALID_VALUE);
    assert_eq!(cu!(cuda, cuDeviceTotalMem_v2(&mut total => *mut usize, 0 => i32)), SUCCESS);
    assert_eq!(total, 12 << 30);
    assert_eq!(cu!(cuda, cuDeviceGet(&mut number => *mut i32, 1 => i32)), INVALID_DEVICE);

    for (address, result) in
        [(c"0000:01:00.0", SUCCESS), (c"01:00.0", SUCCESS), (c"0000:02:00.0", INVALID_DEVICE)]
    {
        let found =
            cu!(cuda, cuDeviceGetByPCIBusId(&mut number => *mut i32, address.as_ptr() => *const c_char));
        assert_eq!(found, result, "{address:?}");
    }
}

#[test]
fn each_thread_has_a_stack_of_contexts() {
    let (cuda, first) = Cuda::start();
    let second = cuda.context();
    let current = || {
        let mut context = 1;
        assert_eq!(cu!(cuda, cuCtxGetCurrent(&mut context => *mut usize)), SUCCESS);
        context
    };
    let pop = || {
        let mut context = 0;
        (cu!(cuda, cuCtxPopCurrent_v2(&mut context => *mut usize)), context)
    };
    assert_eq!(current(), second);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(current(), 0, "a new thread has none");
            let mut pointer = 0;
            assert_eq!(cu!(cuda, cuMemAlloc_v2(&mut pointer => *mut u64, 64 => usize)), INVALID_CONTEXT);
            assert_eq!(cu!(cuda, cuCtxPushCurrent_v2(first => usize)), SUCCESS);
            assert_eq!(current(), first);
        });
    });
    assert_eq!(current(), second);
    assert_eq!(pop(), (SUCCESS, second));
    assert_eq!(pop(), (SUCCESS, first));
    assert_eq!(pop().0, INVALID_CONTEXT);
    let mut device = 0;
    assert_eq!(cu!(cuda, cuCtxGetDevice(&mut device => *mut i32)), INVALID_CONTEXT);
    assert_eq!(cu!(cuda, cuCtxPushCurrent_v2(12345 => usize)), INVALID_CONTEXT);
    assert_eq!(cu!(cuda, cuCtxSetCurrent(second => usize)), SUCCESS);
    assert_eq!(cu!(cuda, cuCtxSetCurrent(0 => usize)), SUCCESS);
    assert_eq!(current(), 0);
}

#[test]
fn a_context_ends_with_all_that_is_in_it() {
    let (cuda, context) = Cuda::start();
    let memory = cuda.memory(64);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(cu!(cuda, cuCtxDestroy_v2(context => usize)), SUCCESS)).join().unwrap();
    });
    // It is on this thread's stack still.
    assert_eq!(cuda.read(memory, 64), Err(CONTEXT_IS_DESTROYED));
    assert_eq!(cu!(cuda, cuCtxDestroy_v2(context => usize)), INVALID_CONTEXT);
    cuda.context();
    assert_eq!(cuda.read(memory, 64), Err(INVALID_VALUE));
}

#[test]
fn the_primary_context_is_counted() {
    let cuda = Cuda::load();
    assert_eq!(cu!(cuda, cuInit(0 => u32)), SUCCESS);
    let (mut first, mut second) = (0, 0);
    let state = || {
        let (mut flags, mut active) = (0, 0);
        let result =
            cu!(cuda, cuDevicePrimaryCtxGetState(0 => i32, &mut flags => *mut u32, &mut active => *mut i32));
        assert_eq!(result, SUCCESS);
        (flags, active)
    };
    assert_eq!(cu!(cuda, cuDevicePrimaryCtxSetFlags(0 => i32, 4 => u32)), SUCCESS);
    assert_eq!(state(), (4, 0));
    assert_eq!(cu!(cuda, cuDevicePrimaryCtxRetain(&mut first => *mut usize, 0 => i32)), SUCCESS);
    assert_eq!(cu!(cuda, cuDevicePrimaryCtxRetain(&mut second => *mut usize, 0 => i32)), SUCCESS);
    assert_eq!((first, state()), (second, (4, 1)));
    assert_eq!(cu!(cuda, cuDevicePrimaryCtxSetFlags(0 => i32, 0 => u32)), PRIMARY_CONTEXT_ACTIVE);
    assert_eq!(cu!(cuda, cuCtxDestroy_v2(first => usize)), INVALID_CONTEXT);
    assert_eq!(cu!(cuda, cuDevicePrimaryCtxRelease(0 => i32)), SUCCESS);
    assert_eq!(state(), (4, 1));
    assert_eq!(cu!(cuda, cuDevicePrimaryCtxRelease(0 => i32)), SUCCESS);
    assert_eq!(state(), (4, 0));
    assert_eq!(cu!(cuda, cuDevicePrimaryCtxRelease(0 => i32)), INVALID_CONTEXT);
    assert_eq!(cu!(cuda, cuCtxPushCurrent_v2(first => usize)), INVALID_CONTEXT);
}
