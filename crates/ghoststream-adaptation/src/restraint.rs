//! Keeps the bitrate from going up and down with a path that does.

use std::time::Duration;

/// After a path has failed, no more is asked of it for a while than was asked on the mean of the last
/// time. The while grows with the failures of the last minute: who fails once is soon up again, and over
/// a path that fails all the time the bitrate settles where it fails seldom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restraint {
    /// The mean of what was asked for lately, in kbit/s.
    mean: f64,
    asked_at: Duration,
    /// Failures, each of which counts less the longer ago it was.
    failures: f64,
    failed_at: Duration,
}

impl Restraint {
    /// Over how many seconds what was asked for is averaged.
    const MEAN_OVER: f64 = 20.0;
    /// After how many seconds a failure counts a third.
    const FORGETS: f64 = 60.0;
    /// A failure to carry so much of what was asked for counts in full.
    const DEEP: f64 = 0.2;
    /// How many seconds each failure restrains for.
    const HOLDS: f64 = 15.0;

    pub(crate) const fn new(kbps: f64) -> Self {
        Self { mean: kbps, asked_at: Duration::ZERO, failures: 0.0, failed_at: Duration::ZERO }
    }

    /// So much was asked for since the last time.
    pub(crate) fn asked(&mut self, kbps: f64, now: Duration) {
        let seconds = now.saturating_sub(self.asked_at).as_secs_f64();
        self.asked_at = now;
        self.mean += (kbps - self.mean) * (1.0 - (-seconds / Self::MEAN_OVER).exp());
    }

    /// The path failed to carry this share of what was asked for.
    pub(crate) fn fail(&mut self, short: f64, now: Duration) {
        let seconds = now.saturating_sub(self.failed_at).as_secs_f64();
        self.failures =
            self.failures * (-seconds / Self::FORGETS).exp() + (short / Self::DEEP).clamp(0.0, 1.0);
        self.failed_at = now;
    }

    /// The most that may be asked for now; `None` while anything may.
    pub(crate) fn most(&self, now: Duration) -> Option<f64> {
        let seconds = now.saturating_sub(self.failed_at).as_secs_f64();
        (seconds < Self::HOLDS * self.failures).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_is_held_before_a_failure_and_a_single_one_is_soon_over() {
        let mut restraint = Restraint::new(6000.0);
        assert_eq!(restraint.most(at(10)), None);
        restraint.fail(1.0, at(10));
        assert_eq!(restraint.most(at(24)), Some(6000.0));
        assert_eq!(restraint.most(at(26)), None);
    }

    #[test]
    fn a_path_that_carries_nearly_all_is_hardly_held() {
        let mut restraint = Restraint::new(6000.0);
        (0..10_u64).for_each(|second| restraint.fail(0.01, at(second)));
        assert_eq!(restraint.most(at(17)), None, "ten times a twentieth of fifteen seconds");
    }

    #[test]
    fn a_path_that_fails_again_and_again_gets_the_mean_of_what_it_got() {
        let mut restraint = Restraint::new(6000.0);
        for second in 0..120 {
            restraint.asked(if second % 2 == 0 { 6000.0 } else { 2000.0 }, at(second));
            if second % 10 == 0 {
                restraint.fail(1.0, at(second));
            }
        }
        let most = restraint.most(at(119)).unwrap();
        assert!((3700.0..4300.0).contains(&most), "{most}");
        assert!(restraint.most(at(130)).is_some(), "for longer than a single failure holds");
        assert_eq!(restraint.most(at(230)), None);
    }
}
