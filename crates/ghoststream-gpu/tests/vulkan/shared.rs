//! Pictures that another device of the same driver draws: lent as a compositor lends its own.

use std::sync::Arc;
use std::time::Duration;

use ghoststream_gpu::drawing::{DrawingError, Easel, Sheet};
use ghoststream_gpu::pass::{Output, Pass, PassError, Pixels, Target};
use ghoststream_gpu::vulkan::{Device, ImportError};
use ghoststream_gpu::{Acquire, DmaBuf, MemoryKind};
use ghoststream_picture::{PixelFormat, Rect, Size};

use crate::pictures::{BT709, Noise, Picture, distance, pass, read};
use crate::rig::Rig;

const SIZE: Size = Size::new(128, 64);
const TARGET: Target = Target { format: PixelFormat::Nv12, size: SIZE, color: BT709 };

/// A device, watched.
fn rig() -> Rig {
    // The layer sees one device at a time: that the other one has brought the image into its layout it cannot
    // know, and takes it for one without contents.
    let mistaken = "UNASSIGNED-CoreValidation-DrawState-InvalidImageLayout";
    // SAFETY: nextest runs each test in a process of its own, and no thread runs yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("VK_LAYER_MESSAGE_ID_FILTER", mistaken);
    }
    Rig::new()
}

/// The rows of a picture, on the easel.
fn draw(easel: &mut Easel, picture: &Picture) {
    let (row, rows) = picture.format.plane_layout(0, picture.size);
    let ([(from, stride), ..], (to, pitch)) = (picture.planes(), easel.bytes());
    for y in 0..rows {
        to[y * pitch..][..row].copy_from_slice(&from[y * stride..][..row]);
    }
}

fn easel(device: &Device, format: PixelFormat) -> Easel {
    Easel::open(device.physical().uuid, format, SIZE).expect("it draws")
}

fn run(pass: &mut Pass, picture: &Picture, buffer: &Arc<DmaBuf>) -> Result<Output, PassError> {
    pass.run(&picture.frame(Pixels::DmaBuf { buffer, acquire: Acquire::Now }))
}

#[test]
fn what_another_device_draws_is_read_where_it_lies() {
    let rig = rig();
    let mut pass = pass(&rig.device, TARGET);
    for format in [PixelFormat::Bgrx, PixelFormat::Xbgr2101010] {
        let mut easel = easel(&rig.device, format);
        let mut sheet = easel.sheet().expect("memory");
        let mut picture = Picture::noise(format, SIZE, 3);
        draw(&mut easel, &picture);
        // All of it is new, whatever is said to have changed.
        easel.show(&mut sheet, &[]).expect("it is copied");
        let mut check = |picture: &Picture, sheet: &Sheet, what: &str| {
            let output = run(&mut pass, picture, sheet.buffer()).expect("it runs");
            let off = distance(picture, TARGET, &read(&output, TARGET));
            assert!(off <= 1.0, "{format:?}, {what}: off by {off}");
        };
        check(&picture, &sheet, "all of it");
        let part = Rect::new(16, 8, 40, 20);
        picture.change(part, 9);
        draw(&mut easel, &picture);
        easel.show(&mut sheet, &[part, Rect::new(1000, 0, 5, 5)]).expect("it is copied");
        check(&picture, &sheet, "a part");
    }
    assert_eq!(pass.copied_up(), 0, "bytes through memory of the CPU");
}

#[test]
fn frames_of_another_device_need_nothing_new() {
    let rig = rig();
    let mut pass = pass(&rig.device, TARGET);
    let mut easel = easel(&rig.device, PixelFormat::Bgrx);
    let mut sheets: Vec<Sheet> = (0..3).map(|_| easel.sheet().expect("memory")).collect();
    let mut picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    let mut noise = Noise(23);
    let mut before = None;
    for index in 0..300usize {
        let rect = Rect::new((noise.next() % 50) as u32 * 2, (noise.next() % 20) as u32 * 2, 28, 24);
        picture.change(rect, noise.next() >> 40);
        draw(&mut easel, &picture);
        let sheet = &mut sheets[index % 3];
        easel.show(sheet, &[Rect::of(SIZE)]).expect("it is copied");
        let waits = rig.device.waits();
        let output = run(&mut pass, &picture, sheet.buffer()).expect("it runs");
        assert_eq!(rig.device.waits(), waits, "frame {index} was waited for");
        assert!(output.wait(Duration::from_secs(60)).expect("no loss"), "it is done");
        if index % 7 == 0 {
            let off = distance(&picture, TARGET, &read(&output, TARGET));
            assert!(off <= 1.0, "frame {index}: off by {off}");
        }
        let now = (rig.device.created(), descriptors());
        match before {
            // Each sheet has come, and been read by each picture of the ring that is used.
            None if index == 20 => before = Some(now),
            Some(before) => assert_eq!(now, before, "made or opened on the way, by frame {index}"),
            None => {}
        }
    }
}

#[test]
fn sheets_may_go_while_they_are_read() {
    let rig = rig();
    let mut pass = pass(&rig.device, TARGET);
    let mut easel = easel(&rig.device, PixelFormat::Bgrx);
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 5);
    draw(&mut easel, &picture);
    let mut open = 0;
    for round in 0..20 {
        let mut sheet = easel.sheet().expect("memory");
        easel.show(&mut sheet, &[]).expect("it is copied");
        let output = run(&mut pass, &picture, sheet.buffer()).expect("it runs");
        drop(sheet);
        assert!(distance(&picture, TARGET, &read(&output, TARGET)) <= 1.0, "round {round}");
        match round {
            4 => open = descriptors(),
            it if it > 4 => assert!(descriptors() <= open, "descriptors leak in round {round}"),
            _ => {}
        }
    }
}

#[test]
fn memory_of_another_gpu_is_refused() {
    let rig = rig();
    let mut easel = easel(&rig.device, PixelFormat::Bgrx);
    let mut sheet = easel.sheet().expect("memory");
    easel.show(&mut sheet, &[]).expect("it is copied");
    let fd = sheet.buffer().planes[0].fd.try_clone().expect("a descriptor");
    let MemoryKind::Opaque(mut uuid) = sheet.buffer().kind else { panic!("{:?}", sheet.buffer()) };
    uuid[0] ^= 1;
    let other = Arc::new(DmaBuf::opaque(PixelFormat::Bgrx, SIZE, fd, uuid));
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    let error = run(&mut pass(&rig.device, TARGET), &picture, &other).expect_err("it is not ours");
    assert!(matches!(error, PassError::Import(ImportError::Foreign { .. })), "{error:?}");
    let gone = Easel::open(uuid, PixelFormat::Bgrx, SIZE).expect_err("there is no such GPU");
    assert!(matches!(gone, DrawingError::Gone), "{gone}");
    let planes = Easel::open(rig.device.physical().uuid, PixelFormat::Nv12, SIZE).expect_err("two planes");
    assert!(matches!(planes, DrawingError::Format(PixelFormat::Nv12)), "{planes}");
}

/// Open descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count()
}
