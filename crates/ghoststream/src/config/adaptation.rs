//! Whether and how far a live output's bitrate follows its path.

use super::ConfigError;

/// Whether a live output's bitrate follows what its path carries, and down to where.
///
/// Its ceiling is the bitrate of the rendition that it takes. Every output of that rendition gets the
/// lower bitrate, a file too: an output that is to be spared takes a rendition of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adaptation {
    /// Whether it follows at all. Otherwise pictures are dropped when the path is too slow.
    pub follows: bool,
    /// The least bitrate of the picture, in kbit/s. `None` is a tenth of the ceiling, 300 at least.
    pub floor_kbps: Option<u32>,
}

impl Default for Adaptation {
    /// It follows.
    fn default() -> Self {
        Self { follows: true, floor_kbps: None }
    }
}

impl Adaptation {
    /// The bitrate stays as it is; pictures are dropped when the path is too slow.
    #[must_use]
    pub const fn off() -> Self {
        Self { follows: false, floor_kbps: None }
    }

    /// The least bitrate of the picture, in kbit/s: 50 to 800,000. Below it pictures are dropped.
    #[must_use]
    pub const fn with_floor_kbps(mut self, kbps: u32) -> Self {
        self.floor_kbps = Some(kbps);
        self
    }

    /// The floor below a ceiling, both in kbit/s.
    pub(crate) fn floor_below(&self, ceiling: u32) -> u32 {
        self.floor_kbps.unwrap_or_else(|| (ceiling / 10).max(300)).min(ceiling)
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        match self.floor_kbps {
            Some(kbps) if super::encoder::check_bitrate(kbps).is_err() => {
                Err(ConfigError::new("bitrate-floor", kbps, "50 to 800000"))
            }
            _ => Ok(()),
        }
    }
}
