//! What holds for every picture between, whatever moves.

mod scenes;

use ghoststream_interpolation::{Error, Interpolator, PictureMut, PictureRef, Time};
use ghoststream_picture::{PixelFormat, Size};
use scenes::{Nv12, SCENES, Scene};

const SIZE: Size = Size::new(384, 216);

fn scene(name: &str) -> Scene {
    *SCENES.iter().find(|it| it.name == name).expect("a scene of this name")
}

fn between(before: &Nv12, after: &Nv12, share: f64) -> Nv12 {
    let mut out = Nv12::blank(before.size);
    let mut interpolator = Interpolator::new(PixelFormat::Nv12, before.size).expect("made");
    let (before, after) = (before.view(), after.view());
    let motion = interpolator.between(&before, &after).expect("searched");
    motion.at(Time::new(share), &mut out.view_mut()).expect("made");
    out
}

#[test]
fn what_does_not_move_stays_to_the_bit() {
    // Around the page that scrolls there is a frame that does not, and its edge is sharp.
    let [before, after] = [0.0, 1.0].map(|time| scene("scrolling text").nv12(SIZE, time));
    let shown = between(&before, &after, 0.5);
    let width = SIZE.width as usize;
    let still = |x: usize, y: usize| !(22..362).contains(&x) || !(18..198).contains(&y);
    let wrong: Vec<_> = (0..SIZE.area() as usize)
        .filter(|at| still(at % width, at / width) && shown.luma[*at] != before.luma[*at])
        .map(|at| (at % width, at / width))
        .collect();
    assert_eq!(wrong, [], "samples beside what moves have changed");
}

#[test]
fn a_still_picture_comes_back_whole() {
    for scene in SCENES {
        let picture = scene.nv12(SIZE, 0.0);
        assert!(between(&picture, &picture, 0.37) == picture, "{}", scene.name);
    }
}

#[test]
fn both_ends_are_the_pictures_themselves() {
    let [before, after] = [0.0, 1.0].map(|time| scene("pan").nv12(SIZE, time));
    assert!(between(&before, &after, 0.0) == before);
    assert!(between(&before, &after, 1.0) == after);
}

#[test]
fn a_fade_without_motion_is_half_way_in_the_middle() {
    let [before, truth, after] = [1.0, 0.95, 0.9].map(|light| {
        let mut picture = scene("pan").nv12(SIZE, 0.0);
        picture.luma.iter_mut().for_each(|it| *it = (f64::from(*it) * light).round() as u8);
        picture
    });
    let psnr = between(&before, &after, 0.5).psnr(&truth);
    assert!(psnr > 45.0, "{psnr:.1} dB");
}

/// Makes pictures of ten bits out of eight.
fn p010(picture: &Nv12) -> [Vec<u8>; 2] {
    [&picture.luma, &picture.chroma]
        .map(|plane| plane.iter().flat_map(|it| (u16::from(*it) << 8).to_le_bytes()).collect())
}

#[test]
fn ten_bits_are_the_same_picture_and_finer() {
    let [before, truth, after] = [0.0, 0.5, 1.0].map(|time| scene("pan").nv12(SIZE, time));
    let planes = [&before, &after].map(p010);
    let stride = SIZE.width as usize * 2;
    let [first, second] = planes.each_ref().map(|[luma, chroma]| {
        PictureRef::new(PixelFormat::P010, SIZE, [(luma, stride), (chroma, stride), (&[], 0)]).expect("fits")
    });
    let [mut luma, mut chroma] = p010(&Nv12::blank(SIZE));
    let out = [(&mut luma[..], stride), (&mut chroma[..], stride), (&mut [][..], 0)];
    let mut out = PictureMut::new(PixelFormat::P010, SIZE, out).expect("fits");
    let mut interpolator = Interpolator::new(PixelFormat::P010, SIZE).expect("made");
    interpolator.between(&first, &second).expect("found").at(Time::HALF, &mut out).expect("made");

    let eight = between(&before, &after, 0.5);
    for (ten, eight) in luma.as_chunks::<2>().0.iter().zip(&eight.luma) {
        let ten = u16::from_le_bytes(*ten);
        assert_eq!(ten & 63, 0, "six bits below are unused");
        assert!((f64::from(ten) / 256.0 - f64::from(*eight)).abs() <= 1.5, "{ten} and {eight}");
    }
    let narrow = |it: &[u8]| it.as_chunks::<2>().0.iter().map(|it| it[1]).collect();
    let narrowed = Nv12 { size: SIZE, luma: narrow(&luma), chroma: narrow(&chroma) };
    assert!(narrowed.psnr(&truth) > 40.0);
}

