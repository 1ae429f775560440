//! Which kinds of picture a pipeline is for: the specialization constants of `shaders/kinds.glsl`.

use ghoststream_picture::{PixelFormat, Rect};

use super::tone::ToneKinds;
use crate::vulkan::vk;

/// How a source's pixels lie in its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    kind: u32,
    order: u32,
    sample: u32,
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
    /// How light is converted.
    pub(super) tone: ToneKinds,
    /// The picture lies in the buffer as it is shown.
    pub(super) upright: bool,
    /// The driver gathers from images like the source's.
    pub(super) gathered: bool,
}

impl Kinds {
    /// The specialization constants, from 0 on.
    pub(super) fn constants(&self) -> [u32; 16] {
        let Self { group, source, target, dithered, carried, tone, upright, gathered } = *self;
        let [from, to, maps, looks] = tone.constants();
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
            from,
            to,
            maps,
            looks,
            u32::from(upright),
            u32::from(gathered),
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
/// Of targets.
const PLANES: u32 = 1;

impl Source {
    /// How shaders read a format; `None` where none does.
    pub(super) fn of(format: PixelFormat) -> Option<Self> {
        let words = |order| Self { kind: 0, order, sample: BYTE };
        let tens = |order| Self { kind: 0, order, sample: LOW };
        let bytes = |order| Self { kind: 2, order, sample: BYTE };
        let yuv = |kind, sample| Self { kind, order: 0, sample };
        Some(match format {
            PixelFormat::Bgrx => words(order(16, 8, 0)),
            PixelFormat::Rgbx => words(order(0, 8, 16)),
            PixelFormat::Xrgb => words(order(8, 16, 24)),
            PixelFormat::Xbgr => words(order(24, 16, 8)),
            PixelFormat::Xrgb2101010 => tens(order(20, 10, 0)),
            PixelFormat::Xbgr2101010 => tens(order(0, 10, 20)),
            PixelFormat::Rgbx1010102 => tens(order(22, 12, 2)),
            PixelFormat::Bgrx1010102 => tens(order(2, 12, 22)),
            PixelFormat::Rgba16f => Self { kind: 1, order: 0, sample: BYTE },
            PixelFormat::Rgb24 => bytes(order(0, 1, 2)),
            PixelFormat::Bgr24 => bytes(order(2, 1, 0)),
            PixelFormat::Nv12 => yuv(3, BYTE),
            PixelFormat::P010 => yuv(3, HIGH),
            PixelFormat::I420 => yuv(4, BYTE),
            PixelFormat::I010 => yuv(4, LOW),
            PixelFormat::Yuy2 => yuv(5, BYTE),
            PixelFormat::I444 | PixelFormat::I444P10 | PixelFormat::I444P16 => return None,
        })
    }

    /// Whether two by two pixels are read at once: `HAS_QUADS`.
    pub(super) const fn has_quads(&self) -> bool {
        self.kind <= 1
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
            PixelFormat::I420 => planar(PLANES, BYTE),
            PixelFormat::I010 => planar(PLANES, LOW),
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

    /// Pixels across and down that a workgroup of so many invocations makes where nothing is scaled.
    pub(super) const fn workgroup(&self, group: (u32, u32)) -> (u32, u32) {
        (group.0 * if self.is_wide() { 8 } else { 4 }, group.1 * 2)
    }

    /// The shader for where nothing is scaled.
    pub(super) const fn shader(&self) -> &'static [u8] {
        if self.is_wide() {
            include_bytes!("../../shaders/convert_wide.spv")
        } else {
            include_bytes!("../../shaders/convert.spv")
        }
    }

    /// Whether the chroma of four columns is less than a word.
    pub(super) const fn is_wide(&self) -> bool {
        self.planes == PLANES && self.sample == BYTE
    }
}

/// The image of one plane of a source: numbers, as they lie in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) format: vk::Format,
    /// Bytes of one of its texels.
    pub(super) texel: usize,
    /// Texels to a pixel: three where each is one of its bytes.
    across: u32,
    /// Pixels to a texel, across and down.
    shared: (u32, u32),
}

impl Plane {
    const fn new(format: vk::Format, texel: usize) -> Self {
        Self { format, texel, across: 1, shared: (1, 1) }
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

/// The images that a source in memory of the CPU is copied into, one for each of its planes. Vulkan demands
/// of every device that it reads all of these.
pub(super) fn planes(format: PixelFormat) -> Vec<Plane> {
    let byte = Plane::new(vk::Format::R8_UINT, 1);
    let half = Plane::new(vk::Format::R16_UINT, 2);
    let word = Plane::new(vk::Format::R32_UINT, 4);
    match format {
        PixelFormat::Bgrx
        | PixelFormat::Rgbx
        | PixelFormat::Xrgb
        | PixelFormat::Xbgr
        | PixelFormat::Xrgb2101010
        | PixelFormat::Xbgr2101010
        | PixelFormat::Rgbx1010102
        | PixelFormat::Bgrx1010102 => vec![word],
        PixelFormat::Rgb24 | PixelFormat::Bgr24 => vec![Plane { across: 3, ..byte }],
        PixelFormat::Rgba16f => vec![Plane::new(vk::Format::R32G32_UINT, 8)],
        PixelFormat::Nv12 => vec![byte, half.shared(2, 2)],
        PixelFormat::P010 => vec![half, word.shared(2, 2)],
        PixelFormat::I420 => vec![byte, byte.shared(2, 2), byte.shared(2, 2)],
        PixelFormat::I010 => vec![half, half.shared(2, 2), half.shared(2, 2)],
        PixelFormat::Yuy2 => vec![word.shared(2, 1)],
        PixelFormat::I444 | PixelFormat::I444P10 | PixelFormat::I444P16 => Vec::new(),
    }
}
