//! Beside zimg, which FFmpeg has as `zscale`: the same picture, scaled by both, against the same reference.

use std::io::Write;
use std::process::{Command, Stdio};

use ghoststream_picture::filter::Filter;
use ghoststream_picture::reference::{self, Planes, Recipe};
use ghoststream_picture::{PixelFormat, Size};

use crate::rig::Rig;
use crate::scale::{Picture, decibels, output, scaled};

/// What zimg makes of a picture, in red, green and blue as it came: how chroma is made is not compared.
fn by_zimg(picture: &Picture, to: Size, filter: &str) -> Planes {
    let graph =
        format!("format=gbrp,zscale=w={}:h={}:filter={filter}:dither=none,format=gbrp", to.width, to.height);
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-f", "rawvideo", "-pixel_format", "bgr0"])
        .args(["-video_size", &picture.size.to_string(), "-i", "pipe:0", "-vf", &graph])
        .args(["-f", "rawvideo", "pipe:1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg: scripts/install-packages test");
    let mut input = ffmpeg.stdin.take().expect("a pipe");
    let bytes = picture.bytes.clone();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let done = ffmpeg.wait_with_output().expect("it runs");
    assert!(done.status.success(), "ffmpeg with zscale");
    writer.join().expect("no panic").expect("all was read");
    let (width, area) = (to.width as usize, to.area() as usize);
    assert_eq!(done.stdout.len(), 3 * area, "three planes");
    // Green, blue, red.
    [2, 0, 1].map(|plane| {
        let bytes = &done.stdout[plane * area..][..area];
        bytes.chunks(width).map(|row| row.iter().map(|it| f64::from(*it)).collect()).collect()
    })
}

#[test]
fn we_scale_no_worse_than_zimg() {
    let rig = Rig::new();
    let format = PixelFormat::Bgrx;
    for (filter, theirs) in [(Filter::Lanczos, "lanczos"), (Filter::Bilinear, "bilinear")] {
        for (from, to) in [
            (Size::new(640, 360), Size::new(320, 180)),
            (Size::new(480, 270), Size::new(320, 180)),
            (Size::new(320, 180), Size::new(480, 270)),
        ] {
            let picture = Picture::bgrx(from);
            let recipe = Recipe::new(output(format, to), filter);
            let source = picture.source();
            let wanted = reference::made(&source, &recipe);
            let ours = decibels(&scaled(&rig, &picture.frame(&source, None), &recipe), &wanted, format);
            // Three lobes are zimg's default as well.
            let zimg = decibels(&by_zimg(&picture, to, theirs), &wanted, format);
            println!("{filter:?} {from} to {to}: {ours:.1} dB, zimg {zimg:.1} dB");
            assert!(ours >= zimg, "{filter:?} {from} to {to}: {ours:.1} dB, zimg {zimg:.1} dB");
            // Another filter, or another siting, would be far from the reference.
            assert!(zimg >= 45.0, "{filter:?} {from} to {to}: zimg does not do what the reference does");
        }
    }
}
