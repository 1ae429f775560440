//! What the maker of an HDR picture says about it.
//!
//! Both kinds are written as x265 and SVT-AV1 take them, which is how people exchange them:
//! `G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)` and `1000,400`.

use std::fmt;
use std::str::FromStr;

use crate::ShapeError;

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

impl HdrMetadata {
    /// What is said here, and what is said there of the rest.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            mastering: if self.mastering.is_some() { self.mastering } else { other.mastering },
            light: if self.light.is_some() { self.light } else { other.light },
        }
    }
}

impl fmt::Display for MasteringDisplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.primaries;
        for (name, point) in [("G", green), ("B", blue), ("R", red), ("WP", self.white)] {
            write!(f, "{name}({},{})", point.x, point.y)?;
        }
        write!(f, "L({},{})", self.most_luminance, self.least_luminance)
    }
}

impl FromStr for MasteringDisplay {
    type Err = ShapeError;

    /// Reads `G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`, the five in any order.
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        mastering(text).ok_or_else(|| ShapeError {
            name: "mastering-display",
            value: text.to_owned(),
            allowed: "G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min), chromaticities in steps of 0.00002 up to 50000, \
                      luminances in steps of 0.0001 cd/m² and max above min, such as \
                      G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
        })
    }
}

fn mastering(text: &str) -> Option<MasteringDisplay> {
    let mut found = [None; 5];
    for part in text.trim().strip_suffix(')')?.split(')') {
        let (name, pair) = part.trim().split_once('(')?;
        let slot = ["R", "G", "B", "WP", "L"].iter().position(|it| *it == name)?;
        // Each is said once.
        if found[slot].replace(pair_of::<u32>(pair)?).is_some() {
            return None;
        }
    }
    let point = |slot: usize| {
        let (x, y) = found[slot]?;
        let within = |it: u32| u16::try_from(it).ok().filter(|&it| it <= 50_000);
        Some(Chromaticity { x: within(x)?, y: within(y)? })
    };
    let (most_luminance, least_luminance) = found[4]?;
    (most_luminance > least_luminance).then_some(())?;
    let primaries = [point(0)?, point(1)?, point(2)?];
    Some(MasteringDisplay { primaries, white: point(3)?, most_luminance, least_luminance })
}

impl fmt::Display for ContentLight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.most, self.most_average)
    }
}

impl FromStr for ContentLight {
    type Err = ShapeError;

    /// Reads `MaxCLL,MaxFALL` in cd/m², such as `1000,400`.
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let light = pair_of(text).map(|(most, most_average)| Self { most, most_average });
        light.filter(|it| it.most == 0 || it.most >= it.most_average).ok_or_else(|| ShapeError {
            name: "max-cll",
            value: text.to_owned(),
            allowed: "MaxCLL,MaxFALL, in cd/m² up to 65535, the first not below the second or 0 for not known, \
                      such as 1000,400",
        })
    }
}

/// Two numbers and a comma. Digits alone: the standard library would also take a sign.
fn pair_of<T: FromStr>(text: &str) -> Option<(T, T)> {
    let number = |text: &str| {
        let text = text.trim();
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
    };
    let (first, second) = text.split_once(',')?;
    Some((number(first)?, number(second)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const P3: &str = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";

    #[test]
    fn what_is_written_is_read() {
        let display: MasteringDisplay = P3.parse().unwrap();
        assert_eq!(display.primaries[0], Chromaticity { x: 34_000, y: 16_000 }, "red comes first here");
        assert_eq!(display.white, Chromaticity { x: 15_635, y: 16_450 });
        assert_eq!((display.most_luminance, display.least_luminance), (10_000_000, 1));
        assert_eq!(display.to_string(), P3);
        let turned = "L(10000000,1) R(34000,16000) G(13250,34500) B(7500,3000) WP(15635,16450)";
        assert_eq!(turned.parse(), Ok(display));
        let light: ContentLight = "1000, 400".parse().unwrap();
        assert_eq!(light, ContentLight { most: 1000, most_average: 400 });
        assert_eq!(light.to_string(), "1000,400");
        assert!("0,0".parse::<ContentLight>().is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "",
            ")",
            "G(1,2)",
            "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)",
            "G(13250,34500)G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
            "G(50001,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
            "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(1,10000000)",
            "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(99999999999,1)",
            "G(-1,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
            "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1",
        ] {
            assert!(bad.parse::<MasteringDisplay>().is_err(), "{bad}");
        }
        for bad in ["", "1000", "400,1000", "1000,400,1", "-1,0", "70000,1", "a,b"] {
            assert!(bad.parse::<ContentLight>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_said_is_taken_from_elsewhere() {
        let light = |most| HdrMetadata {
            light: Some(ContentLight { most, most_average: 0 }),
            ..HdrMetadata::default()
        };
        let display = HdrMetadata { mastering: P3.parse().ok(), ..HdrMetadata::default() };
        assert_eq!(light(1).or(light(2)), light(1));
        assert_eq!(light(1).or(display).mastering, display.mastering);
    }
}
