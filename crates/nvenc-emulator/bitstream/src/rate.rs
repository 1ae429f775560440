//! Rate control: which quantiser a picture gets.

use crate::{Codec, Kind, Quality};

/// How bits are spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// The decoder gets back the very samples.
    Exact,
    /// Fixed quantisers, in the codec's scale.
    Quantizer {
        /// For pictures that refer to nothing.
        intra: u8,
        /// For P.
        p: u8,
        /// For B.
        b: u8,
    },
    /// The bitrate at every moment, through a decoder's buffer of this size.
    Constant {
        /// Bits a second.
        bits_per_second: u64,
        /// The buffer, in bits.
        buffer_bits: u64,
    },
    /// The bitrate on average, through a buffer that is filled at the peak rate.
    Variable {
        /// Bits a second.
        average: u64,
        /// Bits a second at the most.
        peak: u64,
        /// The buffer, in bits.
        buffer_bits: u64,
    },
    /// A fixed quantiser, but where that would overrun the buffer.
    Quality {
        /// The quantiser, in the codec's scale.
        quantizer: u8,
        /// Bits a second at the most; 0 is without limit.
        peak: u64,
        /// The buffer, in bits.
        buffer_bits: u64,
    },
}

/// Pictures over which a debt of bits is paid back.
const PAY_BACK: f64 = 12.0;

/// Tries for one picture: each costs an encoding.
const TRIES: u32 = 5;

/// A picture coded with one of the quantisers that come into question.
struct Try<T> {
    coded: T,
    bits: u64,
    quantizer: f64,
    /// Whether the buffer has room for it.
    fits: bool,
    /// How far it is from the target, in doublings.
    distance: f64,
}

impl<T> Try<T> {
    fn is_better(&self, other: &Self) -> bool {
        match (self.fits, other.fits) {
            (true, true) => self.distance < other.distance,
            (false, false) => self.bits < other.bits,
            (fits, _) => fits,
        }
    }
}

/// Decides on quantisers, and keeps the books.
pub(crate) struct Control {
    rate: Rate,
    /// The largest quantiser.
    worst: u8,
    /// By how much the quantiser rises to halve the bits, about.
    halving: f64,
    /// Pictures a second.
    fps: f64,
    /// Bits in the decoder's buffer.
    fullness: f64,
    /// Bits that the bitrate has granted and nobody has spent; negative in debt.
    saved: f64,
    /// The quantisers that came out last: for intra, P and B.
    last: [f64; 3],
}

const fn slot(kind: Kind) -> usize {
    match kind {
        Kind::Key | Kind::Intra => 0,
        Kind::P => 1,
        Kind::B => 2,
    }
}

impl Control {
    pub(crate) fn new(codec: Codec, rate: Rate, fps: f64) -> Self {
        let (worst, halving, first) = match codec {
            Codec::H264 | Codec::Hevc => (51, 6.0, 30.0),
            Codec::Av1 => (255, 36.0, 120.0),
        };
        let last = [first, first, first + 2.0];
        let mut control = Self { rate, worst, halving, fps, fullness: 0.0, saved: 0.0, last };
        control.fullness = control.buffer() * 0.9;
        control
    }

    /// Goes on at another rate. What was saved or owed at the old one is settled.
    pub(crate) fn set_rate(&mut self, rate: Rate) {
        let filled = if self.buffer() > 0.0 { self.fullness / self.buffer() } else { 0.9 };
        self.rate = rate;
        self.fullness = self.buffer() * filled;
        self.saved = 0.0;
    }

    fn buffer(&self) -> f64 {
        match self.rate {
            Rate::Exact | Rate::Quantizer { .. } => 0.0,
            Rate::Constant { bits_per_second: rate, buffer_bits }
            | Rate::Variable { peak: rate, buffer_bits, .. }
            | Rate::Quality { peak: rate, buffer_bits, .. } => {
                // Half a second is what encoders take where nothing was said.
                (if buffer_bits == 0 { rate as f64 / 2.0 } else { buffer_bits as f64 }).max(1.0)
            }
        }
    }

    /// Codes a picture through `encode`, which tells the bits of a try, at the quality that fits.
    pub(crate) fn code<T>(&mut self, kind: Kind, mut encode: impl FnMut(Quality) -> (T, u64)) -> (T, u8) {
        let fixed = |quantizer: u8| Quality::Quantizer(quantizer);
        match self.rate {
            Rate::Exact => (encode(Quality::Exact).0, 0),
            Rate::Quantizer { intra, p, b } => {
                let quantizer = [intra, p, b][slot(kind)].min(self.worst);
                (encode(fixed(quantizer)).0, quantizer)
            }
            Rate::Quality { quantizer, peak: 0, .. } => {
                let quantizer = quantizer.min(self.worst);
                (encode(fixed(quantizer)).0, quantizer)
            }
            Rate::Quality { quantizer, peak, .. } => {
                let from = quantizer.min(self.worst);
                self.search(kind, f64::MAX, from, peak, encode)
            }
            Rate::Constant { bits_per_second, .. } => {
                let target = self.target(kind, bits_per_second);
                self.search(kind, target, 0, bits_per_second, encode)
            }
            Rate::Variable { average, peak, .. } => {
                let target = self.target(kind, average);
                self.search(kind, target, 0, peak.max(average), encode)
            }
        }
    }

    /// Bits that a picture should take: its share, corrected by what was saved or is owed.
    fn target(&self, kind: Kind, bits_per_second: u64) -> f64 {
        let share = bits_per_second as f64 / self.fps;
        let weight = match kind {
            Kind::Key | Kind::Intra => 4.0,
            Kind::P => 1.0,
            Kind::B => 0.8,
        };
        (share * weight + self.saved / PAY_BACK).max(share * 0.2)
    }

