//! A look-ahead peak limiter.
//!
//! For each sample there is a gain at which its loudest channel is at [`CEILING`]; 1 where it is quieter. What is
//! applied is
//! 1. the least of those gains over the [`LOOK_AHEAD`] to come, so that it is down before the peak is there;
//! 2. let rise again by a [`RELEASE`] of its own, so that it does not pump;
//! 3. averaged over the look-ahead that has passed, so that it never steps.
//!
//! Each of the averaged gains has seen the sample that it is applied to, so none is above what that sample
//! needs: nothing passes the ceiling, and nothing is clipped. Sound that stays below it is not touched at all.

use std::collections::VecDeque;

/// What no sample is louder than: -1 dBFS, which leaves a lossy codec some room.
pub const CEILING: f32 = 0.891_251;
/// How long before a peak the gain begins to sink, in seconds.
pub const LOOK_AHEAD: f64 = 0.005;
/// How fast the gain rises again: the time constant in seconds.
pub const RELEASE: f64 = 0.150;

/// The limiter for one stream of interleaved samples.
#[derive(Clone, Debug)]
pub struct Limiter {
    channels: usize,
    /// Samples of one channel in the look-ahead.
    ahead: usize,
    /// What is left of the way to 1 after a sample.
    release: f64,
    /// Samples that wait for their look-ahead, interleaved.
    waiting: VecDeque<f32>,
    /// Samples of one channel that came, and that went.
    came: u64,
    went: u64,
    /// The gains that may be the least of the look-ahead, rising, each with its sample's number.
    least: VecDeque<(u64, f64)>,
    held: f64,
    /// The gains that are averaged, and their sum.
    averaged: VecDeque<f64>,
    sum: f64,
    /// Those of them that are below 1.
    lowered: usize,
}

impl Limiter {
    /// For so many channels at so many samples a second.
    pub fn new(channels: usize, rate: u32) -> Self {
        let ahead = (LOOK_AHEAD * f64::from(rate)) as usize;
        let averaged: VecDeque<f64> = std::iter::repeat_n(1.0, ahead + 1).collect();
        Self {
            channels: channels.max(1),
            ahead,
            release: (-1.0 / (RELEASE * f64::from(rate))).exp(),
            waiting: VecDeque::new(),
            came: 0,
            went: 0,
            least: VecDeque::new(),
            held: 1.0,
            sum: averaged.len() as f64,
            averaged,
            lowered: 0,
        }
    }

    /// Takes interleaved samples, and appends those whose look-ahead is known by now.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        for frame in samples.chunks_exact(self.channels) {
            self.take(frame);
            self.came += 1;
            if self.came - self.went > self.ahead as u64 {
                self.give(out);
            }
        }
    }

    /// Appends all that waits: nothing comes after it.
    pub fn flush(&mut self, out: &mut Vec<f32>) {
        while self.went < self.came {
            self.give(out);
        }
    }

    fn take(&mut self, frame: &[f32]) {
        // What is no number is silence: it would silence all that follows.
        let frame = frame.iter().map(|it| if it.is_finite() { *it } else { 0.0 });
        let before = self.waiting.len();
        self.waiting.extend(frame);
        let peak = self.waiting.range(before..).fold(0f32, |peak, it| peak.max(it.abs()));
        let gain = if peak > CEILING { f64::from(CEILING / peak) } else { 1.0 };
        while self.least.back().is_some_and(|it| it.1 >= gain) {
            self.least.pop_back();
        }
        self.least.push_back((self.came, gain));
    }

    /// Hands on the oldest sample.
    fn give(&mut self, out: &mut Vec<f32>) {
        let least = self.least.front().map_or(1.0, |it| it.1);
        let risen = 1.0 - (1.0 - self.held) * self.release;
        // A ten thousandth of a decibel: sound is as it was again.
        let risen = if risen > 1.0 - 1e-5 { 1.0 } else { risen };
        self.held = least.min(risen);
        self.average(self.held);
        let gain = (self.sum / self.averaged.len() as f64).min(1.0) as f32;
        // A gain is rounded to 24 bits, the product again: the last of those may be over.
        let loudest = if self.lowered > 0 { CEILING } else { f32::MAX };
        out.extend(self.waiting.drain(..self.channels).map(|it| (it * gain).clamp(-loudest, loudest)));
        self.went += 1;
        while self.least.front().is_some_and(|it| it.0 < self.went) {
            self.least.pop_front();
        }
    }
}

