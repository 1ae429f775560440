//! How bright a source gets: what its maker says, or what is seen.

use crate::hdr::HdrMetadata;
use crate::transfer::pq;

/// The brightest light of a source by its metadata, in cd/m²: MaxCLL, else the brightest that its
/// mastering display shows. `None` where neither is said, or cannot be.
#[must_use]
pub fn stated(hdr: &HdrMetadata) -> Option<f64> {
    let light = hdr.light.map(|it| f64::from(it.most));
    let display = hdr.mastering.map(|it| f64::from(it.most_luminance) / 10_000.0);
    let sensible = |it: &f64| (1.0..=pq::PEAK).contains(it);
    light.filter(sensible).or(display.filter(sensible))
}

/// Follows the brightest light of a source from frame to frame.
///
/// It rises within a few frames and falls within seconds, so that a passing spark does not make the
/// picture flicker; a change of scene is followed at once. It moves in steps, each well below what is
/// noticed, so that a picture that does not change is not made anew because of it.
#[derive(Clone, Debug)]
pub struct PeakDetector {
    /// Least and most, as PQ code values.
    bounds: (f64, f64),
    /// Where it is, as a PQ code value; `None` before the first frame.
    level: Option<f64>,
    /// What is told, as a PQ code value.
    told: f64,
}

impl PeakDetector {
    /// Seconds in which most of a rise is made.
    const RISE: f64 = 0.1;
    /// Seconds in which most of a fall is made.
    const FALL: f64 = 1.0;
    /// A change from one frame to the next, in PQ code values, that is another scene: from 200 to
    /// 600 cd/m², or from 1000 to 3000.
    const CUT: f64 = 0.115;
    /// A step of what is told.
    const STEP: f64 = 1.0 / 256.0;

    /// Never below `least` cd/m², which is the target's white.
    #[must_use]
    pub fn new(least: f64) -> Self {
        let least = pq::to_code(least);
        Self { bounds: (least, 1.0), level: None, told: least }
    }

    /// Takes in the brightest light of a frame, in cd/m², `seconds` after the frame before. Tells the
    /// peak from here on, in cd/m².
    pub fn observe(&mut self, brightest: f64, seconds: f64) -> f64 {
        if brightest.is_nan() || seconds.is_nan() {
            return self.peak();
        }
        let (least, most) = self.bounds;
        let seen = pq::to_code(brightest).clamp(least, most);
        let level = match self.level {
            Some(level) if (seen - level).abs() < Self::CUT => {
                let time = if seen > level { Self::RISE } else { Self::FALL };
                level + (seen - level) * (1.0 - (-seconds.max(0.0) / time).exp())
            }
            _ => seen,
        };
        self.level = Some(level);
        // Away by a whole step before it moves, so that it does not go to and fro.
        if (level - self.told).abs() >= Self::STEP {
            let step = (level / Self::STEP).round() * Self::STEP;
            self.told = step.clamp(least, most);
        }
        self.peak()
    }

    /// The peak, in cd/m².
    #[must_use]
    pub fn peak(&self) -> f64 {
        pq::to_light(self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hdr::{ContentLight, MasteringDisplay};

    const FRAME: f64 = 1.0 / 60.0;

    fn near(got: f64, wanted: f64) {
        // Two steps of what is told.
        assert!((pq::to_code(got) - pq::to_code(wanted)).abs() < 2.0 / 256.0, "{got}, not {wanted}");
    }

    #[test]
    fn content_light_goes_before_the_mastering_display() {
        let display = MasteringDisplay {
            primaries: Default::default(),
            white: Default::default(),
            most_luminance: 4000 * 10_000,
            least_luminance: 1,
        };
        let light = |most| Some(ContentLight { most, most_average: 0 });
        let mastering = Some(display);
        assert_eq!(stated(&HdrMetadata { mastering, light: light(1400) }), Some(1400.0));
        assert_eq!(stated(&HdrMetadata { mastering, light: light(0) }), Some(4000.0));
        assert_eq!(stated(&HdrMetadata { mastering, light: light(20_000) }), Some(4000.0));
        assert_eq!(stated(&HdrMetadata { mastering: None, light: light(0) }), None);
    }

    #[test]
    fn it_rises_fast_falls_slowly_and_follows_a_cut_at_once() {
        let mut peak = PeakDetector::new(203.0);
        near(peak.observe(600.0, 0.0), 600.0);
        near(peak.observe(1000.0, FRAME), 600.0 * 1.08);
        (0..60).for_each(|_| _ = peak.observe(1000.0, FRAME));
        near(peak.peak(), 1000.0);
        (0..6).for_each(|_| _ = peak.observe(700.0, FRAME));
        assert!(peak.peak() > 930.0, "{}", peak.peak());
        (0..400).for_each(|_| _ = peak.observe(700.0, FRAME));
        near(peak.peak(), 700.0);
        near(peak.observe(4000.0, FRAME), 4000.0);
        near(peak.observe(10.0, FRAME), 203.0);
    }

    #[test]
    fn what_hardly_changes_changes_nothing() {
        let mut peak = PeakDetector::new(203.0);
        let first = peak.observe(800.0, 0.0);
        for index in 0..200 {
            assert_eq!(peak.observe(if index % 2 == 0 { 795.0 } else { 805.0 }, FRAME), first);
        }
        assert!(peak.observe(f64::NAN, FRAME).is_finite());
        assert!(peak.observe(f64::INFINITY, f64::INFINITY).is_finite());
        assert!(peak.observe(f64::NAN, -1.0).is_finite());
    }
}