/// Planes of a pattern, and bytes from row to row; empty where the format has fewer.
fn pattern(format: PixelFormat, size: Size, seed: usize) -> [(Vec<u8>, usize); 3] {
    [0, 1, 2].map(|plane| {
        if plane >= format.planes() {
            return (Vec::new(), 0);
        }
        let (row, rows) = format.plane_layout(plane, size);
        let stride = row + 6;
        let value = |at: usize| (at % stride * 7 + at / stride * 5 + seed) as u8 & 3;
        ((0..stride * rows).map(value).collect(), stride)
    })
}

#[test]
fn every_size_works_in_planes_of_every_kind() {
    use PixelFormat::{I010, I420, I444, I444P10, I444P16, Nv12, P010};
    for format in [Nv12, I420, P010, I010, I444, I444P10, I444P16] {
        for (width, height) in [(16, 16), (17, 33), (64, 18), (131, 67), (18, 300)] {
            let size = Size::new(width, height);
            let [first, second, mut out] = [0, 1, 2].map(|seed| pattern(format, size, seed));
            let [first, second] = [&first, &second].map(|planes| {
                let planes = planes.each_ref().map(|it| (&it.0[..], it.1));
                PictureRef::new(format, size, planes).expect("fits")
            });
            let mut interpolator = Interpolator::new(format, size).expect("made");
            let motion = interpolator.between(&first, &second).expect("found");
            for share in [0.01, 0.5, 0.99] {
                let planes = out.each_mut().map(|it| (&mut it.0[..], it.1));
                let mut out = PictureMut::new(format, size, planes).expect("fits");
                motion.at(Time::new(share), &mut out).expect("made");
            }
        }
    }
}

#[test]
fn what_cannot_be_interpolated_is_refused() {
    let size = Size::new(64, 64);
    assert_eq!(Interpolator::new(PixelFormat::Bgrx, size).err(), Some(Error::Format(PixelFormat::Bgrx)));
    let small = Size::new(64, 15);
    assert_eq!(Interpolator::new(PixelFormat::Nv12, small).err(), Some(Error::Size(small)));
    let luma = vec![0; 64 * 64];
    let short = PictureRef::new(PixelFormat::Nv12, size, [(&luma, 64), (&luma[..2047], 64), (&[], 0)]);
    assert_eq!(short.err(), Some(Error::Plane { plane: 1, bytes: 2047, stride: 64 }));
    let narrow = PictureRef::new(PixelFormat::Nv12, size, [(&luma, 63), (&luma, 64), (&[], 0)]);
    assert_eq!(narrow.err(), Some(Error::Plane { plane: 0, bytes: 4096, stride: 63 }));
}

#[test]
fn a_picture_of_another_size_is_refused() {
    let (small, large) = (Nv12::blank(Size::new(64, 64)), Nv12::blank(Size::new(64, 66)));
    let mut interpolator = Interpolator::new(PixelFormat::Nv12, small.size).expect("made");
    let (small, large) = (small.view(), large.view());
    assert_eq!(interpolator.between(&small, &large).err(), Some(Error::Shape));
    let mut out = Nv12::blank(Size::new(64, 66));
    let motion = interpolator.between(&small, &small).expect("found");
    assert_eq!(motion.at(Time::HALF, &mut out.view_mut()), Err(Error::Shape));
}
