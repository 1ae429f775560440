//! Moving pictures that can be drawn at any moment, so that the truth between two pictures is known.

// Each test uses some of it.
#![allow(dead_code)]

mod noise;

use ghoststream_interpolation::{PictureMut, PictureRef};
use ghoststream_picture::{PixelFormat, Size};
use noise::{hash, texture};

/// Samples along each side of a pixel.
const FINE: u32 = 3;

/// A colour: luma and two differences, luma 0 to 1, the others around 0.
type Colour = [f64; 3];

/// Something that moves: its colour at a place, in pixels, and a time, in source frames.
#[derive(Clone, Copy)]
pub struct Scene {
    pub name: &'static str,
    colour: fn(f64, f64, f64) -> Colour,
}

/// What a moving picture can do, one thing each.
pub const SCENES: [Scene; 10] = [
    Scene { name: "pan", colour: pan },
    Scene { name: "fast pan", colour: fast_pan },
    Scene { name: "objects over a pan", colour: objects },
    Scene { name: "turning", colour: turning },
    Scene { name: "zoom", colour: zoom },
    Scene { name: "scrolling text", colour: text },
    Scene { name: "dragged window", colour: window },
    Scene { name: "pointer", colour: pointer },
    Scene { name: "bouncing ball", colour: ball },
    Scene { name: "fading pan", colour: fade },
];

/// Two scenes, cut between time 0 and 1.
pub const CUT: Scene = Scene { name: "cut", colour: cut };

impl Scene {
    /// The scene at a time as NV12.
    pub fn nv12(&self, size: Size, time: f64) -> Nv12 {
        let (width, height) = (size.width as usize, size.height as usize);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..size.height {
            for x in 0..size.width {
                pixels.push(self.pixel(x, y, time));
            }
        }
        let luma = pixels.iter().map(|it| (16.0 + 219.0 * it[0]).round().clamp(0.0, 255.0) as u8).collect();
        let mut chroma = Vec::with_capacity(width * height / 2);
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(a, b)| pixels[(y + b) * width + x + a]);
                for channel in [1, 2] {
                    let mean = four.iter().map(|it| it[channel]).sum::<f64>() / 4.0;
                    chroma.push((128.0 + 224.0 * mean).round().clamp(0.0, 255.0) as u8);
                }
            }
        }
        Nv12 { size, luma, chroma }
    }

    fn pixel(&self, x: u32, y: u32, time: f64) -> Colour {
        let mut sum = [0.0; 3];
        for (a, b) in (0..FINE * FINE).map(|it| (it % FINE, it / FINE)) {
            let inside = |it: u32| (f64::from(it) + 0.5) / f64::from(FINE);
            let colour = (self.colour)(f64::from(x) + inside(a), f64::from(y) + inside(b), time);
            sum.iter_mut().zip(colour).for_each(|(sum, it)| *sum += it);
        }
        sum.map(|it| it / f64::from(FINE * FINE))
    }
}

/// A picture in NV12, rows without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nv12 {
    pub size: Size,
    pub luma: Vec<u8>,
    pub chroma: Vec<u8>,
}

impl Nv12 {
    pub fn blank(size: Size) -> Self {
        let area = size.area() as usize;
        Self { size, luma: vec![0; area], chroma: vec![0; area / 2] }
    }

    pub fn view(&self) -> PictureRef<'_> {
        let stride = self.size.width as usize;
        PictureRef::new(
            PixelFormat::Nv12,
            self.size,
            [(&self.luma, stride), (&self.chroma, stride), (&[], 0)],
        )
        .expect("as large as it says")
    }

    pub fn view_mut(&mut self) -> PictureMut<'_> {
        let stride = self.size.width as usize;
        let planes = [(&mut self.luma[..], stride), (&mut self.chroma[..], stride), (&mut [][..], 0)];
        PictureMut::new(PixelFormat::Nv12, self.size, planes).expect("as large as it says")
    }

    /// Both pictures, one over the other.
    pub fn blend(&self, other: &Self, share: f64) -> Self {
        let mix = |a: &[u8], b: &[u8]| {
            let one =
                |(a, b): (&u8, &u8)| (f64::from(*a) * (1.0 - share) + f64::from(*b) * share).round() as u8;
            a.iter().zip(b).map(one).collect()
        };
        Self { size: self.size, luma: mix(&self.luma, &other.luma), chroma: mix(&self.chroma, &other.chroma) }
    }

    /// How near it comes to `truth`, in decibels, all samples of luma and chroma alike.
    pub fn psnr(&self, truth: &Self) -> f64 {
        let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
        let planes = |it: &Self| [it.luma.clone(), it.chroma.clone()].concat();
        let (ours, truth) = (planes(self), planes(truth));
        let sum: f64 = ours.iter().zip(&truth).map(square).sum();
        10.0 * (255.0f64.powi(2) * ours.len() as f64 / sum.max(1e-9)).log10().min(10.0)
    }
}

fn natural(x: f64, y: f64, seed: u32) -> Colour {
    let luma = texture(x, y, seed);
    [
        luma,
        0.35 * (texture(x / 3.0, y / 3.0, seed + 7) - 0.5),
        0.35 * (texture(x / 3.0, y / 3.0, seed + 13) - 0.5),
    ]
}

