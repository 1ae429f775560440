//! What this GPU can do.

use std::ffi::c_void;

use nvenc_emulator::Call;

use super::{CGuid, fill, in_session, passed, refuse};
use crate::schema::{Guid, Record};
use crate::session::{CodecExt, Session};
use crate::status::{Answer, Status};

/// Writes how many there are.
fn count<T>(
    name: &'static str,
    encoder: *mut c_void,
    number: *mut c_void,
    list: impl FnOnce(&Session) -> Answer<Vec<T>>,
) -> u32 {
    in_session(name, encoder, |session, call| {
        let found = list(session)?.len() as u32;
        call.field("count", || found);
        passed(number).write_u32(found, "the count")
    })
}

/// Where a client wants a list.
struct Room {
    array: *mut c_void,
    size: u32,
    count: *mut c_void,
}

/// Writes a list of GUIDs.
fn guids(
    name: &'static str,
    encoder: *mut c_void,
    room: Room,
    list: impl FnOnce(&Session) -> Answer<Vec<Guid>>,
) -> u32 {
    in_session(name, encoder, |session, call| {
        let guids = list(session)?;
        call.field("guids", || guids.iter().map(ToString::to_string).collect::<Vec<_>>());
        fill(&guids, room.size, passed(room.array), passed(room.count), |guid| guid.to_memory().to_vec())
    })
}

fn tell_codec(call: &mut Call<'_>, codec: Guid) {
    call.field("encodeGUID", || codec.to_string());
}

pub(super) unsafe extern "C" fn codec_count(encoder: *mut c_void, number: *mut c_void) -> u32 {
    count("NvEncGetEncodeGUIDCount", encoder, number, |session| Ok(session.codec_guids()))
}

pub(super) unsafe extern "C" fn codecs(
    encoder: *mut c_void,
    array: *mut c_void,
    size: u32,
    count: *mut c_void,
) -> u32 {
    guids("NvEncGetEncodeGUIDs", encoder, Room { array, size, count }, |session| Ok(session.codec_guids()))
}

pub(super) unsafe extern "C" fn profile_count(
    encoder: *mut c_void,
    codec: CGuid,
    number: *mut c_void,
) -> u32 {
    count("NvEncGetEncodeProfileGUIDCount", encoder, number, |session| session.profile_guids(codec.into()))
}

pub(super) unsafe extern "C" fn profiles(
    encoder: *mut c_void,
    codec: CGuid,
    array: *mut c_void,
    size: u32,
    count: *mut c_void,
) -> u32 {
    let room = Room { array, size, count };
    guids("NvEncGetEncodeProfileGUIDs", encoder, room, |session| session.profile_guids(codec.into()))
}

pub(super) unsafe extern "C" fn format_count(encoder: *mut c_void, codec: CGuid, number: *mut c_void) -> u32 {
    count("NvEncGetInputFormatCount", encoder, number, |session| session.input_formats(codec.into()))
}

pub(super) unsafe extern "C" fn formats(
    encoder: *mut c_void,
    codec: CGuid,
    array: *mut c_void,
    size: u32,
    count: *mut c_void,
) -> u32 {
    in_session("NvEncGetInputFormats", encoder, |session, call| {
        tell_codec(call, codec.into());
        let formats = session.input_formats(codec.into())?;
        call.field("formats", || formats.clone());
        fill(&formats, size, passed(array), passed(count), |format| format.to_ne_bytes().to_vec())
    })
}

pub(super) unsafe extern "C" fn preset_count(encoder: *mut c_void, codec: CGuid, number: *mut c_void) -> u32 {
    count("NvEncGetEncodePresetCount", encoder, number, |session| session.preset_guids(codec.into()))
}

pub(super) unsafe extern "C" fn presets(
    encoder: *mut c_void,
    codec: CGuid,
    array: *mut c_void,
    size: u32,
    count: *mut c_void,
) -> u32 {
    let room = Room { array, size, count };
    guids("NvEncGetEncodePresetGUIDs", encoder, room, |session| session.preset_guids(codec.into()))
}

pub(super) unsafe extern "C" fn capability(
    encoder: *mut c_void,
    codec: CGuid,
    params: *mut c_void,
    value: *mut c_void,
) -> u32 {
    in_session("NvEncGetEncodeCaps", encoder, |session, call| {
        tell_codec(call, codec.into());
        let params = passed(params).read("NV_ENC_CAPS_PARAM", session.api)?;
        call.field("capsToQuery", || params.to_json("").remove("capsToQuery"));
        let found = session.capability(codec.into(), params.u32("capsToQuery"))?;
        call.field("value", || found);
        passed(value).write_u32(found, "capsVal")
    })
}

/// Without a tuning, which only the presets of old had: no preset has a configuration without one.
pub(super) unsafe extern "C" fn preset_config(
    encoder: *mut c_void,
    codec: CGuid,
    preset: CGuid,
    _config: *mut c_void,
) -> u32 {
    in_session("NvEncGetEncodePresetConfig", encoder, |_, call| {
        tell_codec(call, codec.into());
        call.field("presetGUID", || Guid::from(preset).to_string());
        refuse(Status::UnsupportedParam, "the presets P1 to P7 need a tuning: NvEncGetEncodePresetConfigEx")
    })
}

pub(super) unsafe extern "C" fn preset_config_ex(
    encoder: *mut c_void,
    codec: CGuid,
    preset: CGuid,
    tuning: u32,
    config: *mut c_void,
) -> u32 {
    in_session("NvEncGetEncodePresetConfigEx", encoder, |session, call| {
        let (codec, preset) = (Guid::from(codec), Guid::from(preset));
        tell_codec(call, codec);
        call.field("presetGUID", || preset.to_string());
        call.field("tuningInfo", || tuning);
        let client = passed(config);
        let mut params = client.read("NV_ENC_PRESET_CONFIG", session.api)?;
        let (given, word) =
            (params.u32("presetCfg.version"), Record::new("NV_ENC_CONFIG", session.api).u32("version"));
        if given != word {
            return refuse(
                Status::InvalidVersion,
                &format!("presetCfg.version is {given:#010x}, not {word:#010x}"),
            );
        }
        let config = session.preset_config(codec, preset, tuning)?;
        let prefix = nvenc_emulator::Codec::from_guid(codec).map_or("", CodecExt::prefix);
        call.field("presetCfg", || config.to_json(prefix));
        params.set_nested("presetCfg", &config);
        client.write(&params)
    })
}
