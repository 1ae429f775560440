//! Streams and events.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

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

#[test]
fn a_stream_ends_with_its_context_and_takes_copies_in_any() {
    let (cuda, first) = Cuda::start();
    let stream = stream(&cuda);
    let memory = cuda.memory(64);
    let copy =
        |stream| cu!(cuda, cuMemcpyDtoDAsync_v2(memory => u64, memory => u64, 64 => usize, stream => usize));
    assert_eq!(copy(stream), SUCCESS);
    assert_eq!(copy(0), SUCCESS);
    assert_eq!(copy(stream + 1), INVALID_HANDLE);
    assert_eq!(cu!(cuda, cuStreamDestroy_v2(stream => usize)), SUCCESS);
    assert_eq!(cu!(cuda, cuStreamDestroy_v2(stream => usize)), INVALID_HANDLE);
    assert_eq!(cu!(cuda, cuStreamSynchronize(stream => usize)), INVALID_HANDLE);
    let stream = self::stream(&cuda);
    cuda.context();
    assert_eq!(copy(stream), SUCCESS);
    assert_eq!(cu!(cuda, cuCtxDestroy_v2(first => usize)), SUCCESS);
    assert_eq!(copy(stream), INVALID_HANDLE);
}

#[test]
fn events_are_known_and_timed() {
    let (cuda, _) = Cuda::start();
    let (stream, start, end, untimed) = (stream(&cuda), event(&cuda, 0), event(&cuda, 0), event(&cuda, 2));
    let mut milliseconds = -1.0;
    let elapsed = |milliseconds: &mut f32, from, to| cu!(cuda, cuEventElapsedTime(milliseconds => *mut f32, from => usize, to => usize));
    assert_eq!(elapsed(&mut milliseconds, start, end), INVALID_HANDLE, "not recorded");
    for event in [start, end, untimed] {
        assert_eq!(cu!(cuda, cuEventRecord(event => usize, stream => usize)), SUCCESS);
        assert_eq!(cu!(cuda, cuEventQuery(event => usize)), SUCCESS);
    }
    assert_eq!(elapsed(&mut milliseconds, start, end), SUCCESS);
    assert!(milliseconds >= 0.0);
    assert_eq!(elapsed(&mut milliseconds, start, untimed), INVALID_HANDLE);
    assert_eq!(cu!(cuda, cuStreamWaitEvent(stream => usize, end => usize, 0 => u32)), SUCCESS);
    assert_eq!(cu!(cuda, cuStreamWaitEvent(stream => usize, 77 => usize, 0 => u32)), INVALID_HANDLE);
    assert_eq!(cu!(cuda, cuEventDestroy_v2(start => usize)), SUCCESS);
    assert_eq!(cu!(cuda, cuEventDestroy_v2(start => usize)), INVALID_HANDLE);
}

/// Order in which callbacks ran, a decimal digit each.
static ORDER: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn note(_stream: usize, result: u32, digit: *mut c_void) {
    assert_eq!(result, SUCCESS);
    let append = |order| Some(order * 10 + digit as usize as u32);
    let _ = ORDER.fetch_update(Ordering::AcqRel, Ordering::Acquire, append);
}

unsafe extern "C" fn wait_for_test(_stream: usize, _result: u32, receiver: *mut c_void) {
    // SAFETY: the test passes its receiver, which lives until the stream was synchronised.
    let receiver = unsafe { &*receiver.cast::<mpsc::Receiver<()>>() };
    receiver.recv().unwrap();
}

type Callback = unsafe extern "C" fn(usize, u32, *mut c_void);

#[test]
fn callbacks_run_in_order_and_are_waited_for() {
    let (cuda, _) = Cuda::start();
    let stream = stream(&cuda);
    let (sender, receiver) = mpsc::channel::<()>();
    let add = |callback: Callback, data: *mut c_void| {
        cu!(cuda, cuStreamAddCallback(
            stream => usize, callback => Callback, data => *mut c_void, 0 => u32))
    };
    assert_eq!(add(wait_for_test, (&raw const receiver).cast_mut().cast()), SUCCESS);
    for digit in 1..=3_usize {
        assert_eq!(add(note, digit as *mut c_void), SUCCESS);
    }
    assert_eq!(cu!(cuda, cuStreamQuery(stream => usize)), NOT_READY);
    assert_eq!(ORDER.load(Ordering::Acquire), 0);
    sender.send(()).unwrap();
    assert_eq!(cu!(cuda, cuStreamSynchronize(stream => usize)), SUCCESS);
    assert_eq!(ORDER.load(Ordering::Acquire), 123);
    assert_eq!(cu!(cuda, cuStreamQuery(stream => usize)), SUCCESS);
}
