//! What pictures in a GPU's memory can be imported, as plain data.

use ghoststream_picture::PixelFormat;

/// `DRM_FORMAT_MOD_LINEAR`: rows one behind the other.
pub const LINEAR: u64 = 0;

/// `DRM_FORMAT_MOD_INVALID`: tiled as the driver that made it knows, and says to nobody.
pub const IMPLICIT: u64 = 0x00ff_ffff_ffff_ffff;

/// A way in which a format can be tiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Modifier {
    /// A modifier of `drm_fourcc.h`.
    pub modifier: u64,
    /// Planes of memory that a picture has with it: those of the format and, for some modifiers, more.
    pub planes: u32,
}

/// What can be imported: what a capture backend offers to its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imports {
    /// The device number, major and minor, of the GPU's render node; `None` where it has none. Timelines
    /// of explicit synchronisation are reached through it.
    pub device: Option<(u32, u32)>,
    /// Whether the GPU's driver attaches its fences to DMA-BUFs, so that whoever reads one can wait for
    /// what is drawn into it. NVIDIA's does not.
    pub implicit_sync: bool,
    /// The formats, and the modifiers of each, best first.
    pub formats: Vec<(PixelFormat, Vec<Modifier>)>,
    /// Whether descriptors of other memory than DMA-BUFs are refused, as they should be. `false` lets a
    /// test on a machine without DMA-BUFs use a file in memory in place of one.
    pub only_dmabufs: bool,
    /// The UUID of the device, where it imports memory that its own driver has exported as opaque.
    pub opaque: Option<[u8; 16]>,
    /// Whether shared memory is better: a source is then asked for these only where it has nothing else.
    pub last: bool,
}

impl Imports {
    /// These formats, from a driver without implicit synchronisation and without a render node.
    pub const fn new(formats: Vec<(PixelFormat, Vec<Modifier>)>) -> Self {
        Self { device: None, implicit_sync: false, formats, only_dmabufs: true, opaque: None, last: false }
    }

    /// Linear pictures for the CPU, which reads them [where they lie](crate::Mapped).
    pub fn by_cpu(formats: impl IntoIterator<Item = PixelFormat>) -> Self {
        let linear = |it: PixelFormat| (it, vec![Modifier { modifier: LINEAR, planes: it.planes() as u32 }]);
        let formats = formats.into_iter().map(linear).collect();
        Self { implicit_sync: true, last: true, ..Self::new(formats) }
    }

    /// The planes of memory of a format with a modifier, where that can be imported.
    pub fn planes(&self, format: PixelFormat, modifier: u64) -> Option<u32> {
        let (_, modifiers) = self.formats.iter().find(|(known, _)| *known == format)?;
        modifiers.iter().find(|known| known.modifier == modifier).map(|known| known.planes)
    }

    /// Whether there are no DMA-BUFs to import.
    pub fn is_empty(&self) -> bool {
        self.formats.iter().all(|(_, modifiers)| modifiers.is_empty())
    }

    /// Keeps the modifiers that `keep` says, and the formats that still have any.
    pub fn retain(&mut self, keep: impl Fn(u64) -> bool) {
        for (_, modifiers) in &mut self.formats {
            modifiers.retain(|known| keep(known.modifier));
        }
        self.formats.retain(|(_, modifiers)| !modifiers.is_empty());
    }
}
