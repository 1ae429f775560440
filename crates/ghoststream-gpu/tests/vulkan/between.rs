//! Pictures between two of a pass's own, in its ring.

use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, Output, Pass, PassError, Pixels, Target};
use ghoststream_picture::filter::Filter;
use ghoststream_picture::{PixelFormat, Rect, Size, Transform, View};

use crate::interpolate::{Picture, on_the_cpu};
use crate::pictures::BT709;
use crate::rig::Rig;

const SIZE: Size = Size::new(96, 64);
const RING: usize = 8;

fn pass(rig: &Rig, format: PixelFormat, delivery: Delivery) -> Pass {
    let target = Target { format, size: SIZE, color: BT709 };
    Pass::new(&rig.device, target, Filter::Nearest, delivery, RING).expect("made")
}

fn drawn(format: PixelFormat, time: i32) -> Picture {
    Picture::drawn(format, SIZE, time, 7)
}

/// The picture as it is, in the pass's ring.
fn taken(pass: &mut Pass, picture: &Picture) -> Output {
    let frame = Frame {
        size: picture.size,
        format: picture.format,
        color: BT709,
        hdr: None,
        view: View::new(Rect::of(picture.size), Transform::Normal, None).expect("all of it"),
        pointer: None,
        pixels: Pixels::Memory { planes: picture.planes(), changed: None },
    };
    pass.run(&frame).expect("it runs")
}

/// That a picture is this one, to the bit.
fn assert_same(output: &Output, wanted: &Picture) {
    let host = output.clone().into_host(Duration::from_secs(60)).expect("it is made");
    for plane in 0..wanted.format.planes() {
        let (bytes, stride) = host.plane(plane).expect("there");
        let (row, rows) = wanted.format.plane_layout(plane, wanted.size);
        let (ours, pitch) = wanted.planes()[plane];
        for y in 0..rows {
            assert!(bytes[y * stride..][..row] == ours[y * pitch..][..row], "plane {plane}, row {y}");
        }
    }
}

#[test]
fn what_a_pass_makes_between_its_pictures_is_what_the_cpu_makes() {
    let rig = Rig::new();
    for (format, delivery) in
        [(PixelFormat::Nv12, Delivery::Exported), (PixelFormat::P010, Delivery::Readback)]
    {
        let mut pass = pass(&rig, format, delivery);
        let sources = [0, 1].map(|time| drawn(format, time));
        let [before, after] = sources.each_ref().map(|it| taken(&mut pass, it));
        let times = [51, 128, 205];
        let made = pass.between([&before, &after], &times).expect("made");
        assert_eq!(made.len(), times.len());
        for (output, time) in made.iter().zip(times) {
            assert_eq!(output.is_read_back(), delivery == Delivery::Readback);
            assert_same(output, &on_the_cpu(&sources[0], &sources[1], time));
        }
        // What they were made of is as it was.
        assert_same(&before, &sources[0]);
        assert_same(&after, &sources[1]);
    }
}

#[test]
fn pictures_in_a_row_are_right_and_need_nothing_new() {
    let rig = Rig::new();
    let mut pass = pass(&rig, PixelFormat::Nv12, Delivery::Readback);
    let sources: Vec<_> = (0..4).map(|time| drawn(PixelFormat::Nv12, time)).collect();
    let wanted: Vec<_> = sources.windows(2).map(|it| on_the_cpu(&it[0], &it[1], 128)).collect();
    let mut before = taken(&mut pass, &sources[0]);
    let mut made_first = 0;
    for round in 0..30 {
        // There and back, without a wait: what is dropped while the GPU reads it must not be written.
        let at = round % 3;
        let after = taken(&mut pass, &sources[at + 1]);
        let between = pass.between([&before, &after], &[128]).expect("made").remove(0);
        before = if at == 2 { taken(&mut pass, &sources[0]) } else { after };
        assert_same(&between, &wanted[at]);
        if round == 14 {
            made_first = rig.device.created();
        }
    }
    assert_eq!(rig.device.created(), made_first, "objects that were made on the way");
}

