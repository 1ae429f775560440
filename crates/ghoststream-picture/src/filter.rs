//! Which source pixels make up a scaled one, and how much each weighs.

/// How pixels are weighed where sizes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The pixel that is nearest.
    Nearest,
    /// A triangle, one pixel to either side.
    Bilinear,
    /// Lanczos with three lobes.
    Lanczos,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nearest, Self::Bilinear, Self::Lanczos];
}

/// The filter of one axis, worked out once.
#[derive(Clone, Debug)]
pub struct Axis {
    spans: Vec<Span>,
    weights: Vec<f32>,
}

/// The source pixels of one result.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: u32,
    count: u32,
    /// Where its weights begin.
    at: u32,
}

impl Axis {
    /// From `from` pixels to `to`. Where it shrinks, the filter is widened to take in every pixel.
    pub fn new(from: u32, to: u32, filter: Filter) -> Self {
        let ratio = f64::from(from) / f64::from(to);
        let mut axis = Self { spans: Vec::with_capacity(to as usize), weights: Vec::new() };
        for index in 0..to {
            let centre = (f64::from(index) + 0.5) * ratio;
            let at = axis.weights.len() as u32;
            let (first, weights) = taps(centre, ratio.max(1.0), from, filter);
            let count = weights.len() as u32;
            axis.weights.extend(weights);
            axis.spans.push(Span { first, count, at });
        }
        axis
    }

    /// The first source pixel of a result, and the weights from it on.
    pub fn taps(&self, index: u32) -> (u32, &[f32]) {
        let Span { first, count, at } = self.spans[index as usize];
        (first, &self.weights[at as usize..][..count as usize])
    }

    /// Number of results.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no results.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The first source pixel of each result, in ascending order.
    pub fn starts(&self) -> impl Iterator<Item = u32> {
        self.spans.iter().map(|it| it.first)
    }

    /// Source pixels of the result that has most.
    pub fn longest(&self) -> usize {
        self.spans.iter().map(|it| it.count as usize).max().unwrap_or(0)
    }

    /// The source pixels, first and end, that results from `first` to before `end` are made of.
    pub fn needs(&self, first: u32, end: u32) -> (u32, u32) {
        let spans = &self.spans[first as usize..end as usize];
        let last = spans.iter().map(|it| it.first + it.count).max().unwrap_or(0);
        (spans.first().map_or(0, |it| it.first), last)
    }

    /// The results, first and end, that source pixels from `first` to before `end` have a part in.
    pub fn touches(&self, first: u32, end: u32) -> (u32, u32) {
        let from = self.spans.partition_point(|it| it.first + it.count <= first);
        let to = self.spans.partition_point(|it| it.first < end);
        (from as u32, to.max(from) as u32)
    }
}

/// The first source pixel and the weights around `centre`, which add up to one.
fn taps(centre: f64, stretch: f64, from: u32, filter: Filter) -> (u32, Vec<f32>) {
    let last = f64::from(from - 1);
    let (reach, weigh): (f64, fn(f64) -> f64) = match filter {
        Filter::Nearest => return (centre.floor().clamp(0.0, last) as u32, vec![1.0]),
        Filter::Bilinear => (1.0, |x| (1.0 - x.abs()).max(0.0)),
        Filter::Lanczos => (3.0, lanczos),
    };
    let reach = reach * stretch;
    let first = (centre - reach).floor().clamp(0.0, last);
    let end = (centre + reach).ceil().clamp(first + 1.0, f64::from(from));
    let weight = |pixel: u32| weigh((f64::from(pixel) + 0.5 - centre) / stretch);
    let (mut first, mut end) = (first as u32, end as u32);
    // Rounding may have taken in pixels just beyond the filter. Those within are kept even where they
    // weigh nothing, so that later results never begin earlier.
    let beyond = |pixel: u32| (f64::from(pixel) + 0.5 - centre).abs() > reach - 1e-9;
    while first + 1 < end && beyond(first) {
        first += 1;
    }
    while first + 1 < end && beyond(end - 1) {
        end -= 1;
    }
    let sum: f64 = (first..end).map(weight).sum();
    (first, (first..end).map(|pixel| (weight(pixel) / sum) as f32).collect())
}

/// Lanczos with three lobes.
fn lanczos(x: f64) -> f64 {
    let sinc =
        |x: f64| if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_and_stay_within_the_source() {
        for filter in Filter::ALL {
            for (from, to) in [
                (3840, 1920),
                (1920, 1280),
                (1280, 1920),
                (1, 64),
                (16384, 16),
                (7, 5),
                (5, 5),
                (1, 1),
                (3, 21),
            ] {
                let axis = Axis::new(from, to, filter);
                assert!(axis.spans.is_sorted_by_key(|it| it.first), "{filter:?} {from} to {to}");
                for index in 0..to {
                    let (first, weights) = axis.taps(index);
                    assert!(first + weights.len() as u32 <= from, "{filter:?} {from} to {to}");
                    assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn what_is_needed_is_what_is_touched() {
        for filter in Filter::ALL {
            for (from, to) in [(384, 192), (192, 128), (128, 192), (1, 64), (163, 16), (7, 5)] {
                let axis = Axis::new(from, to, filter);
                for pixel in 0..from {
                    let (first, end) = axis.touches(pixel, pixel + 1);
                    for index in 0..to {
                        let (start, stop) = axis.needs(index, index + 1);
                        let uses = (start..stop).contains(&pixel);
                        assert!(
                            !uses || (first..end).contains(&index),
                            "{filter:?} {from}->{to}: {pixel} in {index}"
                        );
                    }
                }
            }
        }
    }
}
