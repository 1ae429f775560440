//! A picture that moves, by which it is measured how long one between two others takes: of what is still there is
//! little to search.

use std::time::Duration;

use ghoststream_gpu::pass::{Frame, Output, PassError, Pixels};
use ghoststream_picture::{ColorRange, PixelFormat, Transform, View};

use super::Maker;
use crate::encode::InputSpec;
use crate::{Color, Rect, Size};

/// Pixels by which all pans to the right, from the first to the second.
const PAN: usize = 9;
/// Pixels by which a window in the middle moves to the left.
const DRAG: usize = 23;
/// Rows that show the same.
const BAND: usize = 6;

/// The two pictures, in a maker's own memory.
///
/// # Errors
/// The maker fails, or takes longer than `most`.
pub(super) fn pair(maker: &mut dyn Maker, spec: InputSpec, most: Duration) -> Result<[Output; 2], PassError> {
    Ok([shown(maker, spec, 0, most)?, shown(maker, spec, 1, most)?])
}

fn shown(
    maker: &mut dyn Maker,
    InputSpec { size, color, .. }: InputSpec,
    time: usize,
    most: Duration,
) -> Result<Output, PassError> {
    let bytes = drawn(size, time);
    let mut frame = Frame {
        size,
        format: PixelFormat::Bgrx,
        // Nothing has to be done to its light.
        color: Color { range: ColorRange::Full, ..color },
        hdr: None,
        view: View::new(Rect::of(size), Transform::Normal, None).map_err(PassError::Outside)?,
        pointer: None,
        pixels: Pixels::Memory {
            planes: [(&bytes, size.width as usize * 4), (&[], 0), (&[], 0)],
            changed: None,
        },
    };
    let kept = maker.keep(&frame)?;
    frame.pixels = Pixels::Resident(&kept);
    let output = maker.run(&frame)?;
    if !output.wait(most)? {
        // A GPU that hangs may still read it.
        std::mem::forget(kept);
        return Err(PassError::Late(most));
    }
    Ok(output)
}

/// Stripes of texture, other ones in every band of rows, and a window of the same.
fn drawn(size: Size, time: usize) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    // Long enough that bands begin at places of their own.
    let texture: Vec<u8> = (0..2 * width + 4096).flat_map(|at| [brightness(at); 4]).collect();
    let row = |band: usize, length: usize, left: usize| {
        let first = 64 + scattered(band) % (width + 3840) - left;
        &texture[first * 4..][..length * 4]
    };
    let mut bytes = Vec::with_capacity(width * height * 4);
    for y in 0..height {
        bytes.extend_from_slice(row(y / BAND, width, PAN * time));
        if (height / 3..2 * height / 3).contains(&y) {
            let (begin, length) =
                (bytes.len() - width * 4 + (width / 2).saturating_sub(DRAG * time) * 4, width / 4);
            bytes[begin..][..length * 4].copy_from_slice(row(9000 + y / BAND, length, 0));
        }
    }
    bytes
}

/// Of a pixel of the texture: coarse, less coarse and fine.
fn brightness(at: usize) -> u8 {
    let value = |shift: usize| scattered((at >> shift) + (shift << 20)) & 0xff;
    ((2 * value(4) + value(2) + value(0)) / 4) as u8
}

/// A number that has nothing to do with its neighbours'.
fn scattered(it: usize) -> usize {
    let mixed = (it as u32).wrapping_mul(0x9e37_79b1);
    ((mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b) >> 9) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_moves_and_a_window_the_other_way() {
        assert_eq!(drawn(Size::new(16, 16), 1).len(), 16 * 16 * 4, "narrower than the window is dragged");
        for size in [Size::new(96, 64), Size::new(1280, 720)] {
            let (width, height) = (size.width as usize, size.height as usize);
            let [before, after] = [0, 1].map(|time| drawn(size, time));
            assert_eq!(before.len(), width * height * 4);
            let pixel = |of: &[u8], x: usize, y: usize| of[(y * width + x) * 4];
            for x in PAN..width {
                assert_eq!(pixel(&after, x, 1), pixel(&before, x - PAN, 1));
            }
            for x in width / 2..width / 2 + width / 4 {
                assert_eq!(pixel(&after, x - DRAG, height / 2), pixel(&before, x, height / 2));
            }
            let same = (0..width).filter(|x| pixel(&after, *x, 1) == pixel(&before, *x, 1)).count();
            assert!(same < width / 8, "{same} of {width} pixels of a row are still there");
        }
    }
}
