//! From the code values of one colour to those of another: the reference that every processor must
//! reproduce.
//!
//! Each pixel by itself, in five steps:
//!
//! 1. **Decode** each component to light in cd/m² ([`transfer`]): white of SDR is [`Tone::white`], PQ is
//!    absolute, HLG is shown on a display of 1000 cd/m², scRGB counts in 80 cd/m².
//! 2. **Tone mapping**, where the source may be brighter than the target: the pixel's *brightness* is the
//!    mean of its luminance and of its brightest component; all three components are multiplied by
//!    what the [curve](ToneCurve) makes of the brightness, divided by it. Hue and saturation stay. (By
//!    luminance alone, lamps in saturated colours would burn out to white; by the brightest component
//!    alone they would turn dark.)
//! 3. **Primaries**: a matrix, where they differ.
//! 4. **Gamut**: what the target cannot show is mixed with the grey of its luminance ([`gamut::fit`]).
//! 5. **Encode** each component.
//!
//! So a processor needs a table for 1 and 5 and one of the gain over the brightness for 2, a matrix, and
//! a few additions: no pixel depends on its neighbours.
//!
//! [`transfer`]: crate::transfer

use crate::gamut::{self, Matrix, Primaries};
use crate::tone::{REFERENCE_WHITE, ToneCurve};
use crate::transfer::{hlg, pq, scrgb, sdr};
use crate::{Color, Transfer};

/// How HDR is shown where there is less range, and SDR where there is more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// The shape of the curve.
    pub curve: ToneCurve,
    /// The light of SDR's white, in cd/m²; [`REFERENCE_WHITE`] where nothing else is known.
    pub white: f64,
    /// The brightest light of the source, in cd/m²; of HLG and SDR no more than their own.
    pub peak: f64,
}

impl Default for Tone {
    /// BT.2390, reference white, a source of 1000 cd/m².
    fn default() -> Self {
        Self { curve: ToneCurve::default(), white: REFERENCE_WHITE, peak: 1000.0 }
    }
}

/// The way from one colour's code values to another's. See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    from: Transfer,
    to: Transfer,
    white: f64,
    curve: ToneCurve,
    /// Peaks of the source and of the target, in cd/m².
    peaks: (f64, f64),
    /// Luminance of the source's primaries and of the target's.
    weights: ([f64; 3], [f64; 3]),
    primaries: Matrix,
}

impl Conversion {
    /// Between two colours; `None` where the code values of one mean the same in the other. Matrix and
    /// range between RGB and YCbCr are not part of it.
    #[must_use]
    pub fn new(from: Color, to: Color, tone: Tone) -> Option<Self> {
        let (source, target) = (Primaries::of(from.space), Primaries::of(to.space));
        if from.transfer == to.transfer && source == target {
            return None;
        }
        let most = |transfer| match transfer {
            Transfer::Sdr => tone.white,
            Transfer::Hlg => hlg::PEAK,
            Transfer::Pq | Transfer::Linear => pq::PEAK,
        };
        let peak = if from.is_hdr() { tone.peak.max(1.0) } else { tone.white };
        Some(Self {
            from: from.transfer,
            to: to.transfer,
            white: tone.white,
            curve: tone.curve,
            peaks: (peak.min(most(from.transfer)), most(to.transfer)),
            weights: (source.luminance(), target.luminance()),
            primaries: source.to(&target),
        })
    }

    /// The target's code values, 0 to 1, of the source's.
    #[must_use]
    pub fn apply(&self, code: [f64; 3]) -> [f64; 3] {
        self.encode(self.shown(self.decode(code)))
    }

    /// Step 1: light of the source, in cd/m² of its own primaries.
    #[must_use]
    pub fn decode(&self, code: [f64; 3]) -> [f64; 3] {
        match self.from {
            Transfer::Sdr => code.map(|it| sdr::to_light(it) * self.white),
            Transfer::Pq => code.map(pq::to_light),
            Transfer::Hlg => hlg::to_light(code.map(hlg::to_scene), self.weights.0),
            Transfer::Linear => code.map(scrgb::to_light),
        }
    }

    /// Steps 2 to 4: light of the target, in cd/m² of its own primaries, for light of the source.
    #[must_use]
    pub fn shown(&self, light: [f64; 3]) -> [f64; 3] {
        let gain = self.gain(self.brightness(light));
        let light = gamut::apply(&self.primaries, light.map(|it| it * gain));
        gamut::fit(light, self.weights.1, self.peaks.1)
    }

    /// Step 5: the code values of light in cd/m².
    #[must_use]
    pub fn encode(&self, light: [f64; 3]) -> [f64; 3] {
        match self.to {
            Transfer::Sdr => light.map(|it| sdr::to_code(it / self.white)),
            Transfer::Pq => light.map(pq::to_code),
            Transfer::Hlg => hlg::of_light(light, self.weights.1).map(hlg::to_code),
            Transfer::Linear => light.map(scrgb::to_code),
        }
    }

    /// What the curve is asked about: the mean of luminance and brightest component, in cd/m².
    #[must_use]
    pub fn brightness(&self, light: [f64; 3]) -> f64 {
        let luminance: f64 = light.iter().zip(self.weights.0).map(|(a, b)| a * b).sum();
        (luminance + light.iter().copied().fold(f64::NEG_INFINITY, f64::max)) / 2.0
    }

    /// What light of this brightness, in cd/m², is multiplied by.
    #[must_use]
    pub fn gain(&self, brightness: f64) -> f64 {
        if !self.maps_tones() {
            return 1.0;
        }
        // Below this the curves are straight.
        let brightness = brightness.max(1e-4);
        self.curve.map(brightness, self.peaks.0, self.peaks.1) / brightness
    }

    /// Whether any light is changed by step 2.
    #[must_use]
    pub fn maps_tones(&self) -> bool {
        self.from != self.to && matches!(self.to, Transfer::Sdr | Transfer::Hlg) && self.from != Transfer::Sdr
    }

    /// The transfers of source and target.
    #[must_use]
    pub const fn transfers(&self) -> (Transfer, Transfer) {
        (self.from, self.to)
    }

    /// The brightest light of the source and of the target, in cd/m².
    #[must_use]
    pub const fn peaks(&self) -> (f64, f64) {
        self.peaks
    }

    /// The light of the source's code value 1, in cd/m².
    #[must_use]
    pub const fn unit(&self) -> f64 {
        match self.from {
            Transfer::Sdr => self.white,
            Transfer::Pq => pq::PEAK,
            Transfer::Hlg => hlg::PEAK,
            Transfer::Linear => scrgb::UNIT,
        }
    }

    /// The light of SDR's white, in cd/m².
    #[must_use]
    pub const fn white(&self) -> f64 {
        self.white
    }

    /// The luminance of the primaries of source and target.
    #[must_use]
    pub const fn weights(&self) -> ([f64; 3], [f64; 3]) {
        self.weights
    }

    /// From the source's primaries to the target's.
    #[must_use]
    pub const fn primaries(&self) -> Matrix {
        self.primaries
    }
}

#[cfg(test)]
#[path = "conversion_tests.rs"]
mod tests;
