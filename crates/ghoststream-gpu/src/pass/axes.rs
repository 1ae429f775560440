//! The filters of both axes as the shaders read them: `shaders/axes.glsl`.

use ghoststream_picture::filter::Axis;

/// Room for weights that every result has.
pub(super) const MOST_EXACT: usize = 64;

/// Room for those of `scale_half.comp`.
pub(super) const MOST_HALVES: usize = 12;

/// What stands before the weights of a result.
const HEAD: usize = 2;

/// The filter of one axis: of each result its first source pixel, its fix, and its weights, of which all
/// results have the same number.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) taps: u32,
    pub(super) records: Vec<f32>,
    pub(super) exact: Option<Exact>,
}

/// What all results of an axis have in common, where the source has `step` pixels for each.
///
/// Result `i` is made of the pixels from `origin + i * step` on. At an edge those that are outside count
/// for nothing, and the result is multiplied by its fix.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exact {
    pub(super) step: u32,
    pub(super) origin: i32,
    /// A multiple of `step`.
    pub(super) weights: Vec<f32>,
}

impl Table {
    /// The table of an axis of so many source pixels.
    pub(super) fn new(axis: &Axis, from: u32) -> Self {
        let taps = axis.longest() as u32;
        let found = Exact::find(axis, from);
        let results = axis.len() as u32;
        let mut records = Vec::with_capacity(axis.len() * (HEAD + taps as usize));
        for result in 0..results {
            let (first, weights) = axis.taps(result);
            // All lie within the source: what fills up is in front where there is no more behind.
            let start = first.min(from - taps);
            let front = (first - start) as usize;
            let fix = found.as_ref().map_or(1.0, |(_, fixes)| fixes[result as usize]);
            records.extend([start as f32, fix]);
            records.resize(records.len() + front, 0.0);
            records.extend(weights);
            records.resize(records.len() + taps as usize - front - weights.len(), 0.0);
        }
        Self { taps, records, exact: found.map(|(exact, _)| exact) }
    }

    /// The source pixels, first and end, from which results `first` to `last` are made.
    pub(super) fn span(&self, first: u32, last: u32) -> (u32, u32) {
        let start = |result: u32| self.records[result as usize * (HEAD + self.taps as usize)] as u32;
        (start(first), start(last) + self.taps)
    }
}

impl Exact {
    /// Whether each result is made of two source pixels and as many beside them on the left as on the right,
    /// in twos, up to [`MOST_HALVES`], which weigh the same on both sides.
    pub(super) fn halves(&self) -> bool {
        let length = self.weights.len();
        let mirrored = self.weights.iter().zip(self.weights.iter().rev());
        self.step == 2
            && length.is_multiple_of(4)
            && length <= MOST_HALVES
            && self.origin == 1 - length as i32 / 2
            && mirrored.into_iter().all(|(left, right)| (left - right).abs() < 1e-6)
    }

    /// With the fix of each result.
    fn find(axis: &Axis, from: u32) -> Option<(Self, Vec<f32>)> {
        let results = axis.len() as u32;
        let step = from / results;
        if step * results != from {
            return None;
        }
        let (first, weights) = axis.taps(results / 2);
        let length = weights.len().next_multiple_of(step as usize);
        let origin = first as i32 - (step * (results / 2)) as i32;
        let mut all = weights.to_vec();
        all.resize(length, 0.0);
        let exact = Self { step, origin, weights: all };
        if length > MOST_EXACT {
            return None;
        }
        let fixes = (0..results).map(|result| exact.fix(axis, result, from)).collect::<Option<_>>()?;
        Some((exact, fixes))
    }

    /// What makes the weights of a result add up to one; `None` where they are not those of the others.
    fn fix(&self, axis: &Axis, result: u32, from: u32) -> Option<f32> {
        let begin = self.origin + (result * self.step) as i32;
        let inside = |tap: &usize| (0..from as i32).contains(&(begin + *tap as i32));
        let sum: f64 = (0..self.weights.len()).filter(inside).map(|tap| f64::from(self.weights[tap])).sum();
        let (first, weights) = axis.taps(result);
        let own = |pixel: i32| {
            let index = usize::try_from(pixel - first as i32).ok();
            index.and_then(|index| weights.get(index)).map_or(0.0, |it| f64::from(*it))
        };
        let same = |tap: usize| (own(begin + tap as i32) - f64::from(self.weights[tap]) / sum).abs() < 1e-6;
        let covered = (0..self.weights.len()).filter(inside).all(same)
            && ((first as i32)..(first as i32 + weights.len() as i32))
                .all(|it| (begin..begin + self.weights.len() as i32).contains(&it));
        covered.then_some((1.0 / sum) as f32)
    }
}

#[cfg(test)]
mod tests {
    use ghoststream_picture::filter::Filter;

    use super::*;

    fn exact(from: u32, to: u32, filter: Filter) -> Option<Exact> {
        Table::new(&Axis::new(from, to, filter), from).exact
    }

    #[test]
    fn whole_ratios_have_one_set_of_weights() {
        let half = exact(3840, 1920, Filter::Bilinear).expect("2:1 is whole");
        assert_eq!(half, Exact { step: 2, origin: -1, weights: vec![0.125, 0.375, 0.375, 0.125] });
        let lanczos = exact(2160, 1080, Filter::Lanczos).expect("2:1 is whole");
        assert_eq!((lanczos.step, lanczos.origin, lanczos.weights.len()), (2, -5, 12));
        let third = exact(3840, 1280, Filter::Lanczos).expect("3:1 is whole");
        assert_eq!((third.step, third.origin, third.weights.len()), (3, -7, 18), "17, filled up");
        assert!(exact(3840, 2560, Filter::Lanczos).is_none(), "3:2 is not");
        assert!(exact(1080, 1920, Filter::Lanczos).is_none(), "nor is what grows");
        assert!(exact(4, 2, Filter::Lanczos).is_none(), "all of it is edges");
    }

    #[test]
    fn tables_hold_the_axis_and_stay_within_the_source() {
        for filter in Filter::ALL {
            for (from, to) in [(3840, 1920), (1920, 1280), (1280, 1920), (1, 64), (7, 5), (300, 16), (2, 34)]
            {
                let axis = Axis::new(from, to, filter);
                let table = Table::new(&axis, from);
                for (result, record) in (0..).zip(table.records.chunks_exact(HEAD + table.taps as usize)) {
                    let start = record[0] as u32;
                    assert!(start + table.taps <= from, "{filter:?} {from} to {to}: {result}");
                    let (first, weights) = axis.taps(result);
                    for (tap, weight) in (start..).zip(&record[HEAD..]) {
                        let own = tap.checked_sub(first).and_then(|it| weights.get(it as usize));
                        assert_eq!(*weight, *own.unwrap_or(&0.0), "{filter:?} {from} to {to}: {result}");
                    }
                }
            }
        }
    }
}
