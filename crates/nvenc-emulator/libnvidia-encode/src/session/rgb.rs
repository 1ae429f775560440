//! Packed RGB, which the chip converts by BT.601 in limited range, whatever the stream says.

use nvenc_emulator::InputFormat;
use nvenc_emulator_bitstream::{Chroma, Format, Picture};

use super::pixels::with_depth;

/// Where the components stand in a 32-bit word.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    bits: u32,
    red: u32,
    blue: u32,
}

impl Order {
    /// That of a form; none where it is not RGB.
    pub const fn of(format: InputFormat) -> Option<Self> {
        match format {
            InputFormat::Argb => Some(Self { bits: 8, red: 16, blue: 0 }),
            InputFormat::Abgr => Some(Self { bits: 8, red: 0, blue: 16 }),
            InputFormat::Argb10 => Some(Self { bits: 10, red: 20, blue: 0 }),
            InputFormat::Abgr10 => Some(Self { bits: 10, red: 0, blue: 20 }),
            _ => None,
        }
    }

    /// Red, green and blue, 0 to 1.
    fn components(self, word: u32) -> [f32; 3] {
        let peak = (1 << self.bits) - 1;
        [self.red, self.bits, self.blue].map(|shift| (word >> shift & peak) as f32 / peak as f32)
    }
}

/// The picture in these bytes.
pub fn picture(bytes: &[u8], pitch: usize, order: Order, coded: Format) -> Picture {
    let full = Format { chroma: Chroma::Yuv444, depth: order.bits as u8, ..coded };
    let mut planes = [0; 3].map(|_: usize| Vec::with_capacity(coded.width * coded.height));
    let unit = f32::from(1_u16 << (order.bits - 8));
    for row in bytes.chunks(pitch).take(coded.height) {
        for pixel in row.chunks_exact(4).take(coded.width) {
            let word = u32::from_le_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]);
            for (plane, value) in planes.iter_mut().zip(convert(order.components(word))) {
                plane.push((value * unit).round() as u16);
            }
        }
    }
    let mut picture = Picture { format: full, planes };
    if coded.chroma == Chroma::Yuv420 {
        halve(&mut picture);
    }
    with_depth(picture, coded.depth)
}

/// BT.601, limited range, in units of eight bits.
fn convert([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    [16.0 + 219.0 * luma, 128.0 + 224.0 * (blue - luma) / 1.772, 128.0 + 224.0 * (red - luma) / 1.402]
}

/// Averages chroma over two by two pixels.
fn halve(picture: &mut Picture) {
    let Format { width, height, .. } = picture.format;
    for plane in &mut picture.planes[1..] {
        let at = |x: usize, y: usize| u32::from(plane[y.min(height - 1) * width + x.min(width - 1)]);
        let mut half = Vec::with_capacity(width.div_ceil(2) * height.div_ceil(2));
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                half.push(((at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1) + 2) / 4) as u16);
            }
        }
        *plane = half;
    }
    picture.format.chroma = Chroma::Yuv420;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, as each form packs it, is (81, 90, 240) by BT.601.
    #[test]
    fn red_is_red_in_every_order() {
        let coded = Format { width: 2, height: 2, chroma: Chroma::Yuv420, depth: 8 };
        for (format, word) in [
            (InputFormat::Argb, 0xffff_0000_u32),
            (InputFormat::Abgr, 0xff00_00ff),
            (InputFormat::Argb10, 0xfff0_0000),
            (InputFormat::Abgr10, 0xc000_03ff),
        ] {
            let bytes: Vec<u8> = [word; 4].iter().flat_map(|word| word.to_le_bytes()).collect();
            let planes = picture(&bytes, 8, Order::of(format).unwrap(), coded).planes;
            assert_eq!(planes, [vec![81; 4], vec![90], vec![240]], "{format:?}");
        }
    }
}
