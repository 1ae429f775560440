//! Macroblocks: how each is predicted, and coded so.

use std::ops::Range;

use super::inter::{self, INTRA, Motion, Motions};
use super::intra::{self, Mode};
use super::layout::{Block, Layout, difference, error};
use super::residual::{self, Coding, Residual};
use super::slice::Header;
use super::surface::Surface;
use super::syntax::Writer;
use crate::bits::nal;
use crate::{Kind, Picture};

/// What the macroblocks of a picture have in common.
pub(super) struct Frame<'a> {
    pub(super) source: &'a Picture,
    pub(super) layout: Layout,
    pub(super) header: Header,
    pub(super) coding: Coding,
}

/// How a macroblock is predicted.
#[derive(Clone, Copy, Debug)]
enum Choice {
    Inter(Motion),
    Intra { luma: Mode, chroma: Mode },
}

/// About how many bits it takes to say that a macroblock is intra, and its DC coefficients.
const fn intra_bits(kind: Kind) -> u32 {
    match kind {
        Kind::Key | Kind::Intra => 0,
        Kind::P => 24,
        Kind::B => 28,
    }
}

/// Codes one slice into a NAL unit, and its part of the picture into what decoders make of it.
pub(super) fn code_slice(frame: &Frame<'_>, surface: Surface<'_>) -> Vec<u8> {
    let first = surface.rows.start * frame.layout.wide;
    let mut slice = Slice {
        writer: Writer::new(&frame.header, frame.layout, first),
        motions: Motions::new(frame.layout.wide),
        residual: Residual::new(),
        source: [[0; 256]; 3],
        frame,
        surface,
    };
    for y in slice.surface.rows.clone() {
        for x in 0..frame.layout.wide {
            slice.macroblock(x, y);
        }
        slice.writer.counts.next_row();
        slice.motions.next_row();
    }
    nal(&frame.header.nal(), &slice.writer.finish())
}

struct Slice<'a> {
    frame: &'a Frame<'a>,
    surface: Surface<'a>,
    writer: Writer<'a>,
    motions: Motions,
    /// Of the macroblock that is being coded, as the next one.
    residual: Residual,
    source: Block,
}

