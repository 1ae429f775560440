//! Which kinds of picture a pipeline is for: the specialization constants of `shaders/kinds.glsl`.

use ghoststream_picture::PixelFormat;

use super::tone::ToneKinds;

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

/// Invocations of a workgroup, across and down, where a shader does not need others.
pub(super) const GROUP: (u32, u32) = (16, 8);

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
    /// The picture lies in the buffer as it is shown, of luma and chroma from an even place on.
    pub(super) upright: bool,
}

impl Kinds {
    /// The specialization constants, from 0 on.
    pub(super) fn constants(&self) -> [u32; 15] {
        let Self { group, source, target, dithered, carried, tone, upright } = *self;
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
        ]
    }
}

/// A shader for where nothing is scaled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unscaled {
    pub(super) code: &'static [u8],
    /// Invocations of a workgroup, across and down.
    pub(super) group: (u32, u32),
    /// Pixels that it makes, across and down.
    pub(super) pixels: (u32, u32),
}

impl Unscaled {
    /// `convert_tone.comp`, where so many invocations hand numbers on to each other; `None` where they cannot.
    fn marching(subgroup: u32) -> Option<Self> {
        const INVOCATIONS: u32 = 256;
        /// Blocks of four by two pixels that each makes, one below the other.
        const STEPS: u32 = 4;
        // The first of each subgroup writes nothing.
        let code = include_bytes!("../../shaders/convert_tone.spv");
        // A step down is as many rows as dithering repeats itself in.
        let rows = INVOCATIONS
            .checked_div(subgroup)
            .filter(|it| subgroup > 1 && it * subgroup == INVOCATIONS && it.is_multiple_of(4))?;
        Some(Self { code, group: (INVOCATIONS, 1), pixels: ((subgroup - 1) * 4, rows * STEPS * 2) })
    }
}

impl Kinds {
    /// The shader for where nothing is scaled, on a device whose subgroups are of this size.
    pub(super) fn unscaled(&self, subgroup: u32) -> Unscaled {
        let plain = |code, across| Unscaled { code, group: GROUP, pixels: (GROUP.0 * across, GROUP.1 * 2) };
        if self.target.is_wide() {
            return plain(include_bytes!("../../shaders/convert_wide.spv"), 8);
        }
        Unscaled::marching(subgroup)
            .filter(|_| self.tone.converts() && self.source.is_words() && self.target.shares_chroma())
            .unwrap_or_else(|| plain(include_bytes!("../../shaders/convert.spv"), 4))
    }

    /// Whether that shader has a shorter way for pictures that fill the output, with no pointer over them.
    pub(super) const fn has_plain(&self) -> bool {
        self.source.has_quads()
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

    /// Whether each pixel is a word: `SOURCE_WORDS`.
    const fn is_words(&self) -> bool {
        self.kind == 0
    }

    /// Whether two by two pixels are read at once from any place: `HAS_QUADS`.
    const fn has_quads(&self) -> bool {
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

    /// Whether two by two pixels have their chroma in common.
    const fn shares_chroma(&self) -> bool {
        self.planes <= PLANES
    }

    /// Whether the chroma of four columns is less than a word.
    pub(super) const fn is_wide(&self) -> bool {
        self.planes == PLANES && self.sample == BYTE
    }
}
