//! The pixels of the picture between.
//!
//! Each pixel is made of what the four blocks around it would show, by how near it is to each and by how
//! well both pictures agree there. All of it is sums of whole numbers.

use crate::choose::{Choice, Seen};
use crate::field::Grid;
use crate::parallel;
use crate::picture::{PictureMut, PictureRef, PlaneShape};
use crate::vector::{Time, Vector};

/// Places between two pixels at which there is a filter.
const PHASES: usize = 32;

/// How much of four pixels in a row, in 128ths, makes one between the middle two: cubic convolution, with
/// Keys' a = -1/2.
const TAPS: [[i32; 4]; PHASES] = taps();

const fn taps() -> [[i32; 4]; PHASES] {
    let mut taps = [[0; 4]; PHASES];
    let mut phase = 0;
    while phase < PHASES {
        // t in 32nds; each weight is a polynomial over 2 * 32^3, and 128 of 65536 is 512.
        let t = phase as i32;
        let (t2, t3) = (t * t, t * t * t);
        let before = (-t3 + 2 * t2 * 32 - t * 1024 - 256).div_euclid(512) + 1;
        let second = (-3 * t3 + 4 * t2 * 32 + t * 1024 + 256).div_euclid(512);
        let after = (t3 - t2 * 32 - 256).div_euclid(512) + 1;
        taps[phase] = [before, 128 - before - second - after, second, after];
        phase += 1;
    }
    taps
}

/// What a pixel seen in one picture only is taken to differ by, of 256.
const DOUBT: u32 = 12;

/// Makes the picture.
pub(crate) fn synthesise(
    pictures: &[&PictureRef<'_>; 2],
    choices: &Grid<Choice>,
    time: Time,
    out: &mut PictureMut<'_>,
) {
    let shape = out.shape;
    for plane in 0..shape.format.planes() {
        let layout = shape.plane(plane);
        let (row_bytes, rows) = shape.format.plane_layout(plane, shape.size);
        let (bytes, stride) = &mut out.planes[plane];
        let length = (rows - 1) * *stride + row_bytes;
        let stride = *stride;
        let maker = Maker {
            pictures,
            choices,
            time,
            plane,
            layout,
            deep: shape.sample_bytes() == 2,
            shift: shape.format.sample_shift(),
            depth: shape.format.depth(),
        };
        parallel::rows(&mut bytes[..length], stride, |y, row| maker.row(y as i32, &mut row[..row_bytes]));
    }
}

/// What makes one plane.
struct Maker<'a> {
    pictures: &'a [&'a PictureRef<'a>; 2],
    choices: &'a Grid<Choice>,
    time: Time,
    plane: usize,
    layout: PlaneShape,
    deep: bool,
    shift: u32,
    depth: u32,
}

/// The blocks along one axis that a sample lies between, and what each weighs, of 8.
struct Between {
    blocks: [i32; 2],
    weights: [u32; 2],
}

impl Between {
    fn new(at: i32, halved: bool, blocks: i32) -> Self {
        let (side, weights): (i32, &[[u32; 2]]) =
            if halved { (2, &[[2, 6], [6, 2]]) } else { (4, &[[3, 5], [1, 7], [7, 1], [5, 3]]) };
        let (block, offset) = (at / side, at % side);
        let first = if offset < side / 2 { block - 1 } else { block };
        let clamped = |it: i32| it.clamp(0, blocks - 1);
        Self { blocks: [clamped(first), clamped(first + 1)], weights: weights[offset as usize] }
    }
}

