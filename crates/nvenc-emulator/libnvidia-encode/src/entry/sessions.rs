//! Opening, configuring, ending.

use std::ffi::{CStr, c_char, c_void};

use nvenc_emulator::Emulator;

use super::{in_session, passed, refuse, tell, traced, with_struct};
use crate::api::{ApiVersion, KNOWN};
use crate::client::Pointer;
use crate::registry;
use crate::schema::Record;
use crate::session::{Session, is_too_old};
use crate::status::{Answer, Refusal, Status, require};

/// The newest API that the driver speaks.
pub fn newest(emulator: &Emulator) -> Answer<ApiVersion> {
    let api = emulator.machine.api();
    // The last API of drivers that knew no presets P1 to P7: no wrapper of today is content with it.
    let old = is_too_old(emulator)?;
    Ok(if old { ApiVersion::new(9, 1) } else { ApiVersion::new(api.major as u8, api.minor as u8) })
}

/// The API of a client, from a version word of a struct of its own.
pub fn api_of(emulator: &Emulator, word: u32) -> Answer<ApiVersion> {
    let (api, newest) = (ApiVersion::from_word(word), newest(emulator)?);
    require(api <= newest, Status::InvalidVersion, || {
        format!("the client is built for API {api}; this driver speaks {newest} at most")
    })?;
    require(api.known().is_some(), Status::InvalidVersion, || {
        format!(
            "the client is built for API {api}; the emulator knows {} to {}",
            KNOWN[0],
            KNOWN[KNOWN.len() - 1]
        )
    })?;
    Ok(api)
}

/// CPU time that this library has taken so far, in nanoseconds, without what CUDA takes: the emulator's
/// own, for benches.
#[unsafe(no_mangle)]
pub extern "C" fn nvenc_emulator_encode_cpu_time() -> u64 {
    nvenc_emulator::account::cpu_time().as_nanos() as u64
}

pub(super) unsafe extern "C" fn open_session(_device: *mut c_void, _kind: u32, encoder: *mut c_void) -> u32 {
    traced("NvEncOpenEncodeSession", |_, _| {
        passed(encoder).write_address(0, "encoder")?;
        refuse(Status::Unimplemented, "deprecated: NvEncOpenEncodeSessionEx opens sessions")
    })
}

pub(super) unsafe extern "C" fn open_session_ex(params: *mut c_void, encoder: *mut c_void) -> u32 {
    traced("NvEncOpenEncodeSessionEx", |emulator, call| {
        let (params, encoder) = (passed(params), passed(encoder));
        encoder.write_address(0, "encoder")?;
        let api = api_of(emulator, params.version_word()?)?;
        let params = params.read("NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS", api)?;
        call.field("api", || api.to_string());
        for (name, value) in params.to_json("") {
            call.field(&name, || value);
        }
        let handle = registry::add(Session::open(emulator, &params, api)?);
        call.field("encoder", || format!("{handle:#x}"));
        encoder.write_address(handle, "encoder")
    })
}

/// The client's `NV_ENC_CONFIG`, where it passed one.
fn config_of(params: &Record) -> Answer<Option<Record>> {
    let config = Pointer::inside(params, "encodeConfig");
    if config.is_null() { Ok(None) } else { config.read("NV_ENC_CONFIG", params.layout().api).map(Some) }
}

/// Writes a configuration down under its own name.
fn tell_config(call: &mut nvenc_emulator::Call<'_>, config: Option<&Record>, session: &Session) {
    use crate::session::CodecExt;
    if let Some(config) = config {
        call.field("encodeConfig", || config.to_json(session.codec().map_or("", CodecExt::prefix)));
    }
}

pub(super) unsafe extern "C" fn initialize(encoder: *mut c_void, params: *mut c_void) -> u32 {
    in_session("NvEncInitializeEncoder", encoder, |session, call| {
        let params = passed(params).read("NV_ENC_INITIALIZE_PARAMS", session.api)?;
        let config = config_of(&params)?;
        let answer = session.initialize(&params, config.clone());
        tell(call, &params, session);
        tell_config(call, config.as_ref(), session);
        answer
    })
}

