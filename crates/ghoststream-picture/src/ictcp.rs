//! How different two colours look: ΔE ITP of Recommendation ITU-R BT.2124.

use crate::gamut::{Matrix, Primaries, apply, product};
use crate::transfer::pq;

/// From linear RGB of BT.2020 to LMS: BT.2100 table 7.
const TO_LMS: Matrix = [
    [1688.0 / 4096.0, 2146.0 / 4096.0, 262.0 / 4096.0],
    [683.0 / 4096.0, 2951.0 / 4096.0, 462.0 / 4096.0],
    [99.0 / 4096.0, 309.0 / 4096.0, 3688.0 / 4096.0],
];

/// From L'M'S' to I, T and P, which are I, half of Ct, and Cp.
const TO_ITP: Matrix = [
    [0.5, 0.5, 0.0],
    [6610.0 / 8192.0, -13613.0 / 8192.0, 7003.0 / 8192.0],
    [17933.0 / 4096.0, -17390.0 / 4096.0, -543.0 / 4096.0],
];

/// From light, in cd/m², to I, T and P.
#[derive(Clone, Copy, Debug)]
pub struct Itp {
    to_lms: Matrix,
}

impl Itp {
    /// For light of these primaries.
    #[must_use]
    pub fn new(primaries: &Primaries) -> Self {
        Self { to_lms: product(&TO_LMS, &primaries.to(&Primaries::BT2020)) }
    }

    /// I, T and P of light in cd/m².
    #[must_use]
    pub fn of(&self, light: [f64; 3]) -> [f64; 3] {
        apply(&TO_ITP, apply(&self.to_lms, light).map(pq::to_code))
    }

    /// ΔE ITP between two lights, in cd/m²: 1 is what can just be seen under the best conditions.
    #[must_use]
    pub fn difference(&self, one: [f64; 3], other: [f64; 3]) -> f64 {
        let (one, other) = (self.of(one), self.of(other));
        720.0 * (0..3).map(|c| (one[c] - other[c]).powi(2)).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_have_no_colour_and_a_step_of_ten_bits_can_hardly_be_seen() {
        let itp = Itp::new(&Primaries::BT709);
        for light in [0.1, 1.0, 100.0, 1000.0] {
            let [i, t, p] = itp.of([light; 3]);
            assert!((i - pq::to_code(light)).abs() < 1e-4 && t.abs() < 1e-4 && p.abs() < 1e-4);
        }
        let step = pq::to_light(501.0 / 1023.0);
        let difference = itp.difference([pq::to_light(500.0 / 1023.0); 3], [step; 3]);
        assert!((difference - 720.0 / 1023.0).abs() < 1e-2, "{difference}");
    }

    #[test]
    fn the_same_light_is_the_same_in_any_primaries() {
        let light = [30.0, 100.0, 7.0];
        let wide = apply(&Primaries::BT709.to(&Primaries::BT2020), light);
        let (one, other) = (Itp::new(&Primaries::BT709).of(light), Itp::new(&Primaries::BT2020).of(wide));
        assert!((0..3).all(|c| (one[c] - other[c]).abs() < 1e-9), "{one:?} {other:?}");
    }
}