fn pan(x: f64, y: f64, t: f64) -> Colour {
    natural(x + 6.7 * t, y + 2.3 * t, 1)
}

fn fast_pan(x: f64, y: f64, t: f64) -> Colour {
    natural(x - 37.0 * t, y + 5.5 * t, 2)
}

fn objects(x: f64, y: f64, t: f64) -> Colour {
    let disc = |cx: f64, cy: f64, radius: f64| (x - cx).hypot(y - cy) < radius;
    let (ax, ay) = (110.0 + 17.0 * t, 90.0 - 3.5 * t);
    let (bx, by) = (250.0 - 12.0 * t, 130.0 + 8.0 * t);
    if disc(ax, ay, 42.0) {
        natural(x - ax + 500.0, y - ay, 3)
    } else if (x - bx).abs() < 45.0 && (y - by).abs() < 30.0 {
        natural(x - bx + 900.0, y - by, 4)
    } else {
        natural(x + 4.0 * t, y, 5)
    }
}

/// Turns by 3 degrees a frame around the middle.
fn turning(x: f64, y: f64, t: f64) -> Colour {
    let (sin, cos) = (3.0 * t).to_radians().sin_cos();
    let (x, y) = (x - 192.0, y - 108.0);
    natural(cos * x - sin * y, sin * x + cos * y, 6)
}

fn zoom(x: f64, y: f64, t: f64) -> Colour {
    let scale = 1.05f64.powf(-t);
    natural((x - 192.0) * scale, (y - 108.0) * scale, 8)
}

/// A page of letters that scrolls in a frame that does not.
fn text(x: f64, y: f64, t: f64) -> Colour {
    let frame = !(24.0..360.0).contains(&x) || !(20.0..196.0).contains(&y);
    if frame {
        return natural(x, y, 9).map(|it| it * 0.5);
    }
    let ink = letter(x - 40.0, y + 9.0 * t);
    if ink && (40.0..344.0).contains(&x) { [0.1, 0.0, 0.02] } else { [0.95, 0.0, 0.0] }
}

/// Whether there is ink: letters of 8 by 14 pixels made of 5 by 7 strokes, words, lines of 20 pixels.
fn letter(x: f64, y: f64) -> bool {
    let (column, line) = ((x / 8.0).floor(), (y / 20.0).floor());
    let (dot, row) = (((x - column * 8.0) / 1.4) as u32, ((y - line * 20.0) / 2.0) as u32);
    let of = |a: f64, b: f64, c: u32| hash(a as i64 as u32, b as i64 as u32, c);
    let space =
        of(column, line, 1).is_multiple_of(6) || column as i64 > 20 + i64::from(of(0.0, line, 2) % 18);
    !space && dot < 5 && row < 7 && of(column, line, 3 + dot * 7 + row) % 5 < 2
}

/// A window with a title bar and text, over a desktop.
fn window(x: f64, y: f64, t: f64) -> Colour {
    let (left, top) = (70.0 + 23.0 * t, 50.0 + 11.0 * t);
    let (u, v) = (x - left, y - top);
    if !(0.0..200.0).contains(&u) || !(0.0..110.0).contains(&v) {
        return natural(x, y, 10);
    }
    if v < 16.0 {
        return [0.35, 0.12, -0.1];
    }
    if letter(u - 8.0, v - 20.0) && u > 8.0 && u < 192.0 { [0.15, 0.0, 0.0] } else { [0.9, 0.0, 0.0] }
}

/// An arrow of 12 by 19 pixels over a desktop at rest.
fn pointer(x: f64, y: f64, t: f64) -> Colour {
    let (u, v) = (x - 120.0 - 38.0 * t, y - 80.0 - 22.0 * t);
    let inside = |by: f64| v > by && v < 19.0 - 1.5 * by && u > by * 0.8 && u < v * 0.65 - by * 0.6;
    if inside(1.5) {
        [1.0, 0.0, 0.0]
    } else if inside(0.0) {
        [0.0, 0.0, 0.0]
    } else {
        natural(x, y, 11)
    }
}

/// A shaded ball that falls and bounces over a smooth background.
fn ball(x: f64, y: f64, t: f64) -> Colour {
    let (cx, cy) = (90.0 + 14.0 * t, 60.0 + 9.0 * t + 2.0 * t * t);
    let (u, v) = (x - cx, y - cy);
    if u.hypot(v) < 24.0 {
        let light = (1.0 - (u + 8.0).hypot(v + 8.0) / 40.0).clamp(0.0, 1.0);
        let stripe = if (u * 0.7 + v * 0.7).rem_euclid(16.0) < 6.0 { 0.6 } else { 1.0 };
        return [light * stripe, -0.15, 0.3];
    }
    [0.35 + 0.3 * y / 216.0, 0.1 * x / 384.0, 0.0]
}

/// A pan that gets darker by a tenth.
fn fade(x: f64, y: f64, t: f64) -> Colour {
    pan(x, y, t).map(|it| it * (1.0 - 0.1 * t))
}

fn cut(x: f64, y: f64, t: f64) -> Colour {
    if t < 0.5 { natural(x + 3.0 * t, y, 20) } else { natural(x, y - 5.0 * t, 33) }
}
