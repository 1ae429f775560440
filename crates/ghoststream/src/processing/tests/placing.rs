//! Crop, transform, region, bars and the pointer.

use ghoststream_picture::reference::worst;
use proptest::prelude::*;

use super::reference::{check, made, read};
use super::*;
use crate::capture::{Cursor, CursorBitmap};
use crate::processing::{ProcessError, open};

/// A pointer with soft edges.
fn cursor(position: (i32, i32), hotspot: (i32, i32), size: Size) -> Cursor {
    let pixel = |index: u32| {
        let alpha = (index * 37 % 256) as u8;
        let part = |of: u32| (u32::from(alpha) * of / 4) as u8;
        [part(index % 5), part(2), part((index + 2) % 5), alpha]
    };
    let rgba = (0..size.width * size.height).flat_map(pixel).collect();
    Cursor { position, hotspot, bitmap: Arc::new(CursorBitmap { size, rgba }) }
}

#[test]
fn the_eight_transforms_are_those_of_the_definition() {
    // What a producer puts into its buffer for the upright picture 1 2 3 / 4 5 6, by the words of
    // wl_output.transform: flip left to right, then turn counter-clockwise.
    let buffers: [(Transform, &[&[u8]]); 8] = [
        (Transform::Normal, &[&[1, 2, 3], &[4, 5, 6]]),
        (Transform::Rotated90, &[&[3, 6], &[2, 5], &[1, 4]]),
        (Transform::Rotated180, &[&[6, 5, 4], &[3, 2, 1]]),
        (Transform::Rotated270, &[&[4, 1], &[5, 2], &[6, 3]]),
        (Transform::Flipped, &[&[3, 2, 1], &[6, 5, 4]]),
        (Transform::Flipped90, &[&[1, 4], &[2, 5], &[3, 6]]),
        (Transform::Flipped180, &[&[4, 5, 6], &[1, 2, 3]]),
        (Transform::Flipped270, &[&[6, 3], &[5, 2], &[4, 1]]),
    ];
    for (transform, rows) in buffers {
        let size = Size::new(rows[0].len() as u32, rows.len() as u32);
        let bytes = rows.iter().flat_map(|row| row.iter().flat_map(|grey| [grey * 40; 4])).collect();
        let plane = Plane { offset: 0, stride: size.width as usize * 4 };
        let mut frame = wrap(PixelFormat::Bgrx, size, bytes, &[plane]);
        frame.transform = transform;
        let picture = open(recipe(PixelFormat::Bgrx, Size::new(3, 2)))
            .process(&frame)
            .expect("turned")
            .into_memory()
            .expect("there");
        let [reds, ..] = read(&picture, PixelFormat::Bgrx);
        assert_eq!(reds, [[40.0, 80.0, 120.0], [160.0, 200.0, 240.0]], "{transform:?}");
    }
}

fn any_transform() -> impl Strategy<Value = Transform> {
    (0usize..8).prop_map(|index| Transform::ALL[index])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn crop_transform_region_and_pointer(
        input in (0usize..INPUTS.len()).prop_map(|index| INPUTS[index]),
        output in (0usize..OUTPUTS.len()).prop_map(|index| OUTPUTS[index]),
        size in (1u32..130, 1u32..50),
        cuts in (0.0f64..0.6, 0.0f64..0.6, 0.3f64..1.0, 0.3f64..1.0),
        transform in any_transform(),
        region in proptest::option::of((0.0f64..0.9, 0.0f64..0.9, 1u32..140, 1u32..140)),
        pointer in proptest::option::of((-20i32..140, -20i32..70, -3i32..12, -3i32..12, 1u32..24, 1u32..24)),
        seed in 0u64..1000,
    ) {
        let mut frame = frame(input, Size::new(size.0, size.1), seed);
        let part = |length: u32, from: f64, share: f64| {
            let start = (f64::from(length) * from) as u32;
            (start, ((f64::from(length - start) * share) as u32).max(1))
        };
        let ((x, width), (y, height)) = (part(size.0, cuts.0, cuts.2), part(size.1, cuts.1, cuts.3));
        frame.crop = Rect::new(x, y, width, height);
        frame.transform = transform;
        frame.cursor = pointer.map(|(x, y, hx, hy, w, h)| cursor((x, y), (hx, hy), Size::new(w, h)));
        let whole = frame.shown_size();
        let region = region.map(|(x, y, w, h)| {
            Rect::new((f64::from(whole.width) * x) as u32, (f64::from(whole.height) * y) as u32, w, h)
        });
        let taken = region.map_or(whole, |it| it.intersection(Rect::of(whole)).size());
        let recipe = Recipe { region, ..recipe(output, taken) };
        let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
        // The pointer is blended in 8 bits where the source has 8: half a step of those is two of ten.
        let coarse = frame.cursor.is_some() && input.depth() == 8 && !input.is_yuv();
        let bound = if coarse && output.depth() == 10 { 3.0 } else { 1.0 };
        check(&frame, &recipe, &picture, bound, "placed");
    }
}

#[test]
fn a_region_outside_is_an_error() {
    let frame = frame(PixelFormat::Bgrx, Size::new(64, 48), 1);
    let outside = Rect::new(64, 0, 10, 10);
    let mut processor =
        open(Recipe { region: Some(outside), ..recipe(PixelFormat::Nv12, Size::new(10, 10)) });
    assert!(
        matches!(processor.process(&frame), Err(ProcessError::Region(size)) if size == Size::new(64, 48))
    );
    let empty = Rect::new(3, 3, 0, 10);
    let mut processor = open(Recipe { region: Some(empty), ..recipe(PixelFormat::Nv12, Size::new(10, 10)) });
    assert!(matches!(processor.process(&frame), Err(ProcessError::Region(_))));
}

#[test]
fn another_aspect_gets_black_bars() {
    for (format, color) in [
        (PixelFormat::Nv12, BT709),
        (PixelFormat::P010, BT709),
        (PixelFormat::I420, Color::new(ColorSpace::Bt601, ColorRange::Full)),
        (PixelFormat::Bgrx, BT709),
    ] {
        let frame = frame(PixelFormat::Rgbx, Size::new(64, 40), 3);
        let mut recipe = recipe(format, Size::new(100, 40));
        recipe.output.color = color;
        let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
        let (got, wanted) = (read(&picture, format), made(&frame, &recipe));
        let worst = worst(&got, &wanted);
        assert!(worst <= 1.0, "{format:?}: off by {worst}");
    }
}

#[test]
fn an_odd_source_loses_its_last_column_and_row() {
    let frame = frame(PixelFormat::Bgrx, Size::new(67, 35), 5);
    let recipe = recipe(PixelFormat::Nv12, Size::new(66, 34));
    let picture = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
    assert!(worst(&read(&picture, PixelFormat::Nv12), &made(&frame, &recipe)) <= 1.0);
}
