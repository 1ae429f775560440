//! As much of the NVENC interface as the probe needs.
//!
//! The structs here have been the same from NVENC 11.1 to 13.0, so that the newest version which the
//! driver speaks can be spoken: an older one might not be told of AV1.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr;

use libloading::Library;

use super::answer::Answer;
use super::child::Report;
use super::cuda::{ContextHandle, Cuda, Device, function};
use crate::encode::nvenc::abilities::{CodecAbilities, GpuAbilities};
use crate::{Codec, Size};

/// The oldest version with what is asked here, and the newest whose structs are known.
const OLDEST: (u32, u32) = (11, 1);
const NEWEST: (u32, u32) = (13, 0);

/// `NVENCSTATUS`; zero is success.
type Code = c_int;
const UNSUPPORTED_DEVICE: Code = 2;
const OUT_OF_MEMORY: Code = 10;
const INCOMPATIBLE_CLIENT_KEY: Code = 21;

/// `NV_ENC_DEVICE_TYPE_CUDA`.
const DEVICE_TYPE_CUDA: u32 = 1;

/// `GUID`.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq)]
struct Guid(u32, u16, u16, [u8; 8]);

/// `NV_ENC_CODEC_…_GUID`.
const CODECS: &[(Guid, Codec)] = &[
    (Guid(0x6bc8_2762, 0x4e63, 0x4ca4, [0xaa, 0x85, 0x1e, 0x50, 0xf3, 0x21, 0xf6, 0xbf]), Codec::H264),
    (Guid(0x790c_dc88, 0x4522, 0x4d7b, [0x94, 0x25, 0xbd, 0xa9, 0x97, 0x5f, 0x76, 0x03]), Codec::Hevc),
    (Guid(0x0a35_2289, 0x0aa7, 0x4759, [0x86, 0x2d, 0x5d, 0x15, 0xcd, 0x16, 0xd2, 0x54]), Codec::AV1),
];

/// `NV_ENC_CAPS`: what can be asked of a codec.
#[derive(Clone, Copy)]
enum Caps {
    MaxBFrames = 0,
    WidthMax = 16,
    HeightMax = 17,
    DynamicBitrate = 20,
    IntraRefresh = 25,
    MacroblocksPerSecondMax = 32,
    Yuv444 = 33,
    Lossless = 34,
    Lookahead = 37,
    TemporalAq = 38,
    TenBit = 39,
    WeightedPrediction = 41,
    BFrameReference = 43,
    WidthMin = 45,
    HeightMin = 46,
    MultipleReferences = 47,
    Engines = 49,
}

/// The bits of `BFrameReference`.
const EACH: u32 = 1;
const MIDDLE: u32 = 2;

/// `NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS`.
#[repr(C)]
struct OpenSession {
    version: u32,
    device_type: u32,
    device: ContextHandle,
    reserved: *mut c_void,
    api_version: u32,
    reserved1: [u32; 253],
    reserved2: [*mut c_void; 64],
}

/// `NV_ENC_CAPS_PARAM`.
#[repr(C)]
struct CapsParam {
    version: u32,
    caps: u32,
    reserved: [u32; 62],
}

type Unused = *const c_void;
type GetGuidCount = unsafe extern "C" fn(*mut c_void, *mut u32) -> Code;
type GetGuids = unsafe extern "C" fn(*mut c_void, *mut Guid, u32, *mut u32) -> Code;
type GetCaps = unsafe extern "C" fn(*mut c_void, Guid, *mut CapsParam, *mut c_int) -> Code;
type DestroyEncoder = unsafe extern "C" fn(*mut c_void) -> Code;
type OpenEncodeSessionEx = unsafe extern "C" fn(*mut OpenSession, *mut *mut c_void) -> Code;

/// `NV_ENCODE_API_FUNCTION_LIST`: 318 pointers, of which five are used here.
#[repr(C)]
struct FunctionList {
    version: u32,
    reserved: u32,
    open_encode_session: Unused,
    get_encode_guid_count: Option<GetGuidCount>,
    profile_functions: [Unused; 2],
    get_encode_guids: Option<GetGuids>,
    input_format_functions: [Unused; 2],
    get_encode_caps: Option<GetCaps>,
    preset_and_encoding_functions: [Unused; 19],
    destroy_encoder: Option<DestroyEncoder>,
    invalidate_ref_frames: Unused,
    open_encode_session_ex: Option<OpenEncodeSessionEx>,
    others: [Unused; 288],
}

/// `libnvidia-encode.so.1`, with the functions that are used.
pub(super) struct EncodeApi {
    newest: (u32, u32),
    /// What is spoken.
    spoken: (u32, u32),
    get_guid_count: GetGuidCount,
    get_guids: GetGuids,
    get_caps: GetCaps,
    destroy_encoder: DestroyEncoder,
    open_session: OpenEncodeSessionEx,
}

