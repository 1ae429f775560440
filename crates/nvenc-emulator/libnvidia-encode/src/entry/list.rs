//! The list of functions.

use std::ffi::c_void;

use super::{pictures, queries, sessions};
use crate::schema::Record;

/// Writes where each function is, for those that the client's API has.
pub(super) fn fill_in(list: &mut Record) {
    let functions: [(&str, *const c_void); 42] = [
        ("nvEncOpenEncodeSession", sessions::open_session as *const c_void),
        ("nvEncGetEncodeGUIDCount", queries::codec_count as *const c_void),
        ("nvEncGetEncodeProfileGUIDCount", queries::profile_count as *const c_void),
        ("nvEncGetEncodeProfileGUIDs", queries::profiles as *const c_void),
        ("nvEncGetEncodeGUIDs", queries::codecs as *const c_void),
        ("nvEncGetInputFormatCount", queries::format_count as *const c_void),
        ("nvEncGetInputFormats", queries::formats as *const c_void),
        ("nvEncGetEncodeCaps", queries::capability as *const c_void),
        ("nvEncGetEncodePresetCount", queries::preset_count as *const c_void),
        ("nvEncGetEncodePresetGUIDs", queries::presets as *const c_void),
        ("nvEncGetEncodePresetConfig", queries::preset_config as *const c_void),
        ("nvEncInitializeEncoder", sessions::initialize as *const c_void),
        ("nvEncCreateInputBuffer", pictures::create_input as *const c_void),
        ("nvEncDestroyInputBuffer", pictures::destroy_input as *const c_void),
        ("nvEncCreateBitstreamBuffer", pictures::create_bitstream as *const c_void),
        ("nvEncDestroyBitstreamBuffer", pictures::destroy_bitstream as *const c_void),
        ("nvEncEncodePicture", pictures::encode as *const c_void),
        ("nvEncLockBitstream", pictures::lock_bitstream as *const c_void),
        ("nvEncUnlockBitstream", pictures::unlock_bitstream as *const c_void),
        ("nvEncLockInputBuffer", pictures::lock_input as *const c_void),
        ("nvEncUnlockInputBuffer", pictures::unlock_input as *const c_void),
        ("nvEncGetEncodeStats", pictures::stats as *const c_void),
        ("nvEncGetSequenceParams", sessions::sequence_params as *const c_void),
        ("nvEncRegisterAsyncEvent", pictures::register_event as *const c_void),
        ("nvEncUnregisterAsyncEvent", pictures::unregister_event as *const c_void),
        ("nvEncMapInputResource", pictures::map as *const c_void),
        ("nvEncUnmapInputResource", pictures::unmap as *const c_void),
        ("nvEncDestroyEncoder", sessions::destroy as *const c_void),
        ("nvEncInvalidateRefFrames", pictures::invalidate as *const c_void),
        ("nvEncOpenEncodeSessionEx", sessions::open_session_ex as *const c_void),
        ("nvEncRegisterResource", pictures::register as *const c_void),
        ("nvEncUnregisterResource", pictures::unregister as *const c_void),
        ("nvEncReconfigureEncoder", sessions::reconfigure as *const c_void),
        ("nvEncCreateMVBuffer", pictures::motion as *const c_void),
        ("nvEncDestroyMVBuffer", pictures::motion as *const c_void),
        ("nvEncRunMotionEstimationOnly", pictures::motion as *const c_void),
        ("nvEncGetLastErrorString", sessions::last_error as *const c_void),
        ("nvEncSetIOCudaStreams", sessions::set_streams as *const c_void),
        ("nvEncGetEncodePresetConfigEx", queries::preset_config_ex as *const c_void),
        ("nvEncGetSequenceParamEx", sessions::sequence_params_ex as *const c_void),
        ("nvEncRestoreEncoderState", pictures::restore as *const c_void),
        ("nvEncLookaheadPicture", pictures::look_ahead as *const c_void),
    ];
    for (name, function) in functions {
        list.set(name, function.expose_provenance() as u64);
    }
}
