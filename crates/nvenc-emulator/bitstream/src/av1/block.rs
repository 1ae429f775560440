//! Choosing a block's prediction, and coding its residual.

use super::modes::{Intra, Prediction};
use super::planes::{self, Samples, subsampling};
use super::residual::code_lossless;
use super::tile::{Tile, squares};

/// The cheapest prediction so far.
struct Best {
    cost: u32,
    prediction: Prediction,
}

impl Best {
    fn offer(&mut self, cost: u32, prediction: Prediction) {
        if cost < self.cost {
            *self = Self { cost, prediction };
        }
    }
}

impl Tile<'_> {
    /// Finds the prediction that luma differs least from.
    pub(super) fn choose(&self, x: usize, y: usize, size: u8) -> Prediction {
        let side = 4 << size;
        let (mut luma, mut other): (Samples, Samples) = ([0; 256], [0; 256]);
        self.fetch(0, x, y, side, &mut luma);
        let mut cost = |prediction: Prediction| {
            self.predict(prediction, 0, x, y, side, &mut other);
            planes::difference(&luma[..side * side], &other[..side * side])
        };
        // What it costs to say so, in differences of one: little for one picture, more for a change of ways.
        let bit = self.quantizer.step() / 8 + 1;
        let mut best = Best { cost: u32::MAX, prediction: Prediction::Intra(Intra::Dc) };
        for (&(name, _), index) in self.source.references.iter().zip(0..) {
            best.offer(cost(Prediction::Single(name)) + index * bit, Prediction::Single(name));
        }
        if let Some((past, future)) = self.source.pair {
            best.offer(cost(Prediction::Compound(past, future)) + bit, Prediction::Compound(past, future));
        }
        if best.cost <= bit {
            return best.prediction;
        }
        let change = if self.source.intra { 0 } else { 6 * bit };
        best.offer(cost(Prediction::Intra(Intra::Dc)) + change, Prediction::Intra(Intra::Dc));
        for (mode, possible) in [(Intra::Vertical, y > 0), (Intra::Horizontal, x > 0)] {
            if possible {
                best.offer(cost(Prediction::Intra(mode)) + change + 2 * bit, Prediction::Intra(mode));
            }
        }
        best.prediction
    }

    /// Codes a block's residual into [`Tile::residual`], and stores what a decoder makes of it.
    pub(super) fn code(&mut self, x: usize, y: usize, size: u8, prediction: Prediction) {
        self.residual.clear();
        for plane in 0..3 {
            let shift = subsampling(self.source.picture.format, plane);
            let side = (4_usize << size) >> shift;
            let step = if self.source.quantizer == 0 { 4 } else { side };
            self.residual.sizes[plane] = (step / 4).ilog2() as usize;
            for (index, (row, column)) in squares(side, step).enumerate() {
                let (x, y) = ((x >> shift) + column, (y >> shift) + row);
                self.code_square(plane, x, y, index, prediction);
            }
        }
    }

    /// Codes one transform block, the `index`th of its plane in its block.
    fn code_square(&mut self, plane: usize, x: usize, y: usize, index: usize, prediction: Prediction) {
        let size = self.residual.sizes[plane];
        let side = 4 << size;
        let area = side * side;
        let (mut wanted, mut out): (Samples, Samples) = ([0; 256], [0; 256]);
        self.fetch(plane, x, y, side, &mut wanted);
        self.predict(prediction, plane, x, y, side, &mut out);
        let (wanted, out) = (&wanted[..area], &mut out[..area]);
        let sum = planes::difference(wanted, out);
        let lossless = self.source.quantizer == 0;
        if sum > 0 && (lossless || !self.quantizer.vanishes(sum, size)) {
            let mut samples = [0_i32; 256];
            let samples = &mut samples[..area];
            for ((sample, wanted), out) in samples.iter_mut().zip(wanted).zip(&*out) {
                *sample = i32::from(*wanted).wrapping_sub(i32::from(*out));
            }
            let levels = &mut self.residual.levels[plane][index * area..][..area];
            if lossless {
                self.residual.ends[plane][index] = code_lossless(samples, levels);
                out.copy_from_slice(wanted);
            } else {
                self.residual.ends[plane][index] = self.quantizer.code(size, samples, levels);
                let peak = i32::from(self.source.picture.format.peak());
                for (out, sample) in out.iter_mut().zip(&*samples) {
                    *out = i32::from(*out).wrapping_add(*sample).clamp(0, peak) as u16;
                }
            }
        }
        self.planes[plane].store(x, y, side, out);
    }

    /// A square of the picture.
    fn fetch(&self, plane: usize, x: usize, y: usize, side: usize, out: &mut Samples) {
        let (x, y) = self.place(plane, x, y);
        planes::fetch(self.source.picture, plane, x, y, side, out);
    }

    /// A square as it is predicted.
    fn predict(
        &self,
        prediction: Prediction,
        plane: usize,
        x: usize,
        y: usize,
        side: usize,
        out: &mut Samples,
    ) {
        let (global_x, global_y) = self.place(plane, x, y);
        let fetch = |name: u8, out: &mut Samples| {
            let reference = self.source.references.iter().find(|(other, _)| *other == name);
            let (_, picture) = reference.expect("predictions are of the source's references");
            planes::fetch(picture, plane, global_x, global_y, side, out);
        };
        match prediction {
            Prediction::Intra(mode) => {
                let mode = if plane == 0 { mode } else { Intra::Dc };
                self.planes[plane].intra(x, y, side, mode, self.source.picture.format.depth, out);
            }
            Prediction::Single(name) => fetch(name, out),
            Prediction::Compound(past, future) => {
                let mut second: Samples = [0; 256];
                fetch(past, out);
                fetch(future, &mut second);
                planes::mean(&mut out[..side * side], &second);
            }
        }
    }

    /// Where a place of the tile is in the picture.
    fn place(&self, plane: usize, x: usize, y: usize) -> (usize, usize) {
        let shift = subsampling(self.source.picture.format, plane);
        ((self.area.x >> shift) + x, (self.area.y >> shift) + y)
    }
}