impl EncodeApi {
    /// Loads it and takes its functions.
    pub(super) fn load(report: &mut Report) -> Result<Self, Answer> {
        report.step("loading libnvidia-encode.so.1");
        // SAFETY: the driver's library is trusted to be loaded. Never unloaded: its threads run on.
        let library = unsafe { Library::new("libnvidia-encode.so.1") };
        let library = Box::leak(Box::new(library.map_err(|_| {
            Answer::refused(
                "libnvidia-encode.so.1 is not there: the NVIDIA driver was installed without its encoder library",
                "install it (Debian: libnvidia-encode1, Ubuntu: libnvidia-encode-VERSION, Fedora: \
                 xorg-x11-drv-nvidia-cuda-libs)",
            )
        })?));
        let newest = newest_version(library, report)?;
        let spoken = newest.min(NEWEST);
        report.step("NvEncodeAPICreateInstance");
        // SAFETY: all zero is valid for numbers, pointers and functions that may be none.
        let mut list: FunctionList = unsafe { std::mem::zeroed() };
        list.version = struct_version(spoken, 2);
        // SAFETY: the type is that of NVENC's header; the list is as long as the driver takes it to be.
        let code = unsafe {
            let create: unsafe extern "C" fn(*mut FunctionList) -> Code =
                function(library, "NvEncodeAPICreateInstance")?;
            create(&raw mut list)
        };
        let update = "update NVIDIA's driver";
        if code != 0 {
            let reason = format!("the NVIDIA driver does not give out its encoder: {}", name(code));
            return Err(Answer::refused(reason, update));
        }
        let functions = || {
            Some(Self {
                newest,
                spoken,
                get_guid_count: list.get_encode_guid_count?,
                get_guids: list.get_encode_guids?,
                get_caps: list.get_encode_caps?,
                destroy_encoder: list.destroy_encoder?,
                open_session: list.open_encode_session_ex?,
            })
        };
        functions().ok_or_else(|| Answer::refused("the NVIDIA driver's encoder lacks functions", update))
    }

    /// The newest version that the driver speaks.
    pub(super) const fn newest(&self) -> (u32, u32) {
        self.newest
    }

    /// What a GPU can encode, or why it cannot be asked.
    pub(super) fn abilities(
        &self,
        cuda: &Cuda,
        device: &Device,
        report: &mut Report,
    ) -> Result<GpuAbilities, Answer> {
        let mut gpu = GpuAbilities {
            name: device.name.clone(),
            address: device.address.clone(),
            uuid: device.uuid,
            compute: device.compute,
            ..GpuAbilities::default()
        };
        report.step(format!("cuCtxCreate on {}", device.name));
        let context = match cuda.context(device) {
            Ok(context) => context,
            Err(name) => {
                gpu.refusal = Some(format!("no CUDA context can be made on it: {name}"));
                return Ok(gpu);
            }
        };
        report.step(format!("NvEncOpenEncodeSessionEx on {}", device.name));
        match self.open(context.handle) {
            Ok(session) => {
                report.step(format!("NvEncGetEncodeCaps on {}", device.name));
                gpu.codecs = session.codecs();
            }
            Err(OUT_OF_MEMORY | INCOMPATIBLE_CLIENT_KEY) => return Err(Answer::Busy),
            Err(UNSUPPORTED_DEVICE) => gpu.refusal = Some("it has no encoder".to_owned()),
            Err(code) => gpu.refusal = Some(format!("no encoder can be opened on it: {}", name(code))),
        }
        report.step(format!("closing {}", device.name));
        Ok(gpu)
    }

    fn open(&self, context: ContextHandle) -> Result<Session<'_>, Code> {
        let mut open = OpenSession {
            version: struct_version(self.spoken, 1),
            device_type: DEVICE_TYPE_CUDA,
            device: context,
            reserved: ptr::null_mut(),
            api_version: version_word(self.spoken),
            reserved1: [0; 253],
            reserved2: [ptr::null_mut(); 64],
        };
        let mut handle = ptr::null_mut();
        // SAFETY: the struct is laid out as the version that it states, the context is alive.
        match unsafe { (self.open_session)(&raw mut open, &raw mut handle) } {
            0 => Ok(Session { api: self, handle }),
            code => Err(code),
        }
    }
}

/// An encoder session that is open, with nothing in it.
struct Session<'a> {
    api: &'a EncodeApi,
    handle: *mut c_void,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // SAFETY: the session is ours; nothing uses it any more.
        unsafe { (self.api.destroy_encoder)(self.handle) };
    }
}

