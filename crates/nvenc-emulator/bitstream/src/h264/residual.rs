//! What prediction leaves of a macroblock: as levels, and decoded again.

use super::cavlc;
use super::layout::{Block, Layout};
use super::transform::{Four, Quantizer, ZIGZAG, forward, inverse};

/// How differences become levels.
#[derive(Clone, Debug)]
pub(super) enum Coding {
    /// They do not: macroblocks are predicted exactly, or samples are written as they are (I_PCM).
    Raw,
    /// As they are, without transform.
    Bypassed,
    /// Transformed and quantised.
    Quantized(Box<Quantizers>),
}

/// The quantisers of a picture.
#[derive(Clone, Debug)]
pub(super) struct Quantizers {
    pub(super) luma: Quantizer,
    pub(super) chroma: Quantizer,
    /// What a bit is worth in the sum of absolute differences.
    pub(super) lambda: u32,
}

/// The levels of a macroblock, in scan order.
#[derive(Clone, Debug)]
pub(super) struct Residual {
    /// DC coefficients of an Intra16x16 in planes that are coded as luma is.
    pub(super) dc: [Four; 3],
    /// DC coefficients of 4:2:0 chroma.
    pub(super) chroma_dc: [[i32; 4]; 2],
    /// Each 4x4 block, from the top left row after row; where there are DC coefficients the first level of
    /// each block is 0.
    pub(super) blocks: [[Four; 16]; 3],
    /// How many levels of each block are not zero.
    pub(super) counts: [[u8; 16]; 3],
}

impl Residual {
    pub(super) const fn new() -> Self {
        Self { dc: [[0; 16]; 3], chroma_dc: [[0; 4]; 2], blocks: [[[0; 16]; 16]; 3], counts: [[0; 16]; 3] }
    }

    /// Leaves nothing but the prediction.
    pub(super) fn clear(&mut self) {
        self.chroma_dc = [[0; 4]; 2];
        self.counts = [[0; 16]; 3];
    }

    /// Whether all of the blocks of a plane, DC aside, are zero.
    pub(super) fn is_empty(&self, plane: usize) -> bool {
        self.counts[plane] == [0; 16]
    }
}

/// Which part of its coefficients a block codes elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dc {
    /// None.
    Inside,
    /// The DC, with those of the 15 others.
    Luma,
    /// The DC, with those of the 3 others.
    Chroma,
}

/// Turns a prediction into levels and into what decoders make of it.
///
/// `prediction` is what each sample is predicted from, and becomes the decoded block.
pub(super) fn code(
    coding: &Coding,
    layout: &Layout,
    intra: bool,
    source: &Block,
    prediction: &mut Block,
    residual: &mut Residual,
) {
    let peak = i32::from(layout.format.peak());
    for plane in 0..3 {
        let luma_like = plane == 0 || layout.is_444();
        let dc = match (luma_like, intra) {
            (false, _) => Dc::Chroma,
            (true, true) => Dc::Luma,
            (true, false) => Dc::Inside,
        };
        let coder = Plane { side: layout.side(plane), dc, rounding: if intra { 3 } else { 6 }, peak };
        let (source, prediction) = (&source[plane], &mut prediction[plane]);
        match coding {
            Coding::Raw => residual.counts[plane] = [0; 16],
            Coding::Bypassed => coder.bypass(source, prediction, residual, plane),
            Coding::Quantized(quantizers) => {
                let quantizer = if plane == 0 { &quantizers.luma } else { &quantizers.chroma };
                coder.quantize(quantizer, source, prediction, residual, plane);
            }
        }
    }
}

struct Plane {
    side: usize,
    dc: Dc,
    rounding: i32,
    peak: i32,
}

impl Plane {
    fn blocks(&self) -> usize {
        (self.side / 4).pow(2)
    }

    /// Where the samples of a block begin.
    fn start(&self, block: usize) -> usize {
        let across = self.side / 4;
        block / across * 4 * self.side + block % across * 4
    }