pub(super) unsafe extern "C" fn reconfigure(encoder: *mut c_void, params: *mut c_void) -> u32 {
    in_session("NvEncReconfigureEncoder", encoder, |session, call| {
        let all = passed(params).read("NV_ENC_RECONFIGURE_PARAMS", session.api)?;
        let params = all.nested("reInitEncodeParams");
        let word = params.layout().version_word();
        require(word == Some(params.u32("version")), Status::InvalidVersion, || {
            format!("reInitEncodeParams.version is {:#010x}", params.u32("version"))
        })?;
        let config = config_of(&params)?;
        tell(call, &all, session);
        tell_config(call, config.as_ref(), session);
        session.reconfigure(&params, config, all.flag("resetEncoder"), all.flag("forceIDR"))
    })
}

pub(super) unsafe extern "C" fn sequence_params(encoder: *mut c_void, payload: *mut c_void) -> u32 {
    with_struct(
        "NvEncGetSequenceParams",
        encoder,
        payload,
        "NV_ENC_SEQUENCE_PARAM_PAYLOAD",
        |session, payload| write_headers(payload, &session.headers()?),
    )
}

pub(super) unsafe extern "C" fn sequence_params_ex(
    encoder: *mut c_void,
    params: *mut c_void,
    payload: *mut c_void,
) -> u32 {
    with_struct(
        "NvEncGetSequenceParamEx",
        encoder,
        payload,
        "NV_ENC_SEQUENCE_PARAM_PAYLOAD",
        |session, payload| {
            let params = passed(params).read("NV_ENC_INITIALIZE_PARAMS", session.api)?;
            let config = config_of(&params)?;
            write_headers(payload, &session.headers_of(&params, config)?)
        },
    )
}

fn write_headers(payload: &Record, headers: &[u8]) -> Answer {
    let room = payload.u32("inBufferSize") as usize;
    require(headers.len() <= room, Status::NotEnoughBuffer, || {
        format!("inBufferSize is {room}; the headers have {} bytes", headers.len())
    })?;
    Pointer::inside(payload, "spsppsBuffer").write_bytes(headers, "spsppsBuffer")?;
    Pointer::inside(payload, "outSPSPPSPayloadSize").write_u32(headers.len() as u32, "outSPSPPSPayloadSize")
}

pub(super) unsafe extern "C" fn set_streams(
    encoder: *mut c_void,
    input: *mut c_void,
    output: *mut c_void,
) -> u32 {
    in_session("NvEncSetIOCudaStreams", encoder, |session, call| {
        call.field("inputStream", || format!("{:#x}", input.addr()));
        call.field("outputStream", || format!("{:#x}", output.addr()));
        // Each is a pointer to a stream.
        let input = passed(input);
        let stream = if input.is_null() { vec![0; 8] } else { input.bytes(8, "inputStream")? };
        session.set_streams(usize::from_ne_bytes(stream.try_into().unwrap_or_default()));
        Ok(())
    })
}

pub(super) unsafe extern "C" fn destroy(encoder: *mut c_void) -> u32 {
    let encoder = encoder.addr();
    traced("NvEncDestroyEncoder", |_, call| {
        call.field("encoder", || format!("{encoder:#x}"));
        registry::remove(encoder)
    })
}

/// Lives until the next error of the session, or its end.
pub(super) unsafe extern "C" fn last_error(encoder: *mut c_void) -> *const c_char {
    const NONE: &CStr = c"encoder is no open session";
    match registry::find(encoder.addr()) {
        Ok(shared) => shared.enter().last_error().as_ptr(),
        Err(_) => NONE.as_ptr(),
    }
}

/// The newest API that the driver speaks: the minor version in the four lowest bits.
///
/// # Safety
///
/// `version` is null or points to 32 bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn NvEncodeAPIGetMaxSupportedVersion(version: *mut u32) -> u32 {
    traced("NvEncodeAPIGetMaxSupportedVersion", |emulator, call| {
        let newest = newest(emulator)?;
        call.field("version", || newest.to_string());
        passed(version.cast()).write_u32(newest.reported(), "version")
    })
}

/// Fills in the list of functions.
///
/// # Safety
///
/// `list` is null or points to an `NV_ENCODE_API_FUNCTION_LIST` with its version word.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn NvEncodeAPICreateInstance(list: *mut c_void) -> u32 {
    traced("NvEncodeAPICreateInstance", |emulator, call| {
        emulator.crash_or_hang().map_err(|error| Refusal::new(Status::Generic, error.to_string()))?;
        let list = passed(list);
        let api = api_of(emulator, list.version_word()?)?;
        call.field("api", || api.to_string());
        let mut record = list.read("NV_ENCODE_API_FUNCTION_LIST", api)?;
        super::list::fill_in(&mut record);
        list.write(&record)
    })
}
