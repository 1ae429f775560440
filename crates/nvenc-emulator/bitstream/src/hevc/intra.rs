//! Intra prediction: 8.4.4.2 of H.265, for the four modes that are used.

use super::transform::AREA;

/// A prediction mode, by its number in table 8-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Planar = 0,
    Dc = 1,
    Horizontal = 10,
    Vertical = 26,
}

impl Mode {
    /// All that are tried.
    pub(super) const ALL: [Self; 4] = [Self::Planar, Self::Dc, Self::Horizontal, Self::Vertical];

    /// How a mode is told by those of the blocks to the left and above: 8.4.2.
    pub(super) fn code(self, left: Self, above: Self) -> Code {
        let candidates = if left != above {
            let third = if left != Self::Planar && above != Self::Planar {
                Self::Planar
            } else if left != Self::Dc && above != Self::Dc {
                Self::Dc
            } else {
                Self::Vertical
            };
            [left as u32, above as u32, third as u32]
        } else if (left as u32) < 2 {
            [0, 1, 26]
        } else {
            let angle = left as u32;
            [angle, 2 + (angle + 29) % 32, 2 + (angle - 1) % 32]
        };
        let number = self as u32;
        match candidates.iter().position(|&it| it == number) {
            Some(index) => Code::Probable(index as u32),
            None => Code::Other(number - candidates.iter().filter(|&&it| it < number).count() as u32),
        }
    }
}

/// How a mode is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// mpm_idx.
    Probable(u32),
    /// rem_intra_luma_pred_mode.
    Other(u32),
}

/// The samples around a block of `size`, from below left up to the corner and on to above right:
/// `samples[2 * size]` is the corner.
pub(super) struct Border {
    size: usize,
    samples: [u16; 4 * 16 + 1],
}

/// Which blocks of the same size around one are there to predict from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) below_left: bool,
    pub(super) left: bool,
    pub(super) corner: bool,
    pub(super) above: bool,
    pub(super) above_right: bool,
}

impl Border {
    /// Takes it from a plane of samples, for the block at (x, y). What is not there is filled from what is.
    pub(super) fn new(
        plane: &[u16],
        stride: usize,
        (x, y): (usize, usize),
        size: usize,
        around: Around,
        depth: u8,
    ) -> Self {
        let mut border = Self { size, samples: [1 << (depth - 1); 65] };
        let Around { below_left, left, corner, above, above_right } = around;
        if !(below_left || left || corner || above || above_right) {
            return border;
        }
        let samples = &mut border.samples;
        let column = |rows: std::ops::Range<usize>, out: &mut [u16]| {
            for (sample, row) in out.iter_mut().rev().zip(rows) {
                *sample = plane[row * stride + x - 1];
            }
        };
        if below_left {
            column(y + size..y + 2 * size, &mut samples[..size]);
        }
        if left {
            column(y..y + size, &mut samples[size..2 * size]);
        }
        if corner {
            samples[2 * size] = plane[(y - 1) * stride + x - 1];
        }
        if above {
            samples[2 * size + 1..][..size].copy_from_slice(&plane[(y - 1) * stride + x..][..size]);
        }
        if above_right {
            samples[3 * size + 1..][..size].copy_from_slice(&plane[(y - 1) * stride + x + size..][..size]);
        }
        let parts = [
            (0..size, below_left),
            (size..2 * size, left),
            (2 * size..2 * size + 1, corner),
            (2 * size + 1..3 * size + 1, above),
            (3 * size + 1..4 * size + 1, above_right),
        ];
        fill(samples, &parts);
        border
    }

    /// The same as it is used for planar prediction of larger blocks: smoothed.
    fn smoothed(&self) -> Self {
        let mut samples = self.samples;
        for (at, sample) in samples.iter_mut().enumerate().take(4 * self.size).skip(1) {
            let near = u32::from(self.samples[at - 1]) + u32::from(self.samples[at + 1]);
            *sample = ((near + 2 * u32::from(self.samples[at]) + 2) >> 2) as u16;
        }
        Self { size: self.size, samples }
    }

    fn left(&self, y: usize) -> i32 {
        i32::from(self.samples[2 * self.size - 1 - y])
    }

