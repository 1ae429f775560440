//! Light, converted by the pass: against the reference.

use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Pass, Target};
use ghoststream_picture::ToneMapping;
use ghoststream_picture::filter::Filter;
use ghoststream_picture::hdr::ContentLight;
use ghoststream_picture::transfer::pq;
use ghoststream_picture::{
    Color, ColorRange, ColorSpace, HdrMetadata, PixelFormat, Rect, Size, Tone, Transfer, Transform,
};

use crate::pictures::{BT709, Bitmap, Picture, RGB, distance_in_light, read};
use crate::rig::Rig;

const WIDE: Color = Color::new(ColorSpace::Bt2020, ColorRange::Full);
const PQ: Color = WIDE.with_transfer(Transfer::Pq);
const HLG: Color = WIDE.with_transfer(Transfer::Hlg);
const SCRGB: Color = RGB.with_transfer(Transfer::Linear);
const PQ_OUT: Color = Color::new(ColorSpace::Bt2020, ColorRange::Limited).with_transfer(Transfer::Pq);
const SIZE: Size = Size::new(38, 22);

fn pass(rig: &Rig, target: Target) -> Pass {
    Pass::new(&rig.device, target, Filter::Lanczos, Delivery::Readback, 4).expect("a pass")
}

#[test]
fn every_light_becomes_the_outputs() {
    let rig = Rig::new();
    for (source, from, format, color) in [
        (PixelFormat::Xbgr2101010, PQ, PixelFormat::Nv12, BT709),
        (PixelFormat::Xrgb2101010, HLG, PixelFormat::Nv12, BT709),
        (PixelFormat::Rgba16f, SCRGB, PixelFormat::I420, BT709),
        (PixelFormat::P010, PQ_OUT, PixelFormat::Nv12, BT709),
        (PixelFormat::P010, PQ_OUT, PixelFormat::Bgrx, RGB),
        (PixelFormat::Bgrx, WIDE, PixelFormat::Nv12, BT709),
        (PixelFormat::Bgrx, RGB, PixelFormat::P010, PQ_OUT),
        (PixelFormat::Rgba16f, SCRGB, PixelFormat::P010, PQ_OUT),
    ] {
        let target = Target { format, size: SIZE, color };
        let mut pass = pass(&rig, target);
        pass.set_tone(Some(ToneMapping { peak: Some(1000.0), ..ToneMapping::default() }));
        let mut picture = Picture::noise(source, SIZE, 23);
        picture.color = from;
        let got = read(&pass.run(&picture.in_memory(None)).expect("it runs"), target);
        let off = distance_in_light(&picture, target, &got, Some(Tone::default()));
        println!("{source:?} {from:?} to {format:?} {color:?}: off by {off}");
        assert!(off <= 1.0, "{source:?} {from:?} to {format:?} {color:?}: off by {off}");
    }
}

#[test]
fn every_part_of_a_picture_is_converted_whichever_way_it_lies() {
    let rig = Rig::new();
    // More than a workgroup makes, on any GPU; the picture begins within a block where there are bars.
    let (buffer, crop) = (Size::new(311, 157), Rect::new(5, 3, 301, 149));
    for transform in [Transform::Normal, Transform::Rotated90, Transform::Flipped] {
        let shown = transform.apply(crop.size());
        for (across, down) in [(0, 0), (20, 0), (0, 12)] {
            // As below: a pointer of 8 bits.
            for (format, source, most) in [
                (PixelFormat::Nv12, PixelFormat::Xbgr2101010, 1.0),
                (PixelFormat::P010, PixelFormat::Bgrx, 3.0),
            ] {
                let size = Size::new(shown.width + across, shown.height + down);
                let target = Target { format, size, color: BT709 };
                let mut pass = pass(&rig, target);
                pass.set_tone(Some(ToneMapping { peak: Some(1000.0), ..ToneMapping::default() }));
                let mut picture = Picture::noise(source, buffer, 7);
                (picture.color, picture.crop, picture.transform) = (PQ, crop, transform);
                picture.pointer = Some(Bitmap::noise((150, 60), Size::new(40, 30), 1));
                let got = read(&pass.run(&picture.in_memory(None)).expect("it runs"), target);
                let off = distance_in_light(&picture, target, &got, Some(Tone::default()));
                assert!(off <= most, "{source:?} to {target:?}, {transform:?}: off by {off}");
            }
        }
    }
}

