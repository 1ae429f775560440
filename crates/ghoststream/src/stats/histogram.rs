//! How long something takes, of all the times that it was done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// A histogram of durations: 8 buckets to each power of two from a microsecond on, so that a
/// percentile is right to about 9%. Bounded, and cheap enough for every frame.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64; Self::BUCKETS]>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([const { AtomicU64::new(0) }; Self::BUCKETS]) }
    }
}

impl Histogram {
    const BUCKETS: usize = 8 * 28;

    /// Adds one value.
    pub fn record(&self, value: Duration) {
        let micros = (value.as_nanos() as f64 / 1e3).max(1.0);
        let bucket = ((micros.log2() * 8.0) as usize).min(Self::BUCKETS - 1);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// The p50, p95 and p99 of what was recorded.
    pub fn percentiles(&self) -> Percentiles {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let at = |share: f64| {
            let wanted = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            for (index, count) in counts.iter().enumerate() {
                seen += count;
                if seen >= wanted && *count > 0 {
                    return 2f64.powf((index as f64 + 0.5) / 8.0) / 1e3;
                }
            }
            0.0
        };
        Percentiles { p50_ms: at(0.50), p95_ms: at(0.95), p99_ms: at(0.99) }
    }
}

/// Percentiles of a latency, in milliseconds; zero where nothing was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Percentiles {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_bucket() {
        let histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        let p = histogram.percentiles();
        assert!((0.45..0.56).contains(&p.p50_ms), "{p:?}");
        assert!((0.86..1.05).contains(&p.p95_ms), "{p:?}");
        assert!(p.p50_ms <= p.p95_ms && p.p95_ms <= p.p99_ms);
    }
}
