//! What the stamps say: frames lost, shown again, out of order or at the wrong time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Options;
use super::eye::Seen;

/// Numbers listed at most; what is beyond is counted.
const LISTED: usize = 64;
/// Where the card's time and the recording's part by more than this, the recording was paused.
const PAUSE_SECONDS: f64 = 0.2;

/// What was found of the test card.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CardVerdict {
    /// Frames whose stamp could be read.
    pub read: u64,
    /// Frames whose stamp could not be read.
    pub unreadable: u64,
    /// Card frames that should be there and are not, of those between the first and the last.
    pub lost: u64,
    /// Their numbers, the first ones.
    pub lost_numbers: Vec<i64>,
    /// Frames that show what was shown before.
    pub repeated: u64,
    /// Their numbers, the first ones.
    pub repeated_numbers: Vec<i64>,
    /// Frames that come after a later one.
    pub out_of_order: u64,
    /// Frames whose flash is not as their stamp says.
    pub wrong_flash: u64,
    /// The first number.
    pub first: i64,
    /// The highest number.
    pub last: i64,
    /// Stretches between pauses, 1 without any.
    pub stretches: u64,
    /// How exactly frames are placed in time.
    pub timing: Timing,
}

/// Distances between where frames are and where the card says that they belong, in milliseconds,
/// the constant offset taken out. Repeated frames are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// The largest.
    pub max_ms: f64,
    /// 99 of 100 are not larger.
    pub p99_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// By how much the recording's clock is faster than the card's, parts per million.
    pub drift_ppm: f64,
}

/// Judges the frames; nothing where not one of them could be read.
pub(super) fn judge(frames: &[Seen], options: &Options) -> Option<CardVerdict> {
    let stamped: Vec<Stamped> = unwrap_numbers(frames);
    let first = stamped.first()?;
    let mut verdict = CardVerdict {
        read: stamped.len() as u64,
        unreadable: (frames.len() - stamped.len()) as u64,
        wrong_flash: frames
            .iter()
            .filter(|it| it.reading.is_some_and(|r| r.flash != r.stamp.flashes()))
            .count() as u64,
        first: first.number,
        last: stamped.iter().map(|it| it.number).max().unwrap_or(first.number),
        ..CardVerdict::default()
    };
    let mut errors = Vec::new();
    for stretch in stretches(&stamped, options.pauses) {
        verdict.stretches += 1;
        count(&mut verdict, stretch, options.step);
        errors.extend(timing_errors(stretch));
    }
    verdict.timing = timing(errors, &stamped);
    Some(verdict)
}

/// A frame with its number freed of wrapping, and its times in seconds.
#[derive(Clone, Copy, Debug)]
struct Stamped {
    number: i64,
    pts: f64,
    /// Since the first frame's.
    card: f64,
}

fn unwrap_numbers(frames: &[Seen]) -> Vec<Stamped> {
    let Some(first) = frames.iter().find_map(|it| it.reading) else {
        return Vec::new();
    };
    let unwrap = |number: u32| {
        i64::from(first.stamp.frame) + i64::from(number.wrapping_sub(first.stamp.frame).cast_signed())
    };
    let stamped = |seen: &Seen| {
        let stamp = seen.reading?.stamp;
        let card = stamp.time.nanos_since(first.stamp.time) as f64 / 1e9;
        Some(Stamped { number: unwrap(stamp.frame), pts: seen.pts, card })
    };
    frames.iter().filter_map(stamped).collect()
}

/// The stretches between pauses.
fn stretches(frames: &[Stamped], pauses: bool) -> Vec<&[Stamped]> {
    let together = |a: &Stamped, b: &Stamped| ((b.card - a.card) - (b.pts - a.pts)).abs() < PAUSE_SECONDS;
    frames.chunk_by(|a, b| !pauses || together(a, b)).collect()
}

/// Counts what is missing, what comes again and what comes late.
fn count(verdict: &mut CardVerdict, frames: &[Stamped], step: f64) {
    let mut shown = BTreeMap::<i64, u64>::new();
    let mut highest = i64::MIN;
    for frame in frames {
        *shown.entry(frame.number).or_default() += 1;
        verdict.out_of_order += u64::from(frame.number < highest);
        highest = highest.max(frame.number);
    }
    let often = (1.0 / step).ceil().max(1.0) as u64;
    for (&number, &times) in shown.iter().filter(|&(_, &times)| times > often) {
        verdict.repeated += times - often;
        list(&mut verdict.repeated_numbers, number);
    }
    let widest = step.ceil().max(1.0) as i64;
    let numbers: Vec<i64> = shown.into_keys().collect();
    for pair in numbers.windows(2) {
        let distance = pair[1] - pair[0];
        if distance > widest {
            let missing = ((distance as f64 / step.max(1.0)).round() as i64 - 1).max(1);
            verdict.lost += missing as u64;
            for index in 1..=missing.min(LISTED as i64) {
                list(&mut verdict.lost_numbers, pair[0] + (index as f64 * step.max(1.0)) as i64);
            }
        }
    }
}

fn list(numbers: &mut Vec<i64>, number: i64) {
    if numbers.len() < LISTED {
        numbers.push(number);
    }
}

/// How far each frame is from where the others say that it belongs, in seconds. The first showing of
/// a number counts.
fn timing_errors(frames: &[Stamped]) -> Vec<f64> {
    let mut last = i64::MIN;
    let fresh = frames.iter().filter(|it| {
        let fresh = it.number > last;
        last = last.max(it.number);
        fresh
    });
    let offsets: Vec<f64> = fresh.map(|it| it.pts - it.card).collect();
    let constant = median(&offsets);
    offsets.iter().map(|it| (it - constant).abs()).collect()
}

fn timing(mut errors: Vec<f64>, frames: &[Stamped]) -> Timing {
    errors.sort_by(f64::total_cmp);
    let Some(&max) = errors.last() else {
        return Timing::default();
    };
    let p99 = errors[(errors.len() * 99 / 100).min(errors.len() - 1)];
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    Timing { max_ms: max * 1e3, p99_ms: p99 * 1e3, mean_ms: mean * 1e3, drift_ppm: drift(frames) * 1e6 }
}

/// The slope of the offset over time, least squares.
fn drift(frames: &[Stamped]) -> f64 {
    let count = frames.len() as f64;
    let mean = |of: &dyn Fn(&Stamped) -> f64| frames.iter().map(of).sum::<f64>() / count;
    let offset = |it: &Stamped| it.pts - it.card;
    let (mean_time, mean_offset) = (mean(&|it| it.card), mean(&offset));
    let covariance: f64 = frames.iter().map(|it| (it.card - mean_time) * (offset(it) - mean_offset)).sum();
    let variance: f64 = frames.iter().map(|it| (it.card - mean_time).powi(2)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

/// The middle value; 0 of nothing.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
