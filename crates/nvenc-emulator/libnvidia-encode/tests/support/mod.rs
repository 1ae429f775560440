//! A client that speaks to the library as C does: by function pointers, structs in memory and version words.
#![allow(unsafe_code)]
#![allow(dead_code, reason = "each test uses a part of it")]

use std::ffi::{CStr, c_char};

use emulated_nvidia_encode::schema::{Guid, Record};
use emulated_nvidia_encode::{ApiVersion, Status};
use libloading::Library;
use nvenc_emulator::{Installed, Settings};

/// Every function takes integers and pointers only, and a GUID by value lies in two registers: all of them can be
/// called as this, whatever they take less.
type Function = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64) -> u64;

/// API 12.0: what knows every codec and the most drivers.
pub const API: ApiVersion = ApiVersion::new(12, 0);

/// NV12.
pub const NV12: u64 = 1;

/// A program that uses the encoder.
pub struct Client {
    pub api: ApiVersion,
    pub encoder: u64,
    pub context: u64,
    functions: Record,
    cuda: Library,
    encode: Library,
    _installed: Installed,
}

/// What an encoder is initialised with.
pub struct Setup {
    pub params: Record,
    pub config: Record,
    pub codec: &'static str,
}

impl Client {
    /// A client with an open session.
    pub fn open(gpu: &str) -> Self {
        Self::with_settings(Settings { gpu: gpu.into(), ..Settings::default() }, API)
    }

    /// The same with all that can be set.
    pub fn with_settings(settings: Settings, api: ApiVersion) -> Self {
        let mut client = Self::unopened(settings, api);
        assert_eq!(client.open_session(), Status::Success as u32);
        client
    }

    /// One that has found the functions, and has a CUDA context.
    pub fn unopened(settings: Settings, api: ApiVersion) -> Self {
        let installed = Installed::with_settings(settings).expect("installed");
        installed.load().expect("loaded");
        // SAFETY: both are loaded already; opening them again finds them by their names.
        let (cuda, encode) = unsafe {
            (
                Library::new("libcuda.so.1").expect("libcuda"),
                Library::new("libnvidia-encode.so.1").expect("encode"),
            )
        };
        let functions = Record::new("NV_ENCODE_API_FUNCTION_LIST", api);
        let mut client = Self { api, encoder: 0, context: 0, functions, cuda, encode, _installed: installed };
        assert_eq!(client.cuda("cuInit", &[0]), 0);
        let mut context = 0_u64;
        assert_eq!(client.cuda("cuCtxCreate_v2", &[address(&mut context), 0, 0]), 0);
        client.context = context;
        assert_eq!(client.create_instance(), Status::Success as u32);
        client
    }

    pub fn create_instance(&mut self) -> u32 {
        let mut list = self.functions.bytes().to_vec();
        let status =
            symbol(&self.encode, "NvEncodeAPICreateInstance", &[list.as_mut_ptr().addr() as u64]) as u32;
        self.functions = Record::from_bytes(self.functions.layout(), list);
        status
    }

    pub fn newest_api(&self) -> u32 {
        let mut version = 0_u32;
        assert_eq!(symbol(&self.encode, "NvEncodeAPIGetMaxSupportedVersion", &[address(&mut version)]), 0);
        version
    }

    /// Calls a function of libcuda.
    pub fn cuda(&self, name: &str, arguments: &[u64]) -> u32 {
        symbol(&self.cuda, name, arguments) as u32
    }

    pub fn open_session(&mut self) -> u32 {
        let mut params = Record::new("NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS", self.api);
        params.set("deviceType", 1);
        params.set("device", self.context);
        params.set("apiVersion", u64::from(self.api.word()));
        self.open_with(&params)
    }

    pub fn open_with(&mut self, params: &Record) -> u32 {
        let mut encoder = 0_u64;
        let bytes = params.bytes().to_vec();
        let status =
            self.raw("nvEncOpenEncodeSessionEx", &[bytes.as_ptr().addr() as u64, address(&mut encoder)]);
        self.encoder = encoder;
        status
    }

    /// Calls a function of the list with these arguments.
    pub fn raw(&self, function: &str, arguments: &[u64]) -> u32 {
        call(self.functions.get(function), arguments) as u32
    }

    /// Calls one on the session with these arguments.
    pub fn call(&self, function: &str, arguments: &[u64]) -> u32 {
        self.raw(function, &[&[self.encoder], arguments].concat())
    }

    /// Calls one on the session with a struct.
    pub fn with(&self, function: &str, record: &mut Record) -> u32 {
        let mut bytes = record.bytes().to_vec();
        let status = self.call(function, &[bytes.as_mut_ptr().addr() as u64]);
        *record = Record::from_bytes(record.layout(), bytes);
        status
    }

