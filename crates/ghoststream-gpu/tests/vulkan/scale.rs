//! Where sizes differ, judged by direct sums in `f64`.

use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, Output, Pass, Pixels, Pointer, Target};
use ghoststream_picture::filter::Filter;
use ghoststream_picture::reference::{self, Planes, Recipe, Source};
use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Transform, View};

use crate::rig::Rig;

const BT709: Color = Color::new(ColorSpace::Bt709, ColorRange::Limited);

/// A picture in memory, of waves and edges and a little noise: what scaling is about.
pub struct Picture {
    pub size: Size,
    format: PixelFormat,
    pub bytes: Vec<u8>,
}

impl Picture {
    pub fn bgrx(size: Size) -> Self {
        let mut state = 0x2545_F491u32;
        let mut bytes = Vec::with_capacity(size.area() as usize * 4);
        for y in 0..size.height {
            for x in 0..size.width {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let wave = |by: f64| (f64::from(x) / by).sin() * (f64::from(y) / (by * 0.7)).cos();
                let edge = if (x / 9 + y / 7) % 3 == 0 { 60.0 } else { -20.0 };
                let noise = f64::from(state % 16);
                for by in [3.1, 11.0, 47.0] {
                    bytes.push((120.0 + 70.0 * wave(by) + edge + noise).clamp(0.0, 255.0) as u8);
                }
                bytes.push(0);
            }
        }
        Self { size, format: PixelFormat::Bgrx, bytes }
    }

    fn planes(&self) -> Vec<(&[u8], usize)> {
        let mut rest = self.bytes.as_slice();
        (0..self.format.planes())
            .map(|plane| {
                let (row, rows) = self.format.plane_layout(plane, self.size);
                let (bytes, after) = rest.split_at(row * rows);
                rest = after;
                (bytes, row)
            })
            .collect()
    }

    pub fn source(&self) -> Source<'_> {
        let planes: Vec<_> =
            self.planes().iter().map(|(bytes, stride)| reference::Plane { bytes, stride: *stride }).collect();
        Source::new(self.format, self.size, BT709, &planes)
    }

    pub fn frame<'a>(&'a self, source: &Source<'_>, pointer: Option<Pointer<'a>>) -> Frame<'a> {
        let mut planes: [(&[u8], usize); 3] = [(&[], 0); 3];
        planes.iter_mut().zip(self.planes()).for_each(|(slot, plane)| *slot = plane);
        Frame {
            size: self.size,
            format: self.format,
            color: BT709,
            hdr: None,
            view: View::new(source.crop, source.transform, None).expect("all of it"),
            pointer,
            pixels: Pixels::Memory { planes, changed: None },
        }
    }
}

pub fn output(format: PixelFormat, size: Size) -> reference::Output {
    reference::Output { format, size, color: BT709 }
}

/// What the GPU makes of a frame.
pub fn scaled(rig: &Rig, frame: &Frame<'_>, recipe: &Recipe) -> Planes {
    let reference::Output { format, size, color } = recipe.output;
    let target = Target { format, size, color };
    let mut pass = Pass::new(&rig.device, target, recipe.filter, Delivery::Readback, 2).expect("a pass");
    planes(&pass.run(frame).expect("it runs"), recipe)
}

/// The planes of an output, once it is there.
fn planes(output: &Output, recipe: &Recipe) -> Planes {
    assert!(output.wait(Duration::from_secs(300)).expect("no loss"), "it is done");
    let reference::Output { format, size, .. } = recipe.output;
    let planes: Vec<_> = (0..format.planes())
        .map(|plane| {
            let (bytes, stride) = output.plane(plane).expect("read back");
            reference::Plane { bytes, stride }
        })
        .collect();
    reference::read(format, size, &planes)
}

