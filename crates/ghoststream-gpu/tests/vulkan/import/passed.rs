//! The pass over imported pictures.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, GiveBack, Output, Pass, PassError, Pixels, Target};
use ghoststream_gpu::sync::fence;
use ghoststream_gpu::vulkan::{Device, ImportError, imports};
use ghoststream_gpu::{Acquire, DmaBuf};
use ghoststream_picture::filter::Filter;
use ghoststream_picture::{
    Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Transform, View, reference,
};
use testkit_dmabuf::Source;

use super::painted::{Painted, Planes};
use super::{descriptors, watched};

const LIMITED: Color = Color::new(ColorSpace::Bt709, ColorRange::Limited);

fn color(format: PixelFormat) -> Color {
    if format.is_yuv() { LIMITED } else { Color::new(ColorSpace::Bt709, ColorRange::Full) }
}

fn pass(device: &Device, size: Size) -> Pass {
    let target = Target { format: PixelFormat::Nv12, size, color: LIMITED };
    Pass::new(device, target, Filter::Lanczos, Delivery::Readback, 4).expect("a pass")
}

fn run(pass: &mut Pass, buffer: &Arc<DmaBuf>) -> Result<Output, PassError> {
    run_after(pass, buffer, Acquire::Now)
}

fn run_after(pass: &mut Pass, buffer: &Arc<DmaBuf>, acquire: Acquire) -> Result<Output, PassError> {
    pass.run(&Frame {
        size: buffer.size,
        format: buffer.format,
        color: color(buffer.format),
        hdr: None,
        view: View::new(Rect::of(buffer.size), Transform::Normal, None).expect("all of it"),
        pointer: None,
        pixels: Pixels::DmaBuf { buffer, acquire },
    })
}

/// The output is what the reference makes of the painted picture.
fn assert_made(output: &Output, painted: &Painted, what: &str) {
    assert!(output.wait(Duration::from_secs(60)).expect("no loss"), "{what}: it is done");
    let plane = |index| {
        let (bytes, stride) = output.plane(index).expect("it was copied back");
        reference::Plane { bytes, stride }
    };
    let format = PixelFormat::Nv12;
    let wanted = reference::Output { format, size: painted.size, color: LIMITED };
    let got = reference::read(format, painted.size, &[plane(0), plane(1)]);
    let plane = |index: usize| {
        let (stride, _) = painted.format.plane_layout(index, painted.size);
        reference::Plane { bytes: &painted.planes[index].3, stride }
    };
    let planes: Vec<_> = (0..painted.format.planes()).map(plane).collect();
    let source = reference::Source::new(painted.format, painted.size, color(painted.format), &planes);
    let recipe = reference::Recipe::new(wanted, Filter::Lanczos);
    // What is in the output's colour already stays what it is, colours that no RGB has included.
    let carried = reference::carried_over(&source, &recipe);
    let wanted = carried.unwrap_or_else(|| reference::made(&source, &recipe));
    let off = reference::worst(&got, &wanted);
    assert!(off <= 1.0, "{what}: off by {off}");
}