    pub fn last_error(&self) -> String {
        let pointer = call(self.functions.get("nvEncGetLastErrorString"), &[self.encoder]);
        // SAFETY: the library returns a string that lives until the next error.
        unsafe { CStr::from_ptr(pointer as usize as *const c_char) }.to_string_lossy().into_owned()
    }

    /// What an ordinary client asks for: the preset P4 for high quality, a CBR of 1 Mbit/s.
    pub fn setup(&self, codec: &'static str, width: u64, height: u64) -> Setup {
        self.preset(codec, width, height, 4, 1)
    }

    /// A preset's configuration, put into what an encoder is initialised with.
    pub fn preset(&self, codec: &'static str, width: u64, height: u64, preset: usize, tuning: u64) -> Setup {
        let guid = codec_guid(codec);
        let preset = Guid::PRESETS[preset - 1];
        let mut preset_config = Record::new("NV_ENC_PRESET_CONFIG", self.api);
        let mut config = Record::new("NV_ENC_CONFIG", self.api);
        preset_config.set("presetCfg.version", config.get("version"));
        let mut bytes = preset_config.bytes().to_vec();
        let arguments =
            [&guid_words(guid)[..], &guid_words(preset), &[tuning, bytes.as_mut_ptr().addr() as u64]];
        let status = self.call("nvEncGetEncodePresetConfigEx", &arguments.concat());
        assert_eq!(status, Status::Success as u32, "{}", self.last_error());
        let version = config.get("version");
        config = Record::from_bytes(preset_config.layout(), bytes).nested("presetCfg");
        config.set("version", version);
        config.set("rcParams.rateControlMode", 2);
        config.set("rcParams.averageBitRate", 1_000_000);
        let mut params = Record::new("NV_ENC_INITIALIZE_PARAMS", self.api);
        params.set_guid("encodeGUID", guid);
        params.set_guid("presetGUID", preset);
        for (field, value) in [
            ("encodeWidth", width),
            ("encodeHeight", height),
            ("frameRateNum", 30),
            ("frameRateDen", 1),
            ("enablePTD", 1),
            ("tuningInfo", tuning),
        ] {
            params.set(field, value);
        }
        Setup { params, config, codec }
    }

    pub fn initialize(&self, setup: &Setup) -> u32 {
        let config = setup.config.bytes().to_vec();
        let mut params = setup.params.clone();
        params.set("encodeConfig", config.as_ptr().addr() as u64);
        let bytes = params.bytes().to_vec();
        self.call("nvEncInitializeEncoder", &[bytes.as_ptr().addr() as u64])
    }

    pub fn reconfigure(&self, setup: &Setup, force_key: bool) -> u32 {
        let config = setup.config.bytes().to_vec();
        let mut params = setup.params.clone();
        params.set("encodeConfig", config.as_ptr().addr() as u64);
        let mut all = Record::new("NV_ENC_RECONFIGURE_PARAMS", self.api);
        all.set_nested("reInitEncodeParams", &params);
        all.set("forceIDR", u64::from(force_key));
        self.with("nvEncReconfigureEncoder", &mut all)
    }

    /// A client whose encoder is initialised.
    pub fn initialized(gpu: &str, codec: &'static str, change: impl FnOnce(&mut Setup)) -> Self {
        let client = Self::open(gpu);
        let mut setup = client.setup(codec, 320, 240);
        change(&mut setup);
        assert_eq!(client.initialize(&setup), Status::Success as u32, "{}", client.last_error());
        client
    }

    pub fn input(&self, width: u64, height: u64, format: u64) -> u64 {
        let mut params = Record::new("NV_ENC_CREATE_INPUT_BUFFER", self.api);
        params.set("width", width);
        params.set("height", height);
        params.set("bufferFmt", format);
        assert_eq!(self.with("nvEncCreateInputBuffer", &mut params), 0, "{}", self.last_error());
        params.get("inputBuffer")
    }

    /// Locks an input buffer, fills it row by row with these bytes and unlocks it.
    pub fn fill(&self, input: u64, rows: &[Vec<u8>]) {
        let mut params = Record::new("NV_ENC_LOCK_INPUT_BUFFER", self.api);
        params.set("inputBuffer", input);
        assert_eq!(self.with("nvEncLockInputBuffer", &mut params), 0, "{}", self.last_error());
        let pitch = params.get("pitch") as usize;
        for (index, row) in rows.iter().enumerate() {
            assert!(row.len() <= pitch);
            let to = (params.get("bufferDataPtr") as usize + index * pitch) as *mut u8;
            // SAFETY: the library gave this memory for rows of that pitch until it is unlocked.
            unsafe { to.copy_from_nonoverlapping(row.as_ptr(), row.len()) };
        }
        assert_eq!(self.call("nvEncUnlockInputBuffer", &[input]), 0, "{}", self.last_error());
    }