impl Slice<'_> {
    fn macroblock(&mut self, x: usize, y: usize) {
        self.frame.layout.read(self.frame.source, x, y, &mut self.source);
        self.writer.counts.begin(x);
        let direct = self.motions.direct(x);
        let (choice, mut block) = self.choose(x, y, direct);
        let written = match choice {
            Choice::Inter(motion) => self.inter(motion, direct, &mut block),
            Choice::Intra { luma, chroma } => self.intra(luma, chroma, &mut block),
        };
        if !written {
            self.writer.raw(&self.source);
            block = self.source;
        }
        self.motions.set(
            x,
            match choice {
                Choice::Inter(motion) if written => motion,
                _ => INTRA,
            },
        );
        self.writer.counts.end();
        self.surface.store(x, y, &block);
    }

    /// Writes a macroblock that is predicted so, unless its samples as they are take no more. `block` is the
    /// prediction, and becomes what decoders make of it.
    fn intra(&mut self, luma: Mode, chroma: Mode, block: &mut Block) -> bool {
        let Frame { coding, layout, .. } = self.frame;
        if matches!(coding, Coding::Raw) {
            return false;
        }
        residual::code(coding, layout, true, &self.source, block, &mut self.residual);
        let most = self.writer.raw_size();
        self.writer.within(most, |writer| writer.intra(luma, chroma, &self.residual))
    }

    /// As [`intra`](Self::intra). What prediction leaves is dropped where it is not worth its bits.
    fn inter(&mut self, motion: Motion, direct: Motion, block: &mut Block) -> bool {
        let Frame { coding, layout, header, .. } = self.frame;
        let (direct, skipped) = match header.kind() {
            Kind::B => (Some(direct), direct),
            _ => (None, [0, -1]),
        };
        let prediction = *block;
        residual::code(coding, layout, false, &self.source, block, &mut self.residual);
        let empty = self.writer.pattern(&self.residual) == 0;
        let raw = self.writer.raw_size();
        let worth = match coding {
            Coding::Raw if *block == self.source => raw,
            Coding::Raw => return false,
            Coding::Bypassed => raw,
            Coding::Quantized(quantizers) => {
                let gain = self.error(&prediction).saturating_sub(self.error(block));
                (gain / u64::from(quantizers.lambda).pow(2)) as usize
            }
        };
        if !empty {
            if self.writer.within(worth.min(raw), |writer| writer.inter(motion, direct, &self.residual)) {
                return true;
            }
            if worth >= raw {
                return false;
            }
            self.residual.clear();
            *block = prediction;
        }
        if motion == skipped {
            self.writer.skip();
            return true;
        }
        self.writer.within(raw, |writer| writer.inter(motion, direct, &self.residual))
    }

    /// The prediction that costs least, and what it predicts.
    fn choose(&self, x: usize, y: usize, direct: Motion) -> (Choice, Block) {
        let Frame { header, layout, coding, .. } = self.frame;
        let lambda = match coding {
            Coding::Quantized(quantizers) => quantizers.lambda,
            Coding::Raw | Coding::Bypassed => 1,
        };
        let mut best: Option<(u32, Choice, Block)> = None;
        let mut block = [[0; 256]; 3];
        for (motion, bits) in inter::candidates(header, direct) {
            inter::predict(header, layout, motion, x, y, &mut block);
            let difference = self.difference(&block);
            let cost = difference + lambda * bits;
            if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, Choice::Inter(motion), block));
            }
            if difference == 0 {
                break;
            }
        }
        if let Some((cost, choice, block)) = best
            && cost <= lambda * intra_bits(header.kind())
        {
            return (choice, block);
        }
        let (luma, chroma) = self.modes(x, y, &mut block);
        let cost = self.difference(&block) + lambda * intra_bits(header.kind());
        match best {
            Some((least, choice, block)) if least <= cost => (choice, block),
            _ => (Choice::Intra { luma, chroma }, block),
        }
    }

    /// The best modes of an intra macroblock, for luma and for 4:2:0 chroma, and what they predict.
    fn modes(&self, x: usize, y: usize, block: &mut Block) -> (Mode, Mode) {
        if self.frame.layout.is_444() {
            let luma = self.mode(0..3, x, y, block);
            return (luma, luma);
        }
        let luma = self.mode(0..1, x, y, block);
        (luma, self.mode(1..3, x, y, block))
    }

    /// The best mode of planes that have one in common.
    fn mode(&self, planes: Range<usize>, x: usize, y: usize, block: &mut Block) -> Mode {
        let Frame { layout, coding, .. } = self.frame;
        let bypassed = matches!(coding, Coding::Bypassed);
        let middle = 1 << (layout.format.depth - 1);
        let edges = planes.clone().map(|plane| self.surface.edges(plane, x, y)).collect::<Vec<_>>();
        let mut best = (u32::MAX, Mode::Dc);
        let mut candidate = [[0; 256]; 3];
        for mode in Mode::possible(&edges[0]) {
            let mut cost = 0;
            for (plane, edges) in planes.clone().zip(&edges) {
                let (side, out) = (layout.side(plane), &mut candidate[plane]);
                if bypassed {
                    intra::predict_bypassed(mode, side, edges, middle, &self.source[plane], out);
                } else {
                    intra::predict(mode, side, edges, middle, out);
                }
                cost += difference(&self.source[plane][..side * side], &out[..side * side]);
            }
            if cost < best.0 {
                best = (cost, mode);
                planes.clone().for_each(|plane| block[plane] = candidate[plane]);
            }
        }
        best.1
    }

    /// The squared error over all planes.
    fn error(&self, block: &Block) -> u64 {
        let used = |plane: usize| self.frame.layout.side(plane).pow(2);
        (0..3).map(|plane| error(&self.source[plane][..used(plane)], &block[plane][..used(plane)])).sum()
    }

    /// How far a prediction is from the source, over all planes.
    fn difference(&self, block: &Block) -> u32 {
        let used = |plane: usize| self.frame.layout.side(plane).pow(2);
        let one = |plane| difference(&self.source[plane][..used(plane)], &block[plane][..used(plane)]);
        (0..3).map(one).sum()
    }
}
