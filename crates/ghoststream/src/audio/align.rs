//! Puts a source's samples where they belong in time.
//!
//! Blocks go in with the source's count and jittered capture times; sound comes out for any stretch
//! of CLOCK_MONOTONIC that is asked for, at exactly [`RATE`]. The source's clock is estimated and its
//! sound resampled by the difference: the reading position moves smoothly, by the estimated rate and
//! a gentle pull towards where the estimate wants it. Only where the source itself has a hole is
//! there silence, of the hole's length.
//!
//! Pure: it reads no clock, so that hours are simulated in seconds.

use std::collections::VecDeque;
use std::ops::Range;

use super::clock::SourceClock;
use super::ring::Header;
use super::sinc::{REACH, Sinc};
use super::{CHANNELS, RATE};
use crate::Timestamp;

/// Capture times this far from the estimate, in seconds, are no jitter if they persist.
const STEP: f64 = 8e-3;
/// Blocks that must agree before a step is believed.
const STEP_BLOCKS: u32 = 8;
/// Steps up to this, in seconds, are followed smoothly; larger ones are holes or overlaps.
const STEP_SLEWED: f64 = 12e-3;
/// How fast the reading position is pulled to the estimate: what is off is gone after a few of these,
/// in seconds.
const PULL: f64 = 0.5;
/// How much the pull may change the rate: 0.5% is a pitch that nobody hears for a moment.
const PULL_LIMIT: f64 = 5e-3;
/// Further off than this, in seconds, the reading position jumps.
const JUMP: f64 = 19e-3;
/// Sound kept at most, in seconds: before a recording starts, and while it is paused. More than the
/// ring holds and the track's patience together.
const HISTORY: f64 = 6.0;

/// A stretch of sound without holes.
struct Run {
    /// The first sample's place on the line.
    start: i64,
    samples: Vec<f32>,
}

impl Run {
    fn end(&self) -> i64 {
        self.start + (self.samples.len() / CHANNELS) as i64
    }
}

/// What came of the sound so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Quality {
    /// The largest distance between where sound was written and when it was captured, in seconds.
    pub max_skew: f64,
    /// Samples of silence written because there was nothing else.
    pub silence: u64,
}

/// The source's samples on a line of their own: places are counted in the source's samples, holes
/// included, so that place and time are one smooth function.
pub(super) struct Aligner {
    clock: Option<SourceClock>,
    runs: VecDeque<Run>,
    /// What a source's position must be moved by to be its place.
    offset: i64,
    /// The position that follows on the last block.
    next_position: u64,
    /// The place after the last sample.
    end: i64,
    steps: u32,
    step_sum: f64,
    /// The place of the next sample to be read, and the time that it is for.
    read: f64,
    read_at: Option<Timestamp>,
    quality: Quality,
    sinc: Sinc,
    window: Vec<f32>,
}

/// Which places a stretch of output is read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The first sample's place.
    pub from: f64,
    /// From one sample to the next.
    pub step: f64,
}

impl Aligner {
    pub(super) fn new() -> Self {
        Self {
            clock: None,
            runs: VecDeque::new(),
            offset: 0,
            next_position: 0,
            end: 0,
            steps: 0,
            step_sum: 0.0,
            read: 0.0,
            read_at: None,
            quality: Quality::default(),
            sinc: Sinc::new(),
            window: Vec::new(),
        }
    }

    /// Takes a block of interleaved samples.
    pub(super) fn push(&mut self, header: Header, samples: &[f32]) {
        let frames = (samples.len() / CHANNELS) as u64;
        let known = self.clock.is_some();
        if !known || header.fresh || header.position < self.next_position {
            self.begin(header);
        } else {
            self.follow(header);
        }
        self.next_position = header.position + frames;
        self.store(place(header.position, self.offset), samples);
    }

    /// A source begins, or another goes on for it: its place is where its capture time says.
    fn begin(&mut self, header: Header) {
        let start = match &mut self.clock {
            None => {
                self.clock = Some(SourceClock::new(0.0, header.time));
                0
            }
            Some(clock) => {
                let start = clock.position_at(header.time).round();
                clock.restart(start, header.time);
                start as i64
            }
        };
        self.offset = start - header.position as i64;
        (self.steps, self.step_sum) = (0, 0.0);
    }

    /// Learns from a block's capture time, unless it is out of line; if that persists, it is a step.
    fn follow(&mut self, header: Header) {
        let Some(clock) = &mut self.clock else { return };
        let at = place(header.position, self.offset) as f64;
        let innovation = clock.innovation(at, header.time);
        if innovation.abs() < STEP.max(4.0 * clock.jitter()) {
            clock.observe(at, header.time);
            (self.steps, self.step_sum) = (0, 0.0);
            return;
        }
        if self.step_sum * innovation < 0.0 {
            (self.steps, self.step_sum) = (0, 0.0);
        }
        self.steps += 1;
        self.step_sum += innovation;
        if self.steps >= STEP_BLOCKS {
            let step = self.step_sum / f64::from(self.steps);
            (self.steps, self.step_sum) = (0, 0.0);
            if step.abs() <= STEP_SLEWED {
                clock.shift(step);
            } else {
                self.offset += (step * clock.rate() * f64::from(RATE)).round() as i64;
            }
        }
    }

