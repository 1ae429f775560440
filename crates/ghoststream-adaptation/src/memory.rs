//! What a path has refused to carry, and when it is asked again.

use std::time::Duration;

/// Remembers the rate at which a path last failed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    /// What the path carried when it failed, in kbit/s of the picture.
    carried: f64,
    at: Duration,
    /// How often in a row it failed near the same rate.
    times: u32,
}

impl Memory {
    /// How long is waited after the first failure before more is tried; twice as long after the next.
    const QUIET: Duration = Duration::from_secs(20);
    const MOST_DOUBLINGS: u32 = 2;

    /// The path failed, and carried so much.
    pub(crate) fn fail(&mut self, carried: f64, now: Duration) {
        let near = |it: &Failure| (carried / it.carried.max(1.0) - 1.0).abs() < 0.3;
        let times = self.failure.filter(near).map_or(0, |it| it.times + 1);
        self.failure = Some(Failure { carried, at: now, times });
    }

    /// It shows what it carries.
    pub(crate) fn learn(&mut self, carried: f64, now: Duration) {
        if let Some(it) = &mut self.failure {
            it.carried += (carried - it.carried) * 0.1;
            it.at = now;
        }
    }

    /// The rate that is safe by what is remembered, of which this share is used.
    pub(crate) fn safe(&self, used: f64) -> Option<f64> {
        self.failure.map(|it| it.carried * used)
    }

    /// Whether it is time to try more than what is safe without knowing better.
    pub(crate) fn may_try(&self, now: Duration) -> bool {
        let quiet = |it: Failure| Self::QUIET * 2_u32.pow(it.times.min(Self::MOST_DOUBLINGS));
        self.failure.is_none_or(|it| now.saturating_sub(it.at) >= quiet(it))
    }

    /// More than what failed is carried: it is no longer true.
    pub(crate) fn passed(&mut self, kbps: f64) {
        if self.failure.is_some_and(|it| kbps > it.carried * 1.05) {
            self.failure = None;
        }
    }
}
