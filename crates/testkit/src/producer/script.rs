//! What a producer offers.

use ghoststream::internals::format::{self, VideoFormat};
use ghoststream::internals::pod::{Object, Value};
use ghoststream::{PixelFormat, Size};
use testkit_dmabuf::Source;

/// Where the pixels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A memfd for each buffer; sealable ones can be kept from shrinking.
    MemFd {
        /// Whether it may be sealed.
        sealable: bool,
    },
    /// Memory that PipeWire allocates and maps.
    MemPtr,
}

/// How planes are spread over a buffer's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// All in one.
    One,
    /// One for each plane, all in one file.
    PerPlane,
    /// One for each plane, each in a file of its own.
    PerFile,
}

/// Buffers in a GPU's memory, for the offers that have modifiers.
#[derive(Clone, Debug)]
pub struct Gpu {
    /// Who makes the DMA-BUFs; `None` lets files in memory pose as such.
    pub source: Option<Source>,
    /// Whether planes share a DMA-BUF.
    pub together: bool,
    /// So many planes of memory in place of the format's.
    pub planes: Option<usize>,
    /// Whether it chooses a modifier where the choice is left to it, as it should.
    pub chooses: bool,
    /// Modifiers whose buffers it cannot allocate. Compositors leave such buffers without memory.
    pub fails: Vec<u64>,
    /// Whether the stream then breaks as well.
    pub breaks: bool,
    /// Points of timelines beside each buffer.
    pub timeline: Option<Timelines>,
}

/// Explicit synchronisation.
#[derive(Clone, Copy, Debug)]
pub struct Timelines {
    /// The render node, major and minor.
    pub device: (u32, u32),
    /// Every so many frames, a point that never signals.
    pub never: Option<u64>,
}

impl Gpu {
    /// Truthful buffers.
    pub const fn new(source: Option<Source>) -> Self {
        Self {
            source,
            together: false,
            planes: None,
            chooses: true,
            fails: Vec::new(),
            breaks: false,
            timeline: None,
        }
    }
}

/// Which metadata comes with each frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Metas {
    pub header: bool,
    pub crop: bool,
    pub transform: bool,
    pub damage: bool,
    /// Bytes of the cursor meta; 0 for none.
    pub cursor: i32,
}

/// `SPA_FORMAT_VIDEO_modifier`.
const MODIFIER: u32 = 0x2_0002;

/// One format that is offered.
#[derive(Clone, Debug)]
pub struct Offer {
    /// `SPA_VIDEO_FORMAT_*`, the preferred one first.
    pub formats: Vec<u32>,
    /// The size.
    pub size: Size,
    /// A fixed rate; `None` is variable, 0/1, as compositors have it.
    pub framerate: Option<(u32, u32)>,
    /// Further properties of the format, such as its colour.
    pub extra: Vec<(u32, Value)>,
    /// Modifiers of pictures in a GPU's memory, best first; none for shared memory.
    pub modifiers: Vec<u64>,
}

impl Offer {
    /// A format by its PipeWire name, at a variable rate.
    ///
    /// # Panics
    /// The name is not one of [`spa_format`]'s.
    pub fn new(format: &str, size: Size) -> Self {
        Self {
            formats: vec![spa_format(format)],
            size,
            framerate: None,
            extra: Vec::new(),
            modifiers: Vec::new(),
        }
    }

    /// The same in a GPU's memory.
    pub fn in_gpu(format: &str, size: Size, modifiers: &[u64]) -> Self {
        Self { modifiers: modifiers.to_vec(), ..Self::new(format, size) }
    }

    /// With one modifier only, which nobody has to choose.
    pub(super) fn fixed(&self, modifier: u64) -> Self {
        let fixed = (MODIFIER, Value::Long(modifier.cast_signed()).mandatory());
        let mut this = Self { modifiers: Vec::new(), ..self.clone() };
        this.extra.push(fixed);
        this
    }

    pub(super) fn pod(&self, fps: f64) -> Object {
        let id = Value::Id;
        let mut formats: Vec<Value> = self.formats.iter().copied().map(id).collect();
        if let Some(first) = formats.first().cloned() {
            formats.insert(0, first);
        }
        let (numerator, denominator) = self.framerate.unwrap_or((0, 1));
        // A rate of none at most would be no range at all.
        let most = fps.ceil().max(1.0) as u32;
        let rate = |rate| Value::Fraction(rate, 1);
        let mut properties = vec![
            (1, id(2)),
            (2, id(1)),
            (0x2_0001, Value::Enum(formats)),
            (0x2_0003, Value::Rectangle(self.size)),
            (0x2_0004, Value::Fraction(numerator, denominator)),
        ];
        if self.framerate.is_none() {
            properties.push((0x2_0005, Value::range(rate(most), rate(1), rate(most))));
        }
        let mut modifiers: Vec<_> = self.modifiers.iter().map(|it| Value::Long(it.cast_signed())).collect();
        if let Some(first) = modifiers.first().cloned() {
            modifiers.insert(0, first);
            properties.push((MODIFIER, Value::Enum(modifiers).mandatory().unfixed()));
        }
        properties.extend(self.extra.iter().cloned());
        Object::new(0x4_0003, 3, &properties)
    }
}

