//! The GPU's way on lavapipe, beside the CPU's, and with passes that fail.

mod between;
mod motion;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, GiveBack, Output, PassError};
use ghoststream_gpu::vulkan::{VulkanError, vk};
use ghoststream_gpu::{Acquire, DmaBuf};

use ghoststream_picture::hdr::{ContentLight, HdrMetadata};

use super::ways::Ways;
use super::*;
use crate::av::Picture;
use crate::capture::{CpuBuffer, GpuBuffer, GpuLease, Plane};
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

/// Fails as it is told: the picture of this number, of all that were asked for in this process.
struct Failing {
    real: Box<dyn Maker>,
    error: fn(usize) -> Option<PassError>,
}

/// Each test has a process of its own.
static ASKED: AtomicUsize = AtomicUsize::new(0);

impl Maker for Failing {
    fn run(&mut self, frame: &Frame<'_>) -> Result<Output, PassError> {
        match (self.error)(ASKED.fetch_add(1, Ordering::Relaxed)) {
            Some(error) => Err(error),
            None => self.real.run(frame),
        }
    }

    fn between(&mut self, pair: [&Output; 2], times: &[u32]) -> Result<Vec<Output>, PassError> {
        match (self.error)(ASKED.fetch_add(1, Ordering::Relaxed)) {
            Some(error) => Err(error),
            None => self.real.between(pair, times),
        }
    }

    fn use_optical_flow(&mut self) -> Result<(), PassError> {
        self.real.use_optical_flow()
    }

    fn use_block_search(&mut self) -> Result<(), PassError> {
        self.real.use_block_search()
    }

    fn keep(&self, frame: &Frame<'_>) -> Result<Resident, PassError> {
        self.real.keep(frame)
    }

    fn give_back(&mut self) -> GiveBack {
        self.real.give_back()
    }

    fn copied_up(&self) -> u64 {
        self.real.copied_up()
    }

    fn created(&self) -> u64 {
        self.real.created()
    }
}

fn vulkan(result: vk::Result) -> PassError {
    VulkanError { call: "vkQueueSubmit2", result }.into()
}

/// Makes pictures both ways, with a GPU that fails so; who made each, and what was noted. Those who make the
/// pictures `anew` have not seen the frame before.
fn through(double: Double, pictures: u8, anew: &[u8]) -> (Vec<bool>, Journal, Told) {
    let (handover, journal, told) = (Handover::default(), Journal::default(), Told::new("a test"));
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, handover, journal.clone(), told.clone());
    ways.rest = Duration::ZERO;
    let made = (0..pictures).map(|number| {
        // All that is said to have changed is a corner, but everything has: whoever did not see the
        // frame before must not believe it.
        let damage =
            if anew.contains(&number) { Damage::Rects(vec![Rect::new(0, 0, 1, 1)]) } else { Damage::Full };
        let frame = frame(number, damage);
        let picture = ways.process(&frame).expect("no failure ends it");
        let by_gpu = matches!(picture, AnyPicture::Gpu(_));
        let memory = match picture {
            AnyPicture::Gpu(picture) => host(picture),
            AnyPicture::Memory(picture) => picture,
        };
        assert!(alike(&memory, &on_cpu(&CapturedFrame { damage: Damage::Full, ..frame })), "{number}");
        by_gpu
    });
    (made.collect(), journal, told)
}

#[test]
fn a_device_that_is_lost_is_opened_anew() {
    let double: Double = |real| {
        let error = |it| (it == 4).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST));
        Ok(Box::new(Failing { real, error }))
    };
    let (by_gpu, journal, told) = through(double, 8, &[4]);
    assert_eq!(by_gpu, [true; 8]);
    assert_eq!(told.report().failures, 1);
    let notes = journal.notes();
    assert!(notes.len() == 1 && notes[0].contains("opened anew: vkQueueSubmit2 failed"), "{notes:?}");
}

#[test]
fn a_device_that_fails_again_leaves_it_to_the_cpu() {
    let double: Double = |real| {
        let error = |it| (it >= 4).then(|| vulkan(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY));
        Ok(Box::new(Failing { real, error }))
    };
    let (by_gpu, journal, told) = through(double, 8, &[4]);
    assert_eq!(by_gpu, [true, true, true, true, false, false, false, false]);
    let report = told.report();
    assert_eq!((report.failures, report.pictures, report.gpu_pictures), (2, 8, 4));
    assert!(report.way.starts_with("CPU ("), "{report:?}");
    assert!(journal.notes()[1].contains("on the CPU from here on"), "{:?}", journal.notes());
}

/// How often a pass was made in this process.
static MADE: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_device_that_cannot_be_opened_at_once_is_opened_later() {
    let double: Double = |real| {
        let lost = || vulkan(vk::Result::ERROR_DEVICE_LOST);
        if MADE.fetch_add(1, Ordering::Relaxed) == 1 {
            return Err(lost());
        }
        Ok(Box::new(Failing { real, error: |it| (it == 4).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST)) }))
    };
    let (by_gpu, journal, told) = through(double, 8, &[4]);
    assert_eq!(by_gpu, [true; 8], "with no time to rest the same frame is made on it");
    assert_eq!((told.report().failures, told.report().gpu_pictures), (1, 8));
    let notes = journal.notes();
    assert!(notes[0].contains("cannot be opened anew") && notes[1].contains("was opened anew"), "{notes:?}");
}

#[test]
fn a_device_that_cannot_be_opened_any_more_leaves_it_to_the_cpu() {
    let double: Double = |real| match MADE.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let error = |it| (it == 4).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST));
            Ok(Box::new(Failing { real, error }))
        }
        _ => Err(vulkan(vk::Result::ERROR_INITIALIZATION_FAILED)),
    };
    let (by_gpu, journal, _) = through(double, 6, &[4]);
    assert_eq!(by_gpu, [true, true, true, true, false, false]);
    let notes = journal.notes();
    assert!(notes.len() == 2 && notes[1].contains("on the CPU from here on"), "{notes:?}");
}

