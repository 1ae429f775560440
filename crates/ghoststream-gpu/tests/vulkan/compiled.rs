//! Shaders are compiled once, and kept.

use std::fs;
use std::time::{Duration, Instant};

use ghoststream_gpu::pass::Target;
use ghoststream_gpu::vulkan::{Device, PipelineCacheError};
use ghoststream_picture::{PixelFormat, Size};

use crate::pictures::{BT709, Picture, check, pass};
use crate::rig::Rig;

const SIZE: Size = Size::new(64, 36);
const TARGET: Target = Target { format: PixelFormat::Nv12, size: Size::new(32, 18), color: BT709 };

/// How long the first picture of a device takes, and the tenth.
fn first_and_tenth(device: &Device) -> [Duration; 2] {
    let mut pass = pass(device, TARGET);
    let picture = Picture::noise(PixelFormat::Bgrx, SIZE, 1);
    let mut one = || {
        let begin = Instant::now();
        let output = pass.run(&picture.in_memory(None)).expect("it runs");
        assert!(output.wait(Duration::from_secs(60)).expect("no loss"));
        begin.elapsed()
    };
    let all: Vec<_> = (0..10).map(|_| one()).collect();
    check(&mut pass, &picture, TARGET, "with what was kept");
    [all[0], all[9]]
}

#[test]
fn what_was_compiled_is_kept_for_the_next_device() {
    let rig = Rig::new();
    let path = std::env::temp_dir().join(format!("ghoststream-compiled-{}", std::process::id()));
    assert!(!rig.device.restore_pipelines(&path).expect("there is no file"));
    println!("compiled: {:?}", first_and_tenth(&rig.device));
    println!("compiled in this process before: {:?}", first_and_tenth(&rig.device));
    rig.device.keep_pipelines(&path).expect("it is written");
    let written = fs::metadata(&path).expect("it is there");
    println!("{} bytes", written.len());
    fs::remove_file(&path).expect("it is ours");
    rig.device.keep_pipelines(&path).expect("there is nothing new");
    assert!(!path.exists(), "it is not written again");

    let next = Device::open(rig.device.physical()).expect("it opens");
    println!("compiled, and not kept: {:?}", first_and_tenth(&next));
    next.keep_pipelines(&path).expect("it is written");
    let next = Device::open(rig.device.physical()).expect("it opens");
    assert!(next.restore_pipelines(&path).expect("it is whole"));
    println!("kept: {:?}", first_and_tenth(&next));

    let mut bytes = fs::read(&path).expect("it is there");
    *bytes.last_mut().expect("a header at least") ^= 1;
    fs::write(&path, bytes).expect("it is ours");
    let next = Device::open(rig.device.physical()).expect("it opens");
    let refused = next.restore_pipelines(&path);
    assert!(matches!(refused, Err(PipelineCacheError::Damaged(_))), "{refused:?}");
    first_and_tenth(&next);
    fs::remove_file(&path).expect("it is ours");
}
