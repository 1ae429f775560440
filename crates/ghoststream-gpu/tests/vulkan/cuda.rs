//! A picture on its way to CUDA: made by Vulkan, read at an address of CUDA's, nothing copied. Over the
//! emulated driver, which maps what lavapipe exports; on a machine with an NVIDIA GPU over its own.
#![allow(unsafe_code)]

#[path = "../common/cuda.rs"]
mod common;

use std::time::Duration;

use ghoststream_gpu::cuda::{self, Context, ExternalMemory, ExternalTimeline, Stream};
use ghoststream_gpu::pass::{Delivery, Frame, Output, Pass, Pixels, Target};
use ghoststream_gpu::vulkan::{Buffer, Kind, Timeline, Use, vk};
use ghoststream_picture::filter::Filter;
use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Transform, View};

use self::common::download;
use crate::rig::Rig;

const SIZE: Size = Size::new(96, 40);

/// What is said of an export that was not prepared for.
const UNPREPARED: vk::Result = vk::Result::ERROR_FEATURE_NOT_PRESENT;

/// CUDA's device that is the rig's.
fn context(rig: &Rig) -> Context {
    let physical = rig.device.physical();
    if physical.kind == Kind::Cpu {
        let emulated = nvenc_emulator::Installed::new("rtx-3060", 570).expect("installed");
        emulated.with_uuid(physical.uuid).load().expect("loaded");
    }
    let library = cuda::Library::open().expect("CUDA's driver");
    let device = cuda::Device::by_uuid(&library, physical.uuid).expect("asked");
    Context::new(&device.expect("the same GPU in CUDA")).expect("a context")
}

fn pass(rig: &Rig, delivery: Delivery) -> Pass {
    let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
    let target = Target { format: PixelFormat::Nv12, size: SIZE, color };
    Pass::new(&rig.device, target, Filter::Lanczos, delivery, 4).expect("a pass")
}

/// A picture of one grey.
fn grey(pass: &mut Pass, level: u8) -> Output {
    let bytes = vec![level; SIZE.area() as usize * 4];
    let frame = Frame {
        size: SIZE,
        format: PixelFormat::Bgrx,
        color: Color::new(ColorSpace::Bt709, ColorRange::Full),
        hdr: None,
        view: View::new(Rect::of(SIZE), Transform::Normal, None).expect("all of it"),
        pointer: None,
        pixels: Pixels::Memory {
            planes: [(&bytes, SIZE.width as usize * 4), (&[], 0), (&[], 0)],
            changed: None,
        },
    };
    pass.run(&frame).expect("it runs")
}

/// The luma of a grey of full range, in limited range.
fn luma(level: u8) -> u8 {
    (16.0 + f64::from(level) * 219.0 / 255.0).round() as u8
}

#[test]
fn what_vulkan_writes_is_at_cudas_address_again_and_again() {
    let rig = Rig::new();
    let context = context(&rig);
    let mut pass = pass(&rig, Delivery::Exported);
    let first = grey(&mut pass, 10);
    let (descriptor, length) = first.buffer().export().expect("a descriptor");
    let memory = ExternalMemory::import(&context, descriptor, length).expect("an import");
    let id = first.id();
    assert!(first.wait(Duration::from_secs(10)).expect("no loss"));
    drop(first);
    for level in [40, 90, 200] {
        let output = grey(&mut pass, level);
        assert_eq!(output.id(), id, "the same buffer, once it is free");
        assert!(output.wait(Duration::from_secs(10)).expect("no loss"));
        let row = download(&context, memory.address(), SIZE.width as usize);
        assert!(row.iter().all(|it| *it == luma(level)), "{level}: {row:?}");
    }
    // The import keeps the memory itself alive.
    drop(pass);
    assert_eq!(download(&context, memory.address(), 1), [luma(200)]);
}

#[test]
fn a_timeline_is_waited_for_by_the_device_where_it_can_be_had() {
    let rig = Rig::new();
    let context = context(&rig);
    let mut pass = pass(&rig, Delivery::Exported);
    let output = grey(&mut pass, 10);
    let (timeline, value) = output.ready();
    if !rig.device.physical().abilities.export_timeline {
        assert_eq!(timeline.export().expect_err("lavapipe's stay inside it").result, UNPREPARED);
        return;
    }
    let stream = Stream::new(&context).expect("a stream");
    let imported = ExternalTimeline::import(&context, timeline.export().expect("a descriptor"));
    imported.expect("an import").hold(&stream, value).expect("a wait");
    stream.synchronize().expect("done");
    assert!(output.wait(Duration::ZERO).expect("no loss"), "the stream waited for Vulkan");
}

#[test]
fn what_was_not_made_for_export_is_not_asked_of_the_driver() {
    let rig = Rig::new();
    let timeline = Timeline::new(&rig.device).expect("a timeline");
    assert_eq!(timeline.export().expect_err("made for Vulkan alone").result, UNPREPARED);
    for purpose in [Use::Device, Use::Upload, Use::Readback] {
        let buffer = Buffer::new(&rig.device, 64, purpose).expect("a buffer");
        assert_eq!(buffer.export().expect_err("made for Vulkan alone").result, UNPREPARED, "{purpose:?}");
    }
}

#[test]
fn a_descriptor_that_is_no_memory_is_refused_and_closed() {
    let rig = Rig::new();
    let context = context(&rig);
    let open = || std::fs::read_dir("/proc/self/fd").expect("descriptors").count();
    let before = open();
    for _ in 0..3 {
        let nothing = std::fs::File::open("/dev/null").expect("opened").into();
        assert!(ExternalMemory::import(&context, nothing, 4096).is_err());
    }
    assert_eq!(open(), before);
}

#[test]
fn a_picture_made_for_cuda_can_still_be_read_by_the_cpu() {
    let rig = Rig::new();
    for delivery in [Delivery::Exported, Delivery::Readback] {
        let mut pass = pass(&rig, delivery);
        let output = grey(&mut pass, 90);
        assert_eq!(output.is_read_back(), delivery == Delivery::Readback);
        let host = output.into_host(Duration::from_secs(10)).expect("it is there");
        // Another picture does not get into its memory.
        let other = grey(&mut pass, 200);
        assert!(other.wait(Duration::from_secs(10)).expect("no loss"));
        let (bytes, pitch) = host.plane(0).expect("luma");
        assert_eq!(bytes.len(), pitch * SIZE.height as usize);
        let rows = bytes.chunks(pitch).all(|row| row[..SIZE.width as usize].iter().all(|it| *it == luma(90)));
        assert!(rows, "{delivery:?}");
        assert!(host.plane(1).is_some() && host.plane(2).is_none(), "NV12 has two planes");
    }
}