/// All that a producer is told beforehand.
#[derive(Clone, Debug)]
pub struct Script {
    /// `node.name`.
    pub name: String,
    /// `media.class`.
    pub class: String,
    /// What it offers, best first.
    pub offers: Vec<Offer>,
    /// Frames a second; 0 never sends one.
    pub fps: f64,
    /// Where the pixels are.
    pub memory: Memory,
    /// Where they are for the offers that have modifiers.
    pub gpu: Option<Gpu>,
    /// How planes are spread.
    pub blocks: Blocks,
    /// Number of buffers: preferred, least, most.
    pub buffers: (i32, i32, i32),
    /// What is offered to share memory by, in place of what `memory` says: bits of `1 << SPA_DATA_*`.
    pub data_types: Option<i32>,
    /// Bytes added to each row.
    pub padding: usize,
    /// Bytes that the buffer claims to have beyond its file.
    pub claim: u32,
    /// Metadata.
    pub metas: Metas,
    /// Ends by itself after so many frames.
    pub frames: Option<u64>,
}

impl Script {
    /// A truthful producer of one format: 8 buffers of sealable shared memory, header metadata.
    ///
    /// # Panics
    /// The format is not one of [`spa_format`]'s.
    pub fn new(name: &str, format: &str, size: Size, fps: f64) -> Self {
        Self {
            name: name.to_owned(),
            class: "Video/Source".to_owned(),
            offers: vec![Offer::new(format, size)],
            fps,
            memory: Memory::MemFd { sealable: true },
            gpu: None,
            blocks: Blocks::One,
            buffers: (8, 2, 16),
            data_types: None,
            padding: 0,
            claim: 0,
            metas: Metas { header: true, ..Metas::default() },
            frames: None,
        }
    }

    /// The sizes of the blocks of a buffer, and the stride of each.
    pub(super) fn layout(&self, format: PixelFormat, size: Size) -> Vec<(usize, usize)> {
        // Planes that share a block share its stride, which the chroma of an odd width may need longer.
        let shared = (0..format.planes()).map(|plane| match format {
            PixelFormat::I420 => size.width as usize,
            _ => format.plane_layout(plane, size).0,
        });
        let first = match self.blocks {
            Blocks::One => shared.max().unwrap_or(0).max(format.plane_layout(0, size).0),
            _ => format.plane_layout(0, size).0,
        } + self.padding;
        let plane = |index: usize| {
            let (row_bytes, rows) = format.plane_layout(index, size);
            let stride = match (format, index, self.blocks) {
                (_, 0, _) => first,
                (PixelFormat::I420, _, Blocks::One) => first.div_ceil(2),
                (_, _, Blocks::One) => first,
                _ => row_bytes + self.padding,
            };
            (stride * rows, stride)
        };
        let planes = (0..format.planes()).map(plane);
        match self.blocks {
            Blocks::One => vec![(planes.map(|(bytes, _)| bytes).sum(), first)],
            Blocks::PerPlane | Blocks::PerFile => planes.collect(),
        }
    }

    /// The sizes of the planes of a buffer in a GPU's memory, and the stride of each.
    pub(super) fn gpu_layout(&self, format: PixelFormat, size: Size) -> Vec<(usize, usize)> {
        let plane = |index: usize| {
            let (row_bytes, rows) = format.plane_layout(index.min(format.planes() - 1), size);
            let stride = row_bytes + self.padding;
            (stride * rows, stride)
        };
        let planes = self.gpu.as_ref().and_then(|gpu| gpu.planes).unwrap_or(format.planes());
        (0..planes).map(plane).collect()
    }

    /// What is asked of buffers in a GPU's memory.
    fn gpu_params(&self, gpu: &Gpu, format: PixelFormat, size: Size) -> Vec<Object> {
        let planes = self.gpu_layout(format, size).len();
        let (preferred, least, most) = self.buffers;
        let int = Value::Int;
        let buffers = |timeline: bool| {
            let mut properties = vec![
                (1, Value::range(int(preferred), int(least), int(most))),
                (2, int(planes as i32 + if timeline { 2 } else { 0 })),
                (6, Value::Flags(self.data_types.unwrap_or(1 << 3))),
            ];
            if timeline {
                properties.push((7, int(1 << 9).mandatory()));
            }
            Object::new(0x4_0004, 5, &properties)
        };
        let mut params = Vec::new();
        if gpu.timeline.is_some() {
            params.push(buffers(true));
            params.push(Object::new(0x4_0005, 6, &[(1, Value::Id(9)), (2, int(24))]));
        }
        params.push(buffers(false));
        params
    }

