//! Pictures of noise, what the pass makes of them, and what it should have made.

use std::time::Duration;

use ghoststream_gpu::pass::{Delivery, Frame, Output, Pass, PassError, Pixels, Pointer, Target};
use ghoststream_gpu::vulkan::Device;
use ghoststream_picture::filter::Filter;
use ghoststream_picture::reference::{self, Cursor, Plane, Planes, Recipe, Source};
use ghoststream_picture::{
    Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Tone, Transform, View, fit,
};

pub const RGB: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);
pub const BT709: Color = Color::new(ColorSpace::Bt709, ColorRange::Limited);

/// Every format that a source may have.
pub const SOURCES: [PixelFormat; 16] = [
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
    PixelFormat::Rgba16f,
    PixelFormat::Nv12,
    PixelFormat::I420,
    PixelFormat::Yuy2,
    PixelFormat::P010,
    PixelFormat::I010,
];

/// Every format that may be asked for.
pub const TARGETS: [PixelFormat; 11] = [
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

/// Numbers without a pattern: xorshift64.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.next() >> 24) as u8).collect()
    }
}

/// A picture as a producer makes it.
pub struct Picture {
    pub format: PixelFormat,
    pub size: Size,
    pub color: Color,
    pub crop: Rect,
    pub transform: Transform,
    pub region: Option<Rect>,
    pub pointer: Option<Bitmap>,
    planes: Vec<(Vec<u8>, usize)>,
}

pub struct Bitmap {
    pub place: (i32, i32),
    pub size: Size,
    pub rgba: Vec<u8>,
    pub id: u64,
}

impl Bitmap {
    /// Noise, premultiplied.
    pub fn noise(place: (i32, i32), size: Size, id: u64) -> Self {
        let mut rgba = Noise(id * 77 + 5).bytes(size.area() as usize * 4);
        for pixel in rgba.as_chunks_mut::<4>().0 {
            let alpha = [0, pixel[3], 255][usize::from(pixel[3] % 3)];
            let [r, g, b, _] = pixel.map(|it| (u32::from(it) * u32::from(alpha) / 255) as u8);
            *pixel = [r, g, b, alpha];
        }
        Self { place, size, rgba, id }
    }
}

impl Picture {
    /// Noise, with rows that are longer than they need be.
    pub fn noise(format: PixelFormat, size: Size, seed: u64) -> Self {
        let mut noise = Noise(seed * 0x9E37_79B9 + 1);
        let planes = (0..format.planes()).map(|index| {
            let (row, rows) = format.plane_layout(index, size);
            let stride = row.next_multiple_of(8) + 8 * (index + 1);
            let mut bytes = noise.bytes(stride * rows);
            if format == PixelFormat::Rgba16f {
                // Most of them between 0 and 1; others are negative, very large, or no numbers.
                for half in bytes.as_chunks_mut::<2>().0.iter_mut().filter(|it| it[0] % 8 > 0) {
                    half[1] = 0x30 + half[1] % 12;
                }
            }
            (bytes, stride)
        });
        let color = if format.is_yuv() { BT709 } else { RGB };
        Self {
            format,
            size,
            color,
            crop: Rect::of(size),
            transform: Transform::Normal,
            region: None,
            pointer: None,
            planes: planes.collect(),
        }
    }

    /// Replaces the pixels of a rectangle, whose place is even, by others.
    pub fn change(&mut self, rect: Rect, seed: u64) {
        let other = Self::noise(self.format, self.size, seed);
        for (index, (bytes, stride)) in self.planes.iter_mut().enumerate() {
            let (row, rows) = self.format.plane_layout(index, self.size);
            let (first, _) = self.format.plane_layout(index, Size::new(rect.x, 2));
            let (length, _) = self.format.plane_layout(index, Size::new(rect.width, 2));
            let down = (self.size.height as usize).div_ceil(rows);
            let from = &other.planes[index].0;
            for y in rect.y as usize / down..(rect.bottom() as usize).div_ceil(down).min(rows) {
                let part = y * *stride + first..y * *stride + (first + length).min(row);
                bytes[part.clone()].copy_from_slice(&from[part]);
            }
        }
    }

