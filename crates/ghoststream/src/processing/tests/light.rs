//! HDR to SDR, SDR to HDR, and other primaries.

use ghoststream_picture::gamut::Primaries;
use ghoststream_picture::hdr::{ContentLight, HdrMetadata};
use ghoststream_picture::ictcp::Itp;
use ghoststream_picture::transfer::{pq, sdr};
use ghoststream_picture::{ToneCurve, Transfer, dither};

use super::reference::{check, made, read};
use super::*;
use crate::capture::{Cursor, CursorBitmap};
use crate::processing::open;

const BT2020: Color = Color::new(ColorSpace::Bt2020, ColorRange::Limited);
const PQ: Color = BT2020.with_transfer(Transfer::Pq);
const HLG: Color = BT2020.with_transfer(Transfer::Hlg);
const SCRGB: Color = BT709.with_transfer(Transfer::Linear);

const fn light(most: u16) -> Option<HdrMetadata> {
    Some(HdrMetadata { mastering: None, light: Some(ContentLight { most, most_average: 0 }) })
}

/// A picture of ten-bit RGB.
fn ten_bits(size: Size, color: Color, pixel: impl Fn(u32, u32) -> [u32; 3]) -> CapturedFrame {
    let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let bytes = places.map(|(x, y)| pixel(x, y)).flat_map(|[r, g, b]| (r << 20 | g << 10 | b).to_le_bytes());
    let plane = Plane { offset: 0, stride: size.width as usize * 4 };
    let mut frame = wrap(PixelFormat::Xrgb2101010, size, bytes.collect(), &[plane]);
    frame.color = color;
    frame
}

#[test]
fn every_kind_of_light_becomes_every_other() {
    let size = Size::new(70, 20);
    for (input, from) in [
        (PixelFormat::Xrgb2101010, PQ),
        (PixelFormat::Bgrx1010102, HLG),
        (PixelFormat::P010, PQ),
        (PixelFormat::I010, HLG),
        (PixelFormat::Rgba16f, SCRGB),
        (PixelFormat::Bgrx, BT709),
        (PixelFormat::Rgb24, BT2020),
        (PixelFormat::Nv12, BT709),
    ] {
        for (output, to) in [
            (PixelFormat::Nv12, BT709),
            (PixelFormat::Bgrx, BT709),
            (PixelFormat::P010, PQ),
            (PixelFormat::I444P16, HLG),
            (PixelFormat::I010, BT2020),
        ] {
            let mut frame = frame(input, size, 17);
            frame.color = from;
            frame.hdr = light(1500);
            let mut recipe = recipe(output, size);
            recipe.output.color = to;
            let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
            check(&frame, &recipe, &picture, 1.0, &format!("{input:?} {from:?} to {output:?} {to:?}"));
        }
    }
}

#[test]
fn tone_mapping_cannot_be_told_from_the_reference() {
    // Ramps of every hue, from black to 4000 cd/m², to ten bits of 4:4:4.
    let size = Size::new(192, 48);
    let frame = |curve: ToneCurve| {
        let mut frame = ten_bits(size, PQ, |x, y| {
            let part = |phase: u32| 1.0 - f64::from((y + phase) % 48) / 60.0;
            [0, 16, 32].map(|phase| {
                let brightest = pq::to_light(f64::from(x) / 191.0 * pq::to_code(4000.0));
                (pq::to_code(brightest * part(phase).powi(3)) * 1023.0).round() as u32
            })
        });
        frame.hdr = light(4000);
        (
            frame,
            Recipe {
                tone: ToneMapping { curve, ..ToneMapping::default() },
                ..recipe(PixelFormat::I444P16, size)
            },
        )
    };
    let itp = Itp::new(&Primaries::BT709);
    for curve in ToneCurve::ALL {
        let (frame, recipe) = frame(curve);
        let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
        let (got, wanted) = (read(&picture, recipe.output.format), made(&frame, &recipe));
        let light = |planes: &[Vec<Vec<f64>>; 3], x: usize, y: usize| {
            let [luma, cb, cr] = [0, 1, 2].map(|plane| planes[plane][y][x]);
            let matrix = ghoststream_picture::matrix::to_rgb(BT709, 10);
            let ycbcr = [luma - 64.0, cb - 512.0, cr - 512.0];
            ghoststream_picture::gamut::apply(&matrix, ycbcr).map(|it| sdr::to_light(it) * 203.0)
        };
        let places = (0..48).flat_map(|y| (0..192).map(move |x| (x, y)));
        let differences: Vec<f64> =
            places.map(|(x, y)| itp.difference(light(&got, x, y), light(&wanted, x, y))).collect();
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        let most = differences.iter().copied().fold(0.0, f64::max);
        println!("{curve:?}: ΔE ITP {mean:.3} on average, {most:.3} at most");
        assert!(mean < 1.0 && most < 3.0, "{curve:?}: ΔE ITP {mean} on average, {most} at most");
    }
}

