//! What the maker of an HDR picture says about it.

/// A point of the CIE 1931 chromaticity diagram, in steps of 0.00002, as SMPTE ST 2086 counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chromaticity {
    /// x times 50 000.
    pub x: u16,
    /// y times 50 000.
    pub y: u16,
}

/// The display on which a picture was made to look right: SMPTE ST 2086.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MasteringDisplay {
    /// Red, green and blue.
    pub primaries: [Chromaticity; 3],
    /// White.
    pub white: Chromaticity,
    /// The brightest that it shows, in steps of 0.0001 cd/m².
    pub most_luminance: u32,
    /// The darkest that it shows, in steps of 0.0001 cd/m².
    pub least_luminance: u32,
}

/// How bright the content is: CTA-861.3, Annex P.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContentLight {
    /// The brightest pixel of all (MaxCLL), in cd/m²; 0 where it is not known.
    pub most: u16,
    /// The brightest average of a frame (MaxFALL), in cd/m²; 0 where it is not known.
    pub most_average: u16,
}

/// Static metadata of a PQ or HLG picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HdrMetadata {
    /// Where the maker says.
    pub mastering: Option<MasteringDisplay>,
    /// Where the maker says.
    pub light: Option<ContentLight>,
}
