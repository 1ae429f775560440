//! Formats, matrices and ranges.

use super::reference::check;
use super::*;
use crate::processing::weights::{Order, Weights};
use crate::processing::{avx2, open, strip};

#[test]
fn every_input_becomes_every_output() {
    for input in INPUTS {
        for output in OUTPUTS {
            for size in [Size::new(150, 38), Size::new(33, 7), Size::new(1, 1), Size::new(2, 3)] {
                let frame = frame(input, size, 7);
                let recipe = recipe(output, size);
                let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
                check(&frame, &recipe, &picture, 1.0, &format!("{input:?} to {output:?} at {size}"));
            }
        }
    }
}

#[test]
fn every_matrix_and_range_on_both_sides() {
    let spaces = [ColorSpace::Bt601, ColorSpace::Bt709, ColorSpace::Bt2020];
    let ranges = [ColorRange::Limited, ColorRange::Full];
    let colors = || spaces.iter().flat_map(|s| ranges.map(|r| Color::new(*s, r)));
    let size = Size::new(70, 20);
    for from in colors() {
        for to in colors() {
            for (input, output) in [
                (PixelFormat::Bgrx, PixelFormat::Nv12),
                (PixelFormat::Bgrx, PixelFormat::P010),
                (PixelFormat::Xrgb2101010, PixelFormat::P010),
                (PixelFormat::Nv12, PixelFormat::Bgrx),
                (PixelFormat::Yuy2, PixelFormat::Bgrx),
            ] {
                let mut frame = frame(input, size, 11);
                frame.color = from;
                let mut recipe = recipe(output, size);
                recipe.output.color = to;
                let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
                check(&frame, &recipe, &picture, 1.0, &format!("{input:?} {from:?} to {output:?} {to:?}"));
            }
        }
    }
}

#[test]
fn white_black_and_grey_are_exact() {
    for (space, depth) in
        [(ColorSpace::Bt601, 8), (ColorSpace::Bt709, 8), (ColorSpace::Bt2020, 8), (ColorSpace::Bt709, 10)]
    {
        for range in [ColorRange::Limited, ColorRange::Full] {
            let weights = Weights::new(Order { red: 2, green: 1, blue: 0 }, Color::new(space, range), depth);
            assert_eq!(weights.cb.iter().sum::<i32>(), 0);
            assert_eq!(weights.cr.iter().sum::<i32>(), 0);
            let unit = 1 << (depth - 8);
            let (black, white) = match range {
                ColorRange::Limited => (16 * unit, 235 * unit),
                ColorRange::Full => (0, 256 * unit - 1),
            };
            let luma =
                |grey: i32| (weights.luma.iter().sum::<i32>() * grey + weights.luma_offset) >> weights.shift;
            assert_eq!((luma(0), luma(255)), (black, white), "{space:?} {range:?}");
        }
    }
}

/// A way to convert two rows.
type Way = fn(&Weights, strip::Rows<'_>, [&mut [u8]; 2], strip::Chroma<'_>);

#[test]
fn the_vector_paths_give_the_same_bits() {
    let plain: Way = |weights, rows, luma, chroma| strip::convert_from(weights, rows, luma, chroma, 0);
    let narrow: Way = |weights, rows, [first, second], mut chroma| {
        let done = avx2::convert(weights, rows, first, second, &mut chroma);
        strip::convert_from(weights, rows, [first, second], chroma, done);
    };
    let mut noise = Noise(99);
    for (width, lead) in [(32, 0), (64, 1), (96, 0), (100, 1), (45, 0), (31, 1), (1000, 1), (256, 0)] {
        let mut row = || (0..(width + lead) * 4).map(|_| noise.next() as u8).collect::<Vec<u8>>();
        let (top, bottom) = (row(), row());
        let rows = strip::Rows { top: &top, bottom: &bottom, lead };
        for range in [ColorRange::Limited, ColorRange::Full] {
            let order = Order { red: 1, green: 2, blue: 3 };
            let weights = Weights::new(order, Color::new(ColorSpace::Bt601, range), 8);
            for (pairs, height) in [(true, 2), (false, 2), (true, 1), (false, 1)] {
                let half = width.div_ceil(2);
                let run = |way: Way| {
                    let mut out = vec![0u8; width * height + half * 2];
                    let (luma, rest) = out.split_at_mut(width * height);
                    let (first, second) = luma.split_at_mut(width);
                    let chroma = if pairs {
                        strip::Chroma::Pairs(rest)
                    } else {
                        let (cb, cr) = rest.split_at_mut(half);
                        strip::Chroma::Planes(cb, cr)
                    };
                    way(&weights, rows, [first, second], chroma);
                    out
                };
                let wanted = run(plain);
                let what = format!("{width} pixels, {lead} before, {height} rows, pairs: {pairs}");
                assert!(run(narrow) == wanted, "AVX2: {what}");
                assert!(run(strip::convert) == wanted, "the widest there is: {what}");
            }
        }
    }
}
