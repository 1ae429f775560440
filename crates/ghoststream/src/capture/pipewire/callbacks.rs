//! The table of functions that PipeWire calls for a stream.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use pipewire::spa::sys as spa_sys;
use pipewire::sys as pw_sys;

use super::format;
use super::stream::Shared;

/// The table; whoever registers it hands a [`Shared`] as its data.
pub(super) fn events() -> pw_sys::pw_stream_events {
    // SAFETY: a table of optional functions; zero is none.
    let mut events: pw_sys::pw_stream_events = unsafe { std::mem::zeroed() };
    events.version = pw_sys::PW_VERSION_STREAM_EVENTS;
    events.state_changed = Some(on_state_changed);
    events.param_changed = Some(on_param_changed);
    events.add_buffer = Some(on_add_buffer);
    events.remove_buffer = Some(on_remove_buffer);
    events.process = Some(on_process);
    events
}

/// Runs a callback's work; a panic, which would be a bug, must not unwind into C.
///
/// # Safety
/// `data` is what was given to `pw_stream_add_listener`.
unsafe fn guarded(data: *mut c_void, work: impl FnOnce(&Shared)) {
    // SAFETY: the caller promises it; `Stream` keeps `Shared` until the stream is destroyed.
    let Some(shared) = (unsafe { data.cast::<Shared>().as_ref() }) else { return };
    if catch_unwind(AssertUnwindSafe(|| work(shared))).is_err() {
        shared.panicked();
    }
}

unsafe extern "C" fn on_state_changed(
    data: *mut c_void,
    old: pw_sys::pw_stream_state,
    new: pw_sys::pw_stream_state,
    error: *const c_char,
) {
    // SAFETY: PipeWire passes a string or null, valid during the call.
    let error = if error.is_null() { None } else { Some(unsafe { CStr::from_ptr(error) }) };
    let error = error.map(CStr::to_string_lossy).unwrap_or_default();
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.state_changed(old, new, &error)) };
}

unsafe extern "C" fn on_param_changed(data: *mut c_void, id: u32, param: *const spa_sys::spa_pod) {
    if id != format::PARAM_FORMAT {
        return;
    }
    // SAFETY: PipeWire passes a whole pod or null, valid during the call: a header that states the
    // size of what follows.
    let bytes = unsafe {
        param.as_ref().map(|pod| {
            let length = size_of::<spa_sys::spa_pod>() + pod.size as usize;
            std::slice::from_raw_parts(param.cast::<u8>(), length)
        })
    };
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.format_changed(bytes)) };
}

unsafe extern "C" fn on_add_buffer(data: *mut c_void, buffer: *mut pw_sys::pw_buffer) {
    let Some(buffer) = NonNull::new(buffer) else { return };
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.add_buffer(buffer)) };
}

unsafe extern "C" fn on_remove_buffer(data: *mut c_void, buffer: *mut pw_sys::pw_buffer) {
    let Some(buffer) = NonNull::new(buffer) else { return };
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.remove_buffer(buffer)) };
}

unsafe extern "C" fn on_process(data: *mut c_void) {
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, Shared::process) };
}
