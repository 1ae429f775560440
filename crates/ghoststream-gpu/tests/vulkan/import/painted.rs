//! Pictures in DMA-BUFs, and what a shader must see of them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use ghoststream_gpu::{DmaBuf, DmaBufPlane, LINEAR};
use ghoststream_picture::{PixelFormat, Size};
use testkit_dmabuf::{Buffer, Canvas, Drawing, Source};

/// How the planes of a picture lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planes {
    /// One behind the other, in one buffer.
    Together,
    /// Each in a buffer of its own.
    Apart,
}

#[derive(Debug)]
enum Memory {
    Plain(Buffer),
    Canvas(Canvas),
}

impl Memory {
    fn buffer(&mut self) -> &mut Buffer {
        match self {
            Self::Plain(buffer) => buffer,
            Self::Canvas(canvas) => canvas.buffer(),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(buffer) => buffer.as_fd(),
            Self::Canvas(canvas) => canvas.as_fd(),
        }
    }
}

/// A linear picture of noise, with padded rows and something before the first of them.
#[derive(Debug)]
pub struct Painted {
    pub format: PixelFormat,
    pub size: Size,
    memory: Vec<Memory>,
    /// Of each plane: which buffer, its offset and stride, and its bytes without padding.
    pub planes: Vec<(usize, u64, u64, Vec<u8>)>,
}

impl Painted {
    pub fn new(source: Source, format: PixelFormat, size: Size, lie: Planes) -> Self {
        Self::on(format, size, lie, &|length| Buffer::new(source, length).map(Memory::Plain))
    }

    /// A picture in a buffer that has fences, and that its description does not speak of.
    pub fn on_canvas(format: PixelFormat, size: Size) -> Self {
        Self::on(format, size, Planes::Together, &|length| Canvas::new(length).map(Memory::Canvas))
    }