impl Session<'_> {
    fn codecs(&self) -> Vec<CodecAbilities> {
        let guids = self.guids();
        let made = CODECS.iter().filter(|(guid, _)| guids.contains(guid));
        made.map(|(guid, codec)| self.codec(*guid, *codec)).collect()
    }

    fn guids(&self) -> Vec<Guid> {
        let mut count = 0;
        // SAFETY: writes one number.
        let code = unsafe { (self.api.get_guid_count)(self.handle, &raw mut count) };
        if code != 0 {
            return Vec::new();
        }
        let mut guids = vec![Guid::default(); count.min(64) as usize];
        let room = guids.len() as u32;
        // SAFETY: the room is true.
        let code = unsafe { (self.api.get_guids)(self.handle, guids.as_mut_ptr(), room, &raw mut count) };
        guids.truncate(if code == 0 { count as usize } else { 0 });
        guids
    }

    /// Zero, "no", where the driver does not know what is asked.
    fn caps(&self, codec: Guid, caps: Caps) -> u32 {
        let version = struct_version(self.api.spoken, 1);
        let mut asked = CapsParam { version, caps: caps as u32, reserved: [0; 62] };
        let mut value = 0;
        // SAFETY: the struct is laid out as the version that it states; writes one number.
        let code = unsafe { (self.api.get_caps)(self.handle, codec, &raw mut asked, &raw mut value) };
        if code == 0 { value.max(0) as u32 } else { 0 }
    }

    fn codec(&self, guid: Guid, codec: Codec) -> CodecAbilities {
        let number = |caps| self.caps(guid, caps);
        let can = |caps| self.caps(guid, caps) != 0;
        let reference = number(Caps::BFrameReference);
        CodecAbilities {
            codec,
            min: Size::new(number(Caps::WidthMin), number(Caps::HeightMin)),
            max: Size::new(number(Caps::WidthMax), number(Caps::HeightMax)),
            max_macroblocks_a_second: Some(number(Caps::MacroblocksPerSecondMax).into())
                .filter(|it: &u64| *it > 0),
            max_b_frames: number(Caps::MaxBFrames),
            b_reference_each: reference & EACH != 0,
            b_reference_middle: reference & MIDDLE != 0,
            ten_bit: can(Caps::TenBit),
            yuv444: can(Caps::Yuv444),
            lossless: can(Caps::Lossless),
            lookahead: can(Caps::Lookahead),
            temporal_aq: can(Caps::TemporalAq),
            weighted_prediction: can(Caps::WeightedPrediction),
            intra_refresh: can(Caps::IntraRefresh),
            multiple_references: can(Caps::MultipleReferences),
            dynamic_bitrate: can(Caps::DynamicBitrate),
            // What encodes has one at the least.
            engines: number(Caps::Engines).max(1),
        }
    }
}

fn newest_version(library: &Library, report: &mut Report) -> Result<(u32, u32), Answer> {
    report.step("NvEncodeAPIGetMaxSupportedVersion");
    let mut word = 0;
    // SAFETY: the type is that of NVENC's header; writes one number.
    let code = unsafe {
        let ask: unsafe extern "C" fn(*mut u32) -> Code =
            function(library, "NvEncodeAPIGetMaxSupportedVersion")?;
        ask(&raw mut word)
    };
    let version = (word >> 4, word & 0xf);
    if code == 0 && version >= OLDEST {
        return Ok(version);
    }
    let (major, minor) = version;
    let reason = format!("the NVIDIA driver is too old: it speaks NVENC {major}.{minor}, and 11.1 is needed");
    Err(Answer::refused(reason, "update NVIDIA's driver to 525 or newer"))
}

/// `NVENCAPI_VERSION`.
const fn version_word((major, minor): (u32, u32)) -> u32 {
    major | minor << 24
}

/// `NVENCAPI_STRUCT_VERSION`.
const fn struct_version(api: (u32, u32), of_struct: u32) -> u32 {
    version_word(api) | of_struct << 16 | 7 << 28
}

/// What a code is called in NVENC's header, without its prefix.
fn name(code: Code) -> String {
    let name = match code {
        1 => "NO_ENCODE_DEVICE",
        2 => "UNSUPPORTED_DEVICE",
        3 => "INVALID_ENCODERDEVICE",
        4 => "INVALID_DEVICE",
        5 => "DEVICE_NOT_EXIST",
        8 => "INVALID_PARAM",
        10 => "OUT_OF_MEMORY",
        15 => "INVALID_VERSION",
        20 => "GENERIC",
        21 => "INCOMPATIBLE_CLIENT_KEY",
        _ => return format!("NVENC error {code}"),
    };
    format!("NV_ENC_ERR_{name}")
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    /// Against the sizes and places that a C compiler gives to NVENC's own header.
    #[test]
    fn structs_are_laid_out_as_the_header_has_them() {
        assert_eq!(size_of::<OpenSession>(), 1552);
        assert_eq!(size_of::<CapsParam>(), 256);
        assert_eq!(size_of::<FunctionList>(), 2552);
        assert_eq!(offset_of!(FunctionList, get_encode_caps), 64);
        assert_eq!(offset_of!(FunctionList, destroy_encoder), 224);
        assert_eq!(offset_of!(FunctionList, open_encode_session_ex), 240);
        assert_eq!(struct_version((11, 1), 2), 0x7102_000b);
    }
}