impl Maker<'_> {
    fn row(&self, y: i32, out: &mut [u8]) {
        let channels = self.layout.channels;
        let down = Between::new(y, self.layout.halved, self.choices.rows);
        for x in 0..self.layout.width {
            let across = Between::new(x, self.layout.halved, self.choices.columns);
            let values = self.sample(x, y, &across, &down);
            for (channel, value) in values[..channels].iter().enumerate() {
                let at = x as usize * channels + channel;
                if self.deep {
                    out[at * 2..][..2].copy_from_slice(&((*value << self.shift) as u16).to_le_bytes());
                } else {
                    out[at] = *value as u8;
                }
            }
        }
    }

    /// The sample at one place, of each channel.
    fn sample(&self, x: i32, y: i32, across: &Between, down: &Between) -> [u32; 2] {
        let choices: [[Choice; 2]; 2] = down.blocks.map(|row| {
            across.blocks.map(|column| self.choices.cells[(row * self.choices.columns + column) as usize])
        });
        let [[nearest, ..], ..] = choices;
        if choices.as_flattened().iter().all(|it| *it == nearest) {
            let (values, _) = self.shown(x, y, nearest);
            return values.map(|it| (it + 128) >> 8);
        }
        if let Some(values) = self.at_rest(x, y, &choices, across, down) {
            return values;
        }
        let (mut sums, mut total) = ([0u32; 2], 0);
        for (row, tall) in choices.iter().zip(down.weights) {
            for (choice, wide) in row.iter().zip(across.weights) {
                let (values, doubt) = self.shown(x, y, *choice);
                let weight = tall * wide * (256 / (8 + doubt));
                total += weight;
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += weight * ((value + 8) >> 4);
                }
            }
        }
        sums.map(|it| (it + total * 8) / (total * 16))
    }

    /// The pixel as it is in both pictures, if the block that it lies in is at rest and it is equal in both.
    fn at_rest(
        &self,
        x: i32,
        y: i32,
        choices: &[[Choice; 2]; 2],
        across: &Between,
        down: &Between,
    ) -> Option<[u32; 2]> {
        let heavier = |it: &Between| usize::from(it.weights[1] > it.weights[0]);
        let own = choices[heavier(down)][heavier(across)];
        if own.vector != Vector::ZERO || own.seen != Seen::Both {
            return None;
        }
        let [first, second] = self.pictures.map(|it| self.read(it, x, y));
        (first == second).then_some(first)
    }

    /// What a choice shows at a place, times 256, and how far the pictures are apart there, of 256.
    fn shown(&self, x: i32, y: i32, choice: Choice) -> ([u32; 2], u32) {
        // In 32nds of a sample, of which there are half as many across where the plane is halved.
        let unit = if self.layout.halved { 4 } else { 8 };
        let whole = Vector::new(choice.vector.x * unit, choice.vector.y * unit);
        let back = whole.until(self.time);
        let on = whole - back;
        let weight = self.time.parts() as u32;
        let first = || self.interpolated(self.pictures[0], x * 32 - back.x, y * 32 - back.y);
        let second = || self.interpolated(self.pictures[1], x * 32 + on.x, y * 32 + on.y);
        match choice.seen {
            Seen::First => (first().map(|it| it * 256), DOUBT),
            Seen::Second => (second().map(|it| it * 256), DOUBT),
            Seen::Both => {
                let (a, b) = (first(), second());
                let apart = a[0].abs_diff(b[0]) + a[1].abs_diff(b[1]);
                let values = [0, 1].map(|it| a[it] * (256 - weight) + b[it] * weight);
                (values, (apart >> (self.depth - 8)).min(248))
            }
        }
    }

    /// The samples at a place in 32nds.
    fn interpolated(&self, picture: &PictureRef<'_>, x: i32, y: i32) -> [u32; 2] {
        let (column, row) = (x >> 5, y >> 5);
        let (right, down) = (&TAPS[(x & 31) as usize], &TAPS[(y & 31) as usize]);
        if x & 31 == 0 && y & 31 == 0 {
            return self.read(picture, column, row);
        }
        let most = (1 << self.depth) - 1;
        let mut sums = [0i32; 2];
        for (line, weight) in (row - 1..).zip(down) {
            if *weight == 0 {
                continue;
            }
            let mut across = [0i32; 2];
            for (at, weight) in (column - 1..).zip(right) {
                let samples = self.read(picture, at, line);
                across[0] += samples[0] as i32 * weight;
                across[1] += samples[1] as i32 * weight;
            }
            sums[0] += across[0] * weight;
            sums[1] += across[1] * weight;
        }
        sums.map(|it| ((it + (1 << 13)) >> 14).clamp(0, most) as u32)
    }

    /// The samples at a place; beyond the edge those of the edge. The second is 0 where there is one.
    #[inline(always)]
    fn read(&self, picture: &PictureRef<'_>, x: i32, y: i32) -> [u32; 2] {
        let (x, y) = (x.clamp(0, self.layout.width - 1), y.clamp(0, self.layout.height - 1));
        let row = picture.row(self.plane, y);
        let channels = self.layout.channels;
        let one = |channel: usize| {
            let at = x as usize * channels + channel;
            if self.deep {
                u32::from(u16::from_le_bytes([row[at * 2], row[at * 2 + 1]])) >> self.shift
            } else {
                u32::from(row[at])
            }
        };
        [one(0), if channels == 2 { one(1) } else { 0 }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_cubic_convolution() {
        for (phase, taps) in TAPS.iter().enumerate() {
            let t = phase as f64 / PHASES as f64;
            let exact = [
                -0.5 * t.powi(3) + t.powi(2) - 0.5 * t,
                1.5 * t.powi(3) - 2.5 * t.powi(2) + 1.0,
                -1.5 * t.powi(3) + 2.0 * t.powi(2) + 0.5 * t,
                0.5 * t.powi(3) - 0.5 * t.powi(2),
            ];
            assert_eq!(taps.iter().sum::<i32>(), 128, "phase {phase}");
            for (tap, exact) in taps.iter().zip(exact) {
                assert!((f64::from(*tap) - exact * 128.0).abs() <= 1.5, "phase {phase}: {taps:?}");
            }
        }
    }
}
