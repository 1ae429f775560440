//! The sum of several inputs.

use std::collections::VecDeque;

use crate::Limiter;

/// Memory for so many samples is kept, two thirds of a second of what is usual: what was needed because an input was late
/// for seconds is given back when it is there.
const KEPT: usize = 1 << 16;

/// Adds up inputs that begin at the same moment. What one has brought waits until all have brought as much.
#[derive(Clone, Debug)]
pub struct Mixer {
    inputs: Vec<Input>,
    limiter: Limiter,
    channels: usize,
    sum: Vec<f32>,
}

#[derive(Clone, Debug, Default)]
struct Input {
    /// Samples that wait for the others', interleaved.
    waiting: VecDeque<f32>,
    ended: bool,
}

impl Mixer {
    /// For so many inputs, of so many channels at so many samples a second each.
    pub fn new(inputs: usize, channels: usize, rate: u32) -> Self {
        let inputs = (0..inputs).map(|_| Input::default()).collect();
        Self { inputs, limiter: Limiter::new(channels, rate), channels: channels.max(1), sum: Vec::new() }
    }

    /// Takes an input's next samples, interleaved: whole ones of all channels. An input that there is not, or
    /// that has ended, is silent.
    pub fn push(&mut self, input: usize, samples: &[f32]) {
        if let Some(input) = self.inputs.get_mut(input).filter(|it| !it.ended) {
            input.waiting.extend(samples);
        }
    }

    /// An input brings no more: it is silent from there on, and nobody waits for it.
    pub fn end(&mut self, input: usize) {
        if let Some(input) = self.inputs.get_mut(input) {
            input.ended = true;
        }
    }

    /// Samples of one channel of an input that wait for the others.
    pub fn waiting(&self, input: usize) -> usize {
        self.inputs.get(input).map_or(0, |it| it.waiting.len() / self.channels)
    }

    /// Whether every input has ended.
    pub fn is_over(&self) -> bool {
        self.inputs.iter().all(|it| it.ended)
    }

    /// Appends what all inputs have brought, but for the limiter's look-ahead; all of it, once every input has
    /// ended.
    pub fn pull(&mut self, out: &mut Vec<f32>) {
        let there = match self.is_over() {
            true => self.inputs.iter().map(|it| it.waiting.len()).max(),
            false => self.inputs.iter().filter(|it| !it.ended).map(|it| it.waiting.len()).min(),
        };
        let samples = there.unwrap_or(0) / self.channels * self.channels;
        self.sum.resize(samples, 0.0);
        for input in &mut self.inputs {
            let some = samples.min(input.waiting.len());
            for (sum, sample) in self.sum.iter_mut().zip(input.waiting.drain(..some)) {
                *sum += sample;
            }
            // Not where as much will soon be wanted again.
            if input.waiting.len() < KEPT / 4 {
                input.waiting.shrink_to(KEPT);
            }
        }
        self.limiter.push(&self.sum, out);
        self.sum.clear();
        self.sum.shrink_to(KEPT);
        if self.is_over() {
            self.limiter.flush(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulled(mixer: &mut Mixer) -> Vec<f32> {
        let mut out = Vec::new();
        mixer.pull(&mut out);
        out
    }

    #[test]
    fn samples_of_one_moment_are_added_whoever_brings_them_first() {
        let mut mixer = Mixer::new(2, 2, 48_000);
        mixer.push(0, &[0.1, 0.2, 0.1, 0.2]);
        assert_eq!(pulled(&mut mixer), [], "the other has not spoken");
        mixer.push(1, &[0.3, -0.1]);
        assert_eq!(mixer.waiting(0), 2);
        mixer.end(0);
        mixer.push(1, &[0.5, 0.5, 0.25, 0.25]);
        mixer.end(1);
        let out = pulled(&mut mixer);
        let wanted = [0.4, 0.1, 0.6, 0.7, 0.25, 0.25];
        assert!(
            out.len() == 6 && out.iter().zip(wanted).all(|(it, wanted)| (it - wanted).abs() < 1e-6),
            "{out:?}"
        );
    }

    #[test]
    fn who_has_ended_is_not_waited_for_and_its_last_samples_count() {
        let mut mixer = Mixer::new(2, 1, 1000);
        mixer.push(0, &[0.5; 3]);
        mixer.end(0);
        mixer.push(0, &[0.5; 3]);
        mixer.push(1, &[0.25; 10]);
        let mut out = pulled(&mut mixer);
        assert_eq!(out.len(), 5, "the limiter looks five samples ahead");
        mixer.end(1);
        mixer.pull(&mut out);
        assert_eq!(out, [[0.75; 3].as_slice(), &[0.25; 7]].concat());
        assert!(mixer.is_over() && pulled(&mut mixer).is_empty());
    }

    #[test]
    fn memory_for_an_input_that_was_late_is_given_back() {
        let mut mixer = Mixer::new(2, 2, 48_000);
        let piece: Vec<f32> = (0..960).map(|it| (it % 89) as f32 / 1000.0).collect();
        (0..600).for_each(|_| mixer.push(0, &piece));
        assert_eq!(pulled(&mut mixer), [], "nothing of the other for six seconds");
        assert!(mixer.inputs[0].waiting.capacity() >= 600 * 960);
        (0..600).for_each(|_| mixer.push(1, &piece));
        assert_eq!(pulled(&mut mixer).len(), 600 * 960 - 2 * 240, "all but what is ahead");
        let kept = |mixer: &Mixer| {
            mixer
                .inputs
                .iter()
                .map(|it| it.waiting.capacity())
                .chain([mixer.sum.capacity()])
                .collect::<Vec<_>>()
        };
        let after = kept(&mixer);
        assert!(after.iter().all(|it| (960..=KEPT).contains(it)), "{after:?}");
        // What is usual fits into what is kept.
        for _ in 0..100 {
            mixer.push(0, &piece);
            mixer.push(1, &piece);
            assert_eq!(pulled(&mut mixer).len(), 960);
            assert_eq!(kept(&mixer), after);
        }
    }

    #[test]
    fn two_loud_inputs_do_not_clip() {
        let mut mixer = Mixer::new(2, 1, 48_000);
        let tone = |frequency: f64| -> Vec<f32> {
            let at = |n| (f64::from(n) * frequency * std::f64::consts::TAU / 48_000.0).sin() as f32;
            (0..48_000).map(at).collect()
        };
        let (low, high) = (tone(440.0), tone(2000.0));
        mixer.push(0, &low);
        mixer.push(1, &high);
        mixer.end(0);
        mixer.end(1);
        let out = pulled(&mut mixer);
        assert_eq!(out.len(), 48_000);
        assert!(out.iter().all(|it| it.abs() <= crate::CEILING));
        // Both are still there, equally loud: correlate with each.
        let level = |tone: &[f32]| out.iter().zip(tone).map(|(a, b)| a * b).sum::<f32>() / 24_000.0;
        let (low, high) = (level(&low), level(&high));
        assert!(low > 0.4 && (low / high - 1.0).abs() < 0.05, "{low} {high}");
    }

    #[test]
    fn no_inputs_and_wrong_inputs_are_silence() {
        let mut mixer = Mixer::new(0, 2, 48_000);
        mixer.push(3, &[1.0, 1.0]);
        mixer.end(3);
        assert_eq!(pulled(&mut mixer), []);
    }
}
