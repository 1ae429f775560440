//! Contexts.

use std::ptr::null_mut;

use super::{Question, UNDEFINED, question};
use crate::api::*;

fn destroy(cuda: &Cuda, context: usize) -> u32 {
    cu!(cuda, cuCtxDestroy_v2(context => usize))
}

/// One that was.
fn destroyed(cuda: &Cuda) -> usize {
    let context = cuda.context();
    assert_eq!(destroy(cuda, context), SUCCESS);
    context
}

fn create(cuda: &Cuda, flags: u32) -> u32 {
    let mut context = 0;
    let answer = cu!(cuda, cuCtxCreate_v2(&mut context => *mut usize, flags => u32, 0 => i32));
    if answer == SUCCESS {
        assert_eq!(destroy(cuda, context), SUCCESS);
    }
    answer
}

/// Contexts of one's own.
pub fn contexts() -> Vec<Question> {
    vec![
        question(
            "cuMemAlloc without a current context",
            INVALID_CONTEXT,
            |cuda| cu!(cuda, cuMemAlloc_v2(&mut 0 => *mut u64, 64 => usize)),
        ),
        question(
            "cuCtxGetCurrent without one",
            SUCCESS,
            |cuda| cu!(cuda, cuCtxGetCurrent(&mut 1 => *mut usize)),
        ),
        question(
            "cuCtxPopCurrent without one",
            INVALID_CONTEXT,
            |cuda| cu!(cuda, cuCtxPopCurrent_v2(&mut 0 => *mut usize)),
        ),
        question(
            "cuCtxGetDevice without one",
            INVALID_CONTEXT,
            |cuda| cu!(cuda, cuCtxGetDevice(&mut 0 => *mut i32)),
        ),
        question("cuCtxSynchronize without one", INVALID_CONTEXT, |cuda| cu!(cuda, cuCtxSynchronize())),
        question(
            "cuStreamCreate without one",
            INVALID_CONTEXT,
            |cuda| cu!(cuda, cuStreamCreate(&mut 0 => *mut usize, 1 => u32)),
        ),
        question("cuMemFree of nothing without one", SUCCESS, |cuda| cu!(cuda, cuMemFree_v2(0 => u64))),
        question(
            "cuCtxPushCurrent of null",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuCtxPushCurrent_v2(0 => usize)),
        ),
        question(
            "cuCtxPushCurrent of what was never one",
            UNDEFINED,
            |cuda| cu!(cuda, cuCtxPushCurrent_v2(12345 => usize)),
        ),
        question("cuCtxPushCurrent of one that is destroyed", UNDEFINED, |cuda| {
            let context = destroyed(cuda);
            cu!(cuda, cuCtxPushCurrent_v2(context => usize))
        }),
        question("cuCtxSetCurrent of one that is destroyed", UNDEFINED, |cuda| {
            let context = destroyed(cuda);
            cu!(cuda, cuCtxSetCurrent(context => usize))
        }),
        question("cuCtxDestroy of null", INVALID_VALUE, |cuda| destroy(cuda, 0)),
        question("cuCtxDestroy, twice", UNDEFINED, |cuda| {
            let context = destroyed(cuda);
            destroy(cuda, context)
        }),
        question("cuCtxGetCurrent after another thread destroyed it", SUCCESS, |cuda| {
            let context = cuda.context();
            std::thread::scope(|scope| scope.spawn(|| destroy(cuda, context)).join().unwrap());
            cu!(cuda, cuCtxGetCurrent(&mut 0 => *mut usize))
        }),
        question("cuMemAlloc after another thread destroyed the current one", CONTEXT_IS_DESTROYED, |cuda| {
            let context = cuda.context();
            std::thread::scope(|scope| scope.spawn(|| destroy(cuda, context)).join().unwrap());
            cu!(cuda, cuMemAlloc_v2(&mut 0 => *mut u64, 64 => usize))
        }),
        question("cuMemcpyDtoH of memory whose context is destroyed", INVALID_VALUE, |cuda| {
            let context = cuda.context();
            let memory = cuda.memory(64);
            destroy(cuda, context);
            let other = cuda.context();
            let answer = cuda.read(memory, 64).err().unwrap_or(SUCCESS);
            destroy(cuda, other);
            answer
        }),
        question("cuMemcpyDtoH of another context's memory", SUCCESS, |cuda| {
            let context = cuda.context();
            let memory = cuda.memory(64);
            let other = cuda.context();
            let answer = cuda.read(memory, 64).err().unwrap_or(SUCCESS);
            destroy(cuda, other);
            destroy(cuda, context);
            answer
        }),
        question("cuCtxCreate that blocks and maps", SUCCESS, |cuda| create(cuda, 4 | 8)),
        question("cuCtxCreate with two ways of waiting", INVALID_VALUE, |cuda| create(cuda, 3)),
        question("cuCtxCreate with flag 0x100", INVALID_VALUE, |cuda| create(cuda, 0x100)),
        question("cuCtxCreate with flag 0x1000", INVALID_VALUE, |cuda| create(cuda, 0x1000)),
        question(
            "cuCtxCreate on device 99",
            INVALID_DEVICE,
            |cuda| cu!(cuda, cuCtxCreate_v2(&mut 0 => *mut usize, 0 => u32, 99 => i32)),
        ),
        question(
            "cuCtxCreate, to nowhere",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuCtxCreate_v2(null_mut() => *mut usize, 0 => u32, 0 => i32)),
        ),
        question("cuCtxSetLimit of number 99", INVALID_VALUE, |cuda| {
            let context = cuda.context();
            let answer = cu!(cuda, cuCtxSetLimit(99 => u32, 0 => usize));
            destroy(cuda, context);
            answer
        }),
    ]
}