    /// Gives every pixel of a packed format in a rectangle these bytes.
    pub fn paint(&mut self, rect: Rect, pixel: &[u8]) {
        let (bytes, stride) = &mut self.planes[0];
        for y in rect.y..rect.bottom() {
            let row = &mut bytes[y as usize * *stride + rect.x as usize * pixel.len()..];
            row.chunks_exact_mut(pixel.len())
                .take(rect.width as usize)
                .for_each(|it| it.copy_from_slice(pixel));
        }
    }

    pub fn planes(&self) -> [(&[u8], usize); 3] {
        let mut planes: [(&[u8], usize); 3] = [(&[], 0); 3];
        planes.iter_mut().zip(&self.planes).for_each(|(slot, (bytes, stride))| *slot = (bytes, *stride));
        planes
    }

    pub fn view(&self) -> View {
        View::new(self.crop, self.transform, self.region).expect("within the picture")
    }

    /// It, its pixels being somewhere.
    pub fn frame<'a>(&'a self, pixels: Pixels<'a>) -> Frame<'a> {
        let pointer = self.pointer.as_ref().map(|it| Pointer {
            place: it.place,
            size: it.size,
            rgba: &it.rgba,
            id: it.id,
        });
        let Self { size, format, color, .. } = *self;
        Frame { size, format, color, hdr: None, view: self.view(), pointer, pixels }
    }

    /// It in memory of the CPU, after a change of these parts.
    pub fn in_memory<'a>(&'a self, changed: Option<&'a [Rect]>) -> Frame<'a> {
        self.frame(Pixels::Memory { planes: self.planes(), changed })
    }

    pub fn source(&self) -> Source<'_> {
        let planes = self.planes().map(|(bytes, stride)| Plane { bytes, stride });
        let mut source = Source::new(self.format, self.size, self.color, &planes);
        (source.crop, source.transform) = (self.crop, self.transform);
        source.cursor = self.pointer.as_ref().map(|it| Cursor {
            position: it.place,
            hotspot: (0, 0),
            size: it.size,
            rgba: &it.rgba,
        });
        source
    }
}

/// A pass that reads back, and leaves code values as they are, whatever light they mean.
pub fn pass(device: &Device, target: Target) -> Pass {
    let mut pass = Pass::new(device, target, Filter::Lanczos, Delivery::Readback, 4).expect("a pass");
    pass.set_tone(None);
    pass
}

/// The planes of a picture, once it is there.
pub fn read(output: &Output, target: Target) -> Planes {
    assert!(output.wait(Duration::from_secs(60)).expect("no loss"), "it is done");
    let plane =
        |index| output.plane(index).map_or_else(Plane::default, |(bytes, stride)| Plane { bytes, stride });
    reference::read(target.format, target.size, &[0, 1, 2].map(plane))
}

/// How far a picture is from what it should be, in code values.
pub fn distance(picture: &Picture, target: Target, got: &Planes) -> f64 {
    distance_in_light(picture, target, got, None)
}

/// The same, light being converted.
pub fn distance_in_light(picture: &Picture, target: Target, got: &Planes, tone: Option<Tone>) -> f64 {
    let Target { format, size, color } = target;
    let output = reference::Output { format, size, color };
    let mut recipe = Recipe::new(output, Filter::Lanczos);
    (recipe.region, recipe.tone) = (picture.region, tone);
    let source = picture.source();
    let converted = reference::made(&source, &recipe);
    let content = fit(picture.view().size(), size);
    recipe.output.size = content.size();
    let carried = reference::carried_over(&source, &recipe);
    let wanted = match carried.map(|it| reference::placed(&output, content, it)) {
        None => converted,
        Some(carried) if picture.pointer.is_none() => carried,
        // Near the pointer it is converted, elsewhere carried over.
        Some(carried) => reference::nearest(got, &converted, &carried),
    };
    reference::worst(got, &wanted)
}

/// Makes a picture and asserts that it is right everywhere, to one code value.
pub fn check(pass: &mut Pass, picture: &Picture, target: Target, what: &str) {
    let made: Result<Output, PassError> = pass.run(&picture.in_memory(None));
    let got = read(&made.unwrap_or_else(|error| panic!("{what}: {error}")), target);
    let off = distance(picture, target, &got);
    assert!(off <= 1.0, "{what}: off by {off}");
}
