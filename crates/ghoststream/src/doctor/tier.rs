//! What can be expected of an NVIDIA card, by its model.

use serde::Serialize;

/// A class of NVIDIA cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tier {
    /// From the GTX 1050 on: H.264 up to 1080p60.
    Minimum,
    /// From the RTX 3060 on: H.264 and HEVC up to 4K60.
    Recommended,
    /// From the RTX 4070 on: AV1 too, up to 4K120.
    Optimal,
    /// From the RTX 5090 on: several encoders at once, 8K60 or 4K240.
    Maximum,
}

impl Tier {
    /// The tier of a model by its name; `None` where it is below all of them, or no GeForce.
    pub(super) fn of(name: &str) -> Option<Self> {
        let mut words = name.split_whitespace();
        words.find(|it| matches!(*it, "GTX" | "RTX"))?;
        let digits: String = words.next()?.chars().take_while(char::is_ascii_digit).collect();
        match digits.parse::<u32>().ok()? {
            5090.. => Some(Self::Maximum),
            4070.. => Some(Self::Optimal),
            3060.. => Some(Self::Recommended),
            1050.. => Some(Self::Minimum),
            _ => None,
        }
    }

    /// What it stands for.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Minimum => "minimum: H.264 up to 1080p60",
            Self::Recommended => "recommended: H.264 and HEVC up to 4K60",
            Self::Optimal => "optimal: H.264, HEVC and AV1 up to 4K120",
            Self::Maximum => "maximum: every codec, several encoders at once, 8K60 or 4K240",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tier;

    #[test]
    fn models_are_put_into_tiers() {
        let of = |name: &str| Tier::of(name);
        assert_eq!(of("NVIDIA GeForce GTX 1050 Ti"), Some(Tier::Minimum));
        assert_eq!(of("NVIDIA GeForce RTX 2080 SUPER"), Some(Tier::Minimum));
        assert_eq!(of("NVIDIA GeForce RTX 3060 Laptop GPU"), Some(Tier::Recommended));
        assert_eq!(of("NVIDIA GeForce RTX 4060"), Some(Tier::Recommended));
        assert_eq!(of("NVIDIA GeForce RTX 4070 Ti SUPER"), Some(Tier::Optimal));
        assert_eq!(of("NVIDIA GeForce RTX 5080"), Some(Tier::Optimal));
        assert_eq!(of("NVIDIA GeForce RTX 5090 D"), Some(Tier::Maximum));
        for other in
            ["NVIDIA GeForce GTX 970", "NVIDIA H100 80GB HBM3", "RTX", "RTX A4000", "GTX 99999999999999", ""]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