    /// Looks for the quantiser that comes near `target`, never under `least`, and under the buffer's
    /// fullness.
    fn search<T>(
        &mut self,
        kind: Kind,
        target: f64,
        least: u8,
        filling: u64,
        mut encode: impl FnMut(Quality) -> (T, u64),
    ) -> (T, u8) {
        let worst = f64::from(self.worst);
        // The quantisers among which the right one may still be.
        let (mut low, mut high) = (f64::from(least.max(1)), worst);
        let target = target.min(self.fullness * 0.9).max(1.0);
        let mut quantizer = self.last[slot(kind)].round().clamp(low, high);
        let mut best: Option<Try<T>> = None;
        for tries in 1.. {
            let (coded, bits) = encode(Quality::Quantizer(quantizer as u8));
            let ratio = bits.max(1) as f64 / target;
            let fits = bits as f64 <= self.fullness;
            let guess = (quantizer + self.halving * ratio.log2()).round();
            let near = (0.8..1.1).contains(&ratio) || guess == quantizer;
            if ratio > 1.0 {
                low = quantizer + 1.0;
            } else {
                high = quantizer - 1.0;
            }
            let this = Try { coded, bits, quantizer, fits, distance: ratio.log2().abs() };
            if best.as_ref().is_none_or(|best| this.is_better(best)) {
                best = Some(this);
            }
            let found = best.as_ref().is_some_and(|best| best.fits && (near || tries >= TRIES));
            if found || low > high {
                break;
            }
            // Whatever that costs in quality, the buffer is not overrun.
            quantizer = if tries < TRIES { guess.clamp(low, high) } else { worst };
        }
        let best = best.expect("one was tried");
        self.last[slot(kind)] = best.quantizer;
        self.spend(best.bits as f64, filling as f64);
        (best.coded, best.quantizer as u8)
    }

    fn spend(&mut self, bits: f64, filling: f64) {
        let average = match self.rate {
            Rate::Variable { average, .. } => average as f64,
            _ => filling,
        };
        self.fullness = (self.fullness - bits + filling / self.fps).min(self.buffer());
        // What a still picture saved is not spent in one go later.
        self.saved = (self.saved + average / self.fps - bits).min(average * 0.5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures whose bits halve with every six steps, and change from one to the next.
    fn run(rate: Rate, pictures: u32) -> Vec<u64> {
        let mut control = Control::new(Codec::H264, rate, 60.0);
        let kinds = (0..pictures).map(|index| if index % 120 == 0 { Kind::Key } else { Kind::P });
        let mut spent = Vec::new();
        for (index, kind) in kinds.enumerate() {
            let busy = 1.0 + 0.5 * (index as f64 / 17.0).sin() + if kind == Kind::Key { 3.0 } else { 0.0 };
            let (bits, _) = control.code(kind, |quality| {
                let Quality::Quantizer(quantizer) = quality else { panic!("not exact") };
                let bits = (4e6 * busy * (-f64::from(quantizer) / 6.0).exp2()) as u64;
                (bits, bits)
            });
            spent.push(bits);
        }
        spent
    }

    #[test]
    fn a_constant_rate_is_met_and_its_buffer_never_runs_dry() {
        for kbps in [1_000, 6_000, 40_000] {
            let (rate, buffer) = (kbps * 1000, kbps * 500);
            let spent = run(Rate::Constant { bits_per_second: rate, buffer_bits: buffer }, 1200);
            let average = spent.iter().sum::<u64>() as f64 / 20.0;
            assert!((average / rate as f64 - 1.0).abs() < 0.03, "{average} of {rate}");
            let mut fullness = buffer as f64 * 0.9;
            for bits in spent {
                fullness -= bits as f64;
                assert!(fullness >= 0.0, "{fullness} at {kbps}");
                fullness = (fullness + rate as f64 / 60.0).min(buffer as f64);
            }
        }
    }

    /// Noise is coded or not: between two quantisers its bits change by far more than the model says.
    #[test]
    fn a_rate_is_met_where_bits_fall_steeply() {
        let rate = Rate::Constant { bits_per_second: 800_000, buffer_bits: 400_000 };
        let mut control = Control::new(Codec::H264, rate, 30.0);
        let mut spent = 0;
        for _ in 0..300 {
            let (bits, _) = control.code(Kind::P, |quality| {
                let Quality::Quantizer(quantizer) = quality else { panic!("not exact") };
                let bits = (2e5 * ((36.0 - f64::from(quantizer)) / 1.2).exp2()) as u64 + 300;
                (bits, bits)
            });
            spent += bits;
        }
        let average = spent as f64 / 10.0;
        assert!((average / 8e5 - 1.0).abs() < 0.1, "{average}");
    }

    #[test]
    fn a_variable_rate_is_met_on_average() {
        let spent =
            run(Rate::Variable { average: 6_000_000, peak: 9_000_000, buffer_bits: 18_000_000 }, 1200);
        let average = spent.iter().sum::<u64>() as f64 / 20.0;
        assert!((average / 6e6 - 1.0).abs() < 0.05, "{average}");
    }

    #[test]
    fn a_quality_is_kept_until_the_buffer_forbids_it() {
        let free = run(Rate::Quality { quantizer: 24, peak: 0, buffer_bits: 0 }, 2);
        assert!(free[1] > 100_000, "{free:?}");
        let peak = 2_000_000;
        let tight = run(Rate::Quality { quantizer: 24, peak, buffer_bits: peak / 2 }, 600);
        let average = tight.iter().sum::<u64>() as f64 / 10.0;
        assert!(average < peak as f64 * 1.1, "{average}");
    }
}
