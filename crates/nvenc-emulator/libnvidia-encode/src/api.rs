//! NVENCODE API versions and the version words of structs.

use std::fmt;

/// A version of the API, as a client states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Before the dot.
    pub major: u8,
    /// After the dot.
    pub minor: u8,
}

/// The versions whose structs are described here, oldest first.
pub const KNOWN: [ApiVersion; 5] = [
    ApiVersion::new(11, 1),
    ApiVersion::new(12, 0),
    ApiVersion::new(12, 1),
    ApiVersion::new(12, 2),
    ApiVersion::new(13, 0),
];

impl ApiVersion {
    /// A version.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// The version in an `NVENCAPI_VERSION` word, which is also the low and the high end of a struct's version
    /// word: the major in bits 0 to 7, the minor in bits 24 to 27.
    pub const fn from_word(word: u32) -> Self {
        Self { major: word as u8, minor: (word >> 24) as u8 & 0xf }
    }

    /// `NVENCAPI_VERSION` of this version's header.
    pub const fn word(self) -> u32 {
        self.major as u32 | (self.minor as u32) << 24
    }

    /// As `NvEncodeAPIGetMaxSupportedVersion` reports it: the minor in the four lowest bits.
    pub const fn reported(self) -> u32 {
        (self.major as u32) << 4 | self.minor as u32
    }

    /// Its place in [`KNOWN`].
    pub fn known(self) -> Option<usize> {
        KNOWN.iter().position(|&version| version == self)
    }

    /// Reads `12.1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self::new(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// The version of one struct in one version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructVersion {
    /// The struct's own number.
    pub number: u8,
    /// Whether the word has its highest bit set, as the structs that nest others have.
    pub nests: bool,
}

impl StructVersion {
    /// `NVENCAPI_STRUCT_VERSION` of a header of this version.
    pub const fn word(self, api: ApiVersion) -> u32 {
        api.word() | (self.number as u32) << 16 | 7 << 28 | (self.nests as u32) << 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_words_are_those_of_the_headers() {
        let api = ApiVersion::new(12, 1);
        assert_eq!(api.word(), 0x0100_000c);
        assert_eq!(api.reported(), 0xc1);
        assert_eq!(StructVersion { number: 6, nests: true }.word(api), 0xf106_000c);
        assert_eq!(StructVersion { number: 1, nests: false }.word(api), 0x7101_000c);
        assert_eq!(ApiVersion::from_word(0xf106_000c), api);
    }
}