impl Limiter {
    /// Puts a gain into the average in the place of the oldest.
    fn average(&mut self, gain: f64) {
        let oldest = self.averaged.pop_front().unwrap_or(1.0);
        self.averaged.push_back(gain);
        self.lowered = self.lowered + usize::from(gain < 1.0) - usize::from(oldest < 1.0);
        self.sum += gain - oldest;
        if self.lowered == 0 {
            // Without what rounding has left of earlier gains.
            self.sum = self.averaged.len() as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: u32 = 48_000;

    fn limited(samples: &[f32], piece: usize) -> Vec<f32> {
        let (mut limiter, mut out) = (Limiter::new(1, RATE), Vec::new());
        samples.chunks(piece).for_each(|it| limiter.push(it, &mut out));
        limiter.flush(&mut out);
        out
    }

    fn tone(frequency: f64, level: f32, seconds: f64) -> Vec<f32> {
        let at = |n: usize| (n as f64 * frequency * std::f64::consts::TAU / f64::from(RATE)).sin() as f32;
        (0..(seconds * f64::from(RATE)) as usize).map(|n| level * at(n)).collect()
    }

    #[test]
    fn what_is_quiet_enough_is_not_touched() {
        let sound = tone(440.0, 0.89, 0.3);
        assert!(limited(&sound, 480) == sound);
    }

    #[test]
    fn a_peak_is_turned_down_with_what_is_around_it_and_then_left_alone() {
        let mut sound = vec![0.25; RATE as usize * 3];
        sound[RATE as usize / 2] = 4.0;
        let out = limited(&sound, 480);
        let (at, ahead) = (RATE as usize / 2, (LOOK_AHEAD * f64::from(RATE)) as usize);
        assert!((out[at] - CEILING).abs() < 1e-4, "{}", out[at]);
        assert!(out[..at - ahead] == sound[..at - ahead], "not a sample earlier than need be");
        let steepest = out[at - ahead..at].windows(2).map(|it| (it[1] - it[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.002, "it sinks smoothly: {steepest}");
        assert!(out[at + 1..].windows(2).all(|it| it[1] >= it[0] - 1e-6), "it rises and never pumps");
        let later = at + 2 * RATE as usize;
        assert!(out[later..] == sound[later..], "to the bit");
    }

    #[test]
    fn a_loud_tone_stays_a_tone() {
        let out = limited(&tone(1000.0, 2.0, 1.0), 480);
        let settled = &out[24_000..43_200];
        // The share of the power that is at the tone: what clipping adds lies at its harmonics.
        let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
        for (n, it) in settled.iter().map(|it| f64::from(*it)).enumerate() {
            let angle = n as f64 * 1000.0 * std::f64::consts::TAU / f64::from(RATE);
            (sine, cosine, all) = (sine + it * angle.sin(), cosine + it * angle.cos(), all + it * it);
        }
        let share = 2.0 * (sine * sine + cosine * cosine) / (all * settled.len() as f64);
        assert!(share > 0.999, "{share}");
    }

    #[test]
    fn what_is_no_number_is_silence_and_ends_nothing() {
        let out = limited(&[0.5, f32::NAN, f32::INFINITY, 0.5], 1);
        assert_eq!(out, [0.5, 0.0, 0.0, 0.5]);
    }

    proptest! {
        /// Whatever comes in whatever pieces: as many samples, none above the ceiling, and no sign changed.
        #[test]
        fn nothing_is_louder_than_the_ceiling(
            samples in prop::collection::vec(-5f32..5.0, 0..2000), piece in 1usize..700,
        ) {
            let out = limited(&samples, piece);
            prop_assert_eq!(out.len(), samples.len());
            for (out, it) in out.iter().zip(&samples) {
                prop_assert!(out.abs() <= CEILING && out.abs() <= it.abs() && out * it >= 0.0, "{} of {}", out, it);
            }
        }
    }
}
