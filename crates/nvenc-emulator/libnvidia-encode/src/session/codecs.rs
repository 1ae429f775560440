//! What the API calls the codecs.

use nvenc_emulator::{Cap, Codec, Coding, Machine};

use crate::schema::Guid;

/// Names and numbers of a codec in the API.
pub trait CodecExt: Sized {
    /// By its GUID.
    fn from_guid(guid: Guid) -> Option<Self>;
    /// Its GUID.
    fn guid(self) -> Guid;
    /// The struct of its own settings.
    fn config_struct(self) -> &'static str;
    /// That struct's place in `NV_ENC_CODEC_CONFIG`.
    fn config_member(self) -> &'static str;
    /// What its members of unions begin with.
    fn prefix(self) -> &'static str;
    /// The largest quantiser.
    fn worst_quantizer(self) -> u32;
    /// As the bitstream's writers call it.
    fn coded(self) -> nvenc_emulator_bitstream::Codec;
}

/// What a GPU under a driver can do in a codec.
#[derive(Clone, Copy, Debug)]
pub struct Ability {
    machine: Machine,
    codec: Codec,
    /// Profiles, forms and speed.
    pub coding: &'static Coding,
}

impl Ability {
    /// None where it cannot encode this codec.
    pub fn new(machine: &Machine, codec: Codec) -> Option<Self> {
        Some(Self { machine: *machine, codec, coding: machine.coding(codec)? })
    }

    /// A capability by its name, such as `WIDTH_MAX`; 0 where the driver does not know it.
    ///
    /// # Panics
    ///
    /// There is no such name.
    pub fn cap(&self, name: &str) -> u32 {
        let cap = Cap::from_name(name).unwrap_or_else(|| panic!("no capability is called {name}"));
        self.machine.cap(self.codec, cap).unwrap_or(0)
    }
}

impl CodecExt for Codec {
    fn from_guid(guid: Guid) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.guid() == guid)
    }

    fn guid(self) -> Guid {
        match self {
            Self::H264 => Guid::H264,
            Self::Hevc => Guid::HEVC,
            Self::Av1 => Guid::AV1,
        }
    }

    fn config_struct(self) -> &'static str {
        match self {
            Self::H264 => "NV_ENC_CONFIG_H264",
            Self::Hevc => "NV_ENC_CONFIG_HEVC",
            Self::Av1 => "NV_ENC_CONFIG_AV1",
        }
    }

    fn config_member(self) -> &'static str {
        match self {
            Self::H264 => "h264Config",
            Self::Hevc => "hevcConfig",
            Self::Av1 => "av1Config",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        }
    }

    fn worst_quantizer(self) -> u32 {
        if self == Self::Av1 { 255 } else { 51 }
    }

    fn coded(self) -> nvenc_emulator_bitstream::Codec {
        match self {
            Self::H264 => nvenc_emulator_bitstream::Codec::H264,
            Self::Hevc => nvenc_emulator_bitstream::Codec::Hevc,
            Self::Av1 => nvenc_emulator_bitstream::Codec::Av1,
        }
    }
}
