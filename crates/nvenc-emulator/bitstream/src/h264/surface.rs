//! The part of a picture that one slice decodes to.

use std::ops::Range;

use super::layout::{Block, Layout};
use crate::Picture;

/// Rows of macroblocks that one thread has to itself.
pub(super) struct Surface<'a> {
    layout: Layout,
    /// Its rows of macroblocks in the picture.
    pub(super) rows: Range<usize>,
    planes: [&'a mut [u16]; 3],
}

/// Samples around a macroblock in one plane, where they are in its slice.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Edges {
    pub(super) above: Option<[u16; 16]>,
    pub(super) left: Option<[u16; 16]>,
}

impl<'a> Surface<'a> {
    /// Cuts a picture of whole macroblocks into `count` slices.
    pub(super) fn split(layout: Layout, picture: &'a mut Picture, count: usize) -> Vec<Self> {
        let mut rest: [&'a mut [u16]; 3] = picture.planes.each_mut().map(Vec::as_mut_slice);
        let mut surfaces = Vec::with_capacity(count);
        for slice in 0..count {
            let rows = slice * layout.high / count..(slice + 1) * layout.high / count;
            let mut plane = 0;
            let planes = rest.each_mut().map(|samples| {
                let length = rows.len() * layout.side(plane) * layout.stride(plane);
                plane += 1;
                let (mine, others) = std::mem::take(samples).split_at_mut(length);
                *samples = others;
                mine
            });
            surfaces.push(Surface { layout, rows, planes });
        }
        surfaces
    }

    /// Where a macroblock begins in a plane.
    fn start(&self, plane: usize, x: usize, y: usize) -> usize {
        let side = self.layout.side(plane);
        (y - self.rows.start) * side * self.layout.stride(plane) + x * side
    }

    /// Puts a decoded macroblock in its place.
    pub(super) fn store(&mut self, x: usize, y: usize, block: &Block) {
        for (plane, samples) in block.iter().enumerate() {
            let (side, stride) = (self.layout.side(plane), self.layout.stride(plane));
            let start = self.start(plane, x, y);
            for (row, samples) in samples.chunks_exact(side).take(side).enumerate() {
                let at = start + row * stride;
                self.planes[plane][at..at + side].copy_from_slice(samples);
            }
        }
    }

    /// What lies around a macroblock in a plane.
    pub(super) fn edges(&self, plane: usize, x: usize, y: usize) -> Edges {
        let (side, stride) = (self.layout.side(plane), self.layout.stride(plane));
        let start = self.start(plane, x, y);
        let samples = &self.planes[plane];
        let mut edges = Edges::default();
        if y > self.rows.start {
            let above = edges.above.insert([0; 16]);
            above[..side].copy_from_slice(&samples[start - stride..start - stride + side]);
        }
        if x > 0 {
            let left = edges.left.insert([0; 16]);
            for (row, sample) in left[..side].iter_mut().enumerate() {
                *sample = samples[start + row * stride - 1];
            }
        }
        edges
    }
}
