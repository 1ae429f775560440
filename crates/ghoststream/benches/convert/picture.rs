//! Pictures like a desktop: a gradient, windows, and text that is noise to every predictor.

use std::sync::Arc;

use ghoststream::internals::{CapturedFrame, CpuBuffer, Damage, Memory, Plane};
use ghoststream::{Color, PixelFormat, Rect, Size, Timestamp, Transform};

/// Several captured frames, given in turn: more memory than caches hold.
pub struct Frames {
    frames: Vec<CapturedFrame>,
    at: usize,
}

impl Frames {
    /// Frames of one format and size, 64 MiB and three frames at least.
    pub fn new(format: PixelFormat, size: Size) -> Self {
        let count = (64 << 20) / crate::bytes(format, size) + 1;
        let frames = (0..count.max(3)).map(|seed| frame(format, size, seed as u64)).collect();
        Self { frames, at: 0 }
    }

    /// Says that only this changes from frame to frame.
    pub fn damage(&mut self, damage: Damage) {
        self.frames.iter_mut().for_each(|frame| frame.damage = damage.clone());
    }

    /// The next one.
    pub fn next(&mut self) -> &CapturedFrame {
        self.at = (self.at + 1) % self.frames.len();
        &self.frames[self.at]
    }
}

/// The bytes of a frame's first plane and what follows.
pub fn bytes(frame: &CapturedFrame) -> &[u8] {
    match &frame.memory {
        Memory::Cpu(buffer) => buffer.plane(0).0,
        _ => unreachable!("benches use the processor's memory"),
    }
}

fn frame(format: PixelFormat, size: Size, seed: u64) -> CapturedFrame {
    let mut planes = vec![];
    let mut bytes = vec![];
    for plane in 0..format.planes() {
        let (row_bytes, rows) = format.plane_layout(plane, size);
        planes.push(Plane { offset: bytes.len(), stride: row_bytes });
        draw(&mut bytes, row_bytes, rows, seed);
    }
    let buffer = CpuBuffer::new(Arc::new(bytes), format, size, &planes).expect("the layout fits");
    CapturedFrame {
        stream: 0,
        sequence: 0,
        pts: Timestamp::from_nanos(0),
        arrived: Timestamp::from_nanos(0),
        size,
        format,
        color: Color::default(),
        crop: Rect::of(size),
        transform: Transform::Normal,
        damage: Damage::Full,
        cursor: None,
        hdr: None,
        memory: Memory::Cpu(buffer),
    }
}

/// Appends rows: a gradient, on it windows of plain colour with lines of text.
fn draw(bytes: &mut Vec<u8>, row_bytes: usize, rows: usize, seed: u64) {
    let mut noise = seed * 2 + 1;
    for y in 0..rows {
        for x in 0..row_bytes {
            let (window, line) = ((x / 1400 + y / 400) % 2 == 0, y % 20 < 13);
            let value = match (window, line && x % 1400 < 1100) {
                (false, _) => x * 160 / row_bytes + y * 80 / rows + x % 4 * 9,
                (true, false) => 244 - x % 4 * 3,
                (true, true) => {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    if noise & 3 == 0 { 30 + (noise >> 8 & 127) as usize } else { 244 - x % 4 * 3 }
                }
            };
            bytes.push(value as u8);
        }
    }
}
