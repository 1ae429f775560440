//! Every path of the processor, judged by one reference in 64-bit floating point.

mod conversion;
mod damage;
mod extremes;
mod light;
mod placing;
mod reference;
mod scaling;

use std::sync::Arc;

use crate::capture::{CapturedFrame, CpuBuffer, Damage, Lease, Memory, Plane};
use crate::encode::InputSpec;
use crate::processing::{Recipe, ToneMapping};
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Scaler, Size, Timestamp, Transform};

/// Every format that a source may have.
const INPUTS: [PixelFormat; 16] = [
    PixelFormat::Bgrx,
    PixelFormat::Rgbx,
    PixelFormat::Xrgb,
    PixelFormat::Xbgr,
    PixelFormat::Rgb24,
    PixelFormat::Bgr24,
    PixelFormat::Xrgb2101010,
    PixelFormat::Xbgr2101010,
    PixelFormat::Rgbx1010102,
    PixelFormat::Bgrx1010102,
    PixelFormat::Nv12,
    PixelFormat::I420,
    PixelFormat::Yuy2,
    PixelFormat::P010,
    PixelFormat::I010,
    PixelFormat::Rgba16f,
];

/// Every format that an encoder may ask for.
const OUTPUTS: [PixelFormat; 11] = [
    PixelFormat::Nv12,
    PixelFormat::I420,
    PixelFormat::P010,
    PixelFormat::I010,
    PixelFormat::I444,
    PixelFormat::I444P10,
    PixelFormat::I444P16,
    PixelFormat::Bgrx,
    PixelFormat::Rgbx,
    PixelFormat::Xrgb,
    PixelFormat::Xbgr,
];

const BT709: Color = Color::new(ColorSpace::Bt709, ColorRange::Limited);

/// A small, fast source of numbers without a pattern.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.next() >> 16) as u32 % end
    }
}

/// A frame of smooth colour with hard-edged noise in it, its rows padded with garbage.
fn frame(format: PixelFormat, size: Size, seed: u64) -> CapturedFrame {
    let mut noise = Noise(seed * 2 + 1);
    let mut planes = vec![];
    let mut bytes = vec![];
    for plane in 0..format.planes() {
        let (row_bytes, rows) = format.plane_layout(plane, size);
        let stride = row_bytes + 13;
        planes.push(Plane { offset: bytes.len(), stride });
        for row in 0..rows {
            for column in 0..stride {
                let smooth = (row * 3 + column * 2 + plane * 70) as u64;
                let rough = noise.next() >> 20;
                bytes.push(if (row / 8 + column / 32).is_multiple_of(2) {
                    rough as u8
                } else {
                    smooth as u8
                });
            }
        }
    }
    wrap(format, size, bytes, &planes)
}

fn wrap(format: PixelFormat, size: Size, bytes: Vec<u8>, planes: &[Plane]) -> CapturedFrame {
    let lease: Arc<dyn Lease> = Arc::new(bytes);
    let buffer = CpuBuffer::new(lease, format, size, planes).expect("the layout fits");
    CapturedFrame {
        stream: 0,
        sequence: 0,
        pts: Timestamp::from_nanos(0),
        arrived: Timestamp::from_nanos(0),
        size,
        format,
        color: BT709,
        crop: Rect::of(size),
        transform: Transform::Normal,
        damage: Damage::Full,
        cursor: None,
        hdr: None,
        memory: Memory::Cpu(buffer),
    }
}

fn recipe(format: PixelFormat, size: Size) -> Recipe {
    Recipe {
        output: InputSpec { format, size, color: BT709 },
        region: None,
        scaler: Scaler::Bilinear,
        tone: ToneMapping::default(),
    }
}
