//! Grounds with detail that an encoder has to work for, made without any stored picture.

use super::canvas::{Pixel, pixel};

/// Noise that tiles: the sum of octaves of smooth value noise, like clouds with grain.
pub(super) struct Noise {
    values: Vec<u8>,
}

impl Noise {
    /// Side of the tile, in pixels.
    const SIDE: usize = 256;

    pub fn new() -> Self {
        let mut sums = vec![0f32; Self::SIDE * Self::SIDE];
        let mut weight = 0.5;
        for octave in 2..8 {
            add_octave(&mut sums, 1 << octave, weight);
            weight *= 0.55;
        }
        let (low, high) = sums.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        let values = sums.iter().map(|v| ((v - low) / (high - low) * 255.0) as u8).collect();
        Self { values }
    }

    /// The noise at a pixel.
    pub fn at(&self, x: u32, y: u32) -> u8 {
        let side = Self::SIDE;
        self.values[(y as usize % side) * side + x as usize % side]
    }
}

/// Adds smooth noise with `cells` cells to a side.
fn add_octave(sums: &mut [f32], cells: usize, weight: f32) {
    let side = Noise::SIDE;
    let corner = |x: usize, y: usize| {
        let key = ((y % cells) * cells + x % cells) as u32 ^ (cells as u32) << 20;
        (scramble(key) & 0xFFFF) as f32 / 65535.0
    };
    for y in 0..side {
        for x in 0..side {
            let (fx, fy) = (x as f32 * cells as f32 / side as f32, y as f32 * cells as f32 / side as f32);
            let (cx, cy) = (fx as usize, fy as usize);
            let (tx, ty) = (ease(fx.fract()), ease(fy.fract()));
            let top = mix(corner(cx, cy), corner(cx + 1, cy), tx);
            let bottom = mix(corner(cx, cy + 1), corner(cx + 1, cy + 1), tx);
            sums[y * side + x] += weight * mix(top, bottom, ty);
        }
    }
}

fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// Turns a counter into bits without a pattern; the same everywhere.
pub(super) const fn scramble(mut key: u32) -> u32 {
    key = (key ^ key >> 16).wrapping_mul(0x7FEB_352D);
    key = (key ^ key >> 15).wrapping_mul(0x846C_A68B);
    key ^ key >> 16
}

/// The ground that the ball moves over: clouds from deep blue to sand, with a zone plate, whose rings
/// get finer outwards, in its left half.
pub(super) fn ground(noise: &Noise, x: u32, y: u32, width: u32, height: u32) -> Pixel {
    let v = f32::from(noise.at(x, y)) / 255.0;
    let clouds = |low: u8, high: u8| mix(f32::from(low), f32::from(high), v);
    let mut color = [clouds(20, 236), clouds(40, 205), clouds(88, 150)];
    let radius = height as f32 * 0.42;
    let (dx, dy) = (x as f32 - width as f32 * 0.25, y as f32 - height as f32 * 0.5);
    let distance = dx.mul_add(dx, dy * dy);
    if distance < radius * radius {
        // The phase grows with the square of the distance; at the rim a ring is four pixels wide.
        let wave = (distance * std::f32::consts::PI / (4.0 * radius)).cos() * 110.0;
        color = [127.0 + wave; 3];
    }
    pixel(color.map(|it| it as u8))
}

/// The colour of a hue, 0 to 1.
pub(super) fn hue(at: f32) -> [u8; 3] {
    let channel = |shift: f32| {
        let distance = ((at + shift).fract() * 6.0 - 3.0).abs();
        ((distance - 1.0).clamp(0.0, 1.0) * 255.0) as u8
    };
    [channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0)]
}
