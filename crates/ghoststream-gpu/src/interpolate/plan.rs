//! What lies where, and what each step is told.

use ghoststream_picture::{PixelFormat, Size};

use crate::cuda;

/// Pixels around each level that repeat its edge.
const BORDER: u32 = 16;
/// The most levels, and the shortest side of one.
const MOST_LEVELS: usize = 6;
const SHORTEST: u32 = 32;
/// Words for each block of the largest level, see `shaders/interpolate.glsl`.
const CELL_WORDS: u64 = 20;
/// Where the arrivals begin, in words for each block, and how many there are.
const ARRIVALS: (u64, u64) = (16, 2);

/// One size of the luma in a pyramid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes from row to row, borders included.
    pub(super) stride: u32,
    /// Where it begins, in bytes.
    pub(super) start: u32,
}

impl Level {
    pub(super) const fn blocks(&self) -> [i32; 2] {
        [self.width.div_ceil(4) as i32, self.height.div_ceil(4) as i32]
    }

    /// Where the first pixel inside the borders is, in bytes.
    pub(super) const fn first_pixel(&self) -> u32 {
        self.start + BORDER * self.stride + BORDER
    }

    /// Rows, borders included.
    pub(super) const fn rows(&self) -> u32 {
        self.height + 2 * BORDER
    }
}

/// The levels of a pyramid, the largest first.
pub(super) fn levels(size: Size) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    let (mut width, mut height) = (size.width, size.height);
    loop {
        let start = levels.last().map_or(0, |it| it.start + it.stride * it.rows());
        levels.push(Level { width, height, stride: (width + 2 * BORDER + 7) & !3, start });
        if levels.len() == MOST_LEVELS || width.min(height) < 2 * SHORTEST {
            return levels;
        }
        (width, height) = (width.div_ceil(2), height.div_ceil(2));
    }
}

/// One plane of a picture in its buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) offset: u32,
    pub(super) pitch: u32,
    pub(super) size: [i32; 2],
    pub(super) channels: u32,
    pub(super) halved: bool,
}

/// The planes of a picture, luma first.
pub(super) fn planes(format: PixelFormat, size: Size, layout: &cuda::Layout) -> Vec<Plane> {
    let sample = if format.depth() > 8 { 2 } else { 1 };
    let plane = |index| {
        let channels = if index > 0 && format.planes() == 2 { 2 } else { 1 };
        let (row_bytes, rows) = format.plane_layout(index, size);
        Plane {
            offset: layout.offset(index).unwrap_or(0) as u32,
            pitch: layout.pitch() as u32,
            size: [(row_bytes / (channels * sample)) as i32, rows as i32],
            channels: channels as u32,
            halved: index > 0 && !format.is_full_chroma(),
        }
    };
    (0..format.planes()).map(plane).collect()
}

/// Bytes of what is known of all blocks.
pub(super) fn cell_bytes(cells: u32) -> u64 {
    (u64::from(cells) * CELL_WORDS + 4) * 4
}

/// Where the arrivals lie in it, and their length, in bytes.
pub(super) fn arrivals(cells: u32) -> (u64, u64) {
    (u64::from(cells) * ARRIVALS.0 * 4, u64::from(cells) * ARRIVALS.1 * 4)
}

/// Where the counts lie in it, and their length, in bytes.
pub(super) fn counts(cells: u32) -> (u64, u64) {
    (u64::from(cells) * CELL_WORDS * 4, 16)
}

/// What a step is told: see `shaders/interpolate.glsl`, which says what each means.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Push {
    pub(super) size: [i32; 2],
    pub(super) blocks: [i32; 2],
    pub(super) above: [i32; 2],
    pub(super) level: u32,
    pub(super) stride: u32,
    pub(super) other: u32,
    pub(super) other_stride: u32,
    pub(super) pyramid: u32,
    pub(super) cells: u32,
    pub(super) from: u32,
    pub(super) into: u32,
    pub(super) step: i32,
    pub(super) reach: i32,
    pub(super) time: u32,
    pub(super) plane: u32,
    pub(super) pitch: u32,
    pub(super) channels: u32,
    pub(super) halved: u32,
    pub(super) deep: u32,
    pub(super) shift: u32,
    pub(super) depth: u32,
}

impl Push {
    /// What holds for all steps of pictures of this kind.
    pub(super) fn new(format: PixelFormat, levels: &[Level]) -> Self {
        let last = levels[levels.len() - 1];
        let [columns, rows] = levels[0].blocks();
        Self {
            pyramid: last.start + last.stride * last.rows(),
            cells: (columns * rows) as u32,
            deep: u32::from(format.depth() > 8),
            shift: format.sample_shift(),
            depth: format.depth(),
            ..Self::default()
        }
    }

    /// Blocks of the level.
    pub(super) const fn block_count(&self) -> u32 {
        self.blocks[0] as u32 * self.blocks[1] as u32
    }

    /// The same on a level.
    pub(super) fn on(self, level: &Level) -> Self {
        Self {
            size: [level.width as i32, level.height as i32],
            blocks: level.blocks(),
            level: level.start,
            stride: level.stride,
            ..self
        }
    }

    /// The same for a plane.
    pub(super) fn of(self, plane: &Plane) -> Self {
        Self {
            size: plane.size,
            plane: plane.offset,
            pitch: plane.pitch,
            channels: plane.channels,
            halved: u32::from(plane.halved),
            ..self
        }
    }

    /// As the shaders read it.
    pub(super) fn bytes(&self) -> [u8; size_of::<Self>()] {
        let mut bytes = [0; size_of::<Self>()];
        let signed = [self.size, self.blocks, self.above].concat();
        let words = signed.iter().map(|it| *it as u32).chain([
            self.level,
            self.stride,
            self.other,
            self.other_stride,
            self.pyramid,
            self.cells,
            self.from,
            self.into,
            self.step as u32,
            self.reach as u32,
            self.time,
            self.plane,
            self.pitch,
            self.channels,
            self.halved,
            self.deep,
            self.shift,
            self.depth,
        ]);
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_ne_bytes();
        }
        bytes
    }
}
