//! Tone curves: how what is too bright for a display is brought into its range.

use crate::transfer::pq;

/// The light of white paper in an HDR picture, in cd/m²: Report ITU-R BT.2408.
pub const REFERENCE_WHITE: f64 = 203.0;

/// A shape of tone curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToneCurve {
    /// The EETF of Report ITU-R BT.2390: nothing changes below a knee, which is the lower the brighter
    /// the source; a smooth shoulder above, in the perceptual domain.
    #[default]
    Bt2390,
    /// John Hable's filmic curve: a toe and a long shoulder. Darkens the middle, keeps most detail in
    /// highlights.
    Hable,
    /// Straight up to a knee at three tenths of white, then a Möbius transform: accurate colours in
    /// the shadows, highlights pressed together hard.
    Mobius,
    /// Everything beyond white is white. Nothing else changes.
    Clip,
}

impl ToneCurve {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bt2390, Self::Hable, Self::Mobius, Self::Clip];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bt2390 => "bt2390",
            Self::Hable => "hable",
            Self::Mobius => "mobius",
            Self::Clip => "clip",
        }
    }

    /// The light, in cd/m², that a display of peak `to` shows for light of a source of peak `from`.
    ///
    /// Light beyond `from` counts as `from`, and becomes `to`. Where the source is no brighter than the
    /// display, nothing changes.
    #[must_use]
    pub fn map(self, light: f64, from: f64, to: f64) -> f64 {
        // Peaks that are told apart by rounding alone would be divided by nothing.
        if from <= to * (1.0 + 1e-9) {
            return light.min(to);
        }
        let light = light.clamp(0.0, from);
        let mapped = match self {
            Self::Bt2390 => bt2390(light, from, to),
            Self::Hable => to * hable(light / to) / hable(from / to),
            Self::Mobius => to * mobius(light / to, from / to),
            Self::Clip => light,
        };
        mapped.clamp(0.0, to)
    }
}

/// Report ITU-R BT.2390-11, section 5.4.1, with black at 0 on both sides.
fn bt2390(light: f64, from: f64, to: f64) -> f64 {
    let whole = pq::to_code(from);
    let most = pq::to_code(to) / whole;
    let knee = 1.5 * most - 0.5;
    let e1 = pq::to_code(light) / whole;
    if e1 < knee {
        return light;
    }
    // The Hermite spline from the knee, where its slope is 1, to the display's peak, where it is 0.
    let t = (e1 - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let e2 = (2.0 * t3 - 3.0 * t2 + 1.0) * knee
        + (t3 - 2.0 * t2 + t) * (1.0 - knee)
        + (-2.0 * t3 + 3.0 * t2) * most;
    pq::to_light(e2 * whole)
}

/// The curve that John Hable showed for Uncharted 2 (GDC 2010), not yet divided by its value at the peak.
fn hable(x: f64) -> f64 {
    let (shoulder, linear, angle, toe, numerator, denominator) = (0.15, 0.50, 0.10, 0.20, 0.02, 0.30);
    (x * (shoulder * x + angle * linear) + toe * numerator)
        / (x * (shoulder * x + linear) + toe * denominator)
        - numerator / denominator
}

/// The identity up to the knee; above it (a x + b) / (x + c), of which value and slope are those of the
/// identity at the knee, and the value 1 at `peak`.
fn mobius(x: f64, peak: f64) -> f64 {
    const KNEE: f64 = 0.3;
    if x <= KNEE {
        return x;
    }
    let k2 = KNEE * KNEE;
    let a = -k2 * (peak - 1.0) / (k2 - 2.0 * KNEE + peak);
    let b = (k2 - 2.0 * KNEE * peak + peak) / (peak - 1.0);
    (b * b + 2.0 * b * KNEE + k2) / (b - a) * (x + a) / (x + b)
}

/// How HDR becomes SDR, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToneMapping {
    /// What becomes of what is brighter than white.
    pub curve: ToneCurve,
    /// The light of SDR's white in an HDR picture, in cd/m².
    pub white: f64,
    /// The brightest light of the source, in cd/m²; `None` is what the source says, else what is seen.
    pub peak: Option<f64>,
}

