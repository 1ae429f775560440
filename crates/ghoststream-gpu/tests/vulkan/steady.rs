//! Once pictures are on their way, nothing is made any more and nothing is waited for.

use std::collections::VecDeque;

use ghoststream_gpu::pass::{Output, Pixels, Target};
use ghoststream_picture::{PixelFormat, Rect, Size};

use crate::heap;
use crate::pictures::{BT709, Bitmap, Noise, Picture, distance, pass, read};
use crate::rig::Rig;

const SIZE: Size = Size::new(128, 64);

/// Changes somewhere in the picture, at even places.
fn change(noise: &mut Noise, picture: &mut Picture) -> Rect {
    let mut even = |most: u32| (noise.next() % u64::from(most / 2)) as u32 * 2;
    let (x, y) = (even(SIZE.width), even(SIZE.height));
    let rect = Rect::new(x, y, 2 + even(SIZE.width - x), 2 + even(SIZE.height - y));
    picture.change(rect, noise.next() >> 40);
    rect
}

/// Three hundred frames, of which parts change and over which a pointer moves that looks differently now
/// and then. Every seventh is compared.
fn three_hundred_frames(source: PixelFormat) {
    let rig = Rig::new();
    let target = Target { format: PixelFormat::Nv12, size: SIZE, color: BT709 };
    let mut pass = pass(&rig.device, target);
    let mut noise = Noise(17);
    let mut picture = Picture::noise(source, SIZE, 1);
    let mut held: VecDeque<Output> = VecDeque::new();
    // All four pictures of the ring are made once.
    let ring: Vec<_> = (0..4).map(|_| pass.run(&picture.in_memory(None)).expect("it runs")).collect();
    read(&ring[3], target);
    drop(ring);
    let before = rig.device.created();
    for index in 0..300u64 {
        let changed: Vec<Rect> = (0..index % 4).map(|_| change(&mut noise, &mut picture)).collect();
        let place = ((noise.next() % 140) as i32 - 10, (noise.next() % 80) as i32 - 10);
        let size = Size::new(9 + (index / 10 % 3) as u32, 12);
        picture.pointer = (index % 50 > 4).then(|| Bitmap::noise(place, size, index / 10));
        // The encoder holds two, and has read what it gives back: a GPU that is further behind takes more memory
        // for frames on their way up, though no more than one for each picture of the ring.
        if held.len() == 2 {
            read(&held.pop_front().expect("two"), target);
        }
        let frame = picture.in_memory(Some(&changed));
        let (waits, requests) = (rig.device.waits(), heap::requests());
        let output = pass.run(&frame).expect("it runs");
        let requested = heap::requests() - requests;
        assert_eq!(rig.device.waits(), waits, "frame {index} was waited for");
        // The first ones find out how much they need.
        assert!(index < 60 || requested == 0, "frame {index} asked for memory {requested} times");
        if index % 7 == 0 {
            let off = distance(&picture, target, &read(&output, target));
            assert!(off <= 1.0, "frame {index}: off by {off}");
        }
        held.push_back(output);
    }
    assert_eq!(rig.device.created(), before, "objects that were made on the way");
}

#[test]
fn frames_of_packed_pixels_need_nothing_new() {
    three_hundred_frames(PixelFormat::Bgrx);
}

#[test]
fn frames_of_luma_and_chroma_need_nothing_new() {
    three_hundred_frames(PixelFormat::I420);
}

/// Pictures that are held for long hold no memory through which their frames went up.
#[test]
fn frames_go_up_through_two_buffers_however_many_are_held() {
    let rig = Rig::new();
    let target = Target { format: PixelFormat::Nv12, size: SIZE, color: BT709 };
    let mut pass = pass(&rig.device, target);
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    let mut held = Vec::new();
    let mut made = Vec::new();
    for _ in 0..4 {
        let before = rig.device.created();
        held.push(pass.run(&picture.in_memory(None)).expect("it runs"));
        read(&held[held.len() - 1], target);
        made.push(rig.device.created() - before);
    }
    drop(held);
    let mut other = crate::pictures::pass(&rig.device, target);
    let resident = other.keep(&picture.in_memory(None)).expect("memory");
    let mut held = Vec::new();
    for made in made {
        let before = rig.device.created();
        held.push(other.run(&picture.frame(Pixels::Resident(&resident))).expect("it runs"));
        read(&held[held.len() - 1], target);
        if held.len() > 1 {
            assert_eq!(made, rig.device.created() - before, "for picture {} of the ring", held.len());
        }
    }
}

#[test]
fn where_nothing_changed_nothing_is_copied() {
    let rig = Rig::new();
    let target = Target { format: PixelFormat::Nv12, size: SIZE, color: BT709 };
    let mut pass = pass(&rig.device, target);
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    let mut run = |changed: Option<&[Rect]>| {
        let before = pass.copied_up();
        let output = pass.run(&picture.in_memory(changed)).expect("it runs");
        assert!(distance(&picture, target, &read(&output, target)) <= 1.0);
        pass.copied_up() - before
    };
    assert_eq!(run(Some(&[])), SIZE.area() * 4, "the first has all of it");
    assert_eq!(run(Some(&[])), 0);
    assert_eq!(run(Some(&[Rect::new(3, 5, 7, 2)])), 7 * 2 * 4);
    assert_eq!(run(Some(&[Rect::new(120, 60, 1000, u32::MAX)])), 8 * 4 * 4, "what lies outside is not there");
    assert_eq!(run(Some(&[Rect::of(SIZE); 3])), SIZE.area() * 4, "never more than all of it");
    assert_eq!(run(None), SIZE.area() * 4);
}

/// What a picture is made of may go at once: the pass keeps it for as long as the GPU reads it.
#[test]
fn a_picture_on_the_device_may_go_while_it_is_read() {
    let rig = Rig::new();
    let target = Target { format: PixelFormat::Nv12, size: SIZE, color: BT709 };
    let mut pass = pass(&rig.device, target);
    let mut made = Vec::new();
    for seed in 1..=4 {
        let picture = Picture::noise(PixelFormat::Bgrx, SIZE, seed);
        let resident = pass.keep(&picture.in_memory(None)).expect("memory");
        made.push((pass.run(&picture.frame(Pixels::Resident(&resident))).expect("it runs"), picture));
    }
    for (output, picture) in made {
        assert!(distance(&picture, target, &read(&output, target)) <= 1.0);
    }
}
