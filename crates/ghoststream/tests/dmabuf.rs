//! Capture of real DMA-BUFs, which the kernel makes without a GPU, and of timelines, which a render node has.
//!
//! What is agreed on and refused is tested on any machine, see `tests/pipewire/gpu.rs`; here is what only a kernel
//! with these devices can show.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ghoststream::internals::{
    Capture, CapturedFrame, Counters, FrameQueue, FrameSink, GpuBuffer, Imports, Journal, Memory, Modifier,
    Taken, open_capture,
};
use ghoststream::{CaptureConfig, CaptureSource, FrameSync, PixelFormat, Size};
use ghoststream_gpu::sync::{RenderNode, fence};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use testkit::Session;
use testkit::producer::{Gpu, Offer, Painter, Producer, Script, Timelines, pattern, patterned};
use testkit_dmabuf::Source;

const SIZE: Size = Size::new(64, 48);
const LINEAR: u64 = 0;

/// A safety net for an emulated processor.
const LONG: Duration = Duration::from_secs(60);

struct Rig {
    _capture: Box<dyn Capture>,
    queue: FrameQueue,
    counters: Arc<Counters>,
    journal: Journal,
}

fn session() -> Session {
    let session = Session::start().unwrap();
    session.enter();
    session
}

fn imports() -> Imports {
    let linear = |planes| vec![Modifier { modifier: LINEAR, planes }];
    Imports::new(vec![(PixelFormat::Bgrx, linear(1)), (PixelFormat::Nv12, linear(2))])
}

fn open(producer: &Producer, imports: Imports) -> Rig {
    let counters = Arc::new(Counters::default());
    let journal = Journal::default();
    let sink = FrameSink::new(Arc::clone(&counters), journal.clone());
    let queue = sink.subscribe(0);
    let config = CaptureConfig::default()
        .with_source(CaptureSource::Node(producer.name().to_owned()))
        .with_first_frame_timeout(LONG)
        .with_fps(240);
    let capture = open_capture(&config, sink, Some(imports)).unwrap();
    Rig { _capture: capture, queue, counters, journal }
}

impl Rig {
    fn frame(&self) -> CapturedFrame {
        match self.queue.take(LONG) {
            Taken::Frame(frame) => frame,
            other => panic!("{other:?}; {:?} {:?}", self.counters, self.journal.notes()),
        }
    }

    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + LONG;
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what}: {:?} {:?}", self.counters, self.journal.notes());
            // Somebody has to read.
            drop(self.queue.take(Duration::from_millis(5)));
        }
    }
}

fn script(format: &str, source: Source) -> Script {
    let mut script = Script::new("dmabuf", format, SIZE, 60.0);
    script.offers.insert(0, Offer::in_gpu(format, SIZE, &[LINEAR]));
    script.gpu = Some(Gpu::new(Some(source)));
    script
}

fn gpu(frame: &CapturedFrame) -> &GpuBuffer {
    match &frame.memory {
        Memory::Gpu(buffer) => buffer,
        other => panic!("{other:?} is not in a GPU's memory"),
    }
}

/// Which frame's pattern is in every byte of every plane, read through a mapping of the DMA-BUF.
fn pattern_number(frame: &CapturedFrame) -> Option<u64> {
    let buffer = &gpu(frame).buffer;
    let planes: Vec<Vec<u8>> = buffer
        .planes
        .iter()
        .enumerate()
        .map(|(index, plane)| {
            let (row_bytes, rows) = frame.format.plane_layout(index, frame.size);
            let length = plane.offset as usize + plane.stride as usize * (rows - 1) + row_bytes;
            let null = std::ptr::null_mut();
            // SAFETY: a fresh mapping of a DMA-BUF whose layout was checked; it is unmapped once it was copied.
            let bytes = unsafe {
                let base = mmap(null, length, ProtFlags::READ, MapFlags::SHARED, &plane.fd, 0).unwrap();
                let bytes = std::slice::from_raw_parts(base.cast::<u8>(), length).to_vec();
                munmap(base, length).unwrap();
                bytes
            };
            let row = |row: usize| &bytes[plane.offset as usize + row * plane.stride as usize..][..row_bytes];
            (0..rows).flat_map(row).copied().collect()
        })
        .collect();
    (0..256).find(|&number| {
        planes.iter().enumerate().all(|(plane, bytes)| {
            let (row_bytes, _) = frame.format.plane_layout(plane, frame.size);
            let expected = |at: usize| pattern(number, plane, at / row_bytes, at % row_bytes);
            bytes.iter().enumerate().all(|(at, byte)| *byte == expected(at))
        })
    })
}