    /// What is asked of buffers once the format is known.
    pub(super) fn params(&self, agreed: &VideoFormat) -> Vec<Object> {
        let mut params = match &self.gpu {
            Some(gpu) if agreed.modifier.is_some() => self.gpu_params(gpu, agreed.format, agreed.size),
            _ => self.shared_params(agreed.format, agreed.size),
        };
        let metas = self.metas;
        let wanted = [
            (metas.header, 1, 32),
            (metas.crop, 2, 16),
            (metas.damage, 3, 16 * 16),
            (metas.cursor > 0, 5, metas.cursor),
            (metas.transform, 8, 4),
        ];
        for (_, kind, size) in wanted.into_iter().filter(|(wanted, ..)| *wanted) {
            params.push(Object::new(0x4_0005, 6, &[(1, Value::Id(kind)), (2, Value::Int(size))]));
        }
        params
    }

    fn shared_params(&self, format: PixelFormat, size: Size) -> Vec<Object> {
        let blocks = self.layout(format, size);
        let largest = blocks.iter().map(|(bytes, _)| *bytes).max().unwrap_or(0);
        let (preferred, least, most) = self.buffers;
        let types = self.data_types.unwrap_or(match self.memory {
            Memory::MemFd { .. } => 1 << 2,
            Memory::MemPtr => 1 << 1,
        });
        let int = Value::Int;
        vec![Object::new(
            0x4_0004,
            5,
            &[
                (1, Value::range(int(preferred), int(least), int(most))),
                (2, int(blocks.len() as i32)),
                (3, int(largest as i32)),
                (4, int(blocks.first().map_or(0, |(_, stride)| *stride as i32))),
                (6, Value::Flags(types)),
            ],
        )]
    }
}

/// `SPA_VIDEO_FORMAT_*` by PipeWire's name for it.
///
/// # Panics
/// The name is not known.
pub fn spa_format(name: &str) -> u32 {
    use pipewire::spa::sys::*;
    let known = [
        ("I420", SPA_VIDEO_FORMAT_I420),
        ("YV12", SPA_VIDEO_FORMAT_YV12),
        ("YUY2", SPA_VIDEO_FORMAT_YUY2),
        ("RGBx", SPA_VIDEO_FORMAT_RGBx),
        ("BGRx", SPA_VIDEO_FORMAT_BGRx),
        ("xRGB", SPA_VIDEO_FORMAT_xRGB),
        ("xBGR", SPA_VIDEO_FORMAT_xBGR),
        ("RGBA", SPA_VIDEO_FORMAT_RGBA),
        ("BGRA", SPA_VIDEO_FORMAT_BGRA),
        ("ARGB", SPA_VIDEO_FORMAT_ARGB),
        ("ABGR", SPA_VIDEO_FORMAT_ABGR),
        ("RGB", SPA_VIDEO_FORMAT_RGB),
        ("BGR", SPA_VIDEO_FORMAT_BGR),
        ("NV12", SPA_VIDEO_FORMAT_NV12),
        ("P010_10LE", SPA_VIDEO_FORMAT_P010_10LE),
        ("RGBA_F16", SPA_VIDEO_FORMAT_RGBA_F16),
        ("xRGB_210LE", SPA_VIDEO_FORMAT_xRGB_210LE),
        ("xBGR_210LE", SPA_VIDEO_FORMAT_xBGR_210LE),
        ("RGBx_102LE", SPA_VIDEO_FORMAT_RGBx_102LE),
        ("BGRx_102LE", SPA_VIDEO_FORMAT_BGRx_102LE),
        ("ARGB_210LE", SPA_VIDEO_FORMAT_ARGB_210LE),
        ("ABGR_210LE", SPA_VIDEO_FORMAT_ABGR_210LE),
        ("RGBA_102LE", SPA_VIDEO_FORMAT_RGBA_102LE),
        ("BGRA_102LE", SPA_VIDEO_FORMAT_BGRA_102LE),
    ];
    let found = known.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("{name} is not a format that the producer knows")).1
}

/// What the library takes `name` for.
pub fn pixel_format(name: &str) -> Option<PixelFormat> {
    format::pixel_format(spa_format(name))
}
