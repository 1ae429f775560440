//! What the API names by GUID.

use std::fmt;

/// A GUID, in the order in which it is written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Guid(pub u128);

impl Guid {
    /// All zeros.
    pub const NONE: Self = Self(0);
    /// H.264.
    pub const H264: Self = Self(0x6bc82762_4e63_4ca4_aa85_1e50f321f6bf);
    /// HEVC.
    pub const HEVC: Self = Self(0x790cdc88_4522_4d7b_9425_bda9975f7603);
    /// AV1.
    pub const AV1: Self = Self(0x0a352289_0aa7_4759_862d_5d15cd16d254);
    /// A profile that the encoder chooses.
    pub const PROFILE_AUTOSELECT: Self = Self(0xbfd6f8e7_233c_4341_8b3e_4818523803f4);
    /// The presets P1 to P7.
    pub const PRESETS: [Self; 7] = [
        Self(0xfc0a8d3e_45f8_4cf8_80c7_298871590ebf),
        Self(0xf581cfb8_88d6_4381_93f0_df13f9c27dab),
        Self(0x36850110_3a07_441f_94d5_3670631f91f6),
        Self(0x90a7b826_df06_4862_b9d2_cd6d73a08681),
        Self(0x21c6e6b4_297a_4cba_998f_b6cbde72ade3),
        Self(0x8e75c279_6299_4ab6_8302_0b215a335cf5),
        Self(0x84848c12_6f71_4c13_931b_53e283f57974),
    ];

    /// From the bytes of C's GUID, whose first three members are little-endian here.
    pub fn from_memory(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(swap(bytes)))
    }

    /// As C's GUID lies in memory.
    pub fn to_memory(self) -> [u8; 16] {
        swap(self.0.to_be_bytes())
    }

    /// The name in the API, without `NV_ENC_` and `_GUID`.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(guid, _)| *guid == self).map(|(_, name)| *name)
    }

    /// The GUID of such a name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(guid, _)| *guid)
    }
}

fn swap(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name() {
            return formatter.write_str(name);
        }
        let digits = format!("{:032x}", self.0);
        write!(
            formatter,
            "{}-{}-{}-{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..]
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Codecs, profiles and presets.
const NAMES: [(Guid, &str); 24] = [
    (Guid::H264, "CODEC_H264"),
    (Guid::HEVC, "CODEC_HEVC"),
    (Guid::AV1, "CODEC_AV1"),
    (Guid::PROFILE_AUTOSELECT, "CODEC_PROFILE_AUTOSELECT"),
    (Guid(0x0727bcaa_78c4_4c83_8c2f_ef3dff267c6a), "H264_PROFILE_BASELINE"),
    (Guid(0x60b5c1d4_67fe_4790_94d5_c4726d7b6e6d), "H264_PROFILE_MAIN"),
    (Guid(0xe7cbc309_4f7a_4b89_af2a_d537c92be310), "H264_PROFILE_HIGH"),
    (Guid(0x8f0c337e_186c_48e9_a69d_7a8334089758), "H264_PROFILE_HIGH_10"),
    (Guid(0xff3242e9_613c_4295_a1e8_2a7fe94d8133), "H264_PROFILE_HIGH_422"),
    (Guid(0x7ac663cb_a598_4960_b844_339b261a7d52), "H264_PROFILE_HIGH_444"),
    (Guid(0x40847bf5_33f7_4601_9084_e8fe3c1db8b7), "H264_PROFILE_STEREO"),
    (Guid(0xb405afac_f32b_417b_89c4_9abeed3e5978), "H264_PROFILE_PROGRESSIVE_HIGH"),
    (Guid(0xaec1bd87_e85b_48f2_84c3_98bca6285072), "H264_PROFILE_CONSTRAINED_HIGH"),
    (Guid(0xb514c39a_b55b_40fa_878f_f1253b4dfdec), "HEVC_PROFILE_MAIN"),
    (Guid(0xfa4d2b6c_3a5b_411a_8018_0a3f5e3c9be5), "HEVC_PROFILE_MAIN10"),
    (Guid(0x51ec32b5_1b4c_453c_9cbd_b616bd621341), "HEVC_PROFILE_FREXT"),
    (Guid(0x5f2a39f5_f14e_4f95_9a9e_b76d568fcf97), "AV1_PROFILE_MAIN"),
    (Guid::PRESETS[0], "PRESET_P1"),
    (Guid::PRESETS[1], "PRESET_P2"),
    (Guid::PRESETS[2], "PRESET_P3"),
    (Guid::PRESETS[3], "PRESET_P4"),
    (Guid::PRESETS[4], "PRESET_P5"),
    (Guid::PRESETS[5], "PRESET_P6"),
    (Guid::PRESETS[6], "PRESET_P7"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_lies_in_memory_as_c_lays_it_out() {
        let memory = Guid::HEVC.to_memory();
        assert_eq!(memory[..8], [0x88, 0xdc, 0x0c, 0x79, 0x22, 0x45, 0x7b, 0x4d]);
        assert_eq!(memory[8..], [0x94, 0x25, 0xbd, 0xa9, 0x97, 0x5f, 0x76, 0x03]);
        assert_eq!(Guid::from_memory(memory), Guid::HEVC);
    }

    #[test]
    fn no_two_names_share_a_guid() {
        for (index, (guid, name)) in NAMES.iter().enumerate() {
            assert!(NAMES[..index].iter().all(|(other, known)| other != guid && known != name), "{name}");
        }
    }
}