#[test]
#[ignore = "needs /dev/udmabuf and /dev/dma_heap: make test-vm"]
fn imported_pictures_become_what_the_reference_makes_of_them() {
    let rig = watched();
    let size = Size::new(70, 38);
    let mut pass = pass(&rig.device, size);
    for (format, _) in imports(rig.device.physical()).formats {
        for (source, lie) in Source::ALL.into_iter().zip([Planes::Together, Planes::Apart]) {
            let painted = Painted::new(source, format, size, lie);
            let output = run(&mut pass, &painted.described()).expect("it runs");
            assert_made(&output, &painted, &format!("{format:?} of {source:?}, {lie:?}"));
        }
    }
    assert_eq!(pass.copied_up(), 0, "bytes through memory of the CPU");
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn once_every_buffer_has_come_nothing_is_made_any_more() {
    let rig = watched();
    let size = Size::new(64, 32);
    let mut pass = pass(&rig.device, size);
    let paint = |_| Painted::new(Source::Udmabuf, PixelFormat::Bgrx, size, Planes::Together);
    let painted: Vec<_> = (0..4).map(paint).collect();
    let buffers: Vec<_> = painted.iter().map(Painted::described).collect();
    let mut show = |buffer| {
        let output = run(&mut pass, buffer).expect("it runs");
        assert!(output.wait(Duration::from_secs(60)).expect("no loss"), "it is done");
    };
    buffers.iter().cycle().take(12).for_each(&mut show);
    let (made, open) = (rig.device.created(), descriptors());
    buffers.iter().cycle().take(1000).for_each(&mut show);
    assert_eq!((rig.device.created(), descriptors()), (made, open));
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn buffers_may_be_taken_away_while_they_are_read() {
    let rig = watched();
    let mut last = None;
    let unscaled = Size::new(64, 32);
    let mut pass = pass(&rig.device, unscaled);
    let mut open = 0;
    for round in 0..30 {
        // Another size each time: its producer has renegotiated, and has closed what it had before.
        let size = Size::new(64 + round % 3 * 16, 32 + round % 3 * 8);
        let painted = Painted::new(Source::Udmabuf, PixelFormat::Bgrx, size, Planes::Together);
        // Dropped here: nobody but the GPU has the buffer any more.
        let output = run(&mut pass, &painted.described()).expect("it runs");
        if size == unscaled {
            last = Some((output, painted));
        }
        if round == 10 {
            open = descriptors();
        }
    }
    let (output, painted) = last.expect("a picture");
    assert_made(&output, &painted, "the last");
    assert!(descriptors() <= open + 2, "{} descriptors, {open} after ten rounds", descriptors());
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn a_buffer_that_cannot_be_imported_harms_no_other() {
    let rig = watched();
    let size = Size::new(64, 32);
    let mut pass = pass(&rig.device, size);
    let painted = Painted::new(Source::Udmabuf, PixelFormat::Bgrx, size, Planes::Together);
    let mut short = painted.described();
    Arc::get_mut(&mut short).expect("nobody else has it").planes[0].stride = 100;
    for _ in 0..10 {
        let error = run(&mut pass, &short).expect_err("rows overlap");
        assert!(matches!(error, PassError::Import(ImportError::Description(_))), "{error:?}");
        let output = run(&mut pass, &painted.described()).expect("it runs");
        assert_made(&output, &painted, "after a refusal");
    }
}

#[test]
#[ignore = "needs vgem: make test-vm"]
fn a_picture_is_read_once_it_is_drawn() {
    let rig = watched();
    let size = Size::new(64, 32);
    let mut pass = pass(&rig.device, size);
    let mut painted = Painted::on_canvas(PixelFormat::Bgrx, size);
    let buffer = painted.described();
    // Compiles the shaders: what comes after takes less than the ten seconds that the kernel lets us draw.
    assert_made(&run(&mut pass, &buffer).expect("it runs"), &painted, "what was drawn first");
    let drawing = painted.draw();
    let drawn = fence::of_writers(buffer.planes[0].fd.as_fd()).expect("vgem puts its fences into DMA-BUFs");
    assert!(!fence::is_signalled(&drawn), "it is being drawn");
    if !rig.device.physical().abilities.sync_file {
        let error =
            run_after(&mut pass, &buffer, Acquire::Fence(drawn)).expect_err("it is not drawn in time");
        assert!(matches!(error, PassError::NotDrawn(_)), "{error:?}");
        return;
    }
    let output = run_after(&mut pass, &buffer, Acquire::Fence(drawn)).expect("it is submitted");
    let give_back = pass.give_back();
    // Only the processor cannot tell its producer.
    assert!(matches!(give_back, GiveBack::WithOutput), "{give_back:?}");
    assert!(!output.wait(Duration::from_millis(200)).expect("no loss"), "it is not drawn yet");
    painted.repaint();
    drawing.finish().expect("the kernel has not given up");
    assert_made(&output, &painted, "what was drawn last");
}
