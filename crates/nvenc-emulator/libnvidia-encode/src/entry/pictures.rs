//! Buffers, resources and pictures.

use std::ffi::c_void;

use super::{in_session, passed, refuse, traced, with_struct};
use crate::registry;
use crate::session::CodecExt;
use crate::status::Status;

pub(super) unsafe extern "C" fn create_input(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncCreateInputBuffer", encoder, params, "NV_ENC_CREATE_INPUT_BUFFER", |session, params| {
        session.create_input(params)
    })
}

pub(super) unsafe extern "C" fn destroy_input(encoder: *mut c_void, buffer: *mut c_void) -> u32 {
    in_session("NvEncDestroyInputBuffer", encoder, |session, call| {
        call.field("inputBuffer", || format!("{:#x}", buffer.addr()));
        session.destroy_input(buffer.addr())
    })
}

pub(super) unsafe extern "C" fn lock_input(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncLockInputBuffer", encoder, params, "NV_ENC_LOCK_INPUT_BUFFER", |session, params| {
        session.lock_input(params)
    })
}

pub(super) unsafe extern "C" fn unlock_input(encoder: *mut c_void, buffer: *mut c_void) -> u32 {
    in_session("NvEncUnlockInputBuffer", encoder, |session, call| {
        call.field("inputBuffer", || format!("{:#x}", buffer.addr()));
        session.unlock_input(buffer.addr())
    })
}

pub(super) unsafe extern "C" fn create_bitstream(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct(
        "NvEncCreateBitstreamBuffer",
        encoder,
        params,
        "NV_ENC_CREATE_BITSTREAM_BUFFER",
        |session, params| session.create_bitstream(params),
    )
}

pub(super) unsafe extern "C" fn destroy_bitstream(encoder: *mut c_void, buffer: *mut c_void) -> u32 {
    in_session("NvEncDestroyBitstreamBuffer", encoder, |session, call| {
        call.field("bitstreamBuffer", || format!("{:#x}", buffer.addr()));
        session.destroy_bitstream(buffer.addr())
    })
}

pub(super) unsafe extern "C" fn register(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncRegisterResource", encoder, params, "NV_ENC_REGISTER_RESOURCE", |session, params| {
        session.register(params)
    })
}

pub(super) unsafe extern "C" fn unregister(encoder: *mut c_void, resource: *mut c_void) -> u32 {
    in_session("NvEncUnregisterResource", encoder, |session, call| {
        call.field("registeredResource", || format!("{:#x}", resource.addr()));
        session.unregister(resource.addr())
    })
}

pub(super) unsafe extern "C" fn map(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncMapInputResource", encoder, params, "NV_ENC_MAP_INPUT_RESOURCE", |session, params| {
        session.map(params)
    })
}

pub(super) unsafe extern "C" fn unmap(encoder: *mut c_void, mapped: *mut c_void) -> u32 {
    in_session("NvEncUnmapInputResource", encoder, |session, call| {
        call.field("mappedInputBuffer", || format!("{:#x}", mapped.addr()));
        session.unmap(mapped.addr())
    })
}

pub(super) unsafe extern "C" fn encode(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncEncodePicture", encoder, params, "NV_ENC_PIC_PARAMS", |session, params| {
        session.encode(params)
    })
}

/// Waits outside of the session, so that other threads may submit meanwhile.
pub(super) unsafe extern "C" fn lock_bitstream(encoder: *mut c_void, params: *mut c_void) -> u32 {
    let encoder = encoder.addr();
    traced("NvEncLockBitstream", |_, call| {
        call.field("encoder", || format!("{encoder:#x}"));
        let shared = registry::find(encoder)?;
        let (api, codec) = {
            let session = shared.enter();
            (session.api, session.codec())
        };
        let client = passed(params);
        let mut params = client.read("NV_ENC_LOCK_BITSTREAM", api)?;
        let answer = shared.lock_bitstream(&mut params);
        for (name, value) in params.to_json(codec.map_or("", CodecExt::prefix)) {
            call.field(&name, || value);
        }
        match &answer {
            Ok(()) => client.write(&params)?,
            Err(refusal) => shared.enter().remember(refusal),
        }
        answer
    })
}

pub(super) unsafe extern "C" fn unlock_bitstream(encoder: *mut c_void, buffer: *mut c_void) -> u32 {
    in_session("NvEncUnlockBitstream", encoder, |session, call| {
        call.field("bitstreamBuffer", || format!("{:#x}", buffer.addr()));
        session.unlock_bitstream(buffer.addr())
    })
}

pub(super) unsafe extern "C" fn stats(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncGetEncodeStats", encoder, params, "NV_ENC_STAT", |_, _| {
        refuse(
            Status::Unimplemented,
            "there are no statistics of CUDA sessions: NvEncLockBitstream tells them",
        )
    })
}

pub(super) unsafe extern "C" fn register_event(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncRegisterAsyncEvent", encoder, params, "NV_ENC_EVENT_PARAMS", |_, _| {
        refuse(Status::Unimplemented, "there is no asynchronous mode on Linux")
    })
}

pub(super) unsafe extern "C" fn unregister_event(encoder: *mut c_void, params: *mut c_void) -> u32 {
    with_struct("NvEncUnregisterAsyncEvent", encoder, params, "NV_ENC_EVENT_PARAMS", |_, _| {
        refuse(Status::Unimplemented, "there is no asynchronous mode on Linux")
    })
}

pub(super) unsafe extern "C" fn invalidate(encoder: *mut c_void, time: u64) -> u32 {
    in_session("NvEncInvalidateRefFrames", encoder, |session, call| {
        call.field("invalidRefFrameTimeStamp", || time);
        session.invalidate_references()
    })
}

pub(super) unsafe extern "C" fn motion(encoder: *mut c_void, _params: *mut c_void) -> u32 {
    in_session("NvEncRunMotionEstimationOnly", encoder, |_, _| {
        refuse(Status::Unimplemented, "the emulator encodes only")
    })
}

pub(super) unsafe extern "C" fn restore(encoder: *mut c_void, _params: *mut c_void) -> u32 {
    in_session("NvEncRestoreEncoderState", encoder, |_, _| {
        refuse(Status::Unimplemented, "the emulator keeps no states")
    })
}

pub(super) unsafe extern "C" fn look_ahead(encoder: *mut c_void, _params: *mut c_void) -> u32 {
    in_session("NvEncLookaheadPicture", encoder, |_, _| {
        refuse(Status::Unimplemented, "the emulator looks ahead at pictures that it encodes only")
    })
}