#[test]
fn light_is_converted_before_it_is_scaled_and_before_the_pointer() {
    let size = Size::new(96, 64);
    let mut frame = frame(PixelFormat::Xrgb2101010, size, 5);
    frame.color = PQ;
    frame.hdr = light(1000);
    let bitmap = CursorBitmap { size: Size::new(9, 7), rgba: vec![200; 9 * 7 * 4] };
    frame.cursor = Some(Cursor { position: (30, 20), hotspot: (1, 1), bitmap: Arc::new(bitmap) });
    for (output, color) in [(PixelFormat::Nv12, BT709), (PixelFormat::P010, PQ)] {
        for to in [Size::new(96, 64), Size::new(48, 32), Size::new(144, 96)] {
            let mut recipe = recipe(output, to);
            recipe.output.color = color;
            let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
            let psnr = ghoststream_picture::reference::psnr(
                &read(&picture, output),
                &made(&frame, &recipe),
                f64::from((1u32 << output.depth()) - 1),
            );
            assert!(psnr > 50.0, "{output:?} at {to}: {psnr:.1} dB");
        }
    }
}

#[test]
fn the_peak_is_seen_where_nobody_says_it() {
    // Paper on a desktop, and nothing brighter: it is white.
    let size = Size::new(64, 64);
    let code = |light: f64| (pq::to_code(light) * 1023.0).round() as u32;
    let desktop = |brightest: f64, seconds: i64| {
        let mut frame = ten_bits(size, PQ, |x, _| [code(if x < 32 { 203.0 } else { brightest }); 3]);
        frame.pts = Timestamp::from_nanos(seconds * 1_000_000_000);
        frame.damage = Damage::Rects(vec![Rect::new(32, 0, 32, 64)]);
        frame
    };
    let mut processor = open(recipe(PixelFormat::Bgrx, size));
    let mut paper = |brightest, seconds| {
        let picture =
            processor.process(&desktop(brightest, seconds)).expect("converted").into_memory().expect("there");
        read(&picture, PixelFormat::Bgrx)[0][9][9]
    };
    let white = paper(203.0, 0);
    assert!(white >= 253.0, "{white}");
    // A lamp of 3000 cd/m² elsewhere makes the paper grey, though nothing there has changed.
    let grey = paper(3000.0, 1);
    assert!((130.0..230.0).contains(&grey), "{grey}");
    assert!(paper(203.0, 2) >= 253.0, "and it is white again");
}

#[test]
fn what_has_more_bits_is_dithered_and_what_has_not_is_not() {
    let size = Size::new(64, 64);
    // Between two code values of eight bits.
    let deep = ten_bits(size, BT709, |_, _| [513; 3]);
    let picture = open(recipe(PixelFormat::Bgrx, size))
        .process(&deep)
        .expect("converted")
        .into_memory()
        .expect("there");
    let [red, ..] = read(&picture, PixelFormat::Bgrx);
    let exact = 513.0 / 1023.0 * 255.0;
    let mean = red.iter().flatten().sum::<f64>() / 4096.0;
    assert!((mean - exact).abs() < 0.02, "{mean}, not {exact}");
    let step = |x: u32, y: u32| (exact as f32 + dither::threshold(x, y)).floor();
    assert!((0..64).all(|at| red[3][at as usize] == f64::from(step(at, 3))), "{:?}", red[3]);
    let mut shallow = frame(PixelFormat::Nv12, size, 3);
    shallow.color = Color::new(ColorSpace::Bt601, ColorRange::Full);
    let picture = open(recipe(PixelFormat::Nv12, size))
        .process(&shallow)
        .expect("converted")
        .into_memory()
        .expect("there");
    let got = read(&picture, PixelFormat::Nv12);
    let wanted = made(&shallow, &recipe(PixelFormat::Nv12, size));
    let samples = got.iter().flatten().flatten().zip(wanted.iter().flatten().flatten());
    let rounded = samples.filter(|(got, wanted)| (*got - *wanted).abs() > 0.51).count();
    assert_eq!(rounded, 0, "it is rounded");
}
