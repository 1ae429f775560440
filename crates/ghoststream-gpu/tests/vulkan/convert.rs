//! Where nothing is scaled.

use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, Pass, Pixels, Target};
use ghoststream_picture::filter::Filter;
use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Transform, View};

use crate::rig::Rig;

#[test]
fn white_black_and_red_are_what_bt709_says() {
    let rig = Rig::new();
    let size = Size::new(64, 32);
    let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
    let target = Target { format: PixelFormat::Nv12, size, color };
    let mut pass = Pass::new(&rig.device, target, Filter::Lanczos, Delivery::Readback, 4).expect("a pass");
    for (bgrx, wanted) in [
        ([255, 255, 255, 0], [235, 128, 128]),
        ([0, 0, 0, 0], [16, 128, 128]),
        ([0, 0, 255, 0], [63, 102, 240]),
    ] {
        let bytes: Vec<u8> = bgrx.repeat(size.area() as usize);
        let frame = Frame {
            size,
            format: PixelFormat::Bgrx,
            color: Color::new(ColorSpace::Bt709, ColorRange::Full),
            hdr: None,
            view: View::new(Rect::of(size), Transform::Normal, None).expect("all of it"),
            pointer: None,
            pixels: Pixels::Memory { planes: [(&bytes, 256), (&[], 0), (&[], 0)], changed: None },
        };
        let output = pass.run(&frame).expect("it runs");
        assert!(output.wait(Duration::from_secs(10)).expect("no loss"), "it is done");
        let (luma, pitch) = output.plane(0).expect("luma");
        let (chroma, _) = output.plane(1).expect("chroma");
        for y in 0..32 {
            assert!(luma[y * pitch..][..64].iter().all(|it| *it == wanted[0]), "{bgrx:?}: {luma:?}");
        }
        for y in 0..16 {
            let pairs = chroma[y * pitch..][..64].as_chunks::<2>().0;
            assert!(pairs.iter().all(|it| *it == [wanted[1], wanted[2]]), "{bgrx:?}: {pairs:?}");
        }
    }
}