    /// Keeps samples; what overlaps with those before is left out.
    fn store(&mut self, start: i64, samples: &[f32]) {
        let known = usize::try_from(self.end - start).unwrap_or(0);
        if let Some(samples) = samples.get(known * CHANNELS..)
            && !samples.is_empty()
        {
            let run = Run { start: start + known as i64, samples: samples.to_vec() };
            self.end = run.end();
            self.runs.push_back(run);
        }
        self.forget(self.end - (HISTORY * f64::from(RATE)) as i64);
    }

    /// Until when sound is there to be read.
    pub(super) fn ready_until(&self) -> Option<Timestamp> {
        let clock = self.clock.as_ref()?;
        Some(clock.time_of((self.end - REACH as i64 - 2) as f64))
    }

    /// Reads `frames` samples of one channel, the first of them captured at `at`, and appends them
    /// interleaved. Where there is nothing there is silence.
    pub(super) fn pull(&mut self, at: Timestamp, frames: usize, out: &mut Vec<f32>) {
        let Some(span) = self.advance(at, frames) else {
            out.extend(std::iter::repeat_n(0.0, frames * CHANNELS));
            self.quality.silence += frames as u64;
            return;
        };
        let first = span.from.floor() as i64 - REACH as i64;
        let last = (span.from + span.step * frames as f64).ceil() as i64 + REACH as i64 + 1;
        let covered = self.gather(first, last, span.from.floor() as i64..self.read.floor() as i64);
        self.quality.silence += (frames as u64).saturating_sub(covered);
        if covered > 0 {
            let window = span.from - first as f64;
            for frame in 0..frames {
                out.extend(self.sinc.at(&self.window, window + span.step * frame as f64));
            }
        } else {
            out.extend(std::iter::repeat_n(0.0, frames * CHANNELS));
        }
        self.forget(self.read.floor() as i64 - REACH as i64 - 1);
    }

    /// Moves the reading position over `frames` samples from `at` on; says which places they are
    /// read from. Nothing while no source was ever heard.
    pub(super) fn advance(&mut self, at: Timestamp, frames: usize) -> Option<Span> {
        let clock = self.clock.as_ref()?;
        let wanted = clock.position_at(at);
        let rate = f64::from(RATE);
        let follows = self.read_at.is_some_and(|next| next.nanos_since(at).abs() < 20_000);
        if !follows || (wanted - self.read).abs() > JUMP * rate {
            self.read = wanted;
        }
        let off = (wanted - self.read) / rate;
        let step = clock.rate() + (off / PULL).clamp(-PULL_LIMIT, PULL_LIMIT);
        let span = Span { from: self.read, step };
        if self.read < self.end as f64 {
            self.quality.max_skew = self.quality.max_skew.max((off - clock.residual()).abs());
        }
        self.read += step * frames as f64;
        self.read_at = Some(at.offset((frames as f64 / rate * 1e9).round() as i64));
        Some(span)
    }

    /// How far the source's clock is from ours, in parts per million.
    pub(super) fn ppm(&self) -> f64 {
        self.clock.as_ref().map_or(0.0, SourceClock::ppm)
    }

    pub(super) fn quality(&self) -> Quality {
        self.quality
    }

    /// Copies the places `first..last` into the window, zeros where there is nothing; says how many
    /// there are of those that count.
    fn gather(&mut self, first: i64, last: i64, counted: Range<i64>) -> u64 {
        self.window.clear();
        self.window.resize(samples(last - first), 0.0);
        let mut there = 0;
        for run in &self.runs {
            let (from, to) = (run.start.max(first), run.end().min(last));
            if from < to {
                let source = &run.samples[samples(from - run.start)..samples(to - run.start)];
                self.window[samples(from - first)..samples(to - first)].copy_from_slice(source);
                there += (to.min(counted.end) - from.max(counted.start)).max(0);
            }
        }
        // A stretch of ours may hold one place fewer or more than it has samples.
        let all = there >= counted.end - counted.start;
        if all { u64::MAX } else { there as u64 }
    }

    /// Gives up what lies before a place.
    fn forget(&mut self, before: i64) {
        while self.runs.front().is_some_and(|run| run.end() < before) {
            self.runs.pop_front();
        }
    }
}

fn place(position: u64, offset: i64) -> i64 {
    position as i64 + offset
}

/// An index into interleaved samples.
fn samples(frames: i64) -> usize {
    frames as usize * CHANNELS
}

#[cfg(test)]
#[path = "align_tests.rs"]
mod tests;
