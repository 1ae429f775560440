//! Frame interpolation by the motion that the GPU's optical flow engine finds.

// The scenes by which interpolation on the CPU is judged.
#[path = "../../../ghoststream-interpolation/tests/scenes/mod.rs"]
mod scenes;

use ghoststream_gpu::cuda::Layout;
use ghoststream_gpu::interpolate::flow::{FlowError, Session};
use ghoststream_gpu::interpolate::{InterpolateError, Interpolator};
use ghoststream_gpu::vulkan::{Buffer, Commands, Submission, Timeline, Use};
use ghoststream_picture::{PixelFormat, Size};
use scenes::{CUT, Nv12, SCENES, Scene};

use crate::rig::Rig;

const SIZE: Size = Size::new(384, 216);

fn layout(size: Size) -> Layout {
    let plane = |index| PixelFormat::Nv12.plane_layout(index, size);
    Layout::new([plane(0), plane(1), (0, 0)])
}

fn by_blocks(rig: &Rig, size: Size) -> Interpolator {
    Interpolator::new(&rig.device, PixelFormat::Nv12, size, &layout(size)).expect("made")
}

fn by_flow(rig: &Rig, size: Size) -> Result<Interpolator, InterpolateError> {
    Interpolator::with_optical_flow(&rig.device, PixelFormat::Nv12, size, &layout(size))
}

fn upload(rig: &Rig, picture: &Nv12) -> Buffer {
    let layout = layout(picture.size);
    let mut buffer = Buffer::new(&rig.device, layout.len() as u64, Use::Upload).expect("memory");
    // SAFETY: no GPU uses it yet.
    #[allow(unsafe_code)]
    let bytes = unsafe { buffer.bytes_mut() };
    let width = picture.size.width as usize;
    for (plane, samples) in [&picture.luma, &picture.chroma].into_iter().enumerate() {
        let rows = bytes[layout.offset(plane).expect("there")..].chunks_mut(layout.pitch());
        for (row, samples) in rows.zip(samples.chunks(width)) {
            row[..width].copy_from_slice(samples);
        }
    }
    buffer
}

fn read(buffer: &Buffer, size: Size) -> Nv12 {
    let layout = layout(size);
    let mut picture = Nv12::blank(size);
    // SAFETY: who wrote it waited for the GPU.
    #[allow(unsafe_code)]
    let bytes = unsafe { buffer.bytes() };
    let width = size.width as usize;
    for (plane, samples) in [&mut picture.luma, &mut picture.chroma].into_iter().enumerate() {
        let rows = bytes[layout.offset(plane).expect("there")..].chunks(layout.pitch());
        for (row, samples) in rows.zip(samples.chunks_mut(width)) {
            samples.copy_from_slice(&row[..width]);
        }
    }
    picture
}

fn between(rig: &Rig, interpolator: &mut Interpolator, before: &Nv12, after: &Nv12, time: u32) -> Nv12 {
    let (first, second) = (upload(rig, before), upload(rig, after));
    let length = layout(before.size).len() as u64;
    let shown = Buffer::new(&rig.device, length, Use::Readback).expect("memory");
    let set = interpolator.bind([&first, &second, &shown]).expect("bound");
    // SAFETY: the buffers are as long as the layout says, and live until the call returns, which waits.
    #[allow(unsafe_code)]
    unsafe {
        interpolator.run(&set, time).expect("ran");
    }
    read(&shown, before.size)
}

/// Each scene before, in the middle and after, all drawn at once.
fn drawn(scenes: &[Scene]) -> Vec<[Nv12; 3]> {
    std::thread::scope(|scope| {
        let draw = |scene: &Scene| {
            let scene = *scene;
            [0.0, 0.5, 1.0].map(|time| scope.spawn(move || scene.nv12(SIZE, time)))
        };
        let drawing: Vec<_> = scenes.iter().map(draw).collect();
        drawing.into_iter().map(|it| it.map(|one| one.join().expect("drawn"))).collect()
    })
}

