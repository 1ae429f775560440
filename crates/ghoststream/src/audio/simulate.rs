//! A sound card in simulated time: exact counts, a clock that is off, jittered capture times.

use super::RATE;
use crate::Timestamp;

/// The card.
pub(crate) struct Card {
    ppm: f64,
    /// The rate swings by this much, in ppm, once in twenty minutes.
    wander_ppm: f64,
    jitter_ms: f64,
    frames: u32,
    position: u64,
    seconds: f64,
    start: i64,
    seed: u64,
}

/// What one callback would say.
pub(crate) struct Observed {
    pub position: u64,
    /// With jitter.
    pub time: Timestamp,
    /// Without.
    pub truth: Timestamp,
    pub frames: u32,
}

impl Card {
    pub(crate) fn new(ppm: f64) -> Self {
        let start = 1_000_000_000_000;
        Self { ppm, wander_ppm: 0.0, jitter_ms: 0.0, frames: 1024, position: 0, seconds: 0.0, start, seed: 1 }
    }

    pub(crate) fn with_jitter_ms(mut self, jitter_ms: f64) -> Self {
        self.jitter_ms = jitter_ms;
        self
    }

    pub(crate) fn with_wander_ppm(mut self, wander_ppm: f64) -> Self {
        self.wander_ppm = wander_ppm;
        self
    }

    /// Seconds of true time since the start.
    pub(crate) fn elapsed(&self) -> f64 {
        self.seconds
    }

    /// When the card began.
    pub(crate) fn start(&self) -> Timestamp {
        Timestamp::from_nanos(self.start)
    }

    /// The next block.
    pub(crate) fn next(&mut self) -> Observed {
        let truth = Timestamp::from_nanos(self.start + (self.seconds * 1e9) as i64);
        let jitter = (self.random() - 0.5) * 2.0 * self.jitter_ms * 1e6;
        let observed = Observed {
            position: self.position,
            time: truth.offset(jitter as i64),
            truth,
            frames: self.frames,
        };
        let swing = (self.seconds / 1200.0 * std::f64::consts::TAU).sin();
        let rate = 1.0 + (self.ppm + self.wander_ppm * swing) / 1e6;
        self.position += u64::from(self.frames);
        self.seconds += f64::from(self.frames) / (f64::from(RATE) * rate);
        observed
    }

    /// Uniform in 0..1 (xorshift64*).
    fn random(&mut self) -> f64 {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        (self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}
