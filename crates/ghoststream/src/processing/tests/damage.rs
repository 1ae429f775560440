//! What is repaired is as what is made anew.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::av::Picture;
use crate::capture::{Cursor, CursorBitmap};
use crate::processing::open;

/// One step of a desktop: rectangles that change, where the pointer is, and how many earlier
/// pictures are still held by others.
type Step = (Vec<(u32, u32, u32, u32)>, Option<(i32, i32)>, usize);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rect = (0u32..200, 0u32..80, 1u32..60, 1u32..30);
    let pointer = proptest::option::of((-10i32..210, -10i32..90));
    proptest::collection::vec((proptest::collection::vec(rect, 0..4), pointer, 0usize..12), 1..14)
}

/// The bytes of a picture that mean something.
fn bytes(picture: &Picture, format: PixelFormat) -> Vec<u8> {
    let mut all = vec![];
    for plane in 0..format.planes() {
        let (row_bytes, rows) = format.plane_layout(plane, picture.size());
        let (bytes, stride) = picture.plane(plane);
        (0..rows).for_each(|row| all.extend_from_slice(&bytes[row * stride..][..row_bytes]));
    }
    all
}

/// The buffer of a source as it changes.
struct Desktop {
    format: PixelFormat,
    size: Size,
    stride: usize,
    bytes: Vec<u8>,
    noise: Noise,
}

impl Desktop {
    fn new(format: PixelFormat, size: Size) -> Self {
        let stride = size.width as usize * 4;
        let planes: usize = (0..format.planes()).map(|it| stride * format.plane_layout(it, size).1).sum();
        Self { format, size, stride, bytes: vec![90; planes], noise: Noise(4711) }
    }

    /// Changes bytes within a rectangle, and nowhere else.
    fn change(&mut self, rect: Rect) {
        let mut first = 0;
        for plane in 0..self.format.planes() {
            let (row_bytes, rows) = self.format.plane_layout(plane, self.size);
            let halved = u32::from(plane > 0);
            // Bytes of a row for each pixel of luma, in quarters of a byte.
            let quarters = (row_bytes * 4 / self.size.width as usize).max(1);
            for y in (rect.y >> halved) as usize..((rect.bottom() >> halved) as usize).min(rows) {
                let from = (rect.x as usize).next_multiple_of(2) * quarters / 4;
                let to = ((rect.right() as usize & !1) * quarters / 4).min(row_bytes);
                for byte in self.bytes[first + y * self.stride..].iter_mut().take(to).skip(from) {
                    *byte = self.noise.next() as u8;
                }
            }
            first += self.stride * rows;
        }
    }

    fn frame(&self) -> CapturedFrame {
        let mut planes = vec![];
        let mut offset = 0;
        for plane in 0..self.format.planes() {
            planes.push(Plane { offset, stride: self.stride });
            offset += self.stride * self.format.plane_layout(plane, self.size).1;
        }
        wrap(self.format, self.size, self.bytes.clone(), &planes)
    }
}

