//! Coding one tile: its partition into blocks, and what is written of each.

use super::cdfs::Cdfs;
use super::coefficients::{self, Around, Coefficients, Trace};
use super::modes::{self, Block, Matches, Neighbours, Prediction, Rules};
use super::planes::{Plane, subsampling};
use super::residual::{Quantizer, Residual};
use super::symbols::SymbolEncoder;
use crate::{Chroma, Picture};

/// What all tiles of a picture are coded from.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) picture: &'a Picture,
    /// The pictures that blocks may refer to, and their names.
    pub(super) references: Vec<(u8, &'a Picture)>,
    /// A name of the past and one of the future, where blocks may refer to both.
    pub(super) pair: Option<(u8, u8)>,
    /// base_q_idx; 0 is lossless.
    pub(super) quantizer: u8,
    /// Whether all blocks are intra ones.
    pub(super) intra: bool,
}

/// A tile's place, in luma samples. Ends are at most those of the picture's whole blocks of 8x8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// A coded tile.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) bytes: Vec<u8>,
    pub(super) planes: [Plane; 3],
}

/// Codes a tile.
pub(super) fn encode(source: &Source<'_>, area: Area) -> Coded {
    let mut tile = Tile::new(source, area);
    for y in (0..area.height).step_by(64) {
        for x in (0..area.width).step_by(64) {
            tile.partition(x, y, 4);
        }
    }
    Coded { bytes: tile.symbols.finish(), planes: tile.planes }
}

/// A tile in the making. Places are those of the tile, not of the picture.
pub(super) struct Tile<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) area: Area,
    pub(super) quantizer: Quantizer,
    /// What a decoder has of it so far.
    pub(super) planes: [Plane; 3],
    /// The residual of the block in the making.
    pub(super) residual: Residual,
    rules: Rules,
    symbols: SymbolEncoder,
    cdfs: Cdfs,
    /// What contexts remember of transform blocks, for each plane and four samples.
    above: [Vec<Trace>; 3],
    left: [Vec<Trace>; 3],
    /// The blocks coded so far, one for each 8x8 luma samples.
    blocks: Vec<Option<Block>>,
    /// Places for blocks of 8x8 in a row.
    columns: usize,
}

/// The values of partition.
const PARTITION_NONE: usize = 0;
const PARTITION_SPLIT: usize = 3;

/// Those that are taken together as a split where only the left half is inside the picture, and where only
/// the upper half is: split_or_vert and split_or_horz of AV1 8.3.2.
const SPLIT_OR_VERT: [usize; 6] = [1, 3, 4, 5, 6, 8];
const SPLIT_OR_HORZ: [usize; 6] = [2, 3, 4, 6, 7, 9];

/// The type DCT_DCT in each set of types that it is chosen from.
const DCT_DCT: usize = 1;

impl<'a> Tile<'a> {
    fn new(source: &'a Source<'a>, area: Area) -> Self {
        let format = source.picture.format;
        let shrink = |plane: usize, size: usize| size >> subsampling(format, plane);
        // In lossless coding, only chroma blocks of 4x4 could be predicted from luma.
        let cfl = if source.quantizer == 0 { [format.chroma == Chroma::Yuv420, false] } else { [true, true] };
        Self {
            source,
            area,
            quantizer: Quantizer::new(source.quantizer, format.depth, source.intra),
            planes: [0, 1, 2].map(|plane| Plane::new(shrink(plane, area.width), shrink(plane, area.height))),
            residual: Residual::new(),
            rules: Rules { intra: source.intra, compound: source.pair.is_some(), cfl },
            symbols: SymbolEncoder::new(),
            cdfs: Cdfs::new(source.quantizer),
            above: [0, 1, 2].map(|plane| vec![Trace::default(); shrink(plane, area.width) / 4]),
            left: [0, 1, 2].map(|plane| vec![Trace::default(); shrink(plane, area.height) / 4]),
            blocks: vec![None; area.width / 8 * (area.height / 8)],
            columns: area.width / 8,
        }
    }

    /// The block at a place, where it is in the tile and coded already.
    fn block_at(&self, x: isize, y: isize) -> Option<Block> {
        let inside = x >= 0 && y >= 0 && x < self.area.width as isize && y < self.area.height as isize;
        if inside { self.blocks[y as usize / 8 * self.columns + x as usize / 8] } else { None }
    }

    fn neighbours(&self, x: usize, y: usize) -> Neighbours {
        let (x, y) = (x as isize, y as isize);
        Neighbours { above: self.block_at(x, y - 1), left: self.block_at(x - 1, y) }
    }

    /// Codes a square of `4 << size` samples: blocks of 16x16, and of 8x8 where the picture ends between.
    /// decode_partition() of AV1 5.11.4.
    fn partition(&mut self, x: usize, y: usize, size: u8) {
        if x >= self.area.width || y >= self.area.height {
            return;
        }
        let half = 2 << size;
        let (columns, rows) = (x + half < self.area.width, y + half < self.area.height);
        let whole = size == 1 || (size == 2 && columns && rows);
        self.write_partition(x, y, size, whole, (columns, rows));
        if whole {
            return self.block(x, y, size);
        }
        for (x, y) in [(x, y), (x + half, y), (x, y + half), (x + half, y + half)] {
            self.partition(x, y, size - 1);
        }
    }

