//! Scaling, by direct sums.

use std::f64::consts::PI;

use super::Rgb;
use crate::Size;
use crate::filter::Filter;

/// The weights of one result: its first source pixel, and from there on.
type Taps = (usize, Vec<f64>);

/// What a filter makes of a picture: for each result the sum over all source pixels that it reaches,
/// down and then across; cut off at 0 and 1 in the end. Unchanged where the size is the same.
#[must_use]
pub fn scaled(picture: Vec<Vec<Rgb>>, size: Size, filter: Filter) -> Vec<Vec<Rgb>> {
    let (rows, columns) = (picture.len(), picture[0].len());
    if (columns, rows) == (size.width as usize, size.height as usize) {
        return picture;
    }
    let (down, across) = (axis(rows, size.height, filter), axis(columns, size.width, filter));
    let column = |taps: &Taps, x: usize| sum(taps, |row| picture[row][x]);
    let halfway: Vec<Vec<Rgb>> =
        down.iter().map(|taps| (0..columns).map(|x| column(taps, x)).collect()).collect();
    let row = |row: &Vec<Rgb>| {
        across.iter().map(|taps| sum(taps, |x| row[x]).map(|it| it.clamp(0.0, 1.0))).collect()
    };
    halfway.iter().map(row).collect()
}

fn sum((first, weights): &Taps, pixel: impl Fn(usize) -> Rgb) -> Rgb {
    let mut sum = [0.0; 3];
    for (index, weight) in weights.iter().enumerate() {
        let rgb = pixel(first + index);
        (0..3).for_each(|c| sum[c] += weight * rgb[c]);
    }
    sum
}

/// The weights of each of `to` results out of `from` pixels, which add up to one. A filter that shrinks
/// is as much wider.
fn axis(from: usize, to: u32, filter: Filter) -> Vec<Taps> {
    let ratio = from as f64 / f64::from(to);
    let stretch = ratio.max(1.0);
    (0..to)
        .map(|index| {
            let centre = (f64::from(index) + 0.5) * ratio - 0.5;
            if filter == Filter::Nearest {
                return (((centre + 0.5).floor() as usize).min(from - 1), vec![1.0]);
            }
            let reach = 4.0 * stretch;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize).min(from - 1);
            let weights: Vec<f64> =
                (first..=last).map(|pixel| weight(filter, (pixel as f64 - centre) / stretch)).collect();
            let sum: f64 = weights.iter().sum();
            (first, weights.into_iter().map(|it| it / sum).collect())
        })
        .collect()
}

fn weight(filter: Filter, x: f64) -> f64 {
    let sinc = |x: f64| if x.abs() < 1e-12 { 1.0 } else { (PI * x).sin() / (PI * x) };
    match filter {
        Filter::Lanczos if x.abs() < 3.0 => sinc(x) * sinc(x / 3.0),
        Filter::Lanczos => 0.0,
        Filter::Bilinear | Filter::Nearest => (1.0 - x.abs()).max(0.0),
    }
}
