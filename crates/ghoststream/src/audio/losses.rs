//! What is told of sound that is lost because the machine is too slow: at once, and then ever less often.

use std::time::Duration;

use super::RATE;
use crate::Timestamp;

/// Counts what is lost of one track, and says when to tell of it.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Samples of one channel.
    lost: u64,
    /// How many of them were told.
    told: u64,
    /// Before this nothing is told again, and how long the time after that is to be.
    quiet: Option<(Timestamp, Duration)>,
}

impl Losses {
    /// How long nothing is told after the first time; twice as long after the second, and so on.
    const FIRST: Duration = Duration::from_secs(10);

    /// So much was lost since the last call, perhaps nothing. Seconds that were lost in all, where that is to be told.
    pub(super) fn add(&mut self, samples: u64, now: Timestamp) -> Option<f64> {
        self.lost += samples;
        if self.quiet.is_some_and(|(until, _)| now < until) {
            return None;
        }
        let told = self.rest()?;
        let pause = self.quiet.map_or(Self::FIRST, |(_, next)| next);
        self.quiet = Some((now + pause, pause * 2));
        Some(told)
    }

    /// The same at the end, for what was not told yet.
    pub(super) fn rest(&mut self) -> Option<f64> {
        let untold = std::mem::replace(&mut self.told, self.lost) < self.lost;
        untold.then(|| self.lost as f64 / f64::from(RATE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_for_an_hour_is_told_nine_times() {
        let mut losses = Losses::default();
        let at = |tenths: u64| Timestamp::from_nanos(tenths as i64 * 100_000_000);
        assert_eq!(losses.add(0, at(0)), None, "nothing is lost");
        // A hundredth of a second, ten times a second.
        let told: Vec<_> = (1..=36_000)
            .filter_map(|it| losses.add(480, at(it)).map(|lost| (it / 10, (lost * 100.0).round() as u64)))
            .collect();
        let seconds: Vec<_> = told.iter().map(|it| it.0).collect();
        assert_eq!(seconds, [0, 10, 30, 70, 150, 310, 630, 1270, 2550]);
        assert_eq!((told[0].1, told[1].1), (1, 101), "all of it, each time");
        assert_eq!(losses.rest(), Some(360.0), "and the rest at the end");
        assert_eq!(losses.rest(), None);
    }

    #[test]
    fn a_second_loss_is_told_when_the_time_is_over_and_nothing_more_than_once() {
        let mut losses = Losses::default();
        let at = |seconds: i64| Timestamp::from_nanos(seconds * 1_000_000_000);
        assert_eq!(losses.add(48_000, at(0)), Some(1.0));
        assert_eq!(losses.add(48_000, at(1)), None);
        assert_eq!(losses.add(0, at(11)), Some(2.0));
        assert_eq!(losses.add(0, at(100)), None);
        assert_eq!(losses.add(48_000, at(101)), Some(3.0), "long after, at once");
    }
}
