//! Samples of pictures and tiles, block by block.

use super::modes::Intra;
use crate::{Chroma, Format, Picture};

/// A block's samples, row by row: up to 16x16.
pub(super) type Samples = [u16; 256];

/// How far a plane's sizes are shifted down against luma's.
pub(super) fn subsampling(format: Format, plane: usize) -> usize {
    usize::from(plane > 0 && format.chroma == Chroma::Yuv420)
}

/// Copies a square from a plane of a picture. Places past its edges repeat the edge.
pub(super) fn fetch(picture: &Picture, plane: usize, x: usize, y: usize, side: usize, out: &mut [u16]) {
    let (width, height) = picture.format.plane(plane);
    let samples = &picture.planes[plane];
    let inside = side.min(width.saturating_sub(x));
    for (row, out) in out.chunks_exact_mut(side).take(side).enumerate() {
        let line = &samples[(y + row).min(height - 1) * width..][..width];
        if inside > 0 {
            out[..inside].copy_from_slice(&line[x..x + inside]);
        }
        out[inside..].fill(line[width - 1]);
    }
}

/// The sum of absolute differences.
pub(super) fn difference(first: &[u16], second: &[u16]) -> u32 {
    first.iter().zip(second).fold(0_u32, |sum, (a, b)| sum.wrapping_add(u32::from(a.abs_diff(*b))))
}

/// The mean of two predictions: COMPOUND_AVERAGE.
pub(super) fn mean(first: &mut [u16], second: &[u16]) {
    for (first, second) in first.iter_mut().zip(second) {
        *first = first.wrapping_add(*second).wrapping_add(1) >> 1;
    }
}

/// A plane of a tile as a decoder has it, up to whole blocks of 8x8 luma samples.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) samples: Vec<u16>,
}

impl Plane {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, samples: vec![0; width * height] }
    }

    /// Writes a square.
    pub(super) fn store(&mut self, x: usize, y: usize, side: usize, samples: &[u16]) {
        for (row, samples) in samples.chunks_exact(side).take(side).enumerate() {
            self.samples[(y + row) * self.width + x..][..side].copy_from_slice(samples);
        }
    }

    /// Predicts a square from what lies beside it (AV1 7.11.2). The first row has no vertical, the first column
    /// no horizontal prediction.
    pub(super) fn intra(&self, x: usize, y: usize, side: usize, mode: Intra, depth: u8, out: &mut [u16]) {
        let above = if y > 0 { &self.samples[(y - 1) * self.width + x..][..side] } else { &[] };
        let left = || (0..side).map(|row| self.samples[(y + row) * self.width + x - 1]);
        match mode {
            Intra::Vertical => {
                out.chunks_exact_mut(side).take(side).for_each(|row| row.copy_from_slice(above))
            }
            Intra::Horizontal => {
                out.chunks_exact_mut(side).zip(left()).for_each(|(row, sample)| row.fill(sample));
            }
            Intra::Dc => {
                let mut sum: u32 = above.iter().map(|&sample| u32::from(sample)).sum();
                let mut count = above.len() as u32;
                if x > 0 {
                    sum += left().map(u32::from).sum::<u32>();
                    count += side as u32;
                }
                let mean = (sum + count / 2).checked_div(count).unwrap_or(1 << (depth - 1));
                out[..side * side].fill(mean as u16);
            }
        }
    }
}
