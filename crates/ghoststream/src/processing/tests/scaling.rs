//! Scaling, judged by direct sums in `f64`.

use ghoststream_picture::reference::psnr;
use proptest::prelude::*;

use super::reference::{made, read};
use super::*;
use crate::processing::open;

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
                let picture = open(recipe).process(&frame).expect("scaled").into_memory().expect("there");
                let got = read(&picture, output);
                let wanted = made(&frame, &recipe);
                let peak = f64::from((1u32 << output.depth()) - 1);
                let psnr = psnr(&got, &wanted, peak);
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
                let picture = open(recipe).process(&frame).expect("scaled").into_memory().expect("there");
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
