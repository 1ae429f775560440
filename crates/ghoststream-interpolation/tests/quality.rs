//! How near the pictures between come to the truth, beside blending and repeating.

mod scenes;

use ghoststream_interpolation::{Interpolator, Time};
use ghoststream_picture::{PixelFormat, Size};
use scenes::{CUT, Nv12, SCENES, Scene};

const SIZE: Size = Size::new(384, 216);

struct Quality {
    ours: f64,
    blended: f64,
    repeated: f64,
}

impl Quality {
    fn gain(&self) -> f64 {
        self.ours - self.blended.max(self.repeated)
    }
}

fn between(before: &Nv12, after: &Nv12, share: f64) -> (Nv12, bool) {
    let mut out = Nv12::blank(before.size);
    let mut interpolator = Interpolator::new(PixelFormat::Nv12, before.size).expect("made");
    let (before, after) = (before.view(), after.view());
    let motion = interpolator.between(&before, &after).expect("searched");
    motion.at(Time::new(share), &mut out.view_mut()).expect("made");
    (out, motion.is_cut())
}

fn judge(scene: &Scene, share: f64) -> Quality {
    let [before, truth, after] = [0.0, share, 1.0].map(|time| scene.nv12(SIZE, time));
    let (ours, cut) = between(&before, &after, share);
    assert!(!cut, "{}: not a cut", scene.name);
    let blend = before.blend(&after, share);
    let repeat = if share < 0.5 { &before } else { &after };
    if let Some(directory) = std::env::var_os("INTERPOLATION_PICTURES") {
        let name = format!("{}-{share}.png", scene.name.replace(' ', "-"));
        let path = std::path::Path::new(&directory).join(name);
        sheet(&[&before, &blend, &ours, &truth]).save(path).expect("saved");
    }
    Quality { ours: ours.psnr(&truth), blended: blend.psnr(&truth), repeated: repeat.psnr(&truth) }
}

/// The pictures' luma, the first, the blend, ours and the truth, two in a row.
fn sheet(pictures: &[&Nv12; 4]) -> image::GrayImage {
    let (width, height) = (SIZE.width, SIZE.height);
    image::GrayImage::from_fn(width * 2, height * 2, |x, y| {
        let picture = pictures[(y / height * 2 + x / width) as usize];
        image::Luma([picture.luma[((y % height) * width + x % width) as usize]])
    })
}

fn table(shares: &[f64]) -> Vec<(String, Quality)> {
    let mut rows = Vec::new();
    println!("{:20} {:>5} {:>8} {:>8} {:>8} {:>6}", "scene", "at", "ours", "blended", "repeated", "gain");
    for scene in &SCENES {
        for &share in shares {
            let it = judge(scene, share);
            println!(
                "{:20} {share:5.2} {:8.2} {:8.2} {:8.2} {:6.2}",
                scene.name,
                it.ours,
                it.blended,
                it.repeated,
                it.gain()
            );
            rows.push((format!("{} at {share}", scene.name), it));
        }
    }
    rows
}

#[test]
fn thirty_into_sixty_is_three_decibels_nearer_the_truth() {
    for (name, quality) in table(&[0.5]) {
        assert!(quality.gain() >= 3.0, "{name}: {:.2} dB", quality.gain());
    }
}

#[test]
fn twenty_four_into_sixty_is_three_decibels_nearer_the_truth() {
    for (name, quality) in table(&[0.4, 0.8]) {
        assert!(quality.gain() >= 3.0, "{name}: {:.2} dB", quality.gain());
    }
}

#[test]
fn a_cut_shows_the_nearer_picture() {
    let [before, after] = [0.0, 1.0].map(|time| CUT.nv12(SIZE, time));
    for (share, nearer) in [(0.25, &before), (0.75, &after)] {
        let (shown, cut) = between(&before, &after, share);
        assert!(cut, "a cut");
        assert!(shown == *nearer, "the nearer picture, untouched");
    }
}