#[test]
fn what_cannot_be_between_is_refused_and_harms_nothing() {
    let rig = Rig::new();
    let mut one = pass(&rig, PixelFormat::Nv12, Delivery::Readback);
    let mut other = pass(&rig, PixelFormat::Nv12, Delivery::Readback);
    let sources = [0, 1].map(|time| drawn(PixelFormat::Nv12, time));
    let [before, after] = sources.each_ref().map(|it| taken(&mut one, it));
    let foreign = taken(&mut other, &sources[1]);
    assert!(matches!(one.between([&before, &foreign], &[128]), Err(PassError::Foreign)));
    // With two of the ring held, one must be left for the source.
    let many = [128; RING - 2];
    assert!(matches!(one.between([&before, &after], &many), Err(PassError::Full(RING))));
    assert_eq!(one.between([&before, &after], &many[1..]).expect("made").len(), RING - 3);
    let packed = Target { format: PixelFormat::Bgrx, size: SIZE, color: crate::pictures::RGB };
    let mut packed = Pass::new(&rig.device, packed, Filter::Nearest, Delivery::Readback, 4).expect("made");
    let rgb = taken(&mut packed, &sources[0]);
    assert!(matches!(packed.between([&rgb, &rgb], &[128]), Err(PassError::Interpolate(_))));
    assert_same(
        &one.between([&before, &after], &[128]).expect("made")[0],
        &on_the_cpu(&sources[0], &sources[1], 128),
    );
}

/// By how much two pictures' luma differs, a sample on average.
fn difference(output: &Output, wanted: &Picture) -> f64 {
    let host = output.clone().into_host(Duration::from_secs(60)).expect("it is made");
    let ((bytes, stride), (ours, pitch)) = (host.plane(0).expect("there"), wanted.planes()[0]);
    let (row, rows) = wanted.format.plane_layout(0, wanted.size);
    let pairs = (0..rows).flat_map(|y| bytes[y * stride..][..row].iter().zip(&ours[y * pitch..][..row]));
    pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / (row * rows) as f64
}

#[test]
#[ignore = "needs VK_NV_optical_flow"]
fn optical_flow_in_a_pass_is_turned_on_and_off_between_pictures() {
    let rig = Rig::new();
    let mut pass = pass(&rig, PixelFormat::Nv12, Delivery::Readback);
    let sources = [0, 1].map(|time| drawn(PixelFormat::Nv12, time));
    let wanted = on_the_cpu(&sources[0], &sources[1], 128);
    let [before, after] = sources.each_ref().map(|it| taken(&mut pass, it));
    let repeated = difference(&before, &wanted);
    for round in 0..4 {
        pass.use_optical_flow().expect("an engine");
        let created = rig.device.created();
        for _ in 0..5 {
            let made = pass.between([&before, &after], &[128]).expect("made").remove(0);
            let flow = difference(&made, &wanted);
            assert!(flow > 0.0, "the engine's vectors are not the search's to the bit");
            assert!(flow < repeated / 2.0, "{flow:.2} from the truth, and repeated {repeated:.2}");
        }
        // No wait before: what still uses the engine must not lose it.
        let last = pass.between([&before, &after], &[128]).expect("made").remove(0);
        pass.use_block_search().expect("no loss");
        assert!(difference(&last, &wanted) < repeated / 2.0);
        let made = pass.between([&before, &after], &[128]).expect("made").remove(0);
        assert_same(&made, &wanted);
        if round > 0 {
            assert_eq!(rig.device.created(), created, "objects that were made on the way");
        }
    }
}

#[test]
fn a_pass_that_is_refused_optical_flow_searches_by_blocks() {
    let rig = Rig::new();
    // Of half of it the engine would see 20 pixels down, where there is one.
    let low = Size::new(96, 40);
    let target = Target { format: PixelFormat::Nv12, size: low, color: BT709 };
    let mut pass = Pass::new(&rig.device, target, Filter::Nearest, Delivery::Readback, RING).expect("made");
    pass.use_block_search().expect("it does so already");
    let refused = pass.use_optical_flow().expect_err("too low, or no engine");
    assert!(refused.is_of_the_engine(), "{refused}");
    pass.use_block_search().expect("it still does");
    let sources = [0, 1].map(|time| Picture::drawn(PixelFormat::Nv12, low, time, 7));
    let [before, after] = sources.each_ref().map(|it| taken(&mut pass, it));
    let made = pass.between([&before, &after], &[128]).expect("made");
    assert_same(&made[0], &on_the_cpu(&sources[0], &sources[1], 128));
}
