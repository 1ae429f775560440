//! When every second picture is left out, so that the others look like something.

use std::time::Duration;

/// Whether pictures are to come at half their rate, since the bitrate is too low for all of them.
///
/// Down after [`HalfRate::DOWN_AFTER`] below a threshold, so that the moment for which a bitrate lies lower while a
/// jam drains does not count; up after [`HalfRate::UP_AFTER`] at a quarter above it, without a break.
#[derive(Clone, Copy, Debug)]
pub struct HalfRate {
    /// In kbit/s; nothing is ever left out without one.
    below: Option<u32>,
    halved: bool,
    /// Since when the bitrate says the contrary of what is.
    contrary_since: Option<Duration>,
}

impl HalfRate {
    /// How long the bitrate is below the threshold before pictures are left out.
    pub const DOWN_AFTER: Duration = Duration::from_secs(1);
    /// How long it is above before all of them come again.
    pub const UP_AFTER: Duration = Duration::from_secs(5);

    /// All pictures, until the bitrate is below so many kbit/s; `None` is all of them for good.
    pub const fn new(below_kbps: Option<u32>) -> Self {
        Self { below: below_kbps, halved: false, contrary_since: None }
    }

    /// The bitrate at which all pictures come again, in kbit/s, below this ceiling: a quarter above the threshold,
    /// as far as the bitrate gets there.
    pub fn back_at_kbps(below_kbps: u32, ceiling_kbps: u32) -> u32 {
        below_kbps.saturating_add(below_kbps / 4).min(ceiling_kbps)
    }

    /// Whether every second picture is left out from `now` on, where the bitrate is this. Times must not decrease.
    ///
    /// At its ceiling a bitrate is what somebody asked for, and enough: that is below no threshold.
    pub fn step(&mut self, now: Duration, kbps: u32, ceiling_kbps: u32) -> bool {
        let Some(below) = self.below else { return false };
        let (contrary, hold) = if self.halved {
            (kbps >= Self::back_at_kbps(below, ceiling_kbps), Self::UP_AFTER)
        } else {
            (kbps < below.min(ceiling_kbps), Self::DOWN_AFTER)
        };
        if !contrary {
            self.contrary_since = None;
        } else if now.saturating_sub(*self.contrary_since.get_or_insert(now)) >= hold {
            self.halved = !self.halved;
            self.contrary_since = None;
        }
        self.halved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of bitrates that each last so many seconds: when it changed, in tenths of a second.
    fn changes(below: Option<u32>, ceiling: u32, bitrates: &[(u64, u32)]) -> Vec<u64> {
        let mut half_rate = HalfRate::new(below);
        let (mut now, mut halved, mut changes) = (0, false, vec![]);
        for &(seconds, kbps) in bitrates {
            for _tenth in 0..seconds * 10 {
                if half_rate.step(Duration::from_millis(100 * now), kbps, ceiling) != halved {
                    halved = !halved;
                    changes.push(now);
                }
                now += 1;
            }
        }
        changes
    }

    #[test]
    fn down_after_a_second_below_and_up_after_five_well_above() {
        assert_eq!(changes(Some(800), 3000, &[(2, 3000), (3, 799), (9, 1000)]), [30, 100]);
        assert_eq!(
            changes(Some(800), 3000, &[(2, 800), (3, 700), (9, 999)]),
            [30],
            "a quarter above, no less"
        );
        assert_eq!(changes(None, 3000, &[(2, 3000), (60, 1)]), [], "nobody asked for it");
    }

    #[test]
    fn neither_a_dip_nor_a_moment_above_counts() {
        let dips: Vec<_> = (0..20).flat_map(|_| [(1, 700), (1, 900)]).collect();
        assert_eq!(changes(Some(800), 3000, &dips), []);
        let moments: Vec<_> =
            [(2, 700)].into_iter().chain((0..9).flat_map(|_| [(5, 1200), (1, 900)])).collect();
        assert_eq!(changes(Some(800), 3000, &moments), [10]);
    }

    #[test]
    fn a_ceiling_is_always_enough() {
        assert_eq!(changes(Some(800), 600, &[(9, 600)]), [], "that is what was asked for");
        assert_eq!(changes(Some(800), 600, &[(2, 599), (9, 600)]), [10, 70]);
        assert_eq!(changes(Some(800), 900, &[(2, 700), (9, 900)]), [10, 70], "more there will not be");
        assert_eq!(changes(Some(u32::MAX), u32::MAX, &[(2, 1)]), [10]);
    }
}