    fn above(&self, x: usize) -> i32 {
        i32::from(self.samples[2 * self.size + 1 + x])
    }

    fn corner(&self) -> i32 {
        i32::from(self.samples[2 * self.size])
    }

    /// Predicts the block, row after row. `filters` says whether borders and edges are smoothed as in luma:
    /// borders in chroma too where it is not subsampled.
    pub(super) fn predict(&self, mode: Mode, filters: Filters, peak: u16, out: &mut [u16; AREA]) {
        match mode {
            Mode::Planar if filters.border && self.size > 4 => self.smoothed().planar(out),
            Mode::Planar => self.planar(out),
            Mode::Dc => self.dc(filters.edges, out),
            Mode::Horizontal => self.horizontal(filters.edges, i32::from(peak), out),
            Mode::Vertical => self.vertical(filters.edges, i32::from(peak), out),
        }
    }

    fn planar(&self, out: &mut [u16; AREA]) {
        match self.size {
            4 => self.planar_of::<4>(out),
            8 => self.planar_of::<8>(out),
            _ => self.planar_of::<16>(out),
        }
    }

    /// In 16 bits, which suffice: 32 times a sample of 10 bits, and 16.
    fn planar_of<const N: usize>(&self, out: &mut [u16; AREA]) {
        let (lefts, aboves) = (&self.samples[..2 * N], &self.samples[2 * N + 1..]);
        let (right, below) = (aboves[N], lefts[N - 1]);
        for (y, row) in out.as_chunks_mut::<N>().0.iter_mut().enumerate().take(N) {
            let (left, down) = (lefts[2 * N - 1 - y], y as u16 + 1);
            for (x, (sample, &above)) in row.iter_mut().zip(aboves).enumerate() {
                let across = x as u16 + 1;
                let level = (N as u16 - across) * left + across * right;
                let upright = (N as u16 - down) * above + down * below;
                *sample = (level + upright + N as u16) >> (N.ilog2() + 1);
            }
        }
    }

    fn dc(&self, edges: bool, out: &mut [u16; AREA]) {
        let size = self.size;
        let sum: i32 = (0..size).map(|at| self.left(at) + self.above(at)).sum();
        let mean = (sum + size as i32) >> (size.ilog2() + 1);
        out[..size * size].fill(mean as u16);
        if edges {
            for at in 1..size {
                out[at] = ((self.above(at) + 3 * mean + 2) >> 2) as u16;
                out[at * size] = ((self.left(at) + 3 * mean + 2) >> 2) as u16;
            }
            out[0] = ((self.left(0) + 2 * mean + self.above(0) + 2) >> 2) as u16;
        }
    }

    fn horizontal(&self, edges: bool, peak: i32, out: &mut [u16; AREA]) {
        for (y, row) in out.chunks_exact_mut(self.size).take(self.size).enumerate() {
            row.fill(self.left(y) as u16);
        }
        if edges {
            for (x, sample) in out.iter_mut().enumerate().take(self.size) {
                *sample = (self.left(0) + ((self.above(x) - self.corner()) >> 1)).clamp(0, peak) as u16;
            }
        }
    }

    fn vertical(&self, edges: bool, peak: i32, out: &mut [u16; AREA]) {
        let above = &self.samples[2 * self.size + 1..][..self.size];
        for (y, row) in out.chunks_exact_mut(self.size).take(self.size).enumerate() {
            row.copy_from_slice(above);
            if edges {
                row[0] = (self.above(0) + ((self.left(y) - self.corner()) >> 1)).clamp(0, peak) as u16;
            }
        }
    }
}

/// Which samples are smoothed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filters {
    /// Those around the block: in luma, and in chroma that is as large.
    pub(super) border: bool,
    /// The block's first row and column: in luma.
    pub(super) edges: bool,
}

/// Fills parts that are not there from their neighbours: 8.4.4.2.2.
fn fill(samples: &mut [u16], parts: &[(std::ops::Range<usize>, bool); 5]) {
    let first = parts.iter().find(|(_, there)| *there).expect("one part is there").0.start;
    let value = samples[first];
    samples[..first].fill(value);
    for (range, there) in parts {
        if !there && range.start > first {
            let before = samples[range.start - 1];
            samples[range.clone()].fill(before);
        }
    }
}
