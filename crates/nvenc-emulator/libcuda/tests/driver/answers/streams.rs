//! Streams and events.

use std::ffi::c_void;
use std::ptr::null_mut;

use super::memory::inside;
use super::{Question, UNDEFINED, question};
use crate::api::*;

fn stream(cuda: &Cuda) -> usize {
    let mut stream = 0;
    assert_eq!(cu!(cuda, cuStreamCreate(&mut stream => *mut usize, 1 => u32)), SUCCESS);
    stream
}

fn event(cuda: &Cuda, flags: u32) -> usize {
    let mut event = 0;
    assert_eq!(cu!(cuda, cuEventCreate(&mut event => *mut usize, flags => u32)), SUCCESS);
    event
}

fn record(cuda: &Cuda, event: usize, stream: usize) -> u32 {
    cu!(cuda, cuEventRecord(event => usize, stream => usize))
}

/// Streams.
pub fn streams() -> Vec<Question> {
    fn add(cuda: &Cuda, callback: *mut c_void, flags: u32) -> u32 {
        let stream = stream(cuda);
        cu!(cuda, cuStreamAddCallback(
            stream => usize, callback => *mut c_void, null_mut() => *mut c_void, flags => u32))
    }
    unsafe extern "C" fn nothing(_stream: usize, _result: u32, _data: *mut c_void) {}
    vec![
        inside!("cuStreamCreate with flags 6", INVALID_VALUE, |cuda| {
            cu!(cuda, cuStreamCreate(&mut 0 => *mut usize, 6 => u32))
        }),
        inside!("cuStreamDestroy of null", INVALID_HANDLE, |cuda| cu!(cuda, cuStreamDestroy_v2(0 => usize))),
        inside!("cuStreamDestroy, twice", UNDEFINED, |cuda| {
            let stream = stream(cuda);
            assert_eq!(cu!(cuda, cuStreamDestroy_v2(stream => usize)), SUCCESS);
            cu!(cuda, cuStreamDestroy_v2(stream => usize))
        }),
        inside!("cuStreamSynchronize of one that is destroyed", UNDEFINED, |cuda| {
            let stream = stream(cuda);
            assert_eq!(cu!(cuda, cuStreamDestroy_v2(stream => usize)), SUCCESS);
            cu!(cuda, cuStreamSynchronize(stream => usize))
        }),
        inside!("cuStreamSynchronize of what was never one", UNDEFINED, |cuda| {
            cu!(cuda, cuStreamSynchronize(77 => usize))
        }),
        inside!("cuStreamSynchronize of another context's", SUCCESS, |cuda| {
            let stream = stream(cuda);
            let other = cuda.context();
            let answer = cu!(cuda, cuStreamSynchronize(stream => usize));
            let _ = cu!(cuda, cuCtxDestroy_v2(other => usize));
            answer
        }),
        inside!("cuMemcpyDtoDAsync in another context's stream", SUCCESS, |cuda| {
            let stream = stream(cuda);
            let other = cuda.context();
            let memory = cuda.memory(64);
            let answer = cu!(cuda, cuMemcpyDtoDAsync_v2(
                memory => u64, memory + 32 => u64, 32 => usize, stream => usize));
            let _ = cu!(cuda, cuCtxDestroy_v2(other => usize));
            answer
        }),
        inside!("cuMemsetD8Async in another context's stream", SUCCESS, |cuda| {
            let stream = stream(cuda);
            let other = cuda.context();
            let memory = cuda.memory(64);
            let answer = cu!(cuda, cuMemsetD8Async(memory => u64, 0 => u8, 64 => usize, stream => usize));
            let _ = cu!(cuda, cuCtxDestroy_v2(other => usize));
            answer
        }),
        inside!("cuStreamWaitEvent of null", INVALID_HANDLE, |cuda| {
            cu!(cuda, cuStreamWaitEvent(stream(cuda) => usize, 0 => usize, 0 => u32))
        }),
        inside!("cuStreamWaitEvent of one that was not recorded", SUCCESS, |cuda| {
            cu!(cuda, cuStreamWaitEvent(stream(cuda) => usize, event(cuda, 0) => usize, 0 => u32))
        }),
        inside!("cuStreamAddCallback", SUCCESS, |cuda| add(cuda, nothing as *mut c_void, 0)),
        inside!("cuStreamAddCallback with flags", INVALID_VALUE, |cuda| add(cuda, nothing as *mut c_void, 1)),
        inside!("cuStreamAddCallback of nothing", INVALID_VALUE, |cuda| add(cuda, null_mut(), 0)),
    ]
}

/// Events.
pub fn events() -> Vec<Question> {
    fn elapsed(cuda: &Cuda, flags: u32, recorded: bool) -> u32 {
        let (from, to) = (event(cuda, 0), event(cuda, flags));
        if recorded {
            assert_eq!([record(cuda, from, 0), record(cuda, to, 0)], [SUCCESS; 2]);
            assert_eq!(cu!(cuda, cuCtxSynchronize()), SUCCESS);
        }
        cu!(cuda, cuEventElapsedTime(&mut 0.0 => *mut f32, from => usize, to => usize))
    }
    vec![
        inside!("cuEventCreate with flag 0x100", INVALID_VALUE, |cuda| {
            cu!(cuda, cuEventCreate(&mut 0 => *mut usize, 0x100 => u32))
        }),
        inside!("cuEventQuery of one that was not recorded", SUCCESS, |cuda| {
            cu!(cuda, cuEventQuery(event(cuda, 0) => usize))
        }),
        inside!("cuEventDestroy of null", INVALID_HANDLE, |cuda| cu!(cuda, cuEventDestroy_v2(0 => usize))),
        inside!("cuEventDestroy, twice", UNDEFINED, |cuda| {
            let event = event(cuda, 0);
            assert_eq!(cu!(cuda, cuEventDestroy_v2(event => usize)), SUCCESS);
            cu!(cuda, cuEventDestroy_v2(event => usize))
        }),
        inside!("cuEventElapsedTime", SUCCESS, |cuda| elapsed(cuda, 0, true)),
        inside!("cuEventElapsedTime of those not recorded", INVALID_HANDLE, |cuda| elapsed(cuda, 0, false)),
        inside!("cuEventElapsedTime of one without a time", INVALID_HANDLE, |cuda| elapsed(cuda, 2, true)),
        inside!("cuEventRecord of another context, in its own stream", SUCCESS, |cuda| {
            let (event, stream) = (event(cuda, 0), stream(cuda));
            let other = cuda.context();
            let answer = record(cuda, event, stream);
            let _ = cu!(cuda, cuCtxDestroy_v2(other => usize));
            answer
        }),
        inside!("cuEventRecord in another context's stream", INVALID_HANDLE, |cuda| {
            let event = event(cuda, 0);
            let other = cuda.context();
            let answer = record(cuda, event, stream(cuda));
            let _ = cu!(cuda, cuCtxDestroy_v2(other => usize));
            answer
        }),
    ]
}
