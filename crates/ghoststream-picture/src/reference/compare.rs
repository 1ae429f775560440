//! How far what came out is from what should have.

use super::Planes;

/// The largest distance between what came out and what was wanted, once that is rounded.
///
/// # Panics
/// Where the planes differ in size.
#[must_use]
pub fn worst(got: &Planes, wanted: &Planes) -> f64 {
    let mut worst = 0.0f64;
    for (got, wanted) in got.iter().zip(wanted) {
        assert_eq!(got.len(), wanted.len(), "rows");
        for (got, wanted) in got.iter().zip(wanted) {
            assert_eq!(got.len(), wanted.len(), "columns");
            worst = got.iter().zip(wanted).fold(worst, |worst, (a, b)| worst.max((a - b.round()).abs()));
        }
    }
    worst
}

/// Peak signal-to-noise ratio in decibels, over all planes.
#[must_use]
pub fn psnr(got: &Planes, wanted: &Planes, peak: f64) -> f64 {
    let errors = got.iter().flatten().flatten().zip(wanted.iter().flatten().flatten());
    let (count, sum) = errors.fold((0.0, 0.0), |(n, sum), (a, b)| (n + 1.0, sum + (a - b) * (a - b)));
    10.0 * (peak * peak * count / f64::max(sum, 1e-9)).log10()
}

/// For each sample the one of two that it is nearer to.
#[must_use]
pub fn nearest(got: &Planes, one: &Planes, other: &Planes) -> Planes {
    let row = |((got, one), other): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
        let samples = got.iter().zip(one).zip(other);
        samples.map(|((g, a), b)| if (g - a).abs() < (g - b).abs() { *a } else { *b }).collect()
    };
    std::array::from_fn(|p| got[p].iter().zip(&one[p]).zip(&other[p]).map(row).collect())
}
