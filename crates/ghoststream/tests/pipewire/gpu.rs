//! Pictures in a GPU's memory: what is agreed on, what is refused, and that nothing leaks.
//!
//! Files in memory pose as DMA-BUFs, so that this runs on any machine; the same with real ones is in
//! `tests/dmabuf.rs`.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use ghoststream::internals::pod::Value;
use ghoststream::internals::{CapturedFrame, GpuBuffer, Imports, Memory, Modifier};
use ghoststream::{FrameSync, PixelFormat, Size, Transfer};
use testkit::producer::{Draft, Gpu, Offer, Painter, Producer, Script, patterned};

use crate::rig::{Rig, config, pattern_number, session};

const SIZE: Size = Size::new(64, 48);
const LINEAR: u64 = 0;
/// Some tiling of a vendor's.
const TILED: u64 = 0x0300_0000_0060_6010;
const OTHER: u64 = 0x0300_0000_0060_6011;

fn imports(modifiers: &[u64]) -> Imports {
    let of = |planes| modifiers.iter().map(|&modifier| Modifier { modifier, planes }).collect::<Vec<_>>();
    let formats = vec![(PixelFormat::Bgrx, of(1)), (PixelFormat::Nv12, of(2)), (PixelFormat::P010, of(2))];
    Imports { only_dmabufs: false, ..Imports::new(formats) }
}

/// A producer of BGRx in a GPU's memory, and in shared memory for who cannot take it.
fn script(modifiers: &[u64]) -> Script {
    let mut script = Script::new("gpu", "BGRx", SIZE, 120.0);
    script.offers.insert(0, Offer::in_gpu("BGRx", SIZE, modifiers));
    script.gpu = Some(Gpu::new(None));
    script
}

fn open(producer: &Producer, imports: Imports) -> Rig {
    Rig::importing(&config(producer.name()), Some(imports)).unwrap()
}

fn gpu(frame: &CapturedFrame) -> &GpuBuffer {
    match &frame.memory {
        Memory::Gpu(buffer) => buffer,
        other => panic!("{other:?} is not in a GPU's memory"),
    }
}