#[test]
fn a_picture_that_fills_the_output_is_converted_by_the_shorter_way() {
    let rig = Rig::new();
    // Each is a whole number of blocks. Only what begins at the buffer's left edge can take that way: of others
    // the pixels beside the crop would be seen in the chroma at its edge.
    let (buffer, size) = (Size::new(320, 150), Size::new(304, 140));
    for format in [PixelFormat::Xbgr2101010, PixelFormat::Bgrx] {
        let target = Target { format: PixelFormat::Nv12, size, color: BT709 };
        let mut pass = pass(&rig, target);
        pass.set_tone(Some(ToneMapping { peak: Some(1000.0), ..ToneMapping::default() }));
        let mut created = None;
        for (left, pointer) in [(0, None), (0, Some((70, 40))), (0, Some((-40, 20))), (6, None), (0, None)] {
            let mut picture = Picture::noise(format, buffer, 7);
            (picture.color, picture.crop) = (PQ, Rect::new(left, 4, size.width, size.height));
            picture.pointer = pointer.map(|place| Bitmap::noise(place, Size::new(40, 30), 1));
            let got = read(&pass.run(&picture.in_memory(None)).expect("it runs"), target);
            let off = distance_in_light(&picture, target, &got, Some(Tone::default()));
            assert!(off <= 1.0, "{format:?} from {left} on, the pointer at {pointer:?}: off by {off}");
            let made = rig.device.created();
            assert_eq!(*created.get_or_insert(made), made, "a pointer or another crop needs nothing new");
        }
    }
}

#[test]
fn a_pointer_over_hdr_is_as_white_as_the_desktop() {
    let rig = Rig::new();
    let target = Target { format: PixelFormat::P010, size: SIZE, color: PQ_OUT };
    let mut picture = Picture::noise(PixelFormat::Xbgr2101010, SIZE, 3);
    picture.color = PQ;
    picture.pointer = Some(Bitmap::noise((5, 7), Size::new(11, 9), 1));
    let got = read(&pass(&rig, target).run(&picture.in_memory(None)).expect("it runs"), target);
    // The pointer is kept in 8 bits: half a step of these is two of ten.
    let off = distance_in_light(&picture, target, &got, Some(Tone::default()));
    assert!(off <= 3.0, "off by {off}");
}

/// A PQ picture of one grey but for a lamp.
fn lamp(candela: f64) -> Picture {
    let word = |light: f64| (pq::to_code(light) * 1023.0).round() as u32 * (1 << 20 | 1 << 10 | 1);
    let mut picture = Picture::noise(PixelFormat::Xrgb2101010, SIZE, 1);
    picture.color = PQ;
    picture.paint(Rect::of(SIZE), &word(50.0).to_le_bytes());
    picture.paint(Rect::new(8, 8, 6, 6), &word(candela).to_le_bytes());
    picture
}

#[test]
fn the_peak_is_what_is_said_and_else_what_is_seen() {
    let rig = Rig::new();
    let target = Target { format: PixelFormat::Nv12, size: SIZE, color: BT709 };
    let picture = lamp(1000.0);
    let off = |pass: &mut Pass, hdr, peak| {
        let frame = ghoststream_gpu::pass::Frame { hdr, ..picture.in_memory(None) };
        let output = pass.run(&frame).expect("it runs");
        assert!(output.wait(Duration::from_secs(60)).expect("no loss"));
        distance_in_light(&picture, target, &read(&output, target), Some(Tone { peak, ..Tone::default() }))
    };
    let light = ContentLight { most: 4000, most_average: 0 };
    let said = Some(HdrMetadata { light: Some(light), mastering: None });
    assert!(off(&mut pass(&rig, target), said, 4000.0) <= 1.0);
    assert!(off(&mut pass(&rig, target), said, 1000.0) > 1.0, "the peak makes a difference");
    // The first frame is made before anything was seen of it.
    let mut pass = pass(&rig, target);
    off(&mut pass, None, 1000.0);
    let second = off(&mut pass, None, 1000.0);
    assert!(second <= 1.0, "off by {second}");
    let waits = rig.device.waits();
    let created = rig.device.created();
    drop(pass.run(&picture.in_memory(None)).expect("it runs"));
    assert_eq!((rig.device.waits(), rig.device.created()), (waits, created));
}
