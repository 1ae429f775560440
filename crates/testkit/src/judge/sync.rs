//! Picture against sound: the distance of each beep from its flash.

use super::card::median;
use super::ear::Ear;
use super::eye::Seen;

/// Pictures within this of a flash say where it is.
const NEAR_SECONDS: f64 = 0.3;
/// A beep further than this from a flash is not its beep.
const WIDEST_SECONDS: f64 = 0.45;

/// A beep that begins sooner than this after the sound does may lack its beginning: codecs make nothing of their first
/// frame (AAC's has 21 ms) without the one before it.
const FIRST_FRAME_SECONDS: f64 = 0.03;

/// What was found of one audio track.
#[derive(Clone, Debug, Default)]
pub(super) struct Skews {
    /// For each flash that has its beep: when, and how much later the sound is than the picture, seconds.
    pub pairs: Vec<(f64, f64)>,
    /// Flashes without a beep, while the track sounds.
    pub missing: u64,
    /// Beeps without a flash, while there are pictures.
    pub extra: u64,
}

/// Pairs flashes with beeps.
pub(super) fn judge(frames: &[Seen], ear: &Ear) -> Skews {
    let flashes = flashes(&fresh(frames));
    let sounding = ear.start.unwrap_or(0.0) + FIRST_FRAME_SECONDS..ear.end - 0.1;
    pair(&flashes, ear.beeps(), &sounding, frames)
}

fn pair(flashes: &[f64], beeps: &[f64], sounding: &std::ops::Range<f64>, frames: &[Seen]) -> Skews {
    let mut skews = Skews::default();
    let mut free = beeps.to_vec();
    for &flash in flashes {
        let nearest = free
            .iter()
            .enumerate()
            .map(|(index, beep)| (index, beep - flash))
            .filter(|(_, skew)| skew.abs() < WIDEST_SECONDS)
            .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        match nearest {
            Some((index, skew)) => {
                free.remove(index);
                skews.pairs.extend((flash >= sounding.start).then_some((flash, skew)));
            }
            None => skews.missing += u64::from(sounding.contains(&flash)),
        }
    }
    if let (Some(first), Some(last)) = (frames.first(), frames.last()) {
        let seen = first.pts + 0.05..last.pts - 0.05;
        skews.extra = free.iter().filter(|it| seen.contains(it)).count() as u64;
    }
    skews
}

/// The pictures without those that show what was shown before: they are late by nature.
fn fresh(frames: &[Seen]) -> Vec<Seen> {
    let number = |it: &Seen| it.reading.map(|it| it.stamp.frame);
    let runs = frames.chunk_by(|a, b| number(a).is_some() && number(a) == number(b));
    runs.filter_map(|run| run.first().copied()).collect()
}

/// When each whole second of the card's clock is, in seconds of the recording, by the pictures around
/// it. Only those count whose flash is to be seen.
fn flashes(frames: &[Seen]) -> Vec<f64> {
    let mut flashes = Vec::<(i64, f64)>::new();
    for (index, seen) in frames.iter().enumerate() {
        let Some(reading) = seen.reading.filter(|it| it.flash && it.stamp.flashes()) else {
            continue;
        };
        let second = reading.stamp.time.as_nanos().div_euclid(1_000_000_000);
        if flashes.last().is_some_and(|&(last, _)| last == second) {
            continue;
        }
        let near = |other: &&Seen| (other.pts - seen.pts).abs() < NEAR_SECONDS;
        let before = frames[..index].iter().rev().take_while(near);
        let after = frames[index..].iter().take_while(near);
        let offset = |it: &Seen| {
            let stamp = it.reading?.stamp;
            Some(it.pts - (stamp.time.as_nanos() - second * 1_000_000_000) as f64 / 1e9)
        };
        // Across a pause the offset jumps: the flash's own picture decides which side is meant.
        let own = offset(seen).unwrap_or(seen.pts);
        let offsets: Vec<f64> =
            before.chain(after).filter_map(offset).filter(|it| (it - own).abs() < 0.1).collect();
        flashes.push((second, median(&offsets)));
    }
    // A flash that is cut by the recording's start or by a pause has no beep of its own there.
    let whole = |at: &f64| frames.first().is_some_and(|first| *at >= first.pts - 0.001);
    flashes.into_iter().map(|(_, at)| at).filter(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beep_that_may_lack_its_beginning_says_nothing() {
        let skews = |sound_starts| pair(&[0.0, 1.0], &[0.0217, 1.001], &(sound_starts..2.0), &[]);
        let whole = skews(FIRST_FRAME_SECONDS);
        assert_eq!(whole.pairs.len(), 1, "{whole:?}");
        assert_eq!((whole.pairs[0].0, whole.missing, whole.extra), (1.0, 0, 0));
        assert_eq!(skews(-0.01).pairs.len(), 2, "the sound was there before");
    }
}
