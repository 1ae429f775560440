//! Who knows the whole link beforehand, and moves the bitrate no more than it takes.
//!
//! How far a bitrate moves is in part the link's doing: who wants what it carries has to follow it. How
//! far depends on how much is wanted, as little can be had without moving at all. So a policy is compared
//! with the steadiest bitrate that fits the link and delivers as much as the policy did.
//!
//! That is a morphological opening of what the link carries: peaks that last shorter than some time are
//! left out. At each level a peak costs its way up and down however long it is, and brings as much as it
//! is long: nothing does better than to keep the long ones.

/// A second, in the tenths in which links are: so much a queue evens out.
const EVENED: usize = 10;

/// How far the bitrate has to be moved in all, beginning at `ceiling`, so that at least `delivered`
/// arrives on the mean over a link that carries `rates`, one for each tenth of a second; in their unit.
pub fn necessary(rates: &[f64], ceiling: f64, delivered: f64) -> f64 {
    let carried: Vec<f64> = evened(rates).into_iter().map(|it| it.min(ceiling)).collect();
    // The longest time that peaks have to last so that what is left still brings enough.
    let (mut least, mut most) = (1, 2 * carried.len().max(1));
    while least < most {
        let middle = (least + most).div_ceil(2);
        let kept = opened(&carried, middle);
        let enough = kept.iter().sum::<f64>() >= delivered * kept.len() as f64;
        (least, most) = if enough { (middle, most) } else { (least, middle - 1) };
    }
    let steadiest = opened(&carried, least);
    let first = steadiest.first().map_or(0.0, |it| ceiling - it);
    first + steadiest.windows(2).map(|it| (it[1] - it[0]).abs()).sum::<f64>()
}

/// The mean of the second around each.
fn evened(rates: &[f64]) -> Vec<f64> {
    let around = |at: usize| &rates[at.saturating_sub(EVENED / 2)..rates.len().min(at + EVENED / 2)];
    (0..rates.len()).map(|at| around(at).iter().sum::<f64>() / around(at).len() as f64).collect()
}

/// Without peaks that are shorter than `width`. One at the beginning needs no way up, and stays; one at
/// the end needs none down, and stays from half of it.
fn opened(values: &[f64], width: usize) -> Vec<f64> {
    let mut padded = vec![f64::INFINITY; width - 1];
    padded.extend(values);
    padded.resize(padded.len() + width / 2, f64::INFINITY);
    let mut eroded = extremes(padded, width, f64::min);
    eroded.resize(values.len() + width - 1, f64::NEG_INFINITY);
    extremes(eroded, width, f64::max)
}

/// The extreme of `width` values from each on, for as many as there are that many from.
fn extremes(mut values: Vec<f64>, width: usize, extreme: fn(f64, f64) -> f64) -> Vec<f64> {
    let mut span = 1;
    while span < width {
        let step = span.min(width - span);
        values = values.iter().zip(&values[step..]).map(|(&a, &b)| extreme(a, b)).collect();
        span += step;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of a rate each, as tenths.
    fn link(stretches: &[(usize, f64)]) -> Vec<f64> {
        stretches.iter().flat_map(|&(seconds, rate)| vec![rate; 10 * seconds]).collect()
    }

    #[test]
    fn nothing_has_to_move_where_there_is_enough() {
        assert_eq!(necessary(&link(&[(60, 9000.0)]), 6000.0, 6000.0), 0.0);
    }

    #[test]
    fn a_step_down_and_up_is_worth_its_two_moves_only_to_who_delivers_more_than_its_least() {
        let step = link(&[(40, 9000.0), (60, 3000.0), (80, 9000.0)]);
        assert_eq!(necessary(&step, 6000.0, 2900.0), 3000.0);
        assert_eq!(necessary(&step, 6000.0, 4900.0), 6000.0);
    }

    #[test]
    fn of_several_peaks_the_longest_are_taken_first() {
        let peaks = link(&[(20, 1000.0), (5, 6000.0), (20, 1000.0), (15, 6000.0), (20, 1000.0)]);
        assert_eq!(necessary(&peaks, 6000.0, 1000.0), 5000.0);
        assert_eq!(necessary(&peaks, 6000.0, 1930.0), 15_000.0);
        assert_eq!(necessary(&peaks, 6000.0, 2240.0), 25_000.0);
    }

    #[test]
    fn extremes_are_of_the_width_that_is_asked_for() {
        let values = vec![5.0_f64, 1.0, 4.0, 2.0, 3.0];
        for width in 1..=5 {
            let plain: Vec<f64> =
                values.windows(width).map(|it| it.iter().fold(9.0_f64, |a, &b| a.min(b))).collect();
            assert_eq!(extremes(values.clone(), width, f64::min), plain, "{width}");
        }
    }
}
