//! What cannot be made is said, and what comes after it is right.

use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, Pass, PassError, Pixels, Pointer, Target};
use ghoststream_picture::filter::Filter;
use ghoststream_picture::{PixelFormat, Rect, Size, Transform, View};

use crate::pictures::{BT709, Picture, check, pass};
use crate::rig::Rig;

const SIZE: Size = Size::new(32, 16);
const TARGET: Target = Target { format: PixelFormat::Nv12, size: SIZE, color: BT709 };

#[test]
fn formats_that_no_shader_knows() {
    let rig = Rig::new();
    let target = Target { format: PixelFormat::Yuy2, ..TARGET };
    let made = Pass::new(&rig.device, target, Filter::Lanczos, Delivery::Readback, 4);
    assert!(matches!(made, Err(PassError::Format(PixelFormat::Yuy2))), "{made:?}");
    let mut pass = pass(&rig.device, TARGET);
    let picture = Picture::noise(PixelFormat::I444, SIZE, 1);
    let made = pass.run(&picture.in_memory(None));
    assert!(matches!(made, Err(PassError::Format(PixelFormat::I444))), "{made:?}");
    check(&mut pass, &Picture::noise(PixelFormat::Bgrx, SIZE, 1), TARGET, "after it");
}

#[test]
fn planes_and_pointers_that_are_too_short() {
    let rig = Rig::new();
    let mut pass = pass(&rig.device, TARGET);
    let picture = Picture::noise(PixelFormat::Nv12, SIZE, 1);
    let [luma, chroma, none] = picture.planes();
    for planes in [
        [(&luma.0[..luma.0.len() - 40], luma.1), chroma, none],
        [luma, (&[][..], 32), none],
        [luma, (chroma.0, 31), none],
        [luma, (chroma.0, usize::MAX), none],
    ] {
        let made = pass.run(&picture.frame(Pixels::Memory { planes, changed: None }));
        assert!(matches!(made, Err(PassError::Short { .. })), "{made:?}");
    }
    let mut frame = picture.in_memory(None);
    frame.pointer = Some(Pointer { place: (0, 0), size: Size::new(4, 4), rgba: &[0; 63], id: 1 });
    let made = pass.run(&frame);
    assert!(matches!(made, Err(PassError::ShortPointer(_, 63))), "{made:?}");
    check(&mut pass, &picture, TARGET, "after it");
}

#[test]
fn parts_of_a_buffer_that_are_not_there() {
    let rig = Rig::new();
    let mut pass = pass(&rig.device, TARGET);
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    for transform in Transform::ALL {
        let crop = Rect::new(8, 4, 32, 16);
        let view = View::new(crop, transform, None).expect("a part");
        let frame = Frame { view, ..picture.in_memory(None) };
        let made = pass.run(&frame);
        assert!(matches!(made, Err(PassError::Outside(SIZE))), "{transform:?}: {made:?}");
    }
    check(&mut pass, &picture, TARGET, "after it");
}

#[test]
fn pictures_that_are_larger_than_the_device_makes() {
    let rig = Rig::new();
    let size = Size::new(200_000, 200_000);
    let made = Pass::new(&rig.device, Target { size, ..TARGET }, Filter::Lanczos, Delivery::Readback, 4);
    assert!(matches!(made, Err(PassError::Large { .. })), "{made:?}");
    let mut pass = pass(&rig.device, TARGET);
    let long = Picture::noise(PixelFormat::Nv12, Size::new(100_000, 2), 1);
    let made = pass.run(&long.in_memory(None));
    assert!(matches!(made, Err(PassError::Unreadable(PixelFormat::Nv12, _))), "{made:?}");
}

#[test]
fn pictures_that_nobody_gives_back() {
    let rig = Rig::new();
    let mut pass = pass(&rig.device, TARGET);
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    let mut held: Vec<_> = (0..4).map(|_| pass.run(&picture.in_memory(None)).expect("one of four")).collect();
    assert!(matches!(pass.run(&picture.in_memory(None)), Err(PassError::Full(4))));
    let given = held.pop().expect("four");
    assert!(given.wait(Duration::from_secs(60)).expect("no loss"));
    drop(given);
    check(&mut pass, &picture, TARGET, "after it");
}
