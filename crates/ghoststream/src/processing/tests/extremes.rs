//! The smallest and the largest.

use super::reference::read;
use super::*;
use crate::processing::{ProcessError, open};

/// A black picture; memory that is only read as zeros is never really taken.
fn black(size: Size) -> CapturedFrame {
    let stride = size.width as usize * 4;
    wrap(PixelFormat::Bgrx, size, vec![0; stride * size.height as usize], &[Plane { offset: 0, stride }])
}

#[test]
fn enormous_sources_shrink() {
    for (from, to, scaler) in [
        (Size::new(16384, 16384), Size::new(64, 64), Scaler::Nearest),
        (Size::new(16384, 64), Size::new(16, 16), Scaler::Lanczos),
        (Size::new(64, 16384), Size::new(16, 16), Scaler::Bilinear),
        (Size::new(16384, 1), Size::new(1920, 1080), Scaler::Bilinear),
    ] {
        for transform in [Transform::Normal, Transform::Flipped270] {
            let mut frame = black(from);
            frame.transform = transform;
            let recipe = Recipe { scaler, ..recipe(PixelFormat::Nv12, to) };
            let picture = open(recipe).process(&frame).expect("scaled").into_memory().expect("there");
            let [luma, cb, cr] = read(&picture, PixelFormat::Nv12);
            assert!(luma.iter().flatten().all(|it| *it == 16.0), "{from} to {to}");
            assert!(cb.iter().chain(&cr).flatten().all(|it| *it == 128.0), "{from} to {to}");
        }
    }
}

#[test]
fn a_picture_too_large_is_an_error() {
    let mut processor = open(recipe(PixelFormat::Nv12, Size::new(16384, 16384)));
    let result = processor.process(&black(Size::new(64, 64)));
    assert!(matches!(result, Err(ProcessError::Memory { .. })), "{result:?}");
}

#[test]
fn every_tiny_source_fills_a_small_picture() {
    for input in INPUTS {
        for size in [Size::new(1, 1), Size::new(1, 2), Size::new(2, 1), Size::new(3, 3), Size::new(1, 17)] {
            for scaler in Scaler::ALL {
                let recipe = Recipe { scaler: *scaler, ..recipe(PixelFormat::Nv12, Size::new(16, 16)) };
                let frame = frame(input, size, 1);
                open(recipe).process(&frame).expect("scaled");
            }
        }
    }
}

#[test]
fn what_cannot_be_made_is_an_error() {
    for output in [PixelFormat::Yuy2, PixelFormat::Rgb24, PixelFormat::Xrgb2101010] {
        let size = Size::new(16, 16);
        let result = open(recipe(output, size)).process(&black(size));
        assert!(matches!(result, Err(ProcessError::Formats { .. })), "{output:?}");
    }
}

#[test]
fn damage_and_pointer_far_outside_do_no_harm() {
    use crate::capture::{Cursor, CursorBitmap};
    let mut frame = frame(PixelFormat::Bgrx, Size::new(64, 64), 1);
    let bitmap = Arc::new(CursorBitmap { size: Size::new(8, 8), rgba: vec![255; 3] });
    let mut processor = open(recipe(PixelFormat::Nv12, Size::new(64, 64)));
    for position in [(i32::MIN, i32::MAX), (i32::MAX, i32::MIN), (0, 0), (63, 63)] {
        for hotspot in [(i32::MIN, i32::MIN), (i32::MAX, i32::MAX), (4, 4)] {
            frame.cursor = Some(Cursor { position, hotspot, bitmap: Arc::clone(&bitmap) });
            let far = Rect::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX);
            frame.damage = Damage::Rects(vec![far, Rect::new(60, 60, u32::MAX, u32::MAX), Rect::default()]);
            processor.process(&frame).expect("converted");
        }
    }
}