    /// Writes whether a square is one block or four squares. `reach` tells whether the picture goes on in its
    /// right and in its lower half.
    fn write_partition(&mut self, x: usize, y: usize, size: u8, whole: bool, reach: (bool, bool)) {
        let context = self.neighbours(x, y).partition(size);
        if size == 1 {
            return self.symbols.symbol(&mut self.cdfs.partition_8[context], PARTITION_NONE);
        }
        let cdf = &mut self.cdfs.partition[usize::from(size) - 2][context];
        let splits = match reach {
            (true, true) => {
                return self.symbols.symbol(cdf, if whole { PARTITION_NONE } else { PARTITION_SPLIT });
            }
            (false, false) => return,
            (false, true) => SPLIT_OR_VERT,
            (true, false) => SPLIT_OR_HORZ,
        };
        let likelihood: u16 = splits.iter().map(|&value| cdf.likelihood(value)).sum();
        self.symbols.fixed((1 << 15) - likelihood, true);
    }

    fn block(&mut self, x: usize, y: usize, size: u8) {
        let prediction = self.choose(x, y, size);
        self.code(x, y, size, prediction);
        let block = Block { prediction, skip: self.residual.is_zero(), size };
        let (around, matches) = (self.neighbours(x, y), self.matches(x, y, block));
        modes::write(&mut self.symbols, &mut self.cdfs, block, around, matches, self.rules);
        for plane in 0..3 {
            self.write_residual(plane, x, y, block);
        }
        let cells = 1 << (size - 1);
        for row in 0..cells {
            let start = (y / 8 + row) * self.columns + x / 8;
            self.blocks[start..start + cells].fill(Some(block));
        }
    }

    /// Which blocks near this one refer to what it refers to: the scans of AV1 7.10.2.
    fn matches(&self, x: usize, y: usize, block: Block) -> Matches {
        let hit = |columns: isize, rows: isize| {
            let other = self.block_at(x as isize + 4 * columns, y as isize + 4 * rows);
            other.is_some_and(|other| block.prediction.shares(other.prediction))
        };
        let side = 1 << block.size;
        let row = |rows: isize, shift: isize| (0..side).step_by(2).any(|column| hit(column + shift, rows));
        let column = |columns: isize, shift: isize| (0..side).step_by(2).any(|row| hit(columns, row + shift));
        let (above, left) = (row(-1, 0) || hit(side, -1), column(-1, 0));
        let far_above = above || hit(-1, -1) || row(-3, 1) || row(-5, 1);
        let far_left = left || column(-3, 1) || column(-5, 1);
        let count = |above: bool, left: bool| usize::from(above) + usize::from(left);
        Matches { close: count(above, left), total: count(far_above, far_left) }
    }

    /// Writes one plane of a block's residual: transform_block() of AV1 5.11.35.
    fn write_residual(&mut self, plane: usize, x: usize, y: usize, block: Block) {
        let shift = subsampling(self.source.picture.format, plane);
        let side = (4 << block.size) >> shift;
        let step = 4 << self.residual.sizes[plane];
        for (index, (row, column)) in squares(side, step).enumerate() {
            let above = ((x >> shift) + column) / 4;
            let left = ((y >> shift) + row) / 4;
            let trace = if block.skip {
                Trace::default()
            } else {
                let around = Around {
                    above: &self.above[plane][above..above + step / 4],
                    left: &self.left[plane][left..left + step / 4],
                };
                let coefficients = self.residual.coefficients(plane, index);
                let cdfs = &mut self.cdfs;
                let context = around.all_zero(plane > 0, side == step);
                let zero = coefficients.end == 0;
                self.symbols.flag(&mut cdfs.coefficients.all_zero[coefficients.size][context], zero);
                if zero {
                    Trace::default()
                } else {
                    if plane == 0 && self.source.quantizer > 0 {
                        write_type(&mut self.symbols, cdfs, block.prediction, coefficients);
                    }
                    coefficients::write(
                        &mut self.symbols,
                        &mut cdfs.coefficients,
                        coefficients,
                        plane > 0,
                        around,
                    )
                }
            };
            self.above[plane][above..above + step / 4].fill(trace);
            self.left[plane][left..left + step / 4].fill(trace);
        }
    }
}

/// Writes that a transform is a DCT both ways.
fn write_type(
    symbols: &mut SymbolEncoder,
    cdfs: &mut Cdfs,
    prediction: Prediction,
    coefficients: Coefficients<'_>,
) {
    match prediction {
        Prediction::Intra(mode) => {
            symbols.symbol(&mut cdfs.intra_tx_type[coefficients.size][mode as usize], DCT_DCT);
        }
        _ => symbols.symbol(&mut cdfs.inter_tx_type[coefficients.size], DCT_DCT),
    }
}

/// The places, row and column, of smaller squares in a square.
pub(super) fn squares(side: usize, step: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..side).step_by(step).flat_map(move |row| (0..side).step_by(step).map(move |column| (row, column)))
}
