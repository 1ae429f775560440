//! The source's clock, estimated against CLOCK_MONOTONIC.
//!
//! A Kalman filter of two states, where the source's count stands and how fast it runs, fed with one
//! jittered observation per block. It starts wide open, so that the first block sets the phase and
//! the first seconds the rate, and narrows as it learns, down to what a quartz that warms up needs.
//! Everything here is a function of what was observed: time is never read.

use super::RATE;
use crate::Timestamp;

/// The rate that a sound card is believed to have before it was heard: nominal, give or take this.
const DRIFT_PRIOR: f64 = 300e-6;
/// Jitter of the capture times before it was seen, in seconds.
const JITTER_PRIOR: f64 = 2e-3;
/// The least jitter that is believed, in seconds.
const JITTER_FLOOR: f64 = 0.05e-3;
/// How much the phase wanders by itself, in seconds² per second.
const PHASE_NOISE: f64 = 1e-10;
/// How much the rate wanders: about 2 ppm in a minute, as a card that warms up.
const DRIFT_NOISE: f64 = 7e-14;
/// Clocks further off than this are no clocks of sound cards.
const DRIFT_LIMIT: f64 = 2e-3;

/// The relation between a source's count of samples and time.
#[derive(Clone, Debug)]
pub(super) struct SourceClock {
    /// What `time` counts from.
    base: Timestamp,
    /// The last observed position, in samples.
    position: f64,
    /// When that was, estimated, in seconds from `base`.
    time: f64,
    /// How much longer a sample lasts than it should: 1e-6 is 1 ppm slow.
    drift: f64,
    /// Covariance of time and drift.
    variance: [f64; 3],
    /// Variance of the capture times, in seconds².
    jitter: f64,
    /// Mean of the recent innovations, in seconds: what the estimate does not follow.
    residual: f64,
}

impl SourceClock {
    /// A clock whose sample number `position` was captured at `time`.
    pub(super) fn new(position: f64, time: Timestamp) -> Self {
        let variance = [JITTER_PRIOR * JITTER_PRIOR, 0.0, DRIFT_PRIOR * DRIFT_PRIOR];
        let jitter = JITTER_PRIOR * JITTER_PRIOR;
        Self { base: time, position, time: 0.0, drift: 0.0, variance, jitter, residual: 0.0 }
    }

    /// How far `time` is from when `position` was expected, in seconds; positive is late.
    pub(super) fn innovation(&self, position: f64, time: Timestamp) -> f64 {
        time.nanos_since(self.base) as f64 / 1e9 - self.seconds_at(position)
    }

    /// Learns that `position` was captured at `time`.
    pub(super) fn observe(&mut self, position: f64, time: Timestamp) {
        let innovation = self.innovation(position, time);
        let elapsed = ((position - self.position) / f64::from(RATE)).max(0.0);
        self.time = self.seconds_at(position);
        self.position = position;

        let [phase, cross, drift] = self.variance;
        let phase = phase + 2.0 * elapsed * cross + elapsed * elapsed * drift + PHASE_NOISE * elapsed;
        let cross = cross + elapsed * drift;
        let drift = drift + DRIFT_NOISE * elapsed;

        let total = phase + self.jitter;
        let (gain, drift_gain) = (phase / total, cross / total);
        self.time += gain * innovation;
        self.drift = (self.drift + drift_gain * innovation).clamp(-DRIFT_LIMIT, DRIFT_LIMIT);
        self.variance = [(1.0 - gain) * phase, (1.0 - gain) * cross, drift - drift_gain * cross];

        let excess = (innovation * innovation - phase).max(JITTER_FLOOR * JITTER_FLOOR);
        self.jitter += 0.02 * (excess - self.jitter);
        self.residual += 0.04 * (innovation - self.residual);
    }

    /// Forgets the phase, which jumped, and looks for it again around `shift` seconds later.
    pub(super) fn shift(&mut self, shift: f64) {
        self.time += shift;
        self.variance[0] += JITTER_PRIOR * JITTER_PRIOR;
        self.residual = 0.0;
    }

    /// Forgets rate and phase: another device goes on from here.
    pub(super) fn restart(&mut self, position: f64, time: Timestamp) {
        let drift = self.drift;
        *self = Self { base: self.base, ..Self::new(position, time) };
        self.time = time.nanos_since(self.base) as f64 / 1e9;
        // The last device's rate is as good a guess as any.
        self.drift = drift;
    }

    /// When `position` was or will be captured.
    pub(super) fn time_of(&self, position: f64) -> Timestamp {
        self.base.offset((self.seconds_at(position) * 1e9).round() as i64)
    }

    /// Which sample is captured at `time`.
    pub(super) fn position_at(&self, time: Timestamp) -> f64 {
        let seconds = time.nanos_since(self.base) as f64 / 1e9 - self.time;
        self.position + seconds * self.rate() * f64::from(RATE)
    }

    /// Samples of the source to one of ours: 1.0001 is a source that is 100 ppm fast.
    pub(super) fn rate(&self) -> f64 {
        1.0 / (1.0 + self.drift)
    }

    /// How far the source's clock is from ours, in parts per million; positive is fast.
    pub(super) fn ppm(&self) -> f64 {
        (self.rate() - 1.0) * 1e6
    }

    /// What the recent observations say beyond the estimate, in seconds.
    pub(super) fn residual(&self) -> f64 {
        self.residual
    }

    /// The standard deviation of the capture times, in seconds.
    pub(super) fn jitter(&self) -> f64 {
        self.jitter.sqrt()
    }

    fn seconds_at(&self, position: f64) -> f64 {
        self.time + (position - self.position) / f64::from(RATE) * (1.0 + self.drift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::simulate::Card;

    /// Worst error of the estimate in milliseconds, and the last rate, over `seconds` of blocks.
    fn follow(mut card: Card, seconds: f64) -> (f64, f64) {
        let mut clock: Option<SourceClock> = None;
        let mut worst = 0.0_f64;
        while card.elapsed() < seconds {
            let block = card.next();
            let position = block.position as f64;
            let clock = clock.get_or_insert_with(|| SourceClock::new(position, block.time));
            clock.observe(position, block.time);
            worst = worst.max((clock.time_of(position).nanos_since(block.truth) as f64 / 1e6).abs());
        }
        (worst, clock.map_or(0.0, |clock| clock.ppm()))
    }

    #[test]
    fn finds_the_rate_under_jitter() {
        for ppm in [-200.0, -30.0, 0.0, 200.0] {
            let (worst, found) = follow(Card::new(ppm).with_jitter_ms(3.0), 120.0);
            assert!((found - ppm).abs() < 5.0, "{ppm} ppm: found {found}");
            assert!(worst < 4.0, "{ppm} ppm: {worst} ms off");
        }
    }

    #[test]
    fn position_and_time_are_inverse() {
        let mut clock = SourceClock::new(1e6, Timestamp::from_nanos(5_000_000_000));
        clock.observe(1_048_000.0, Timestamp::from_nanos(6_000_150_000));
        let time = clock.time_of(1_100_000.0);
        assert!((clock.position_at(time) - 1_100_000.0).abs() < 1e-3);
    }
}