/// Decibels against the reference's code values, rounded as an output's have to be.
pub fn decibels(got: &Planes, wanted: &Planes, format: PixelFormat) -> f64 {
    let rounded = [0, 1, 2]
        .map(|plane| wanted[plane].iter().map(|row| row.iter().map(|it| it.round()).collect()).collect());
    reference::psnr(got, &rounded, f64::from((1u32 << format.depth()) - 1))
}

/// At least 60 dB, and no sample off by more than one code value.
fn judge(rig: &Rig, picture: &Picture, recipe: &Recipe, what: &str) {
    let source = picture.source();
    let got = scaled(rig, &picture.frame(&source, None), recipe);
    compare(&got, &source, recipe, what);
}

fn compare(got: &Planes, source: &Source<'_>, recipe: &Recipe, what: &str) {
    let wanted = reference::made(source, recipe);
    let (decibels, worst) = (decibels(got, &wanted, recipe.output.format), reference::worst(got, &wanted));
    println!("{what}: {decibels:.1} dB, worst {worst}");
    assert!(decibels >= 60.0, "{what}: {decibels:.1} dB");
    assert!(worst <= 1.0, "{what}: off by {worst}");
}

#[test]
fn every_filter_scales_by_whole_and_by_any_ratios() {
    let rig = Rig::new();
    for filter in Filter::ALL {
        for (from, to) in [
            (Size::new(320, 180), Size::new(160, 90)),
            (Size::new(480, 270), Size::new(160, 90)),
            (Size::new(512, 96), Size::new(256, 48)),
            (Size::new(320, 180), Size::new(106, 60)),
            (Size::new(240, 135), Size::new(160, 90)),
            (Size::new(101, 57), Size::new(64, 36)),
            (Size::new(64, 48), Size::new(128, 96)),
            (Size::new(65, 49), Size::new(222, 167)),
            (Size::new(300, 300), Size::new(16, 16)),
        ] {
            let recipe = Recipe::new(output(PixelFormat::Nv12, to), filter);
            judge(&rig, &Picture::bgrx(from), &recipe, &format!("{filter:?} {from} to {to}"));
        }
    }
}

#[test]
fn ratios_beyond_a_workgroups_room_take_two_dispatches() {
    let rig = Rig::new();
    for filter in Filter::ALL {
        for (from, to) in [
            (Size::new(16384, 40), Size::new(16, 16)),
            (Size::new(40, 16384), Size::new(16, 16)),
            (Size::new(1, 1), Size::new(16, 16)),
            (Size::new(2, 1), Size::new(34, 18)),
            (Size::new(1, 300), Size::new(64, 64)),
        ] {
            let recipe = Recipe::new(output(PixelFormat::Nv12, to), filter);
            judge(&rig, &Picture::bgrx(from), &recipe, &format!("{filter:?} {from} to {to}"));
        }
    }
}

/// A pointer of half and wholly transparent stripes.
fn pointer(size: Size) -> Vec<u8> {
    (0..size.area()).flat_map(|it| if it % 3 == 0 { [90, 20, 70, 128] } else { [0; 4] }).collect()
}

#[test]
fn what_is_turned_cut_boxed_and_pointed_at_is_scaled_so() {
    let rig = Rig::new();
    let picture = Picture::bgrx(Size::new(400, 250));
    let (size, crop) = (Size::new(21, 30), Rect::new(14, 9, 352, 208));
    let rgba = pointer(size);
    for transform in Transform::ALL {
        let upright = transform.apply(crop.size());
        // Half the size, with bars on two sides; larger; narrower, so that two dispatches make it.
        for to in [
            Size::new(upright.width / 2 + 44, upright.height / 2),
            Size::new(upright.width / 2, upright.height / 2 + 20),
            Size::new(upright.width + 31, upright.height + 17),
            Size::new(10, 40),
        ] {
            for place in [(30, 20), (10, -5), (355, 205)] {
                let mut source = picture.source();
                (source.crop, source.transform) = (crop, transform);
                source.cursor =
                    Some(reference::Cursor { position: place, hotspot: (0, 0), size, rgba: &rgba });
                let drawn = Pointer { place, size, rgba: &rgba, id: 1 };
                let recipe = Recipe::new(output(PixelFormat::Nv12, to), Filter::Bilinear);
                let got = scaled(&rig, &picture.frame(&source, Some(drawn)), &recipe);
                compare(&got, &source, &recipe, &format!("{transform:?} to {to}, pointer at {place:?}"));
            }
        }
    }
}

