//! What is asked of PipeWire's stream, in C. On the stream's own loop only.
#![allow(unsafe_code)]

use ghoststream_pod::Object;
use pipewire as pw;
use pw::spa::sys as spa_sys;
use pw::sys as pw_sys;

use crate::pool::Maker;

/// Connects the stream: from here on PipeWire knows the camera, by these formats.
pub(crate) fn start(stream: &pw::stream::Stream, formats: &[Object], maker: Maker) -> Result<(), pw::Error> {
    let mut params: Vec<*const spa_sys::spa_pod> = formats.iter().map(Object::as_ptr).collect();
    let flags = pw_sys::pw_stream_flags_PW_STREAM_FLAG_DRIVER
        | match maker {
            Maker::PipeWire => pw_sys::pw_stream_flags_PW_STREAM_FLAG_MAP_BUFFERS,
            Maker::Camera => pw_sys::pw_stream_flags_PW_STREAM_FLAG_ALLOC_BUFFERS,
        };
    // SAFETY: the stream is valid, the pods outlive the call, which copies them.
    let result = unsafe {
        pw_sys::pw_stream_connect(
            stream.as_raw_ptr(),
            spa_sys::SPA_DIRECTION_OUTPUT,
            u32::MAX,
            flags,
            params.as_mut_ptr(),
            params.len() as u32,
        )
    };
    pw::spa::utils::result::SpaResult::from_c(result).into_result()?;
    Ok(())
}

/// Says what buffers the agreed format needs.
pub(crate) fn update(stream: &pw::stream::Stream, params: &[Object]) {
    let mut params: Vec<*const spa_sys::spa_pod> = params.iter().map(Object::as_ptr).collect();
    // SAFETY: on the stream's own loop; the pods are copied.
    unsafe {
        pw_sys::pw_stream_update_params(stream.as_raw_ptr(), params.as_mut_ptr(), params.len() as u32);
    }
}

/// Tells whoever asked that there is no such format.
pub(crate) fn refuse(stream: &pw::stream::Stream) {
    let (invalid, why) = (-libc::EINVAL, c"%s".as_ptr());
    // SAFETY: the stream is valid; format and message are strings, the one printing the other.
    unsafe { pw_sys::pw_stream_set_error(stream.as_raw_ptr(), invalid, why, c"no such format".as_ptr()) };
}

/// Whether an error is the end of the stream, as one of its own is, and any before it has a node. Others are news: WirePlumber tells both sides of a
/// link that breaks, from 0.5 on, also where one that looked could take nothing that is offered.
pub(crate) fn is_broken(stream: &pw::stream::Stream) -> bool {
    // SAFETY: the stream is valid; the message need not be asked for.
    let state = unsafe { pw_sys::pw_stream_get_state(stream.as_raw_ptr(), std::ptr::null_mut()) };
    let (paused, streaming) =
        (pw_sys::pw_stream_state_PW_STREAM_STATE_PAUSED, pw_sys::pw_stream_state_PW_STREAM_STATE_STREAMING);
    state != paused && state != streaming
}
