//! Prediction from the same picture: 8.3.3 and 8.3.4.

use super::surface::Edges;

/// How a plane of a macroblock continues what lies around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Vertical,
    Horizontal,
    Dc,
}

impl Mode {
    /// Those that can be had.
    pub(super) fn possible(edges: &Edges) -> impl Iterator<Item = Self> {
        let vertical = edges.above.map(|_| Self::Vertical);
        let horizontal = edges.left.map(|_| Self::Horizontal);
        std::iter::once(Self::Dc).chain(vertical).chain(horizontal)
    }

    /// Intra16x16PredMode.
    pub(super) const fn luma(self) -> u32 {
        match self {
            Self::Vertical => 0,
            Self::Horizontal => 1,
            Self::Dc => 2,
        }
    }

    /// intra_chroma_pred_mode.
    pub(super) const fn chroma(self) -> u32 {
        match self {
            Self::Dc => 0,
            Self::Horizontal => 1,
            Self::Vertical => 2,
        }
    }
}

/// Predicts a block of this side. `middle` is what DC is without any neighbour.
pub(super) fn predict(mode: Mode, side: usize, edges: &Edges, middle: u16, out: &mut [u16; 256]) {
    let rows = out.chunks_exact_mut(side).take(side);
    match (mode, edges.above, edges.left) {
        (Mode::Vertical, Some(above), _) => rows.for_each(|row| row.copy_from_slice(&above[..side])),
        (Mode::Horizontal, _, Some(left)) => rows.zip(left).for_each(|(row, sample)| row.fill(sample)),
        _ if side == 16 => out.fill(mean(edges.above.as_ref(), edges.left.as_ref(), middle)),
        _ => chroma_dc(edges, middle, out),
    }
}

/// The mean of whichever are there.
fn mean<const N: usize>(a: Option<&[u16; N]>, b: Option<&[u16; N]>, middle: u16) -> u16 {
    let sum = |samples: &[u16; N]| samples.iter().map(|&sample| u32::from(sample)).sum::<u32>();
    let count = N as u32;
    match (a, b) {
        (Some(a), Some(b)) => ((sum(a) + sum(b) + count) / (2 * count)) as u16,
        (Some(one), None) | (None, Some(one)) => ((sum(one) + count / 2) / count) as u16,
        (None, None) => middle,
    }
}

/// Each 4x4 of an 8x8 on its own: those beside the diagonal look at the one edge that they touch, where it
/// is there.
fn chroma_dc(edges: &Edges, middle: u16, out: &mut [u16; 256]) {
    let part = |edge: &Option<[u16; 16]>, at: usize| -> Option<[u16; 4]> {
        edge.map(|samples| std::array::from_fn(|index| samples[at * 4 + index]))
    };
    for y in 0..2 {
        for x in 0..2 {
            let (above, left) = (part(&edges.above, x), part(&edges.left, y));
            let (above, left) = match (x, y) {
                (1, 0) if above.is_some() => (above, None),
                (0, 1) if left.is_some() => (None, left),
                _ => (above, left),
            };
            let value = mean(above.as_ref(), left.as_ref(), middle);
            for row in 0..4 {
                out[(y * 4 + row) * 8 + x * 4..][..4].fill(value);
            }
        }
    }
}

/// What each sample is predicted from where the transform is bypassed: with a direction, the sample before
/// it in that direction (8.5.15), which is the very source there.
pub(super) fn predict_bypassed(
    mode: Mode,
    side: usize,
    edges: &Edges,
    middle: u16,
    source: &[u16; 256],
    out: &mut [u16; 256],
) {
    predict(mode, side, edges, middle, out);
    match mode {
        Mode::Vertical => out[side..side * side].copy_from_slice(&source[..side * (side - 1)]),
        Mode::Horizontal => {
            for (out, source) in out.chunks_exact_mut(side).zip(source.chunks_exact(side)) {
                out[1..].copy_from_slice(&source[..side - 1]);
            }
        }
        Mode::Dc => {}
    }
}
