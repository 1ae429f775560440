//! Frame interpolation makes on the GPU what it makes on the CPU.

use ghoststream_gpu::cuda::Layout;
use ghoststream_gpu::interpolate::{InterpolateError, Interpolator};
use ghoststream_gpu::vulkan::{Buffer, Use};
use ghoststream_interpolation as cpu;
use ghoststream_picture::{PixelFormat, Size};

use crate::rig::Rig;

/// A picture as the GPU has it: all planes in one stretch.
pub struct Picture {
    pub format: PixelFormat,
    pub size: Size,
    layout: Layout,
    bytes: Vec<u8>,
}

impl Picture {
    fn new(format: PixelFormat, size: Size) -> Self {
        let layout =
            Layout::new([0, 1, 2].map(|plane| {
                if plane < format.planes() { format.plane_layout(plane, size) } else { (0, 0) }
            }));
        Self { format, size, bytes: vec![0; layout.len()], layout }
    }

    /// Textures of which the one moves, over the other that does not; and noise.
    pub fn drawn(format: PixelFormat, size: Size, time: i32, seed: u32) -> Self {
        let mut picture = Self::new(format, size);
        let deep = format.depth() > 8;
        for plane in 0..format.planes() {
            let (row_bytes, rows) = format.plane_layout(plane, size);
            let (offset, scale) =
                (picture.layout.offset(plane).expect("there"), if plane == 0 { 1 } else { 2 });
            let samples = row_bytes / if deep { 2 } else { 1 };
            for y in 0..rows {
                for x in 0..samples {
                    let value = sample(x as i32 * scale, y as i32 * scale, time, seed + plane as u32);
                    let at = offset + y * picture.layout.pitch();
                    if deep {
                        let value = (value << format.sample_shift()) as u16;
                        picture.bytes[at + x * 2..][..2].copy_from_slice(&value.to_le_bytes());
                    } else {
                        picture.bytes[at + x] = (value >> 2) as u8;
                    }
                }
            }
        }
        picture
    }

    pub fn planes(&self) -> [(&[u8], usize); 3] {
        [0, 1, 2].map(|plane| match self.layout.offset(plane) {
            Some(offset) => (&self.bytes[offset..], self.layout.pitch()),
            None => (&[][..], 0),
        })
    }

    /// Each plane's rows, without what lies beside them.
    fn rows(&self) -> Vec<&[u8]> {
        let mut all = Vec::new();
        for (plane, (bytes, stride)) in self.planes().into_iter().enumerate().take(self.format.planes()) {
            let (row, rows) = self.format.plane_layout(plane, self.size);
            all.extend((0..rows).map(|y| &bytes[y * stride..][..row]));
        }
        all
    }
}

/// Ten bits at a place and time.
fn sample(x: i32, y: i32, time: i32, seed: u32) -> u32 {
    let hash = |a: i32, b: i32, c: u32| {
        let it = (a as u32).wrapping_mul(0x9e37_79b1) ^ (b as u32).wrapping_mul(0x85eb_ca77) ^ c;
        let it = (it ^ (it >> 15)).wrapping_mul(0x846c_a68b);
        (it ^ (it >> 13)) & 255
    };
    let texture = |x: i32, y: i32, seed: u32| {
        let (a, b) = (hash(x >> 4, y >> 4, seed), hash(x >> 2, y >> 2, seed ^ 77));
        a * 2 + b + hash(x, y, seed ^ 5) / 2
    };
    let object = (x - 50 - 11 * time).abs() < 22 && (y - 40 + 5 * time).abs() < 15;
    let still = y < 12;
    if object {
        texture(x - 11 * time, y + 5 * time, seed + 100)
    } else if still {
        texture(x, y, seed)
    } else {
        texture(x + 3 * time, y + time, seed)
    }
}

pub fn on_the_cpu(before: &Picture, after: &Picture, time: u32) -> Picture {
    let read = |it: &Picture| (it.format, it.size);
    let (format, size) = read(before);
    let mut shown = Picture::new(format, size);
    let first = cpu::PictureRef::new(format, size, before.planes()).expect("fits");
    let second = cpu::PictureRef::new(format, size, after.planes()).expect("fits");
    let mut interpolator = cpu::Interpolator::new(format, size).expect("made");
    let between = interpolator.between(&first, &second).expect("found");
    // One stretch, cut where each plane begins.
    let (layout, mut rest) = (shown.layout, &mut shown.bytes[..]);
    let planes = [0, 1, 2].map(|plane| {
        let Some(offset) = layout.offset(plane) else { return (&mut [][..], 0) };
        let end = layout.offset(plane + 1).unwrap_or(layout.len());
        let (own, after) = std::mem::take(&mut rest).split_at_mut(end - offset);
        rest = after;
        (own, layout.pitch())
    });
    let mut out = cpu::PictureMut::new(format, size, planes).expect("fits");
    between.at(cpu::Time::new(f64::from(time) / 256.0), &mut out).expect("made");
    shown
}