fn repaired_is_as_new(recipe: Recipe, input: PixelFormat, transform: Transform, steps: &[Step]) {
    let bitmap = Arc::new(CursorBitmap { size: Size::new(9, 13), rgba: vec![120; 9 * 13 * 4] });
    let mut desktop = Desktop::new(input, Size::new(200, 80));
    let mut processor = open(recipe);
    let mut held = VecDeque::new();
    for (index, (rects, pointer, hold)) in steps.iter().enumerate() {
        let rects: Vec<Rect> = rects
            .iter()
            .map(|&(x, y, w, h)| Rect::new(x, y, w, h).intersection(Rect::new(0, 0, 200, 80)))
            .collect();
        rects.iter().for_each(|rect| desktop.change(*rect));
        let mut frame = desktop.frame();
        frame.transform = transform;
        frame.cursor =
            pointer.map(|position| Cursor { position, hotspot: (2, 1), bitmap: Arc::clone(&bitmap) });
        frame.damage = if index == 0 { Damage::Full } else { Damage::Rects(rects) };
        let picture = processor.process(&frame).expect("converted").into_memory().expect("there");
        frame.damage = Damage::Full;
        let anew = open(recipe).process(&frame).expect("converted").into_memory().expect("there");
        let format = recipe.output.format;
        let got = bytes(&picture, format);
        assert!(got == bytes(&anew, format), "step {index} differs");
        // Pictures that others hold must stay as they were.
        held.push_back((picture, got));
        held.iter().for_each(|(picture, was): &(Picture, Vec<u8>)| {
            assert!(bytes(picture, format) == *was, "a picture changed while it was held");
        });
        while held.len() > *hold {
            held.pop_front();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn repairing_gives_the_same_bits(
        steps in steps(),
        input in prop_oneof![
            3 => Just(PixelFormat::Bgrx), 1 => Just(PixelFormat::Xbgr2101010), 1 => Just(PixelFormat::Nv12),
            1 => Just(PixelFormat::Yuy2), 1 => Just(PixelFormat::I420),
        ],
        output in prop_oneof![Just(PixelFormat::Nv12), Just(PixelFormat::I420), Just(PixelFormat::P010), Just(PixelFormat::Bgrx)],
        transform in (0usize..8).prop_map(|index| Transform::ALL[index]),
        region in proptest::option::of((0u32..60, 0u32..60, 20u32..150, 20u32..90)),
    ) {
        let whole = transform.apply(Size::new(200, 80));
        let region = region.map(|(x, y, w, h)| Rect::new(x, y, w, h));
        let size = region.map_or(whole, |it| it.intersection(Rect::of(whole)).size());
        repaired_is_as_new(Recipe { region, ..recipe(output, size) }, input, transform, &steps);
    }

    #[test]
    fn repairing_what_is_scaled_gives_the_same_bits(
        steps in steps(),
        input in prop_oneof![Just(PixelFormat::Bgrx), Just(PixelFormat::Xbgr2101010), Just(PixelFormat::Nv12)],
        output in prop_oneof![Just(PixelFormat::Nv12), Just(PixelFormat::Bgrx)],
        transform in (0usize..8).prop_map(|index| Transform::ALL[index]),
        scaler in (0usize..3).prop_map(|index| Scaler::ALL[index]),
        size in (1u32..200, 1u32..100),
    ) {
        let recipe = recipe(output, Size::new(size.0 * 2, size.1 * 2));
        repaired_is_as_new(Recipe { scaler, ..recipe }, input, transform, &steps);
    }
}

#[test]
fn nothing_changed_is_the_same_picture() {
    let mut frame = frame(PixelFormat::Bgrx, Size::new(64, 64), 1);
    let mut processor = open(recipe(PixelFormat::Nv12, Size::new(64, 64)));
    let first = processor.process(&frame).expect("converted").into_memory().expect("there");
    frame.damage = Damage::Rects(vec![]);
    let second = processor.process(&frame).expect("converted").into_memory().expect("there");
    assert_eq!(first.plane(0).0.as_ptr(), second.plane(0).0.as_ptr());
    frame.damage = Damage::Rects(vec![Rect::new(5, 5, 1, 1)]);
    let third = processor.process(&frame).expect("converted").into_memory().expect("there");
    assert_ne!(first.plane(0).0.as_ptr(), third.plane(0).0.as_ptr(), "a held picture is not written to");
}

#[test]
fn memory_is_used_again() {
    let frame = frame(PixelFormat::Bgrx, Size::new(64, 64), 1);
    let mut processor = open(recipe(PixelFormat::Nv12, Size::new(64, 64)));
    let mut seen = std::collections::BTreeSet::new();
    let mut held = VecDeque::new();
    for _ in 0..50 {
        let picture = processor.process(&frame).expect("converted").into_memory().expect("there");
        seen.insert(picture.plane(0).0.as_ptr() as usize);
        held.push_back(picture);
        if held.len() > 3 {
            held.pop_front();
        }
    }
    assert!(seen.len() <= 5, "{} pictures for an encoder that holds 3", seen.len());
}

#[test]
fn another_size_or_format_makes_all_anew() {
    let mut processor = open(recipe(PixelFormat::Nv12, Size::new(64, 64)));
    for (input, size) in [
        (PixelFormat::Bgrx, Size::new(64, 64)),
        (PixelFormat::Nv12, Size::new(64, 64)),
        (PixelFormat::Bgrx, Size::new(64, 40)),
        (PixelFormat::Rgb24, Size::new(40, 64)),
    ] {
        let mut frame = frame(input, size, 1);
        frame.damage = Damage::Rects(vec![]);
        let picture = processor.process(&frame).expect("converted").into_memory().expect("there");
        let anew = open(recipe(PixelFormat::Nv12, Size::new(64, 64)))
            .process(&frame)
            .expect("converted")
            .into_memory()
            .expect("there");
        assert!(bytes(&picture, PixelFormat::Nv12) == bytes(&anew, PixelFormat::Nv12), "{input:?} {size}");
    }
}