#[test]
fn a_geometry_that_stays_makes_nothing_and_one_that_changes_is_right_at_once() {
    let rig = Rig::new();
    let to = Size::new(160, 90);
    let target = Target { format: PixelFormat::Nv12, size: to, color: BT709 };
    let recipe = Recipe::new(output(PixelFormat::Nv12, to), Filter::Lanczos);
    let mut pass = Pass::new(&rig.device, target, recipe.filter, Delivery::Readback, 3).expect("a pass");
    let picture = Picture::bgrx(Size::new(320, 180));
    let whole = picture.source();
    let mut part = picture.source();
    part.crop = Rect::new(3, 5, 200, 120);
    let mut run = |source: &Source<'_>| pass.run(&picture.frame(source, None)).expect("it runs");
    // Two are held, so that all three places in memory are made.
    let wait = |it: &Output| assert!(it.wait(Duration::from_secs(300)).expect("no loss"), "it is done");
    let held = [run(&whole), run(&whole)];
    wait(&run(&whole));
    let created = rig.device.created();
    (0..30).for_each(|_| wait(&run(&whole)));
    assert_eq!(rig.device.created(), created, "something is made for each frame");
    drop(held);
    // Without a wait between them: the filters before are still in use.
    let outputs = [(&part, run(&part)), (&whole, run(&whole)), (&part, run(&part))];
    for (source, output) in outputs {
        compare(&planes(&output, &recipe), source, &recipe, "after a change");
    }
}

#[test]
fn every_kind_of_source_and_target_scales() {
    use PixelFormat::{Bgrx, I010, I420, I444, Nv12, P010, Rgb24, Rgba16f, Xbgr2101010, Yuy2};
    let rig = Rig::new();
    for (format, made) in [
        (Nv12, Nv12),
        (P010, P010),
        (I420, I420),
        (Yuy2, I444),
        (Rgb24, Bgrx),
        (Rgba16f, I010),
        (Xbgr2101010, P010),
        (Xbgr2101010, Nv12),
    ] {
        for (from, to) in [(Size::new(96, 64), Size::new(48, 32)), (Size::new(62, 42), Size::new(90, 70))] {
            let picture = crate::pictures::Picture::noise(format, from, 7);
            let recipe = Recipe::new(output(made, to), Filter::Lanczos);
            let got = scaled(&rig, &picture.in_memory(None), &recipe);
            let wanted = reference::made(&picture.source(), &recipe);
            let worst = reference::worst(&got, &wanted);
            assert!(worst <= 1.0, "{format:?} {from} to {made:?} {to}: off by {worst}");
            // What has fewer bits is dithered: one code value is as near as it comes.
            let decibels = decibels(&got, &wanted, made);
            assert!(
                decibels >= 60.0 || format.depth() > made.depth(),
                "{format:?} {from} to {made:?} {to}: {decibels:.1} dB"
            );
        }
    }
}

#[test]
fn chroma_of_a_part_is_read_where_it_lies() {
    let rig = Rig::new();
    let to = Size::new(48, 32);
    for (left, top) in [(0, 0), (2, 4), (3, 4), (2, 5), (12, 12)] {
        let mut picture = crate::pictures::Picture::noise(PixelFormat::Nv12, Size::new(108, 76), 3);
        picture.crop = Rect::new(left, top, 96, 64);
        let recipe = Recipe::new(output(PixelFormat::Nv12, to), Filter::Bilinear);
        let got = scaled(&rig, &picture.in_memory(None), &recipe);
        compare(&got, &picture.source(), &recipe, &format!("from {left}, {top} on"));
    }
}