/// Every byte of the first plane, read as the file that it is.
fn first_bytes(frame: &CapturedFrame, length: usize) -> Vec<u8> {
    let plane = &gpu(frame).buffer.planes[0];
    let mut bytes = vec![0; length];
    rustix::io::pread(plane.fd.as_fd(), &mut bytes, plane.offset).unwrap();
    bytes
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn the_producers_first_modifier_that_can_be_imported_is_agreed_on() {
    let _session = session();
    for (offered, taken, agreed) in [
        (&[TILED, LINEAR][..], &[LINEAR, TILED][..], TILED),
        (&[OTHER, LINEAR, TILED], &[TILED, LINEAR], LINEAR),
        (&[LINEAR], &[TILED, LINEAR], LINEAR),
    ] {
        let producer = Producer::start(script(offered), patterned()).unwrap();
        let rig = open(&producer, imports(taken));
        let frame = rig.frame();
        let buffer = &gpu(&frame).buffer;
        assert_eq!((buffer.modifier, buffer.format, buffer.size), (agreed, PixelFormat::Bgrx, SIZE));
        assert_eq!((buffer.planes.len(), buffer.planes[0].stride), (1, 256));
        let number = testkit::producer::pattern;
        let bytes = first_bytes(&frame, 4);
        let painted = (0..256).any(|n| (0..4).all(|at| bytes[at] == number(n, 0, 0, at)));
        assert!(painted, "{bytes:?}");
        assert_eq!(rig.counters.sync.get(), [FrameSync::Hold], "nothing says when they are drawn");
        assert!(rig.journal.notes().is_empty(), "{:?}", rig.journal.notes());
    }
}

#[test]
fn without_a_modifier_in_common_it_is_shared_memory() {
    let _session = session();
    let producer = Producer::start(script(&[OTHER]), patterned()).unwrap();
    let rig = open(&producer, imports(&[TILED, LINEAR]));
    assert!(pattern_number(&rig.frame()).is_some());
    assert_eq!(rig.counters.sync.get(), [FrameSync::SharedMemory]);
    let notes = rig.journal.notes();
    assert!(notes.len() == 1 && notes[0].contains("is drawn by a GPU of NVIDIA's"), "{notes:?}");
    let rig = Rig::open(producer.name());
    assert!(pattern_number(&rig.frame()).is_some(), "nor where nothing can be imported");
    assert!(rig.journal.notes().is_empty(), "nobody asked for more: {:?}", rig.journal.notes());
    let producer = Producer::start(Script::new("plain", "BGRx", SIZE, 120.0), patterned()).unwrap();
    let rig = open(&producer, imports(&[TILED, LINEAR]));
    assert!(pattern_number(&rig.frame()).is_some());
    assert!(rig.journal.notes().is_empty(), "it is in no GPU's memory: {:?}", rig.journal.notes());
}

#[test]
fn two_planes_come_together_or_apart() {
    let _session = session();
    for (name, format, width) in [("NV12", PixelFormat::Nv12, 64), ("P010_10LE", PixelFormat::P010, 128)] {
        for together in [false, true] {
            let mut script = script(&[LINEAR]);
            script.offers = vec![Offer::in_gpu(name, SIZE, &[LINEAR])];
            script.gpu = Some(Gpu { together, ..Gpu::new(None) });
            let producer = Producer::start(script, patterned()).unwrap();
            let rig = open(&producer, imports(&[LINEAR]));
            let frame = rig.frame();
            let buffer = &gpu(&frame).buffer;
            assert_eq!(buffer.format, format);
            let at: Vec<_> = buffer.planes.iter().map(|plane| (plane.offset, plane.stride)).collect();
            let second = if together { width * 48 } else { 0 };
            assert_eq!(at, [(0, width), (second, width)], "{name}, together: {together}");
        }
    }
}

#[test]
fn a_choice_that_the_producer_leaves_open_is_made() {
    let _session = session();
    let mut script = script(&[LINEAR, TILED]);
    script.gpu = Some(Gpu { chooses: false, ..Gpu::new(None) });
    let producer = Producer::start(script, patterned()).unwrap();
    let rig = open(&producer, imports(&[LINEAR, TILED]));
    let frame = rig.frame_where(|frame| matches!(frame.memory, Memory::Gpu(_)));
    assert_eq!(gpu(&frame).buffer.modifier, TILED);
}

#[test]
fn a_buffer_keeps_its_identity_from_frame_to_frame() {
    let _session = session();
    let producer = Producer::start(script(&[LINEAR]), patterned()).unwrap();
    let rig = open(&producer, imports(&[LINEAR]));
    let ids: BTreeSet<u64> = (0..60).map(|_| gpu(&rig.frame()).buffer.id()).collect();
    assert!(ids.len() <= producer.buffers(), "{ids:?} of {} buffers", producer.buffers());
}

#[test]
fn refusals_lead_to_other_modifiers_then_to_linear_then_to_shared_memory() {
    let _session = session();
    let producer = Producer::start(script(&[TILED, OTHER, LINEAR]), patterned()).unwrap();
    let rig = open(&producer, imports(&[TILED, OTHER, LINEAR]));
    for modifier in [TILED, OTHER, LINEAR] {
        let is_it =
            |frame: &CapturedFrame| frame.memory.cpu().is_none() && gpu(frame).buffer.modifier == modifier;
        let frame = rig.frame_where(is_it);
        gpu(&frame).lease.refuse("it cannot be imported");
        // Once more: of what was left, nothing is heard.
        gpu(&frame).lease.refuse("it cannot be imported");
    }
    let frame = rig.frame_where(|frame| frame.memory.cpu().is_some());
    assert!(pattern_number(&frame).is_some());
    let notes = rig.journal.notes();
    assert_eq!(notes.len(), 3, "{notes:?}");
    for (note, next) in notes.iter().zip(["other buffers", "linear buffers", "shared memory"]) {
        assert!(note.contains("it cannot be imported") && note.contains(next), "{note}");
    }
    assert_eq!(rig.counters.sync.get(), [FrameSync::SharedMemory]);
}

#[test]
fn a_producer_that_cannot_allocate_is_asked_for_something_else() {
    let _session = session();
    let mut script = script(&[TILED, LINEAR]);
    script.gpu = Some(Gpu { fails: vec![TILED], ..Gpu::new(None) });
    let producer = Producer::start(script, patterned()).unwrap();
    let rig = open(&producer, imports(&[TILED, LINEAR]));
    let frame = rig.frame();
    assert_eq!(gpu(&frame).buffer.modifier, LINEAR);
    let notes = rig.journal.notes();
    let steps: Vec<_> = notes.iter().filter(|note| note.contains("asking for")).collect();
    assert!(steps.len() == 1 && steps[0].contains("other buffers"), "{notes:?}");
}

#[test]
fn a_producer_that_breaks_over_its_buffers_is_not_waited_for_forever() {
    let _session = session();
    let mut script = script(&[TILED, LINEAR]);
    script.gpu = Some(Gpu { fails: vec![TILED], breaks: true, ..Gpu::new(None) });
    let producer = Producer::start(script, patterned()).unwrap();
    match Rig::importing(&config(producer.name()), Some(imports(&[TILED, LINEAR]))) {
        // Its stream stays broken; what is left to try is tried.
        Ok(rig) => {
            rig.until("the last step", |rig| {
                rig.journal.notes().iter().any(|note| note.contains("shared memory"))
            });
        }
        Err(error) => assert!(error.to_string().contains("gpu"), "{error}"),
    }
}

/// The link breaks: the stream is made anew.
#[test]
fn a_producer_whose_buffers_nobody_agrees_on_is_asked_for_shared_memory() {
    let _session = session();
    // It offers files in memory only, whatever the format says.
    let script = Script { data_types: Some(1 << 2), ..script(&[LINEAR]) };
    let producer = Producer::start(script, patterned()).unwrap();
    let rig = open(&producer, imports(&[LINEAR]));
    let frame = rig.frame();
    assert!(frame.memory.cpu().is_some() && pattern_number(&frame).is_some());
    assert!(rig.journal.notes().join("\n").contains("shared memory"), "{:?}", rig.journal.notes());
}

#[test]
fn a_producer_of_one_buffer_is_asked_for_shared_memory() {
    let _session = session();
    let script = Script { buffers: (1, 1, 1), ..script(&[LINEAR]) };
    let producer = Producer::start(script, patterned()).unwrap();
    let rig = open(&producer, imports(&[LINEAR]));
    let frame = rig.frame();
    assert!(frame.memory.cpu().is_some(), "{} buffers", producer.buffers());
    assert!(pattern_number(&frame).is_some());
    assert!(rig.journal.notes().join("\n").contains("shared memory"), "{:?}", rig.journal.notes());
}

#[test]
fn what_poses_as_a_dmabuf_is_found_out() {
    let _session = session();
    let producer = Producer::start(script(&[LINEAR]), patterned()).unwrap();
    let rig = open(&producer, Imports { only_dmabufs: true, ..imports(&[LINEAR]) });
    let frame = rig.frame();
    assert!(pattern_number(&frame).is_some(), "shared memory it is");
    let notes = rig.journal.notes().join("\n");
    assert!(notes.contains("is not a DMA-BUF") && notes.contains("shared memory"), "{notes}");
}

#[test]
fn wrong_numbers_of_planes_are_refused() {
    let _session = session();
    for planes in [2, 5, 10] {
        let mut script = script(&[LINEAR]);
        script.gpu = Some(Gpu { planes: Some(planes), ..Gpu::new(None) });
        let producer = Producer::start(script, patterned()).unwrap();
        let rig = open(&producer, imports(&[LINEAR]));
        assert!(pattern_number(&rig.frame_where(|frame| frame.memory.cpu().is_some())).is_some());
        let notes = rig.journal.notes().join("\n");
        assert!(notes.contains(&format!("{planes} planes")), "{notes}");
    }
}

#[test]
fn layouts_that_do_not_fit_are_counted_and_then_not_asked_for_again() {
    let _session = session();
    type Lie = fn(&mut Draft<'_>);
    let lies: [(&str, Lie); 5] = [
        ("a stride shorter than a row", |draft| draft.chunks[0].stride = 255),
        ("a stride beyond the memory", |draft| draft.chunks[0].stride = 257),
        ("a negative stride", |draft| draft.chunks[0].stride = -256),
        ("an offset that pushes it out", |draft| draft.chunks[0].offset = 1),
        ("a huge offset", |draft| draft.chunks[0].offset = u32::MAX),
    ];
    for (what, lie) in lies {
        let painter: Painter = Box::new(move |draft| {
            draft.fill();
            // In shared memory it tells the truth.
            if draft.in_gpu {
                lie(draft);
            }
        });
        let producer = Producer::start(script(&[LINEAR]), painter).unwrap();
        let rig = open(&producer, imports(&[LINEAR]));
        let frame = rig.frame();
        assert!(frame.memory.cpu().is_some() && pattern_number(&frame).is_some(), "{what}");
        assert!(rig.counters.corrupt.get() >= 8, "{what}: {:?}", rig.counters);
    }
}

#[test]
fn a_layout_that_changes_in_a_buffer_is_not_followed() {
    let _session = session();
    let painter: Painter = Box::new(|draft| {
        draft.fill();
        if draft.in_gpu && draft.number % 16 == 15 {
            draft.chunks[0].stride += 4;
        }
    });
    let script = Script { padding: 16, ..script(&[LINEAR]) };
    let producer = Producer::start(script, painter).unwrap();
    let rig = open(&producer, imports(&[LINEAR]));
    while rig.counters.corrupt.get() < 3 {
        assert_eq!(gpu(&rig.frame()).buffer.planes[0].stride, 272);
    }
}

#[test]
fn a_consumer_that_holds_frames_does_not_stall_the_producer() {
    let _session = session();
    for buffers in [2, 4, 8] {
        let script = Script { buffers: (buffers, 2, buffers), ..script(&[LINEAR]) };
        let producer = Producer::start(script, patterned()).unwrap();
        let rig = open(&producer, imports(&[LINEAR]));
        let most = (buffers - 3).max(1) as usize;
        let held: Vec<_> = (0..most).map(|_| rig.frame()).collect();
        rig.until("drops to be counted", |rig| rig.counters.dropped_capture.get() >= 20);
        drop(held);
        for _ in 0..20 {
            gpu(&rig.frame());
        }
    }
}

#[test]
fn sizes_formats_and_memory_change_in_mid_stream_and_no_descriptor_leaks() {
    let _session = session();
    let producer = Producer::start(script(&[LINEAR]), patterned()).unwrap();
    let rig = open(&producer, imports(&[LINEAR]));
    rig.frame();
    let mut before = None;
    for round in 0..12u32 {
        let size = Size::new(64 + round * 2, 48);
        for offer in [
            Offer::in_gpu("BGRx", size, &[LINEAR]),
            Offer::in_gpu("NV12", size, &[LINEAR]),
            Offer::new("BGRx", size),
        ] {
            let in_gpu = !offer.modifiers.is_empty();
            let planes = if offer.formats == Offer::new("NV12", size).formats { 2 } else { 1 };
            producer.offer(vec![offer]);
            let frame = rig.frame_where(|frame| {
                frame.size == size
                    && frame.format.planes() == planes
                    && frame.memory.cpu().is_none() == in_gpu
            });
            drop(frame);
        }
        // What the first rounds open stays open.
        if round == 3 {
            before = Some(files());
        }
    }
    let before = before.unwrap();
    assert!(files() <= before + 2, "descriptors leak: {before} before, {} after", files());
}

#[test]
fn ten_thousand_frames_leak_no_descriptor() {
    let _session = session();
    let script = Script { fps: 2000.0, ..script(&[LINEAR]) };
    let producer = Producer::start(script, Box::new(|_| {})).unwrap();
    let rig = open(&producer, imports(&[LINEAR]));
    for _ in 0..100 {
        gpu(&rig.frame());
    }
    let before = files();
    let (fence, signal) = rustix::pipe::pipe().unwrap();
    rustix::io::write(&signal, b"!").unwrap();
    for _ in 0..10_000 {
        let frame = rig.frame();
        let lease = &gpu(&frame).lease;
        lease.acquire().unwrap();
        lease.read_until(fence.try_clone().unwrap());
    }
    drop((fence, signal));
    rig.until("descriptors to be closed", |_| files() <= before + 2);
}

#[test]
fn frames_outlive_the_stream_and_the_producer() {
    let _session = session();
    let producer = Producer::start(script(&[LINEAR]), patterned()).unwrap();
    let mut rig = open(&producer, imports(&[LINEAR]));
    let frame = rig.frame();
    let bytes = first_bytes(&frame, 64);
    rig.capture = None;
    drop(producer);
    assert_eq!(first_bytes(&frame, 64), bytes);
    let (fence, _signal) = rustix::pipe::pipe().unwrap();
    gpu(&frame).lease.read_until(fence);
    gpu(&frame).lease.refuse("it is too late");
}

#[test]
fn hdr_goes_before_sdr_in_a_gpus_memory_too() {
    let _session = session();
    let id = Value::Id;
    let extra = [(0x2_000e, id(14).mandatory()), (0x2_000f, id(7).mandatory())];
    let mut script = script(&[LINEAR]);
    let mut hdr = Offer::in_gpu("xBGR_210LE", SIZE, &[LINEAR]);
    hdr.extra.extend(extra);
    script.offers.insert(0, hdr);
    let producer = Producer::start(script, patterned()).unwrap();
    let linear = || vec![Modifier { modifier: LINEAR, planes: 1 }];
    let formats = vec![(PixelFormat::Bgrx, linear()), (PixelFormat::Xbgr2101010, linear())];
    for (hdr, format, transfer) in
        [(true, PixelFormat::Xbgr2101010, Transfer::Pq), (false, PixelFormat::Bgrx, Transfer::Sdr)]
    {
        let imports = Imports { only_dmabufs: false, ..Imports::new(formats.clone()) };
        let rig = Rig::importing(&config(producer.name()).with_hdr(hdr), Some(imports)).unwrap();
        let frame = rig.frame();
        assert_eq!((gpu(&frame).buffer.format, frame.color.transfer), (format, transfer));
    }
}
