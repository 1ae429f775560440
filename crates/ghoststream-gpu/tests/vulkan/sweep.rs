//! Everything that a picture may be, against the reference.

use ghoststream_gpu::pass::Target;
use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Transform};

use crate::pictures::{BT709, Bitmap, Picture, SOURCES, TARGETS, check, pass};
use crate::rig::Rig;

/// Every source to one target. Sizes take turns: to build a pipeline takes longer than to run it.
fn every_source_becomes(format: PixelFormat) {
    let rig = Rig::new();
    let sizes = [Size::new(70, 22), Size::new(33, 7), Size::new(1, 1), Size::new(2, 3)];
    let sources = |nth: usize| SOURCES.into_iter().skip(nth).step_by(sizes.len());
    for turn in 0..2 {
        for (nth, size) in sizes.into_iter().enumerate() {
            let target = Target { format, size, color: BT709 };
            let mut pass = pass(&rig.device, target);
            for source in sources((nth + turn) % sizes.len()) {
                let picture = Picture::noise(source, size, 7);
                check(&mut pass, &picture, target, &format!("{source:?} to {format:?} at {size}"));
            }
        }
    }
}

#[test]
fn every_source_becomes_pairs_of_8_bits() {
    every_source_becomes(PixelFormat::Nv12);
}

#[test]
fn every_source_becomes_planes_of_8_bits() {
    every_source_becomes(PixelFormat::I420);
}

#[test]
fn every_source_becomes_pairs_of_10_bits() {
    every_source_becomes(PixelFormat::P010);
}

#[test]
fn every_source_becomes_planes_of_10_bits() {
    every_source_becomes(PixelFormat::I010);
}

#[test]
fn every_source_becomes_full_chroma() {
    every_source_becomes(PixelFormat::I444);
}

#[test]
fn every_source_becomes_full_chroma_of_10_bits() {
    every_source_becomes(PixelFormat::I444P10);
}

/// Where the rest of what a target may be differs from what was seen above.
#[test]
fn some_sources_become_each_of_the_other_targets() {
    let rig = Rig::new();
    for format in TARGETS {
        let size = Size::new(21, 9);
        let target = Target { format, size, color: BT709 };
        let mut pass = pass(&rig.device, target);
        for source in [PixelFormat::Bgrx, PixelFormat::P010, PixelFormat::Rgba16f] {
            let picture = Picture::noise(source, size, 9);
            check(&mut pass, &picture, target, &format!("{source:?} to {format:?}"));
        }
    }
}

/// Whole blocks and no pointer: the shorter pipelines, which the sizes above never take.
#[test]
fn pictures_that_fill_the_output_become_every_layout() {
    let rig = Rig::new();
    let size = Size::new(40, 18);
    for format in
        [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::I010, PixelFormat::I444, PixelFormat::Xrgb]
    {
        let target = Target { format, size, color: BT709 };
        let mut pass = pass(&rig.device, target);
        for source in [PixelFormat::Bgrx, PixelFormat::Rgba16f] {
            for crop in [Rect::of(size), Rect::new(0, 5, 40, 18)] {
                let mut picture = Picture::noise(source, Size::new(crop.right() + 7, crop.bottom()), 9);
                picture.crop = crop;
                check(&mut pass, &picture, target, &format!("{source:?} to {format:?}, {crop:?}"));
            }
        }
    }
}

#[test]
fn every_matrix_and_range_on_both_sides() {
    let rig = Rig::new();
    let ranges = [ColorRange::Limited, ColorRange::Full];
    let spaces = [ColorSpace::Bt601, ColorSpace::Bt709, ColorSpace::Bt2020];
    let colors = || spaces.iter().flat_map(|space| ranges.map(|range| Color::new(*space, range)));
    let size = Size::new(38, 10);
    for (format, sources) in [
        (PixelFormat::Nv12, [PixelFormat::Bgrx, PixelFormat::P010]),
        (PixelFormat::P010, [PixelFormat::Nv12, PixelFormat::P010]),
        (PixelFormat::I444P10, [PixelFormat::Xrgb2101010, PixelFormat::Yuy2]),
        (PixelFormat::Bgrx, [PixelFormat::Nv12, PixelFormat::P010]),
    ] {
        for color in colors() {
            let target = Target { format, size, color };
            let mut pass = pass(&rig.device, target);
            for source in sources {
                for from in colors() {
                    let mut picture = Picture::noise(source, size, 11);
                    picture.color = from;
                    let what = format!("{source:?} {from:?} to {format:?} {color:?}");
                    check(&mut pass, &picture, target, &what);
                }
            }
        }
    }
}

#[test]
fn every_turn_of_every_part_with_bars_and_a_pointer() {
    let rig = Rig::new();
    let buffer = Size::new(53, 39);
    let crop = Rect::new(5, 3, 45, 33);
    for transform in Transform::ALL {
        let upright = transform.apply(crop.size());
        for (region, bars) in [
            (None, false),
            (None, true),
            (Some(Rect::new(4, 6, 20, 18)), false),
            (Some(Rect::new(3, 5, 21, 17)), true),
        ] {
            let shown = region.map_or(upright, Rect::size);
            let size = if bars { Size::new(shown.width + 24, shown.height) } else { shown };
            for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::I444, PixelFormat::Xrgb] {
                let target = Target { format, size, color: BT709 };
                let mut pass = pass(&rig.device, target);
                for source in [PixelFormat::Bgrx, PixelFormat::Rgb24, PixelFormat::Nv12, PixelFormat::Yuy2] {
                    let mut picture = Picture::noise(source, buffer, 3);
                    (picture.crop, picture.transform, picture.region) = (crop, transform, region);
                    picture.pointer = Some(Bitmap::noise((20, 10), Size::new(12, 9), 1));
                    let what = format!("{source:?} to {format:?}, {transform:?}, {region:?}, bars: {bars}");
                    check(&mut pass, &picture, target, &what);
                }
            }
        }
    }
}

#[test]
fn a_pointer_may_lie_anywhere() {
    let rig = Rig::new();
    let size = Size::new(64, 32);
    for format in [PixelFormat::Nv12, PixelFormat::I444] {
        let target = Target { format, size, color: BT709 };
        let mut pass = pass(&rig.device, target);
        for source in [PixelFormat::Bgrx, PixelFormat::Nv12, PixelFormat::P010] {
            for (id, place) in
                [(-6, -4), (60, 28), (15, 7), (16, 8), (-40, 2), (64, 0), (9, 31), (i32::MIN, i32::MAX)]
                    .into_iter()
                    .enumerate()
            {
                let mut picture = Picture::noise(source, size, 5);
                picture.pointer = Some(Bitmap::noise(place, Size::new(13, 11), id as u64));
                check(&mut pass, &picture, target, &format!("{source:?} to {format:?}, at {place:?}"));
            }
        }
    }
}
