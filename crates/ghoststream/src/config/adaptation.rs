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
    /// Below this bitrate of the picture, in kbit/s, every second picture is left out. `None` leaves out none.
    pub half_rate_below_kbps: Option<u32>,
}

impl Default for Adaptation {
    /// It follows.
    fn default() -> Self {
        Self::on()
    }
}

impl Adaptation {
    /// It follows.
    pub(crate) const fn on() -> Self {
        Self { follows: true, floor_kbps: None, half_rate_below_kbps: None }
    }

    /// The bitrate stays as it is; pictures are dropped when the path is too slow.
    #[must_use]
    pub const fn off() -> Self {
        Self { follows: false, ..Self::on() }
    }

    /// The least bitrate of the picture, in kbit/s: 50 to 800,000. Below it pictures are dropped.
    #[must_use]
    pub const fn with_floor_kbps(mut self, kbps: u32) -> Self {
        self.floor_kbps = Some(kbps);
        self
    }

    /// The bitrate of the picture, in kbit/s, below which every second picture is left out, so that the others look
    /// better: 50 to 800,000. Once the path carries a quarter more again for five seconds, or the ceiling where that
    /// is less, all of them come again.
    ///
    /// Like the bitrate it holds for every output of the rendition, and where the encoder follows.
    #[must_use]
    pub const fn with_half_rate_below_kbps(mut self, kbps: u32) -> Self {
        self.half_rate_below_kbps = Some(kbps);
        self
    }

    /// The floor below a ceiling, both in kbit/s.
    pub(crate) fn floor_below(&self, ceiling: u32) -> u32 {
        self.floor_kbps.unwrap_or_else(|| (ceiling / 10).max(300)).min(ceiling)
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let bitrates = [("bitrate-floor", self.floor_kbps), ("half-rate-below", self.half_rate_below_kbps)];
        for (name, kbps) in bitrates.into_iter().filter_map(|(name, kbps)| Some((name, kbps?))) {
            if super::encoder::check_bitrate(kbps).is_err() {
                return Err(ConfigError::new(name, kbps, "50 to 800000"));
            }
        }
        Ok(())
    }
}
