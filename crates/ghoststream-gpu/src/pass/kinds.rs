//! Which kinds of picture a pipeline is for: the specialization constants of `shaders/kinds.glsl`.

use ghoststream_picture::{PixelFormat, Rect};

use crate::vulkan::vk;

/// How a source's pixels lie in its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    kind: u32,
    order: u32,
    sample: u32,
}

impl Source {
    /// How shaders read a format from the images that it is imported as. Those of ten bits keep their own
    /// format, by which some GPUs compress them, so that nothing has to be put together.
    pub(super) fn of_import(format: PixelFormat) -> Option<Self> {
        Some(match format {
            PixelFormat::Xrgb2101010 | PixelFormat::Xbgr2101010 => Self { kind: 0, order: 0, sample: BYTE },
            other => Self::of(other)?,
        })
    }
}

/// How a target's pixels lie in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    planes: u32,
    order: u32,
    sample: u32,
}

/// What a pipeline is specialized for. Those that are equal share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) group: (u32, u32),
    pub(super) source: Source,
    pub(super) target: Target,
    /// The output has fewer bits than the source.
    pub(super) dithered: bool,
    /// Luma and chroma of the source are those of the output.
    pub(super) carried: bool,
}

impl Kinds {
    /// The specialization constants, from 0 on.
    pub(super) fn constants(&self) -> [u32; 10] {
        let Self { group, source, target, dithered, carried } = *self;
        [
            group.0,
            group.1,
            source.kind,
            source.order,
            source.sample,
            target.planes,
            target.order,
            target.sample,
            u32::from(dithered),
            u32::from(carried),
        ]
    }
}

/// Three numbers in one.
const fn order(red: u32, green: u32, blue: u32) -> u32 {
    red | green << 8 | blue << 16
}

const BYTE: u32 = 0;
const HIGH: u32 = 1;
const LOW: u32 = 2;

impl Source {
    /// How shaders read a format; `None` where none does.
    pub(super) fn of(format: PixelFormat) -> Option<Self> {
        let rgb = |kind, order| Self { kind, order, sample: BYTE };
        let yuv = |kind, sample| Self { kind, order: 0, sample };
        Some(match format {
            PixelFormat::Bgrx | PixelFormat::Rgbx | PixelFormat::Xrgb | PixelFormat::Xbgr => rgb(0, 0),
            PixelFormat::Rgba16f => rgb(1, 0),
            PixelFormat::Rgb24 => rgb(2, order(0, 1, 2)),
            PixelFormat::Bgr24 => rgb(2, order(2, 1, 0)),
            PixelFormat::Xrgb2101010 => rgb(3, order(20, 10, 0)),
            PixelFormat::Xbgr2101010 => rgb(3, order(0, 10, 20)),
            PixelFormat::Rgbx1010102 => rgb(3, order(22, 12, 2)),
            PixelFormat::Bgrx1010102 => rgb(3, order(2, 12, 22)),
            PixelFormat::Nv12 => yuv(4, BYTE),
            PixelFormat::P010 => yuv(4, HIGH),
            PixelFormat::I420 => yuv(5, BYTE),
            PixelFormat::I010 => yuv(5, LOW),
            PixelFormat::Yuy2 => yuv(6, BYTE),
            PixelFormat::I444 | PixelFormat::I444P10 | PixelFormat::I444P16 => return None,
        })
    }
}

impl Target {
    /// How shaders write a format; `None` where none does.
    pub(super) fn of(format: PixelFormat) -> Option<Self> {
        let planar = |planes, sample| Self { planes, order: 0, sample };
        let packed = |order| Self { planes: 3, order, sample: BYTE };
        Some(match format {
            PixelFormat::Nv12 => planar(0, BYTE),
            PixelFormat::P010 => planar(0, HIGH),
            PixelFormat::I420 => planar(1, BYTE),
            PixelFormat::I010 => planar(1, LOW),
            PixelFormat::I444 => planar(2, BYTE),
            PixelFormat::I444P10 => planar(2, LOW),
            PixelFormat::I444P16 => planar(2, HIGH),
            PixelFormat::Bgrx => packed(order(16, 8, 0)),
            PixelFormat::Rgbx => packed(order(0, 8, 16)),
            PixelFormat::Xrgb => packed(order(8, 16, 24)),
            PixelFormat::Xbgr => packed(order(24, 16, 8)),
            _ => return None,
        })
    }
}