    fn subtract(&self, block: usize, source: &[u16; 256], prediction: &[u16; 256]) -> Four {
        let start = self.start(block);
        std::array::from_fn(|at| {
            let at = start + at / 4 * self.side + at % 4;
            i32::from(source[at]) - i32::from(prediction[at])
        })
    }

    fn add(&self, block: usize, prediction: &mut [u16; 256], difference: &Four) {
        let start = self.start(block);
        for (at, difference) in difference.iter().enumerate() {
            let sample = &mut prediction[start + at / 4 * self.side + at % 4];
            *sample = (i32::from(*sample) + difference).clamp(0, self.peak) as u16;
        }
    }

    fn bypass(
        &self,
        source: &[u16; 256],
        prediction: &mut [u16; 256],
        residual: &mut Residual,
        plane: usize,
    ) {
        let mut dc = [0; 16];
        for (block, dc) in dc.iter_mut().enumerate().take(self.blocks()) {
            let mut levels = self.subtract(block, source, prediction);
            if self.dc != Dc::Inside {
                *dc = std::mem::take(&mut levels[0]);
            }
            store(&levels, residual, plane, block);
        }
        self.store_dc(&dc, residual, plane);
        *prediction = *source;
    }

    fn quantize(
        &self,
        quantizer: &Quantizer,
        source: &[u16; 256],
        prediction: &mut [u16; 256],
        residual: &mut Residual,
        plane: usize,
    ) {
        let mut coefficients = [[0; 16]; 16];
        let mut dc = [0; 16];
        for block in 0..self.blocks() {
            let levels = &mut coefficients[block];
            *levels = self.subtract(block, source, prediction);
            forward(levels);
            dc[block] = levels[0];
            quantizer.quantize(levels, self.rounding);
            if self.dc != Dc::Inside {
                levels[0] = 0;
            }
            store(levels, residual, plane, block);
        }
        let dc = self.quantize_dc(quantizer, &dc, residual, plane);
        for block in 0..self.blocks() {
            let levels = &mut coefficients[block];
            if residual.counts[plane][block] == 0 && dc[block] == 0 {
                continue;
            }
            quantizer.scale(levels);
            if self.dc != Dc::Inside {
                levels[0] = dc[block];
            }
            inverse(levels);
            self.add(block, prediction, levels);
        }
    }

    /// Quantises the DC coefficients that are coded on their own, and returns what they decode to.
    fn quantize_dc(&self, quantizer: &Quantizer, dc: &Four, residual: &mut Residual, plane: usize) -> Four {
        match self.dc {
            Dc::Inside => [0; 16],
            Dc::Luma => {
                let levels = quantizer.quantize_dc(dc);
                self.store_dc(&levels, residual, plane);
                quantizer.scale_dc(&levels)
            }
            Dc::Chroma => {
                let four = std::array::from_fn(|at| dc[at]);
                residual.chroma_dc[plane - 1] = quantizer.quantize_chroma_dc(&four, self.rounding);
                let scaled = quantizer.scale_chroma_dc(&residual.chroma_dc[plane - 1]);
                std::array::from_fn(|at| scaled.get(at).copied().unwrap_or(0))
            }
        }
    }

    fn store_dc(&self, levels: &Four, residual: &mut Residual, plane: usize) {
        match self.dc {
            Dc::Inside => {}
            Dc::Luma => residual.dc[plane] = ZIGZAG.map(|at| levels[at]),
            Dc::Chroma => residual.chroma_dc[plane - 1] = std::array::from_fn(|at| levels[at]),
        }
    }
}

fn store(levels: &Four, residual: &mut Residual, plane: usize, block: usize) {
    residual.blocks[plane][block] = ZIGZAG.map(|at| levels[at]);
    residual.counts[plane][block] = cavlc::count(levels);
}
