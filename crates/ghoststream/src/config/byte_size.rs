//! Sizes of memory as people write them.

use std::str::FromStr;

use super::ConfigError;
use super::setting::{Given, Refused, Setting};

/// Bytes, written `800M` or `2G`, in powers of 1024 as memory is counted, or as a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const ALLOWED: &str = "a size of memory, such as 800M or 2G";

impl FromStr for ByteSize {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
        let unit: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
            "" => 1,
            "K" | "KIB" => 1 << 10,
            "M" | "MIB" => 1 << 20,
            "G" | "GIB" => 1 << 30,
            _ => 0,
        };
        let bytes = digits.parse::<u64>().ok().and_then(|it| it.checked_mul(unit)).filter(|&it| it > 0);
        bytes.map(Self).ok_or_else(|| ConfigError::new("max-size", text, ALLOWED))
    }
}

impl Setting for ByteSize {
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        let wrong = || Refused::Value(ALLOWED.to_owned());
        match given {
            Given::Typed(text) | Given::Text(text) => text.parse().map_err(|_| wrong()),
            // Up to there every whole number is exact.
            Given::Number(Some(it)) if it.fract() == 0.0 && (1.0..9e15).contains(it) => Ok(Self(*it as u64)),
            Given::Number(_) => Err(wrong()),
            _ => Err(Refused::Type("a size, as text or a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_are_bytes() {
        let read = |text: &str| text.parse::<ByteSize>().map(|it| it.0);
        assert_eq!(read("5000000").unwrap(), 5_000_000);
        for (text, bytes) in [("3M", 3 << 20), ("2g", 2 << 30), ("1KiB", 1024)] {
            assert_eq!(read(text).unwrap(), bytes);
        }
        for wrong in ["", "M", "0G", "-1M", "1.5G", "5T", "99999999999999999999", "9999999999999G"] {
            assert!(read(wrong).unwrap_err().to_string().contains("such as 800M"), "{wrong}");
        }
    }
}
