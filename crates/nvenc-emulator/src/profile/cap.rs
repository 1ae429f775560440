//! The capabilities that a client can ask for, by the names of `NV_ENC_CAPS` without their prefix.

use serde::{Deserialize, Deserializer};

use super::ApiVersion;

/// A capability: its place in `NV_ENC_CAPS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cap(u32);

/// In the order of `NV_ENC_CAPS`; what a later API added stands behind what was there.
const NAMES: [&str; 60] = [
    "NUM_MAX_BFRAMES",
    "SUPPORTED_RATECONTROL_MODES",
    "SUPPORT_FIELD_ENCODING",
    "SUPPORT_MONOCHROME",
    "SUPPORT_FMO",
    "SUPPORT_QPELMV",
    "SUPPORT_BDIRECT_MODE",
    "SUPPORT_CABAC",
    "SUPPORT_ADAPTIVE_TRANSFORM",
    "SUPPORT_STEREO_MVC",
    "NUM_MAX_TEMPORAL_LAYERS",
    "SUPPORT_HIERARCHICAL_PFRAMES",
    "SUPPORT_HIERARCHICAL_BFRAMES",
    "LEVEL_MAX",
    "LEVEL_MIN",
    "SEPARATE_COLOUR_PLANE",
    "WIDTH_MAX",
    "HEIGHT_MAX",
    "SUPPORT_TEMPORAL_SVC",
    "SUPPORT_DYN_RES_CHANGE",
    "SUPPORT_DYN_BITRATE_CHANGE",
    "SUPPORT_DYN_FORCE_CONSTQP",
    "SUPPORT_DYN_RCMODE_CHANGE",
    "SUPPORT_SUBFRAME_READBACK",
    "SUPPORT_CONSTRAINED_ENCODING",
    "SUPPORT_INTRA_REFRESH",
    "SUPPORT_CUSTOM_VBV_BUF_SIZE",
    "SUPPORT_DYNAMIC_SLICE_MODE",
    "SUPPORT_REF_PIC_INVALIDATION",
    "PREPROC_SUPPORT",
    "ASYNC_ENCODE_SUPPORT",
    "MB_NUM_MAX",
    "MB_PER_SEC_MAX",
    "SUPPORT_YUV444_ENCODE",
    "SUPPORT_LOSSLESS_ENCODE",
    "SUPPORT_SAO",
    "SUPPORT_MEONLY_MODE",
    "SUPPORT_LOOKAHEAD",
    "SUPPORT_TEMPORAL_AQ",
    "SUPPORT_10BIT_ENCODE",
    "NUM_MAX_LTR_FRAMES",
    "SUPPORT_WEIGHTED_PREDICTION",
    "DYNAMIC_QUERY_ENCODER_CAPACITY",
    "SUPPORT_BFRAME_REF_MODE",
    "SUPPORT_EMPHASIS_LEVEL_MAP",
    "WIDTH_MIN",
    "HEIGHT_MIN",
    "SUPPORT_MULTIPLE_REF_FRAMES",
    "SUPPORT_ALPHA_LAYER_ENCODING",
    "NUM_ENCODER_ENGINES",
    "SINGLE_SLICE_INTRA_REFRESH",
    // 12.1
    "DISABLE_ENC_STATE_ADVANCE",
    "OUTPUT_RECON_SURFACE",
    "OUTPUT_BLOCK_STATS",
    "OUTPUT_ROW_STATS",
    // 12.2
    "SUPPORT_TEMPORAL_FILTER",
    "SUPPORT_LOOKAHEAD_LEVEL",
    "SUPPORT_UNIDIRECTIONAL_B",
    // 13.0
    "SUPPORT_MVHEVC_ENCODE",
    "SUPPORT_YUV422_ENCODE",
];

/// How many each API knows.
const KNOWN: [(ApiVersion, u32); 4] = [
    (ApiVersion::new(11, 1), 51),
    (ApiVersion::new(12, 1), 55),
    (ApiVersion::new(12, 2), 58),
    (ApiVersion::new(13, 0), 60),
];

impl Cap {
    /// The capability of a number, where there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        ((number as usize) < NAMES.len()).then_some(Self(number))
    }

    /// The capability of a name, such as `NUM_MAX_BFRAMES`.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(|place| Self(place as u32))
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        NAMES[self.0 as usize]
    }

    /// The first API that knows it.
    pub fn since(self) -> ApiVersion {
        let first = KNOWN.iter().find(|(_, count)| self.0 < *count);
        first.map_or(ApiVersion::new(u32::MAX, 0), |(api, _)| *api)
    }

    /// All, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..NAMES.len() as u32).map(Self)
    }
}

impl<'de> Deserialize<'de> for Cap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("no capability is called {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_versions_are_those_of_the_api() {
        let cap = |name| Cap::from_name(name).unwrap();
        assert_eq!(cap("NUM_MAX_BFRAMES").number(), 0);
        assert_eq!(cap("SUPPORT_10BIT_ENCODE").number(), 39);
        assert_eq!(cap("NUM_ENCODER_ENGINES").number(), 49);
        assert_eq!(cap("SINGLE_SLICE_INTRA_REFRESH").since(), ApiVersion::new(11, 1));
        assert_eq!(cap("DISABLE_ENC_STATE_ADVANCE").since(), ApiVersion::new(12, 1));
        assert_eq!(cap("SUPPORT_UNIDIRECTIONAL_B").since(), ApiVersion::new(12, 2));
        assert_eq!(cap("SUPPORT_YUV422_ENCODE").since(), ApiVersion::new(13, 0));
        assert_eq!(Cap::from_number(60), None);
    }
}
