//! Frame rates as exact fractions.

use std::fmt;
use std::time::Duration;

/// Pictures a second, as a fraction: 60000/1001 is not 59.94.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    /// Pictures …
    pub num: u32,
    /// … in this many seconds. Never zero.
    pub den: u32,
}

impl FrameRate {
    /// The fraction that is meant by a rate such as 60, 59.94 or 12.5.
    ///
    /// The NTSC rates are recognised when given to two decimals; others are kept to a thousandth.
    /// What is not above zero becomes one a second.
    pub fn from_fps(fps: f64) -> Self {
        let ntsc = (fps * 1001.0 / 1000.0).round();
        if (fps - fps.round()).abs() < 1e-6 && fps >= 1.0 {
            return Self { num: fps.round() as u32, den: 1 };
        }
        if ntsc >= 1.0 && (ntsc * 1000.0 / 1001.0 - fps).abs() < 0.006 {
            return Self { num: ntsc as u32 * 1000, den: 1001 };
        }
        let num = (fps * 1000.0).round().max(1.0) as u32;
        let common = gcd(num, 1000);
        Self { num: num / common, den: 1000 / common }
    }

    /// Pictures a second.
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// When tick `index` falls, in nanoseconds, to the nearest.
    pub const fn tick_nanos(self, index: i64) -> i64 {
        let scaled = index as i128 * self.den as i128 * 1_000_000_000;
        let num = self.num as i128;
        ((2 * scaled + num).div_euclid(2 * num)) as i64
    }

    /// From one tick to the next.
    pub const fn period(self) -> Duration {
        Duration::from_nanos(self.tick_nanos(1) as u64)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{:.2}", self.fps()) }
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_become_the_fractions_that_are_meant() {
        let of = |fps| {
            let rate = FrameRate::from_fps(fps);
            (rate.num, rate.den)
        };
        assert_eq!(of(60.0), (60, 1));
        assert_eq!(of(59.94), (60000, 1001));
        assert_eq!(of(29.97), (30000, 1001));
        assert_eq!(of(23.976), (24000, 1001));
        assert_eq!(of(119.88), (120_000, 1001));
        assert_eq!(of(12.5), (25, 2));
        assert_eq!(of(240.0), (240, 1));
    }

    #[test]
    fn ticks_do_not_drift() {
        let rate = FrameRate::from_fps(59.94);
        assert_eq!(rate.tick_nanos(60000), 1_001_000_000_000);
        assert_eq!(FrameRate::from_fps(60.0).tick_nanos(3_600 * 60), 3_600_000_000_000);
        assert_eq!(FrameRate::from_fps(60.0).tick_nanos(-60), -1_000_000_000);
    }
}