    pub fn bitstream(&self) -> u64 {
        let mut params = Record::new("NV_ENC_CREATE_BITSTREAM_BUFFER", self.api);
        assert_eq!(self.with("nvEncCreateBitstreamBuffer", &mut params), 0, "{}", self.last_error());
        params.get("bitstreamBuffer")
    }

    /// The fields of a picture of 320x240 in NV12.
    pub fn picture(&self, input: u64, output: u64) -> Record {
        let mut params = Record::new("NV_ENC_PIC_PARAMS", self.api);
        for (field, value) in [
            ("inputWidth", 320),
            ("inputHeight", 240),
            ("inputPitch", 320),
            ("inputBuffer", input),
            ("outputBitstream", output),
            ("bufferFmt", NV12),
            ("pictureStruct", 1),
        ] {
            params.set(field, value);
        }
        params
    }

    pub fn encode(&self, picture: &Record) -> u32 {
        self.with("nvEncEncodePicture", &mut picture.clone())
    }

    pub fn end(&self) -> u32 {
        let mut params = Record::new("NV_ENC_PIC_PARAMS", self.api);
        params.set("encodePicFlags", 8);
        self.with("nvEncEncodePicture", &mut params)
    }

    /// Locks a bitstream buffer: what it says, and the bytes that it holds.
    pub fn lock(&self, output: u64) -> Result<(Record, Vec<u8>), u32> {
        let mut params = Record::new("NV_ENC_LOCK_BITSTREAM", self.api);
        params.set("outputBitstream", output);
        let bytes = self.lock_with(&mut params)?;
        Ok((params, bytes))
    }

    pub fn lock_with(&self, params: &mut Record) -> Result<Vec<u8>, u32> {
        match self.with("nvEncLockBitstream", params) {
            0 => {
                let (from, size) = (params.get("bitstreamBufferPtr"), params.get("bitstreamSizeInBytes"));
                // SAFETY: the library gave this memory until the buffer is unlocked.
                Ok(unsafe { std::slice::from_raw_parts(from as usize as *const u8, size as usize) }.to_vec())
            }
            status => Err(status),
        }
    }

    pub fn unlock(&self, output: u64) -> u32 {
        self.call("nvEncUnlockBitstream", &[output])
    }
}

impl Setup {
    /// Changes a field of the codec's own configuration.
    pub fn own(&mut self, field: &str, value: u64) {
        self.config.set(&format!("encodeCodecConfig.{}Config.{field}", self.codec), value);
    }
}

/// A noisy picture with a brighter bar that moves: rows of NV12 at 320x240.
pub fn rows(number: usize) -> Vec<Vec<u8>> {
    let luma = |x: usize, y: usize| {
        let noise = (x * 7919 + y * 104_729 + number * 1_299_709) % 251 % 32;
        noise as u8 + if (x + 9000 - number * 8) % 300 < 40 { 180 } else { 60 + (y % 64) as u8 }
    };
    let chroma = |x: usize, y: usize| 118 + ((x / 16 + y / 16) % 16) as u8;
    let luma = (0..240).map(|y| (0..320).map(|x| luma(x, y)).collect());
    luma.chain((0..120).map(|y| (0..320).map(|x| chroma(x, y)).collect())).collect()
}

pub fn codec_guid(codec: &str) -> Guid {
    match codec {
        "h264" => Guid::H264,
        "hevc" => Guid::HEVC,
        _ => Guid::AV1,
    }
}

/// A GUID as it is passed by value.
pub fn guid_words(guid: Guid) -> [u64; 2] {
    let memory = guid.to_memory();
    [0, 8].map(|at| u64::from_le_bytes(std::array::from_fn(|index| memory[at + index])))
}

pub fn address<T>(value: &mut T) -> u64 {
    std::ptr::from_mut(value).expose_provenance() as u64
}

fn symbol(library: &Library, name: &str, arguments: &[u64]) -> u64 {
    // SAFETY: as for `call`.
    let function = unsafe { library.get::<Function>(name.as_bytes()) }.expect("exported");
    call((*function as *const ()).expose_provenance() as u64, arguments)
}

fn call(function: u64, arguments: &[u64]) -> u64 {
    assert_ne!(function, 0, "the list has no such function");
    let mut all = [0; 7];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f, g] = all;
    // SAFETY: the address is a function's of the library, which takes integers and pointers in this order.
    unsafe {
        let function: Function = std::mem::transmute(function as usize);
        function(a, b, c, d, e, f, g)
    }
}
