//! The weights of a filter as the vectors take them.

use ghoststream_picture::filter::Axis;

/// The weights of an [`Axis`] in fixed point. Every result has equally many, by fours; those that the
/// filter does not need are nothing, and may reach beyond the source.
#[derive(Clone, Debug)]
pub(super) struct FixedAxis {
    starts: Vec<u32>,
    weights: Vec<[i16; 4]>,
    /// Fours of a result.
    fours: usize,
}

impl FixedAxis {
    /// Bits after the point.
    pub(super) const BITS: u32 = 14;
    /// With more weights than this, their rounding would show.
    const MOST: usize = 24;

    /// `None` where the filter is too long.
    pub(super) fn new(axis: &Axis) -> Option<Self> {
        let longest = axis.longest();
        if longest == 0 || longest > Self::MOST {
            return None;
        }
        let fours = longest.div_ceil(4);
        let mut weights = vec![[0; 4]; fours * axis.len()];
        for (index, row) in (0..).zip(weights.chunks_exact_mut(fours)) {
            let (row, exact) = (row.as_flattened_mut(), axis.taps(index).1);
            for (weight, exact) in row.iter_mut().zip(exact) {
                *weight = (exact * f32::from(1i16 << Self::BITS)).round() as i16;
            }
            // Together they are exactly one; the largest takes up the difference.
            let missing = (1 << Self::BITS) - row.iter().map(|it| i32::from(*it)).sum::<i32>();
            if let Some(largest) = row.iter_mut().max() {
                *largest += missing as i16;
            }
        }
        let starts: Vec<u32> = axis.starts().collect();
        // What the vectors rely on.
        assert!(starts.is_sorted(), "later results begin later");
        Some(Self { starts, weights, fours })
    }

    /// The first source pixel of each result, in ascending order.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Source pixels of each result, those that weigh nothing included; a multiple of four.
    pub(super) const fn padding(&self) -> usize {
        self.fours * 4
    }

    /// The weights of all results.
    pub(super) fn fours(&self) -> &[[i16; 4]] {
        &self.weights
    }

    /// The weights of a result, as many as [`Self::padding`] says.
    pub(super) fn weights(&self, index: usize) -> &[i16] {
        self.weights[index * self.fours..][..self.fours].as_flattened()
    }
}
