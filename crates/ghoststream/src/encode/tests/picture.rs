//! A moving picture with edges, texture and colour.

use crate::av::Picture;
use crate::encode::InputSpec;
use crate::{ColorRange, PixelFormat};

/// Picture number `index`: a slanted texture that scrolls and a box that crosses it.
pub(super) fn moving(input: &InputSpec, index: usize) -> Picture {
    let mut picture = Picture::alloc(input.format, input.size, input.color).expect("a picture");
    let (width, height) = (input.size.width as usize, input.size.height as usize);
    let planes = picture.planes_mut().expect("a new picture is writable");
    let format = input.format;
    for (plane, (bytes, stride)) in planes.into_iter().enumerate().take(format.planes()) {
        let interleaved = format.planes() == 2 && plane == 1;
        let half = usize::from(plane > 0 && !format.is_full_chroma());
        let (columns, rows) = (width >> half, height >> half);
        for y in 0..rows {
            for x in 0..columns {
                let parts = if interleaved { 2 } else { 1 };
                for part in 0..parts {
                    let channel = if plane == 0 { 0 } else { plane + part };
                    let value = sample(x << half, y << half, index, channel, input);
                    put(bytes, y * stride, x * parts + part, value, format);
                }
            }
        }
    }
    picture
}

fn put(bytes: &mut [u8], row: usize, at: usize, eight_bit: u16, format: PixelFormat) {
    match format.depth() {
        8 => bytes[row + at] = eight_bit as u8,
        _ => {
            // Two bits below the eight, so that ten-bit pictures are more than shifted ones.
            let ten = (eight_bit << 2) | (at as u16 & 3);
            let stored = ten << format.sample_shift();
            bytes[row + at * 2..][..2].copy_from_slice(&stored.to_le_bytes());
        }
    }
}

/// The value of a channel (luma, Cb, Cr) at a luma position, for eight bits.
fn sample(x: usize, y: usize, index: usize, channel: usize, input: &InputSpec) -> u16 {
    let (width, height) = (input.size.width as usize, input.size.height as usize);
    let box_x = (index * 5) % width;
    let in_box = x.wrapping_sub(box_x) < 48 && y.wrapping_sub(height / 4) < height / 2;
    let (u, v) = (x + 2 * index, y + index);
    let texture = (u ^ v) & 63;
    let wave = ((u * 3 + v * 2) % 256) as f64 * std::f64::consts::TAU / 256.0;
    let value: f64 = match (channel, in_box) {
        (0, true) => 210.0,
        (0, false) => 90.0 + 40.0 * wave.sin() + texture as f64 * 0.6,
        (1, true) => 90.0,
        (2, true) => 190.0,
        (1, _) => 128.0 + 40.0 * (wave / 2.0).cos(),
        _ => 128.0 - 30.0 * (wave / 2.0).cos(),
    };
    match input.color.range {
        ColorRange::Limited => value.clamp(16.0, 235.0) as u16,
        ColorRange::Full => value.clamp(0.0, 255.0) as u16,
    }
}
