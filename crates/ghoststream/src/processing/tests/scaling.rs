//! Scaling, judged by direct sums in `f64`.

use proptest::prelude::*;

use super::reference::{planes, read, shown};
use super::*;
use crate::processing::open;

/// What a filter makes of a picture: for each result the sum over all source pixels.
fn scaled(picture: &[Vec<[f64; 3]>], size: Size, scaler: Scaler) -> Vec<Vec<[f64; 3]>> {
    let weigh = |from: usize, to: u32| -> Vec<Vec<f64>> {
        let ratio = from as f64 / f64::from(to);
        let stretch = ratio.max(1.0);
        let sinc = |x: f64| {
            if x.abs() < 1e-12 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) }
        };
        let row = |index: u32| {
            let centre = (f64::from(index) + 0.5) * ratio - 0.5;
            let weight = |pixel: usize| {
                let x = (pixel as f64 - centre) / stretch;
                match scaler {
                    Scaler::Bilinear => (1.0 - x.abs()).max(0.0),
                    Scaler::Lanczos => {
                        if x.abs() < 3.0 {
                            sinc(x) * sinc(x / 3.0)
                        } else {
                            0.0
                        }
                    }
                    Scaler::Nearest => f64::from(u8::from(pixel == (centre + 0.5).floor() as usize)),
                }
            };
            let all: Vec<f64> = (0..from).map(weight).collect();
            let sum: f64 = all.iter().sum();
            all.into_iter().map(|it| it / sum).collect()
        };
        (0..to).map(row).collect()
    };
    let (down, across) = (weigh(picture.len(), size.height), weigh(picture[0].len(), size.width));
    let halfway: Vec<Vec<[f64; 3]>> = down
        .iter()
        .map(|weights| {
            (0..picture[0].len())
                .map(|x| {
                    std::array::from_fn(|c| weights.iter().zip(picture).map(|(w, row)| w * row[x][c]).sum())
                })
                .collect()
        })
        .collect();
    halfway
        .iter()
        .map(|row| {
            across
                .iter()
                .map(|weights| {
                    std::array::from_fn(|c| {
                        weights.iter().zip(row).map(|(w, rgb)| w * rgb[c]).sum::<f64>().clamp(0.0, 1.0)
                    })
                })
                .collect()
        })
        .collect()
}

/// Peak signal-to-noise ratio in decibels, over all planes.
fn psnr(got: &[Vec<Vec<f64>>; 3], wanted: &[Vec<Vec<f64>>; 3], peak: f64) -> f64 {
    let errors = got.iter().flatten().flatten().zip(wanted.iter().flatten().flatten());
    let (count, sum) = errors.fold((0.0, 0.0), |(n, sum), (a, b)| (n + 1.0, sum + (a - b) * (a - b)));
    10.0 * (peak * peak * count / f64::max(sum, 1e-9)).log10()
}

#[test]
fn each_filter_is_what_it_is_called() {
    for scaler in Scaler::ALL {
        for (input, output) in [
            (PixelFormat::Bgrx, PixelFormat::Bgrx),
            (PixelFormat::Rgb24, PixelFormat::Nv12),
            (PixelFormat::Xbgr2101010, PixelFormat::P010),
            (PixelFormat::I420, PixelFormat::I420),
        ] {
            for (from, to) in [
                (Size::new(160, 90), Size::new(80, 46)),
                (Size::new(64, 48), Size::new(128, 96)),
                (Size::new(101, 57), Size::new(64, 36)),
                (Size::new(300, 300), Size::new(16, 16)),
                (Size::new(1, 1), Size::new(16, 16)),
                (Size::new(2, 1), Size::new(34, 18)),
            ] {
                let frame = frame(input, from, 21);
                let recipe = Recipe { scaler: *scaler, ..recipe(output, to) };
                let picture = open(recipe).process(&frame).expect("scaled");
                let got = read(&picture, output);
                let source = shown(&frame, None);
                // Bars, where there are any, are judged elsewhere.
                let content = ghoststream_picture::fit(from, to);
                let wanted = planes(recipe.output, &scaled(&source, content.size(), *scaler));
                let inner = cut(&got, content, output.is_yuv());
                let peak = f64::from((1u32 << output.depth()) - 1);
                let psnr = psnr(&inner, &wanted, peak);
                assert!(psnr > 50.0, "{scaler} {input:?} {from} to {output:?} {to}: {psnr:.1} dB");
            }
        }
    }
}

/// The planes of a part of a picture.
fn cut(planes: &[Vec<Vec<f64>>; 3], rect: Rect, halved: bool) -> [Vec<Vec<f64>>; 3] {
    std::array::from_fn(|index| {
        let by = if halved && index > 0 { 2 } else { 1 };
        let rows = planes[index].iter().skip((rect.y / by) as usize).take(rect.height.div_ceil(by) as usize);
        rows.map(|row| row[(rect.x / by) as usize..][..rect.width.div_ceil(by) as usize].to_vec()).collect()
    })
}

#[test]
fn flat_pictures_stay_flat() {
    for scaler in Scaler::ALL {
        for value in [0u8, 1, 77, 128, 254, 255] {
            let from = Size::new(119, 67);
            let bytes = vec![value; (from.area() * 4) as usize];
            let frame = wrap(PixelFormat::Bgrx, from, bytes, &[Plane { offset: 0, stride: 119 * 4 }]);
            for to in [Size::new(64, 36), Size::new(238, 134), Size::new(16, 10)] {
                let recipe = Recipe { scaler: *scaler, ..recipe(PixelFormat::Xrgb, to) };
                let picture = open(recipe).process(&frame).expect("scaled");
                let content = ghoststream_picture::fit(from, to);
                for plane in cut(&read(&picture, PixelFormat::Xrgb), content, false) {
                    assert!(
                        plane.iter().flatten().all(|it| *it == f64::from(value)),
                        "{scaler} {to} {value}"
                    );
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn vectors_scale_with_the_same_bits(seed in 0u64..1000, width in 1usize..70, taps in 1usize..17, results in 1u32..40) {
        use crate::processing::{avx2, filter::FixedAxis, resample::fixed};
        use ghoststream_picture::filter::Axis;
        let mut noise = Noise(seed + 1);
        let rows: Vec<Vec<[u8; 4]>> =
            (0..taps).map(|_| (0..width).map(|_| (noise.next() as u32).to_le_bytes()).collect()).collect();
        let rows: Vec<&[[u8; 4]]> = rows.iter().map(Vec::as_slice).collect();
        let weights: Vec<i16> = (0..taps).map(|_| (noise.below(9000) as i16) - 1500).collect();
        let mut fast = vec![[0i16; 4]; width];
        let mut slow = fast.clone();
        avx2::blend(&rows, &weights, &mut fast);
        fixed::blend(&rows, &weights, &mut slow, 0);
        prop_assert_eq!(&fast, &slow);
        for scaler in Scaler::ALL {
            let axis = Axis::new(width as u32, results, (*scaler).into());
            let Some(narrow) = FixedAxis::new(&axis) else { continue };
            let x = results / 3;
            let mut sums = fast[narrow.starts()[x as usize] as usize..].to_vec();
            sums.resize(sums.len() + narrow.padding(), [0; 4]);
            let mut out = vec![[0u8; 4]; (results - x) as usize];
            let mut plain = out.clone();
            avx2::columns(&narrow, x, &sums, &mut out);
            fixed::columns(&narrow, x as usize, &sums, &mut plain, 0);
            prop_assert_eq!(out, plain);
        }
    }
}
