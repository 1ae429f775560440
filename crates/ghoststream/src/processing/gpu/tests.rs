//! The GPU's way on lavapipe, beside the CPU's.

mod between;
mod failing;
mod motion;

use std::sync::Arc;
use std::time::Duration;

use ghoststream_picture::hdr::{ContentLight, HdrMetadata};

use super::ways::Ways;
use super::*;
use crate::av::Picture;
use crate::capture::{CpuBuffer, Plane};
use crate::encode::{AnyPicture, InputSpec};
use crate::processing::{Process, ToneMapping};
use crate::stats::Journal;
use crate::{
    Color, ColorRange, ColorSpace, PixelFormat, Processing, Scaler, Size, Timestamp, Transfer, Transform,
};

const SIZE: Size = Size::new(96, 64);
const OUTPUT: InputSpec = InputSpec {
    format: PixelFormat::Nv12,
    size: SIZE,
    color: Color::new(ColorSpace::Bt709, ColorRange::Limited),
};
fn recipe() -> Recipe {
    Recipe { output: OUTPUT, region: None, scaler: Scaler::Lanczos, tone: ToneMapping::default() }
}

fn gpu(delivery: Delivery, double: Option<Double>) -> Gpu {
    let device = Devices::begin([&Processing::Gpu].into_iter()).device(&Processing::Gpu, None);
    Gpu::new(recipe(), device.expect("lavapipe: scripts/install-packages test"), delivery, double).unwrap()
}

/// A frame of colours that differ from one number to the next.
fn frame(number: u8, damage: Damage) -> CapturedFrame {
    let pixel = |at: usize| [at as u8, (at / 7) as u8, number, 0];
    let bytes: Vec<u8> = (0..SIZE.area() as usize).flat_map(pixel).collect();
    let plane = Plane { offset: 0, stride: SIZE.width as usize * 4 };
    let buffer = CpuBuffer::new(Arc::new(bytes), PixelFormat::Bgrx, SIZE, &[plane]).unwrap();
    CapturedFrame {
        stream: 0,
        sequence: number.into(),
        pts: Timestamp::default(),
        arrived: Timestamp::default(),
        size: SIZE,
        format: PixelFormat::Bgrx,
        color: Color::new(ColorSpace::Bt709, ColorRange::Full),
        crop: Rect::of(SIZE),
        transform: Transform::Normal,
        damage,
        cursor: None,
        hdr: None,
        memory: Memory::Cpu(buffer),
    }
}

/// Whether two pictures are the same to a code value.
fn alike(one: &Picture, other: &Picture) -> bool {
    within(one, other, 1)
}

fn within(one: &Picture, other: &Picture, most: u8) -> bool {
    (0..2).all(|plane| {
        let ((a, pitch), (b, stride)) = (one.plane(plane), other.plane(plane));
        let (row_bytes, rows) = PixelFormat::Nv12.plane_layout(plane, SIZE);
        (0..rows).all(|row| {
            let (a, b) = (&a[row * pitch..][..row_bytes], &b[row * stride..][..row_bytes]);
            a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= most)
        })
    })
}

/// In memory, however long a busy machine takes for it.
fn host(picture: GpuPicture) -> Picture {
    assert!(picture.output().wait(Duration::from_secs(30)).unwrap(), "it is made");
    picture.into_memory().unwrap()
}

fn on_cpu(frame: &CapturedFrame) -> Picture {
    crate::processing::open(recipe()).process(frame).unwrap().into_memory().unwrap()
}

#[test]
fn both_ways_make_the_same_picture() {
    for delivery in [Delivery::Readback, Delivery::Exported] {
        let mut gpu = gpu(delivery, None);
        for number in [3, 200] {
            let frame = frame(number, Damage::Full);
            let made = host(gpu.process(&frame).unwrap());
            assert!(alike(&made, &on_cpu(&frame)), "{delivery:?} {number}");
            assert!(!alike(&made, &on_cpu(&super::tests::frame(number ^ 64, Damage::Full))), "it can fail");
        }
    }
}

#[test]
fn both_ways_make_the_same_of_hdr() {
    let mut gpu = gpu(Delivery::Readback, None);
    for number in [3, 200] {
        // The same bits as PQ of ten bits: whatever light that is, up to the peak.
        let mut hdr = frame(number, Damage::Full);
        hdr.format = PixelFormat::Xbgr2101010;
        hdr.color = Color::new(ColorSpace::Bt2020, ColorRange::Full).with_transfer(Transfer::Pq);
        let light = ContentLight { most: 1000, most_average: 400 };
        hdr.hdr = Some(HdrMetadata { mastering: None, light: Some(light) });
        let made = host(gpu.process(&hdr).unwrap());
        // Each is within one of what it should be.
        assert!(within(&made, &on_cpu(&hdr), 2), "{number}");
        let untouched = CapturedFrame { color: OUTPUT.color, ..hdr };
        assert!(!within(&made, &on_cpu(&untouched), 2), "it can fail");
    }
}

#[test]
fn where_nothing_changes_it_is_the_same_picture() {
    let mut gpu = gpu(Delivery::Readback, None);
    let first = gpu.process(&frame(1, Damage::Full)).unwrap();
    let before = gpu.copied_up();
    let again = gpu.process(&frame(1, Damage::Rects(vec![]))).unwrap();
    assert_eq!((again.output().id(), gpu.copied_up()), (first.output().id(), before));
    let other = gpu.process(&frame(2, Damage::Rects(vec![Rect::new(0, 0, 8, 4)]))).unwrap();
    assert_ne!(other.output().id(), first.output().id(), "what is held is not written to");
    assert_eq!(gpu.copied_up() - before, 8 * 4 * 4, "what changed goes up, and no more");
}