/// The image of one plane of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) format: vk::Format,
    /// Bytes of one of its texels.
    pub(super) texel: usize,
    /// Which of its components shaders see as red, green, blue and alpha.
    pub(super) components: vk::ComponentMapping,
    /// Texels to a pixel: three where each is one of its bytes.
    across: u32,
    /// Pixels to a texel, across and down.
    shared: (u32, u32),
}

impl Plane {
    const fn new(format: vk::Format, texel: usize) -> Self {
        const SAME: vk::ComponentSwizzle = vk::ComponentSwizzle::IDENTITY;
        let components = vk::ComponentMapping { r: SAME, g: SAME, b: SAME, a: SAME };
        Self { format, texel, components, across: 1, shared: (1, 1) }
    }

    /// Red, green and blue from these components.
    fn seen_as(self, from: [vk::ComponentSwizzle; 3]) -> Self {
        let [r, g, b] = from;
        Self { components: vk::ComponentMapping { r, g, b, a: vk::ComponentSwizzle::ONE }, ..self }
    }

    const fn shared(self, across: u32, down: u32) -> Self {
        Self { shared: (across, down), ..self }
    }

    /// The texels that pixels of a rectangle are in.
    pub(super) const fn part(&self, rect: Rect) -> Rect {
        let (across, down) = self.shared;
        let (x, y) = (rect.x / across, rect.y / down);
        let (right, bottom) = (rect.right().div_ceil(across), rect.bottom().div_ceil(down));
        Rect::new(x * self.across, y, (right - x) * self.across, bottom - y)
    }
}

/// The images that a source in memory of the CPU is copied into, one for each of its planes.
pub(super) fn planes(format: PixelFormat) -> Vec<Plane> {
    use vk::ComponentSwizzle as Part;
    let four = Plane::new(vk::Format::R8G8B8A8_UNORM, 4);
    let (byte, word) = (Plane::new(vk::Format::R8_UNORM, 1), Plane::new(vk::Format::R16_UNORM, 2));
    match format {
        PixelFormat::Bgrx => vec![Plane::new(vk::Format::B8G8R8A8_UNORM, 4)],
        PixelFormat::Rgbx
        | PixelFormat::Xrgb2101010
        | PixelFormat::Xbgr2101010
        | PixelFormat::Rgbx1010102
        | PixelFormat::Bgrx1010102 => vec![four],
        PixelFormat::Xrgb => vec![four.seen_as([Part::G, Part::B, Part::A])],
        PixelFormat::Xbgr => vec![four.seen_as([Part::A, Part::B, Part::G])],
        PixelFormat::Rgb24 | PixelFormat::Bgr24 => vec![Plane { across: 3, ..byte }],
        PixelFormat::Rgba16f => vec![Plane::new(vk::Format::R16G16B16A16_SFLOAT, 8)],
        PixelFormat::Nv12 => vec![byte, Plane::new(vk::Format::R8G8_UNORM, 2).shared(2, 2)],
        PixelFormat::P010 => vec![word, Plane::new(vk::Format::R16G16_UNORM, 4).shared(2, 2)],
        PixelFormat::I420 => vec![byte, byte.shared(2, 2), byte.shared(2, 2)],
        PixelFormat::I010 => vec![word, word.shared(2, 2), word.shared(2, 2)],
        PixelFormat::Yuy2 => vec![four.shared(2, 1)],
        PixelFormat::I444 | PixelFormat::I444P10 | PixelFormat::I444P16 => Vec::new(),
    }
}
