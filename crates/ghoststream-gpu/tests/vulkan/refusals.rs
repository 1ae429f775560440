//! What cannot be made is said, and what comes after it is right.

use std::collections::VecDeque;
use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, Pass, PassError, Pixels, Pointer, Target};
use ghoststream_gpu::vulkan::{Device, Timeline, vk};
use ghoststream_picture::filter::Filter;
use ghoststream_picture::{PixelFormat, Rect, Size, Transform, View};

use crate::pictures::{BT709, Picture, check, distance, pass, read};
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

#[test]
fn formats_and_sizes_that_change_under_way() {
    let rig = Rig::new();
    let mut pass = pass(&rig.device, TARGET);
    let larger = Size::new(SIZE.width + 16, SIZE.height + 8);
    let kinds = [
        (PixelFormat::Bgrx, SIZE),
        (PixelFormat::Nv12, SIZE),
        (PixelFormat::Bgrx, larger),
        (PixelFormat::P010, SIZE),
    ];
    let mut before = VecDeque::new();
    for (seed, (format, size)) in (1..=12).zip(kinds.into_iter().cycle()) {
        let picture = Picture::noise(format, size, seed);
        // What is said to have changed is nothing: of a new source everything has.
        let output = pass.run(&picture.in_memory(Some(&[]))).expect("it runs");
        before.push_back((picture, output));
        // The sources before have gone while they were read.
        if before.len() == 3
            && let Some((picture, output)) = before.pop_front()
        {
            let off = distance(&picture, TARGET, &read(&output, TARGET));
            assert!(off <= 1.0, "{format:?} {size}: off by {off}");
        }
    }
}

#[test]
fn a_gpu_that_stands_still_is_told_from_pictures_that_are_held() {
    let rig = Rig::new();
    let mut pass = pass(&rig.device, TARGET);
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    let run = |pass: &mut Pass| pass.run(&picture.in_memory(None));
    // So that what stands still is the GPU, and nothing that is done once.
    check(&mut pass, &picture, TARGET, "before it");
    pass.set_patience(Duration::ZERO);
    let held: Vec<_> = (0..4).map(|_| run(&mut pass).expect("one of four")).collect();
    assert!(held[3].wait(Duration::from_secs(60)).expect("no loss"));
    assert!(matches!(run(&mut pass), Err(PassError::Full(4))), "all is done, and held");
    drop(held);
    let hang = Hang::begin(&rig.device);
    let asked: Vec<_> = (0..4).map(|_| run(&mut pass).expect("one of four")).collect();
    assert!(matches!(run(&mut pass), Err(PassError::Late(_))), "nothing is done");
    hang.end();
    drop(asked);
    check(&mut pass, &picture, TARGET, "after it");
}

/// A GPU that does not come back keeps what it was given, of every kind: the validation layer tells of what goes
/// before its time.
#[test]
fn a_pass_that_goes_while_the_gpu_hangs_leaves_it_what_it_uses() {
    let rig = Rig::new();
    let mut passes = [(); 2].map(|()| pass(&rig.device, TARGET));
    let hang = Hang::begin(&rig.device);
    // One that is converted, and one that is scaled.
    let pictures = [SIZE, Size::new(96, 64)].map(|size| Picture::noise(PixelFormat::Bgrx, size, 1));
    let outputs = pictures.each_ref().map(|picture| {
        passes.each_mut().map(|pass| pass.run(&picture.in_memory(None)).expect("it is submitted"))
    });
    let waited = rig.device.waits();
    drop(passes);
    assert!(rig.device.is_abandoned());
    assert_eq!(rig.device.waits() - waited, 1, "the second does not wait once more");
    // It comes back after all, and finds everything where it was.
    hang.end();
    drop(outputs);
}

/// Work that never ends, and all that was submitted after it waits.
struct Hang<'a> {
    device: &'a Device,
    end: Timeline,
}

#[allow(unsafe_code)]
impl<'a> Hang<'a> {
    fn begin(device: &'a Device) -> Self {
        let end = Timeline::new(device).expect("a timeline");
        let wait = [vk::SemaphoreSubmitInfo::default()
            .semaphore(end.raw())
            .value(1)
            .stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)];
        let submit = vk::SubmitInfo2::default().wait_semaphore_infos(&wait);
        // SAFETY: the queue is the device's, and no other thread submits.
        unsafe {
            let queue = device.raw().get_device_queue(device.family(), 0);
            device.raw().queue_submit2(queue, &[submit], vk::Fence::null()).expect("it is submitted");
        }
        Self { device, end }
    }

    fn end(self) {
        let signal = vk::SemaphoreSignalInfo::default().semaphore(self.end.raw()).value(1);
        // SAFETY: the timeline is of this device, and nothing else signals it.
        unsafe { self.device.raw().signal_semaphore(&signal) }.expect("it goes on");
        self.device.wait_idle().expect("no loss");
    }
}