#[test]
fn nothing_is_made_any_more_once_pictures_come() {
    let mut gpu = gpu(Delivery::Readback, None);
    let mut held = std::collections::VecDeque::new();
    let mut round = |gpu: &mut Gpu, number: u8| {
        let picture = gpu.process(&frame(number, Damage::Full)).unwrap();
        assert!(picture.output().wait(Duration::from_secs(30)).unwrap());
        held.push_back(picture);
        held.truncate(held.len().min(5));
        if held.len() == 5 {
            held.pop_front();
        }
        gpu.created()
    };
    let warm = (0..12).map(|it| round(&mut gpu, it)).last();
    let later = (0..200).map(|it| round(&mut gpu, it)).last();
    assert_eq!(later, warm);
}

#[test]
fn what_is_measured_is_not_the_making_of_memory() {
    let mut gpu = gpu(Delivery::Readback, None);
    let frame = frame(1, Damage::Full);
    let mut made = Vec::new();
    let cost = choice::measure(|| {
        let there = choice::made_by(&mut gpu, &frame);
        made.push(gpu.created());
        there
    });
    assert!(cost.is_some());
    let measured = &made[choice::UNMEASURED - 1..];
    assert!(measured.len() > 1 && measured.iter().all(|it| *it == measured[0]), "{made:?}");
    assert!(choice::measure(|| false).is_none());
}

#[test]
fn the_gpus_time_is_told() {
    let told = Told::default();
    let gpu = gpu(Delivery::Readback, None);
    let mut ways =
        Ways::new(Some(gpu), recipe(), None, Handover::default(), Journal::default(), told.clone());
    for number in 0..4 {
        let AnyPicture::Gpu(picture) = ways.process(&frame(number, Damage::Full)).unwrap() else { panic!() };
        drop(host(picture));
    }
    let time = told.report().gpu_time;
    assert!(time.p50_ms > 0.0 && time.p99_ms < 30_000.0, "{time:?}");
}

#[test]
fn an_encoder_that_gives_nothing_back_costs_frames_and_no_recording() {
    let mut gpu = gpu(Delivery::Readback, None);
    let held: Vec<_> = (0..MOST as u8).map(|it| gpu.process(&frame(it, Damage::Full)).unwrap()).collect();
    let refused = gpu.process(&frame(99, Damage::Full));
    assert!(matches!(&refused, Err(GpuError::Frame(error)) if error.is_of_the_frame()), "{refused:?}");
    held.iter().for_each(|it| drop(host(it.clone())));
    drop(held);
    assert!(gpu.process(&frame(99, Damage::Full)).is_ok());
}

#[test]
fn pictures_go_where_the_encoder_takes_them() {
    let (handover, told) = (Handover::default(), Told::new("a test"));
    let gpu = gpu(Delivery::Readback, None);
    let uuid = gpu.physical().uuid;
    let mut ways = Ways::new(Some(gpu), recipe(), None, handover.clone(), Journal::default(), told.clone());
    for (taken, exported) in [(None, false), (Some(uuid), true), (Some([9; 16]), false)] {
        handover.set(taken);
        let frame = frame(7, Damage::Rects(vec![Rect::new(0, 0, 1, 1)]));
        let AnyPicture::Gpu(picture) = ways.process(&frame).unwrap() else { panic!("the GPU works") };
        assert_eq!(picture.output().is_read_back(), !exported);
        assert_eq!(told.report().way.contains("exported"), exported);
        assert!(alike(&host(picture), &on_cpu(&CapturedFrame { damage: Damage::Full, ..frame })));
    }
}

#[test]
fn gpus_are_ranked_and_found_by_name_and_number() {
    let instance = ghoststream_gpu::vulkan::Instance::open().expect("Vulkan's loader");
    let all = instance.physical().expect("devices");
    let cpu = all.iter().find(|it| it.kind == ghoststream_gpu::vulkan::Kind::Cpu).expect("lavapipe").clone();
    let like = |name: &str, kind, first: u8| {
        let mut it = cpu.clone();
        (it.name, it.kind, it.uuid) = (name.to_owned(), kind, [first; 16]);
        it
    };
    use ghoststream_gpu::vulkan::Kind::{Discrete, Integrated};
    let machine = [
        like("Intel UHD", Integrated, 1),
        cpu.clone(),
        like("NVIDIA A", Discrete, 0xAB),
        like("NVIDIA B", Discrete, 3),
    ];
    let pick = |wish: &str, encoder| {
        devices::pick(&machine, &wish.parse().unwrap(), encoder).map(|it| it.name.clone())
    };
    assert_eq!(pick("auto", None).unwrap(), "NVIDIA A");
    assert_eq!(pick("auto", Some([3; 16])).unwrap(), "NVIDIA B", "the one that encodes");
    assert_eq!(pick("gpu:uhd", Some([3; 16])).unwrap(), "Intel UHD");
    assert_eq!(pick("gpu:abab", None).unwrap(), "NVIDIA A");
    assert!(pick("gpu:abad", None).unwrap_err().contains("Intel UHD, "));
    let software = &machine[1..2];
    assert!(
        devices::pick(software, &Processing::Auto, None).unwrap_err().contains("which is the CPU itself")
    );
    assert!(devices::pick(software, &Processing::Gpu, None).is_ok());
    assert!(devices::pick(&[], &Processing::Gpu, None).is_err());
}