/// A sync file of the kernel's, which has signalled.
fn sync_file(frame: &CapturedFrame) -> OwnedFd {
    fence::of_writers(gpu(frame).buffer.planes[0].fd.as_fd()).unwrap()
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The number of a render node with timelines.
fn render_node() -> (u32, u32) {
    std::fs::read_dir("/dev/dri")
        .unwrap()
        .filter_map(|entry| entry.unwrap().metadata().ok())
        .map(|it| (rustix::fs::major(it.rdev()), rustix::fs::minor(it.rdev())))
        .find(|number| number.1 >= 128 && RenderNode::open(*number).is_ok())
        .expect("a render node with timelines")
}

#[test]
#[ignore = "needs /dev/udmabuf and /dev/dma_heap: make test-vm"]
fn pictures_in_dmabufs_arrive_as_they_were_painted() {
    let _session = session();
    for source in Source::ALL {
        for (format, together) in [("BGRx", false), ("NV12", false), ("NV12", true)] {
            let mut script = script(format, source);
            script.gpu = Some(Gpu { together, ..Gpu::new(Some(source)) });
            let producer = Producer::start(script, patterned()).unwrap();
            let rig = open(&producer, imports());
            for _ in 0..5 {
                assert!(pattern_number(&rig.frame()).is_some(), "{source:?} {format}, together: {together}");
            }
            assert_eq!(rig.counters.sync.get(), [FrameSync::Hold]);
            assert_eq!((rig.counters.corrupt.get(), rig.journal.notes().len()), (0, 0));
        }
    }
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn layouts_beyond_a_dmabuf_are_refused() {
    let _session = session();
    // The memory is 65536 bytes, whole pages of any machine: the picture fits it with strides up to 1383.
    for (stride, offset, good) in [(1024, 0, true), (1400, 0, false), (256, 65_536 - 256 * 47, false)] {
        let painter: Painter = Box::new(move |draft| {
            draft.fill();
            if draft.in_gpu {
                (draft.chunks[0].stride, draft.chunks[0].offset) = (stride, offset);
            }
        });
        let producer = Producer::start(script("BGRx", Source::Udmabuf), painter).unwrap();
        let rig = open(&producer, imports());
        let frame = rig.frame();
        assert_eq!(frame.memory.cpu().is_none(), good, "{stride} {offset}: {:?}", rig.journal.notes());
        assert_eq!(rig.counters.corrupt.get() == 0, good);
    }
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn fences_of_the_buffer_are_waited_for_and_ours_are_left_with_it() {
    let _session = session();
    let producer = Producer::start(script("BGRx", Source::Udmabuf), patterned()).unwrap();
    let rig = open(&producer, Imports { implicit_sync: true, ..imports() });
    for _ in 0..10 {
        rig.frame();
    }
    let before = files();
    for _ in 0..200 {
        let frame = rig.frame();
        assert!(pattern_number(&frame).is_some());
        gpu(&frame).lease.read_until(sync_file(&frame));
    }
    assert_eq!(rig.counters.sync.get(), [FrameSync::Fence]);
    assert_eq!(rig.counters.undrawn.get(), 0);
    rig.until("descriptors to be closed", |_| files() <= before + 2);
}

/// A producer with timelines, whose every `never`th frame is never drawn.
fn timeline_script(device: (u32, u32), never: Option<u64>) -> Script {
    let mut script = script("BGRx", Source::Udmabuf);
    let timeline = Some(Timelines { device, never });
    script.gpu = Some(Gpu { timeline, ..Gpu::new(Some(Source::Udmabuf)) });
    script
}

#[test]
#[ignore = "needs a render node with timelines: make test-vm"]
fn points_of_timelines_are_waited_for_and_releases_signalled_on_every_way_out() {
    let _session = session();
    let device = render_node();
    let producer = Producer::start(timeline_script(device, None), patterned()).unwrap();
    let rig = open(&producer, Imports { device: Some(device), ..imports() });
    // Read, with a fence and without; then left in the queue, which drops what does not fit.
    for index in 0..60 {
        let frame = rig.frame();
        assert!(pattern_number(&frame).is_some());
        if index % 2 == 0 {
            gpu(&frame).lease.read_until(sync_file(&frame));
            gpu(&frame).lease.read_until(sync_file(&frame));
        }
    }
    assert_eq!(rig.counters.sync.get(), [FrameSync::Timeline]);
    producer.wait_sent(producer.sent() + 60).unwrap();
    let (released, unreleased) = producer.released();
    assert!(released > 60 && unreleased == 0, "{released} released, {unreleased} not");
}

#[test]
#[ignore = "needs a render node with timelines: make test-vm"]
fn points_that_never_signal_are_dropped_and_counted_and_their_buffers_released() {
    let _session = session();
    let device = render_node();
    let producer = Producer::start(timeline_script(device, Some(5)), patterned()).unwrap();
    let rig = open(&producer, Imports { device: Some(device), ..imports() });
    rig.until("three pictures that are not drawn", |rig| rig.counters.undrawn.get() >= 3);
    let frame = rig.frame();
    let number = pattern_number(&frame).unwrap();
    assert_ne!(number % 5, 4, "it was never drawn");
    assert!(rig.journal.notes().join("\n").contains("not drawn within 100 ms"));
    drop(frame);
    rig.until("releases", |_| producer.released().0 > 20);
    assert_eq!(producer.released().1, 0, "what is dropped is released too");
}

#[test]
#[ignore = "needs a render node with timelines: make test-vm"]
fn what_poses_as_a_timeline_is_found_out() {
    let device = render_node();
    let node = Arc::new(RenderNode::open(device).unwrap());
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    assert!(ghoststream_gpu::sync::Syncobj::import(&node, pipe.as_fd()).is_err());
}