#[test]
#[ignore = "needs VK_NV_optical_flow"]
fn scenes_by_optical_flow_are_three_decibels_nearer_the_truth() {
    let rig = Rig::new();
    let (mut blocks, mut flow) = (by_blocks(&rig, SIZE), by_flow(&rig, SIZE).expect("an engine"));
    println!("| scene | optical flow | block search | blended | repeated |");
    println!("| --- | --- | --- | --- | --- |");
    let mut poor = Vec::new();
    for (scene, [before, truth, after]) in SCENES.iter().zip(drawn(&SCENES)) {
        let made = [&mut flow, &mut blocks].map(|it| between(&rig, it, &before, &after, 128));
        let [flow, blocks] = made.map(|it| it.psnr(&truth));
        let [blended, repeated] = [&before.blend(&after, 0.5), &after].map(|it| it.psnr(&truth));
        println!("| {} | {flow:.1} | {blocks:.1} | {blended:.1} | {repeated:.1} |", scene.name);
        if flow < blended.max(repeated) + 3.0 {
            poor.push(scene.name);
        }
    }
    assert!(poor.is_empty(), "{poor:?}");
}

#[test]
#[ignore = "needs VK_NV_optical_flow"]
fn optical_flow_takes_a_cut_for_a_cut() {
    let rig = Rig::new();
    let mut flow = by_flow(&rig, SIZE).expect("an engine");
    let [before, after] = [0.0, 1.0].map(|time| CUT.nv12(SIZE, time));
    assert!(between(&rig, &mut flow, &before, &after, 100) == before);
    assert!(between(&rig, &mut flow, &before, &after, 160) == after);
}

#[test]
#[ignore = "needs VK_NV_optical_flow"]
fn searches_by_optical_flow_need_nothing_new_and_no_wait() {
    let rig = Rig::new();
    let mut flow = by_flow(&rig, SIZE).expect("an engine");
    let [before, truth, after] = drawn(&SCENES[..1]).remove(0);
    let (first, second) = (upload(&rig, &before), upload(&rig, &after));
    let length = layout(SIZE).len() as u64;
    let shown = Buffer::new(&rig.device, length, Use::Readback).expect("memory");
    let sets = [[&first, &second, &shown], [&second, &first, &shown]].map(|it| flow.bind(it).expect("bound"));
    let timeline = Timeline::new(&rig.device).expect("a timeline");
    let mut lists = [0, 1].map(|_| Commands::new(&rig.device).expect("a list"));
    let made = rig.device.created();
    for turn in 0..20 {
        // There and back: vectors of the search before would show.
        let (set, list) = (&sets[turn % 2], &mut lists[turn % 2]);
        let done = turn as u64 + 1;
        assert!(timeline.wait(done.saturating_sub(2), std::time::Duration::from_secs(10)).expect("no loss"));
        let waits = rig.device.waits();
        // SAFETY: the list was done two turns ago; all that it names outlives the last wait.
        #[allow(unsafe_code)]
        unsafe {
            let found = flow.begin(set).expect("begun");
            list.record(|_, list| {
                flow.record_search(list, set);
                flow.record_picture(list, set, 128);
            })
            .expect("recorded");
            let signal = [(timeline.raw(), done)];
            list.submit(Submission { wait: found.as_slice(), signal: &signal }).expect("submitted");
        }
        assert_eq!(rig.device.waits(), waits, "times that the CPU waited in turn {turn}");
    }
    assert!(timeline.wait(20, std::time::Duration::from_secs(10)).expect("no loss"));
    assert_eq!(rig.device.created(), made, "objects that were made on the way");
    assert!(read(&shown, SIZE).psnr(&truth) > before.blend(&after, 0.5).psnr(&truth) + 3.0);
}

#[test]
#[ignore = "needs VK_NV_optical_flow"]
fn sizes_that_the_optical_flow_engine_refuses_are_left_to_the_block_search() {
    let rig = Rig::new();
    // Of half of it the engine would see 30 pixels across.
    let small = Size::new(60, 200);
    let refused = by_flow(&rig, small).expect_err("narrower than it takes");
    assert!(matches!(refused, InterpolateError::Flow(_)), "{refused}");
    assert!(by_flow(&rig, Size::new(64, 200)).is_ok());
    let [before, after] = [0.0, 1.0].map(|time| SCENES[0].nv12(small, time));
    assert_ne!(between(&rig, &mut by_blocks(&rig, small), &before, &after, 128), before);
}

