//! What calls return.

/// `NVENCSTATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs, reason = "the API's own names")]
pub enum Status {
    Success = 0,
    NoEncodeDevice = 1,
    UnsupportedDevice = 2,
    InvalidEncoderDevice = 3,
    InvalidDevice = 4,
    DeviceNotExist = 5,
    InvalidPtr = 6,
    InvalidEvent = 7,
    InvalidParam = 8,
    InvalidCall = 9,
    OutOfMemory = 10,
    EncoderNotInitialized = 11,
    UnsupportedParam = 12,
    LockBusy = 13,
    NotEnoughBuffer = 14,
    InvalidVersion = 15,
    MapFailed = 16,
    NeedMoreInput = 17,
    EncoderBusy = 18,
    EventNotRegistered = 19,
    Generic = 20,
    IncompatibleClientKey = 21,
    Unimplemented = 22,
    ResourceRegisterFailed = 23,
    ResourceNotRegistered = 24,
    ResourceNotMapped = 25,
}

impl Status {
    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "NV_ENC_SUCCESS",
            Self::NoEncodeDevice => "NV_ENC_ERR_NO_ENCODE_DEVICE",
            Self::UnsupportedDevice => "NV_ENC_ERR_UNSUPPORTED_DEVICE",
            Self::InvalidEncoderDevice => "NV_ENC_ERR_INVALID_ENCODERDEVICE",
            Self::InvalidDevice => "NV_ENC_ERR_INVALID_DEVICE",
            Self::DeviceNotExist => "NV_ENC_ERR_DEVICE_NOT_EXIST",
            Self::InvalidPtr => "NV_ENC_ERR_INVALID_PTR",
            Self::InvalidEvent => "NV_ENC_ERR_INVALID_EVENT",
            Self::InvalidParam => "NV_ENC_ERR_INVALID_PARAM",
            Self::InvalidCall => "NV_ENC_ERR_INVALID_CALL",
            Self::OutOfMemory => "NV_ENC_ERR_OUT_OF_MEMORY",
            Self::EncoderNotInitialized => "NV_ENC_ERR_ENCODER_NOT_INITIALIZED",
            Self::UnsupportedParam => "NV_ENC_ERR_UNSUPPORTED_PARAM",
            Self::LockBusy => "NV_ENC_ERR_LOCK_BUSY",
            Self::NotEnoughBuffer => "NV_ENC_ERR_NOT_ENOUGH_BUFFER",
            Self::InvalidVersion => "NV_ENC_ERR_INVALID_VERSION",
            Self::MapFailed => "NV_ENC_ERR_MAP_FAILED",
            Self::NeedMoreInput => "NV_ENC_ERR_NEED_MORE_INPUT",
            Self::EncoderBusy => "NV_ENC_ERR_ENCODER_BUSY",
            Self::EventNotRegistered => "NV_ENC_ERR_EVENT_NOT_REGISTERD",
            Self::Generic => "NV_ENC_ERR_GENERIC",
            Self::IncompatibleClientKey => "NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY",
            Self::Unimplemented => "NV_ENC_ERR_UNIMPLEMENTED",
            Self::ResourceRegisterFailed => "NV_ENC_ERR_RESOURCE_REGISTER_FAILED",
            Self::ResourceNotRegistered => "NV_ENC_ERR_RESOURCE_NOT_REGISTERED",
            Self::ResourceNotMapped => "NV_ENC_ERR_RESOURCE_NOT_MAPPED",
        }
    }
}

/// Why a call does not succeed.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What it returns.
    pub status: Status,
    /// What `NvEncGetLastErrorString` and the trace say.
    pub why: String,
}

impl Refusal {
    /// A refusal with its reason.
    pub fn new(status: Status, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }
}

/// What a call makes, or why not.
pub type Answer<T = ()> = Result<T, Refusal>;

/// Refuses unless a condition holds.
pub fn require(holds: bool, status: Status, why: impl FnOnce() -> String) -> Answer {
    if holds { Ok(()) } else { Err(Refusal::new(status, why())) }
}