impl Default for ToneMapping {
    /// BT.2390, and the reference white of BT.2408, 203 cd/m².
    fn default() -> Self {
        Self { curve: ToneCurve::default(), white: REFERENCE_WHITE, peak: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEAKS: [f64; 5] = [204.0, 400.0, 1000.0, 4000.0, 10_000.0];

    #[test]
    fn every_curve_rises_from_black_to_white() {
        for curve in ToneCurve::ALL {
            for peak in PEAKS {
                assert!(curve.map(0.0, peak, 203.0).abs() < 1e-9, "{curve:?}");
                assert!((curve.map(peak, peak, 203.0) - 203.0).abs() < 1e-6, "{curve:?} {peak}");
                assert_eq!(curve.map(peak * 2.0, peak, 203.0), curve.map(peak, peak, 203.0));
                let mut last = 0.0;
                for step in 0..=1000 {
                    let light = pq::to_light(f64::from(step) / 1000.0).min(peak);
                    let mapped = curve.map(light, peak, 203.0);
                    assert!(mapped >= last - 1e-9, "{curve:?} {peak}: {light} becomes {mapped}");
                    // Hable's toe lifts nothing, and no curve makes anything brighter, save that one
                    // whose peak is hardly above white is divided by almost nothing.
                    let most = if curve == ToneCurve::Hable { 2.0 } else { 1.0 + 1e-9 };
                    assert!(mapped <= light * most + 1e-9, "{curve:?} {peak}: {light} becomes {mapped}");
                    last = mapped;
                }
            }
        }
    }

    #[test]
    fn nothing_changes_where_nothing_is_too_bright() {
        for curve in ToneCurve::ALL {
            for light in [0.0, 1.0, 80.0, 203.0] {
                assert_eq!(curve.map(light, 203.0, 203.0), light);
                assert_eq!(curve.map(light, 100.0, 203.0), light);
            }
            assert_eq!(curve.map(300.0, 100.0, 203.0), 203.0, "more than was said");
        }
    }

    #[test]
    fn bt2390_is_that_of_the_report() {
        // From 1000 to 203 cd/m²: the knee is at 1.5 · 0.5807 / 0.7518 - 0.5 of the source's range, the
        // middle of the spline at (knee + most) / 2 + (1 - knee) / 8.
        let (whole, most) = (pq::to_code(1000.0), pq::to_code(203.0) / pq::to_code(1000.0));
        let knee = 1.5 * most - 0.5;
        let map = |e: f64| pq::to_code(ToneCurve::Bt2390.map(pq::to_light(e * whole), 1000.0, 203.0)) / whole;
        assert!((knee - 0.6586).abs() < 1e-3, "{knee}");
        assert!((map(knee * 0.9) - knee * 0.9).abs() < 1e-9);
        let middle = (knee + most) / 2.0 + (1.0 - knee) / 8.0;
        assert!((map((knee + 1.0) / 2.0) - middle).abs() < 1e-9);
    }

    #[test]
    fn mobius_is_smooth_at_its_knee() {
        for peak in PEAKS {
            let map = |x: f64| ToneCurve::Mobius.map(x * 203.0, peak, 203.0) / 203.0;
            let slope = (map(0.3 + 1e-5) - map(0.3)) / 1e-5;
            assert!((map(0.3) - 0.3).abs() < 1e-9 && (slope - 1.0).abs() < 1e-2, "{peak}: {slope}");
        }
    }

    #[test]
    fn hable_is_the_published_formula() {
        // Uncharted 2's own numbers: 0.22 for middle exposure two, before the division by white 11.2.
        assert!((hable(11.2) - 0.725).abs() < 1e-3, "{}", hable(11.2));
        assert!(
            (ToneCurve::Hable.map(203.0, 203.0 * 11.2, 203.0) / 203.0 - hable(1.0) / hable(11.2)).abs()
                < 1e-9
        );
    }
}