fn on_the_gpu(rig: &Rig, before: &Picture, after: &Picture, time: u32) -> Picture {
    let device = &rig.device;
    let length = before.bytes.len() as u64;
    let upload = |picture: &Picture| {
        let mut buffer = Buffer::new(device, length, Use::Upload).expect("memory");
        // SAFETY: no GPU uses it yet.
        #[allow(unsafe_code)]
        unsafe {
            buffer.bytes_mut().copy_from_slice(&picture.bytes);
        }
        buffer
    };
    let (first, second) = (upload(before), upload(after));
    let shown = Buffer::new(device, length, Use::Readback).expect("memory");
    let mut interpolator =
        Interpolator::new(device, before.format, before.size, &before.layout).expect("made");
    let set = interpolator.bind([&first, &second, &shown]).expect("bound");
    // SAFETY: the buffers are as long as the layout says, and live until the call returns, which waits.
    #[allow(unsafe_code)]
    unsafe {
        interpolator.run(&set, time).expect("ran");
        Picture { bytes: shown.bytes().to_vec(), ..Picture::new(before.format, before.size) }
    }
}

/// Compares both, byte by byte.
fn compare(rig: &Rig, before: &Picture, after: &Picture, time: u32) {
    let (cpu, gpu) = (on_the_cpu(before, after, time), on_the_gpu(rig, before, after, time));
    let name = format!("{:?} {} at {time}", before.format, before.size);
    let mut changed = false;
    let (cpu_rows, gpu_rows, old) = (cpu.rows(), gpu.rows(), before.rows());
    for (row, (ours, theirs)) in cpu_rows.iter().zip(&gpu_rows).enumerate() {
        let wrong = ours.iter().zip(theirs.iter()).position(|(a, b)| a != b);
        assert_eq!(wrong, None, "{name}: row {row} of all planes differs from this byte on");
        changed |= *ours != old[row];
    }
    assert!(changed, "{name}: a picture between, and not the first again");
}

#[test]
fn the_gpu_makes_the_cpu_s_pictures() {
    let rig = Rig::new();
    for (width, height, time) in [(192, 108, 128), (131, 67, 51), (64, 64, 205), (90, 50, 77)] {
        let size = Size::new(width, height);
        let [before, after] = [0, 1].map(|time| Picture::drawn(PixelFormat::Nv12, size, time, 1));
        compare(&rig, &before, &after, time);
    }
}

#[test]
fn planes_of_every_kind_are_the_same_on_both() {
    let rig = Rig::new();
    for format in [PixelFormat::P010, PixelFormat::I420, PixelFormat::I444P16] {
        let [before, after] = [0, 1].map(|time| Picture::drawn(format, Size::new(96, 70), time, 2));
        compare(&rig, &before, &after, 102);
    }
}

#[test]
fn a_cut_shows_the_nearer_picture() {
    let rig = Rig::new();
    let size = Size::new(128, 96);
    let before = Picture::drawn(PixelFormat::Nv12, size, 0, 3);
    let after = Picture::drawn(PixelFormat::Nv12, size, 0, 4000);
    assert!(on_the_gpu(&rig, &before, &after, 100).rows() == before.rows());
    assert!(on_the_gpu(&rig, &before, &after, 160).rows() == after.rows());
}

#[test]
fn what_cannot_be_interpolated_is_refused() {
    let rig = Rig::new();
    let layout = Layout::new([(64, 64), (0, 0), (0, 0)]);
    let refused = |format, size| Interpolator::new(&rig.device, format, size, &layout).err();
    let packed = refused(PixelFormat::Bgrx, Size::new(64, 64));
    assert!(matches!(packed, Some(InterpolateError::Format(PixelFormat::Bgrx))));
    assert!(matches!(refused(PixelFormat::Nv12, Size::new(8, 64)), Some(InterpolateError::Size(_))));
}
