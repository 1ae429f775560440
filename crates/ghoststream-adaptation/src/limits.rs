//! Between what a bitrate may move.

use std::time::Duration;

/// What a [`Controller`](crate::Controller) keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The least bitrate of the picture, in kbit/s.
    pub floor_kbps: u32,
    /// The most, and that to begin with.
    pub ceiling_kbps: u32,
    /// What travels beside the picture: sound, and what the container adds, in kbit/s.
    pub beside_kbps: u32,
    /// How old a picture may be when it reaches the peer, where the transport does not say.
    pub deadline: Duration,
    /// The least time from one change to a higher bitrate, where each costs something: an encoder
    /// that begins with a key picture, say.
    pub raise_every: Duration,
}

impl Limits {
    /// From a floor to a ceiling in kbit/s, with nothing beside, a deadline of three seconds, and
    /// raises that cost nothing.
    ///
    /// A floor above the ceiling is lowered to it.
    pub fn new(floor_kbps: u32, ceiling_kbps: u32) -> Self {
        Self {
            floor_kbps: floor_kbps.min(ceiling_kbps),
            ceiling_kbps,
            beside_kbps: 0,
            deadline: Duration::from_secs(3),
            raise_every: Duration::from_secs(1),
        }
    }

    /// What travels beside the picture, in kbit/s.
    #[must_use]
    pub const fn with_beside_kbps(mut self, kbps: u32) -> Self {
        self.beside_kbps = kbps;
        self
    }

    /// The least time from one change to a higher bitrate.
    #[must_use]
    pub const fn with_raise_every(mut self, every: Duration) -> Self {
        self.raise_every = every;
        self
    }

    pub(crate) fn clamp(&self, kbps: f64) -> f64 {
        kbps.max(f64::from(self.floor_kbps)).min(f64::from(self.ceiling_kbps))
    }
}