/// The device's own.
pub fn primary() -> Vec<Question> {
    fn retain(cuda: &Cuda) -> usize {
        let mut context = 0;
        assert_eq!(cu!(cuda, cuDevicePrimaryCtxRetain(&mut context => *mut usize, 0 => i32)), SUCCESS);
        context
    }
    fn release(cuda: &Cuda) -> u32 {
        cu!(cuda, cuDevicePrimaryCtxRelease(0 => i32))
    }
    vec![
        question("cuDevicePrimaryCtxRelease of one that nobody holds", SUCCESS, release),
        question(
            "cuDevicePrimaryCtxReset of one that nobody holds",
            SUCCESS,
            |cuda| cu!(cuda, cuDevicePrimaryCtxReset(0 => i32)),
        ),
        question("cuDevicePrimaryCtxSetFlags of one that is there", PRIMARY_CONTEXT_ACTIVE, |cuda| {
            retain(cuda);
            let answer = cu!(cuda, cuDevicePrimaryCtxSetFlags(0 => i32, 4 => u32));
            release(cuda);
            answer
        }),
        question(
            "cuDevicePrimaryCtxSetFlags with two ways of waiting",
            INVALID_VALUE,
            |cuda| cu!(cuda, cuDevicePrimaryCtxSetFlags(0 => i32, 3 => u32)),
        ),
        question("cuCtxDestroy of the primary one", INVALID_CONTEXT, |cuda| {
            let context = retain(cuda);
            let answer = cu!(cuda, cuCtxDestroy_v2(context => usize));
            release(cuda);
            answer
        }),
        question("cuCtxPushCurrent of the primary one after its release", UNDEFINED, |cuda| {
            let context = retain(cuda);
            release(cuda);
            cu!(cuda, cuCtxPushCurrent_v2(context => usize))
        }),
        question(
            "cuDevicePrimaryCtxRetain on device 99",
            INVALID_DEVICE,
            |cuda| cu!(cuda, cuDevicePrimaryCtxRetain(&mut 0 => *mut usize, 99 => i32)),
        ),
    ]
}