    fn on(format: PixelFormat, size: Size, lie: Planes, make: &dyn Fn(usize) -> io::Result<Memory>) -> Self {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15 ^ u64::from(size.width));
        let (mut planes, mut lengths) = (Vec::new(), vec![0u64]);
        for plane in 0..format.planes() {
            let (row, rows) = format.plane_layout(plane, size);
            let stride = (row as u64 + 64).next_multiple_of(256);
            if lie == Planes::Apart && plane > 0 {
                lengths.push(0);
            }
            let length = lengths.last_mut().expect("one at least");
            let offset = *length + 4096;
            *length = offset + stride * rows as u64;
            planes.push((lengths.len() - 1, offset, stride, noise.bytes(format, row * rows)));
        }
        let buffer = |length: &u64| make(*length as usize).expect("a DMA-BUF");
        let mut this = Self { format, size, memory: lengths.iter().map(buffer).collect(), planes };
        this.paint().expect("the kernel lets us write");
        this
    }

    /// Begins to draw into it. It is a canvas.
    pub fn draw(&self) -> Drawing {
        let [Memory::Canvas(canvas)] = &*self.memory else { panic!("it is no canvas") };
        canvas.draw().expect("nobody else draws")
    }

    /// Draws other noise: of the drawing, so that nobody is waited for.
    pub fn repaint(&mut self) {
        for plane in 0..self.planes.len() {
            self.planes[plane].3.iter_mut().for_each(|it| *it = !*it);
            let buffer = self.planes[plane].0;
            let lie = self.lie(plane);
            self.memory[buffer].buffer().scribble(|memory| lie.copy(&self.planes[plane].3, memory));
        }
    }

    /// Makes it a picture of this noise.
    fn paint(&mut self) -> io::Result<()> {
        for plane in 0..self.planes.len() {
            let buffer = self.planes[plane].0;
            let lie = self.lie(plane);
            self.memory[buffer].buffer().write(|memory| lie.copy(&self.planes[plane].3, memory))?;
        }
        Ok(())
    }

    fn lie(&self, plane: usize) -> Lie {
        let (_, offset, stride, _) = &self.planes[plane];
        let (row, _) = self.format.plane_layout(plane, self.size);
        Lie { row, offset: *offset as usize, stride: *stride as usize }
    }

    /// What its producer says of it.
    pub fn described(&self) -> Arc<DmaBuf> {
        let plane = |(buffer, offset, stride, _): &(usize, u64, u64, Vec<u8>)| {
            let fd = self.memory[*buffer].fd().try_clone_to_owned().expect("a descriptor");
            DmaBufPlane { fd, offset: *offset, stride: *stride }
        };
        Arc::new(DmaBuf::new(self.format, self.size, LINEAR, self.planes.iter().map(plane).collect()))
    }

    /// What a shader sees of a plane, pixel by pixel: red, green and blue, or the samples.
    pub fn seen(&self, plane: usize) -> Vec<Vec<f32>> {
        let bytes = &self.planes[plane].3;
        let eight = |at: &[u8], which: &[usize]| which.iter().map(|it| f32::from(at[*it]) / 255.0).collect();
        let word = |at: &[u8]| u32::from_le_bytes([at[0], at[1], at[2], at[3]]);
        let ten = |at: &[u8], shifts: [u32; 3]| {
            shifts.iter().map(|it| (word(at) >> it & 1023) as f32 / 1023.0).collect()
        };
        let sixteen = |at: &[u8]| -> Vec<f32> {
            at.as_chunks::<2>().0.iter().map(|it| f32::from(u16::from_le_bytes(*it)) / 65535.0).collect()
        };
        let pixels = |length: usize, see: &dyn Fn(&[u8]) -> Vec<f32>| bytes.chunks(length).map(see).collect();
        match (self.format, plane) {
            (PixelFormat::Bgrx, _) => pixels(4, &|at| eight(at, &[2, 1, 0])),
            (PixelFormat::Rgbx, _) => pixels(4, &|at| eight(at, &[0, 1, 2])),
            (PixelFormat::Xrgb, _) => pixels(4, &|at| eight(at, &[1, 2, 3])),
            (PixelFormat::Xbgr, _) => pixels(4, &|at| eight(at, &[3, 2, 1])),
            (PixelFormat::Xrgb2101010, _) => pixels(4, &|at| ten(at, [20, 10, 0])),
            (PixelFormat::Xbgr2101010, _) => pixels(4, &|at| ten(at, [0, 10, 20])),
            (PixelFormat::Rgba16f, _) => {
                pixels(8, &|at| at[..6].as_chunks::<2>().0.iter().map(half).collect())
            }
            (PixelFormat::Nv12 | PixelFormat::I420, 0) | (PixelFormat::I420, _) => {
                pixels(1, &|at| eight(at, &[0]))
            }
            (PixelFormat::Nv12, _) => pixels(2, &|at| eight(at, &[0, 1])),
            (PixelFormat::P010, 0) => pixels(2, &sixteen),
            (PixelFormat::P010, _) => pixels(4, &sixteen),
            (other, _) => panic!("nothing is known of {other:?}"),
        }
    }
}

/// Where the rows of a plane are.
struct Lie {
    row: usize,
    offset: usize,
    stride: usize,
}

impl Lie {
    fn copy(&self, rows: &[u8], memory: &mut [u8]) {
        for (y, row) in rows.chunks(self.row).enumerate() {
            let at = self.offset + self.stride * y;
            memory[at..at + self.row].copy_from_slice(row);
        }
    }
}

/// An IEEE 754 half that is a number.
fn half(bytes: &[u8; 2]) -> f32 {
    let bits = u16::from_le_bytes(*bytes);
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Xorshift.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, format: PixelFormat, length: usize) -> Vec<u8> {
        let byte = |at: usize| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let byte = (self.0 >> 32) as u8;
            match (format, at % 2) {
                // Halves are from 0 to 1.
                (PixelFormat::Rgba16f, 1) => byte & 0x3b,
                // The low bits are not used.
                (PixelFormat::P010, 0) => byte & 0xc0,
                _ => byte,
            }
        };
        (0..length).map(byte).collect()
    }
}