#[test]
fn while_a_device_is_down_the_cpu_makes_pictures() {
    let double: Double = |real| match MADE.fetch_add(1, Ordering::Relaxed) {
        1 => Err(vulkan(vk::Result::ERROR_DEVICE_LOST)),
        _ => Ok(Box::new(Failing {
            real,
            error: |it| (it == 0).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST)),
        })),
    };
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways =
        Ways::new(Some(gpu), recipe(), None, Handover::default(), Journal::default(), Told::default());
    let by_gpu = |ways: &mut Ways| {
        let picture = ways.process(&frame(1, Damage::Full)).expect("somebody makes it");
        matches!(picture, AnyPicture::Gpu(_))
    };
    assert_eq!([by_gpu(&mut ways), by_gpu(&mut ways)], [false, false], "it rests for seconds");
    let Err(dropped) = ways.process(&in_gpu_memory(Lease::default())) else { panic!("nobody can read it") };
    assert!(dropped.is_of_the_frame(), "{dropped}");
    ways.again = Some(Timestamp::now());
    assert!(by_gpu(&mut ways));
}

#[test]
fn what_the_gpu_refuses_is_drawn_by_the_cpu_and_the_gpu_goes_on() {
    let double: Double = |real| {
        let error = |it| (it == 4 || it == 6).then_some(PassError::Format(PixelFormat::I444));
        Ok(Box::new(Failing { real, error }))
    };
    let (by_gpu, journal, told) = through(double, 9, &[4, 5, 6, 7]);
    assert_eq!(by_gpu, [true, true, true, true, false, true, false, true, true]);
    let report = told.report();
    assert_eq!((report.failures, report.refused, report.gpu_pictures), (0, 2, 7));
    assert!(report.way.starts_with("GPU ("), "{report:?}");
    let notes = journal.notes();
    assert!(notes.len() == 1 && notes[0].contains("no shader reads"), "said once: {notes:?}");
}

#[test]
fn a_gpu_that_refuses_everything_is_asked_no_more() {
    let double: Double =
        |real| Ok(Box::new(Failing { real, error: |_| Some(PassError::Format(PixelFormat::I444)) }));
    let (journal, told) = (Journal::default(), Told::default());
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, Handover::default(), journal.clone(), told.clone());
    let frame = frame(1, Damage::Full);
    (0..700).for_each(|_| assert!(matches!(ways.process(&frame), Ok(AnyPicture::Memory(_)))));
    assert!(told.report().way.starts_with("CPU ("), "{:?}", told.report());
    assert!(ASKED.load(Ordering::Relaxed) < 700);
    assert!(journal.notes()[1].contains("has taken none of"), "{:?}", journal.notes());
}

/// A buffer of another program's, of which only what is said of it matters.
#[derive(Clone, Default)]
struct Lease(Arc<Mutex<Vec<String>>>);

impl GpuLease for Lease {
    fn acquire(&self) -> Result<Acquire, String> {
        Ok(Acquire::Now)
    }

    fn read_until(&self, _: std::os::fd::OwnedFd) {}

    fn refuse(&self, why: &str) {
        self.0.lock().unwrap().push(why.to_owned());
    }
}

fn in_gpu_memory(lease: Lease) -> CapturedFrame {
    let buffer = Arc::new(DmaBuf::new(PixelFormat::Bgrx, SIZE, 0, Vec::new()));
    CapturedFrame {
        memory: Memory::Gpu(GpuBuffer { buffer, lease: Arc::new(lease) }),
        ..frame(1, Damage::Full)
    }
}

#[test]
fn a_picture_that_is_not_drawn_in_time_costs_itself_alone() {
    let double: Double = |real| {
        Ok(Box::new(Failing { real, error: |it| (it < 3).then_some(PassError::NotDrawn(Duration::ZERO)) }))
    };
    let (journal, told, lease) = (Journal::default(), Told::default(), Lease::default());
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, Handover::default(), journal.clone(), told.clone());
    for _ in 0..3 {
        let Err(error) = ways.process(&in_gpu_memory(lease.clone())) else { panic!("it is not drawn") };
        assert!(error.is_of_the_frame() && error.to_string().contains("has not drawn"), "{error}");
    }
    assert!(matches!(ways.process(&frame(1, Damage::Full)), Ok(AnyPicture::Gpu(_))), "the GPU goes on");
    assert!(lease.0.lock().unwrap().is_empty(), "the buffer is good");
    assert_eq!((told.report().failures, journal.notes().len()), (0, 0));
}

#[test]
fn a_buffer_that_cannot_be_read_is_refused_and_the_gpu_goes_on() {
    let (journal, told, lease) = (Journal::default(), Told::default(), Lease::default());
    let gpu = gpu(Delivery::Readback, None);
    let mut ways = Ways::new(Some(gpu), recipe(), None, Handover::default(), journal.clone(), told.clone());
    // It has no planes, and Debian 12's lavapipe imports nothing at all.
    let Err(error) = ways.process(&in_gpu_memory(lease.clone())) else { panic!("it has no planes") };
    assert!(error.is_of_the_frame(), "{error}");
    assert_eq!(lease.0.lock().unwrap().len(), 1, "its producer is asked for others");
    assert!(matches!(ways.process(&frame(1, Damage::Full)), Ok(AnyPicture::Gpu(_))), "the GPU goes on");
    assert_eq!((told.report().failures, journal.notes().len()), (0, 0));
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