/// A texture that has moved.
fn panned(size: Size, [right, down]: [u32; 2]) -> Vec<u8> {
    let hash = |x: u32, y: u32| {
        let it = (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77)).wrapping_mul(0x846c_a68b);
        (it ^ (it >> 13)) & 255
    };
    let texture = |x: u32, y: u32| (hash(x / 24, y / 24) * 2 + hash(x / 6, y / 6) + hash(x / 2, y / 2)) / 4;
    let pixel = |at: u32| texture(1000 + at % size.width - right, 1000 + at / size.width - down) as u8;
    (0..size.width * size.height).map(pixel).collect()
}

/// What the engine finds between two pictures of luma: the vectors of both pictures' blocks, in pixels.
fn vectors(rig: &Rig, size: Size, pictures: [&[u8]; 2]) -> [Vec<[f32; 2]>; 2] {
    let device = &rig.device;
    let session = Session::new(device, size).expect("it takes them");
    let mut luma = Buffer::new(device, 2 * size.area(), Use::Upload).expect("memory");
    let blocks = u64::from(size.width.div_ceil(4)) * u64::from(size.height.div_ceil(4));
    let found = Buffer::new(device, 2 * 4 * blocks, Use::Readback).expect("memory");
    let timeline = Timeline::new(device).expect("a timeline");
    let mut engine = Commands::for_optical_flow(device).expect("a list");
    // SAFETY: everything lives until the last call returns, which waits for the others.
    #[allow(unsafe_code)]
    let bytes = unsafe {
        luma.bytes_mut().copy_from_slice(&pictures.concat());
        let starts = [0, size.area()];
        Commands::run_once(device, |_, list| session.fill(list, luma.raw(), starts, size.width))
            .expect("filled");
        engine.record(|_, list| session.execute(list)).expect("recorded");
        engine.submit(Submission { wait: &[], signal: &[(timeline.raw(), 1)] }).expect("submitted");
        let wait = [(timeline.raw(), 1)];
        let starts = [0, 4 * blocks];
        Commands::run_once_after(device, &wait, |_, list| session.read(list, found.raw(), starts))
            .expect("read");
        found.bytes()
    };
    let number = |bytes: [u8; 2]| f32::from(i16::from_le_bytes(bytes)) / 32.0;
    let all: Vec<_> =
        bytes.as_chunks::<4>().0.iter().map(|it| [number([it[0], it[1]]), number([it[2], it[3]])]).collect();
    let (first, second) = all.split_at(blocks as usize);
    [first.to_vec(), second.to_vec()]
}

#[test]
#[ignore = "needs VK_NV_optical_flow"]
fn the_vectors_of_a_pan_by_optical_flow_are_within_half_a_pixel() {
    let rig = Rig::new();
    let size = Size::new(640, 360);
    for pan in [[0, 0], [9, 4], [21, 13]] {
        let [before, after] = [[0, 0], pan].map(|it| panned(size, it));
        let ways = vectors(&rig, size, [&before, &after]);
        for (found, sign) in ways.into_iter().zip([1.0, -1.0]) {
            let near = |it: &[f32; 2]| {
                it.iter().zip(pan).all(|(ours, truth)| (ours - sign * truth as f32).abs() <= 0.5)
            };
            // What is nearer to an edge may have come in, or have left.
            let rows = found.chunks(size.width as usize / 4);
            let inner: Vec<_> = rows.skip(10).take(70).flat_map(|row| &row[10..150]).collect();
            let share = inner.iter().filter(|it| near(it)).count() as f32 / inner.len() as f32;
            assert!(share > 0.9, "{pan:?}, way {sign}: {share} of the vectors");
        }
    }
}

#[test]
#[ignore = "needs VK_NV_optical_flow"]
fn sizes_beyond_the_optical_flow_engine_are_refused() {
    let rig = Rig::new();
    for (width, height) in [(16, 64), (64, 16), (32768, 64), (64, 32768)] {
        let refused =
            Session::new(&rig.device, Size::new(width, height)).expect_err("too small or too large");
        assert!(matches!(refused, FlowError::Size { .. }), "{width}x{height}: {refused}");
    }
}

#[test]
fn optical_flow_is_to_be_had_where_the_device_says_so() {
    let rig = Rig::new();
    let made = by_flow(&rig, SIZE);
    if rig.device.physical().abilities.optical_flow {
        assert!(made.is_ok());
    } else {
        assert!(matches!(made, Err(InterpolateError::Flow(FlowError::NoEngine))));
        assert!(Commands::for_optical_flow(&rig.device).is_err());
    }
}
