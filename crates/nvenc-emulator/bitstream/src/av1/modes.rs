//! Writing how a block is predicted: intra_frame_mode_info() and inter_frame_mode_info() of AV1 5.11, and the
//! contexts of 8.3.2 that its neighbours give.

use super::cdfs::Cdfs;
use super::symbols::SymbolEncoder;

/// Reference names of AV1 6.10.24: LAST_FRAME to GOLDEN_FRAME for the past, the rest for the future.
pub(super) const LAST: u8 = 1;
const LAST2: u8 = 2;
const LAST3: u8 = 3;
const GOLDEN: u8 = 4;
/// The first name of the future.
pub(super) const BWDREF: u8 = 5;
const ALTREF2: u8 = 6;
const ALTREF: u8 = 7;

/// A way to predict from samples beside the block: DC_PRED, V_PRED, H_PRED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intra {
    Dc,
    Vertical,
    Horizontal,
}

/// Where a block's prediction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prediction {
    /// Beside it: luma in this way, chroma by DC.
    Intra(Intra),
    /// The same place of one picture.
    Single(u8),
    /// The mean of one from the past and one from the future.
    Compound(u8, u8),
}

impl Prediction {
    pub(super) const fn is_intra(self) -> bool {
        matches!(self, Self::Intra(_))
    }

    /// RefFrame of the standard, with 0 for INTRA_FRAME and nothing for NONE.
    const fn references(self) -> (u8, Option<u8>) {
        match self {
            Self::Intra(_) => (0, None),
            Self::Single(name) => (name, None),
            Self::Compound(past, future) => (past, Some(future)),
        }
    }

    const fn is_compound(self) -> bool {
        matches!(self, Self::Compound(..))
    }

    /// Whether it is a single prediction from the future.
    const fn is_backward(self) -> bool {
        matches!(self, Self::Single(BWDREF..))
    }

    /// Whether motion vectors of the other would be candidates for this one (AV1 7.10.2.7).
    pub(super) fn shares(self, other: Self) -> bool {
        match self {
            Self::Intra(_) => false,
            Self::Single(name) => other.count(name) > 0,
            Self::Compound(..) => self == other,
        }
    }

    fn count(self, name: u8) -> usize {
        let (first, second) = self.references();
        usize::from(first == name) + usize::from(second == Some(name))
    }
}

/// A block that is coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) prediction: Prediction,
    /// Whether it has no residual.
    pub(super) skip: bool,
    /// log2 of its width in units of four samples: 1 to 4.
    pub(super) size: u8,
}

/// The blocks beside one, where the tile has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbours {
    pub(super) above: Option<Block>,
    pub(super) left: Option<Block>,
}

/// Whether blocks that refer to the same picture lie near: CloseMatches and TotalMatches of AV1 7.10.2.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Matches {
    pub(super) close: usize,
    pub(super) total: usize,
}

impl Matches {
    /// NewMvContext, where no block has a motion vector of its own.
    fn new_mv(self) -> usize {
        match self.close {
            0 => self.total.min(1),
            1 => 3,
            _ => 5,
        }
    }

    /// RefMvContext.
    fn ref_mv(self) -> usize {
        match self.close {
            0 => self.total,
            1 => 2 + self.total,
            _ => 5,
        }
    }
}

/// What all blocks of a picture have in common here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Whether all blocks are intra ones: FrameIsIntra.
    pub(super) intra: bool,
    /// Whether blocks may be compound ones: reference_select.
    pub(super) compound: bool,
    /// Whether chroma could be predicted from luma in a block of 8x8 and in a larger one.
    pub(super) cfl: [bool; 2],
}

impl Neighbours {
    fn both(self) -> impl Iterator<Item = Block> {
        self.above.into_iter().chain(self.left)
    }

    fn skip(self) -> usize {
        self.both().filter(|block| block.skip).count()
    }

    /// The context of partition for a block of this size.
    pub(super) fn partition(self, size: u8) -> usize {
        let smaller = |block: Option<Block>| usize::from(block.is_some_and(|block| block.size < size));
        smaller(self.left) * 2 + smaller(self.above)
    }

    fn is_inter(self) -> usize {
        let intra = self.both().filter(|block| block.prediction.is_intra()).count();
        match (self.both().count(), intra) {
            (2, 2) => 3,
            (2, intra) => intra,
            (_, intra) => 2 * intra,
        }
    }

    fn comp_mode(self) -> usize {
        let predictions = (self.above.map(|block| block.prediction), self.left.map(|block| block.prediction));
        match predictions {
            (None, None) => 1,
            (Some(one), None) | (None, Some(one)) if one.is_compound() => 3,
            (Some(one), None) | (None, Some(one)) => usize::from(one.is_backward()),
            (Some(above), Some(left)) => match (above.is_compound(), left.is_compound()) {
                (true, true) => 4,
                (false, false) => usize::from(above.is_backward() != left.is_backward()),
                (false, true) => 2 + usize::from(above.is_backward() || above.is_intra()),
                (true, false) => 2 + usize::from(left.is_backward() || left.is_intra()),
            },
        }
    }

    /// The context of comp_ref_type, where compound blocks always have both directions.
    fn comp_ref_type(self) -> usize {
        let compound = self.both().filter(|block| block.prediction.is_compound()).count();
        let (Some(above), Some(left)) = (self.above, self.left) else {
            return if compound > 0 { 0 } else { 2 };
        };
        let (above, left) = (above.prediction, left.prediction);
        if above.is_intra() || left.is_intra() {
            return if compound > 0 { 1 } else { 2 };
        }
        match compound {
            0 if above.is_backward() == left.is_backward() => 3,
            2 => 0,
            _ => 1,
        }
    }

    /// The context of a choice between two groups of references: which of them neighbours use more.
    fn compare(self, first: &[u8], second: &[u8]) -> usize {
        let count = |names: &[u8]| -> usize {
            names.iter().flat_map(|&name| self.both().map(move |block| block.prediction.count(name))).sum()
        };
        match count(first).cmp(&count(second)) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Greater => 2,
        }
    }
}

/// Writes a block's skip flag and prediction.
pub(super) fn write(
    symbols: &mut SymbolEncoder,
    cdfs: &mut Cdfs,
    block: Block,
    around: Neighbours,
    matches: Matches,
    rules: Rules,
) {
    symbols.flag(&mut cdfs.skip[around.skip()], block.skip);
    if !rules.intra {
        symbols.flag(&mut cdfs.is_inter[around.is_inter()], !block.prediction.is_intra());
    }
    match block.prediction {
        Prediction::Intra(mode) => write_intra(symbols, cdfs, mode, block.size, around, rules),
        Prediction::Single(name) => {
            if rules.compound {
                symbols.flag(&mut cdfs.comp_mode[around.comp_mode()], false);
            }
            write_single(symbols, cdfs, name, around);
            // Not NEWMV, but GLOBALMV.
            symbols.flag(&mut cdfs.new_mv[matches.new_mv()], true);
            symbols.flag(&mut cdfs.zero_mv[0], false);
        }
        Prediction::Compound(past, future) => {
            symbols.flag(&mut cdfs.comp_mode[around.comp_mode()], true);
            write_compound(symbols, cdfs, past, future, around);
            let context = COMPOUND_MODE_CONTEXTS[matches.ref_mv() >> 1][matches.new_mv().min(4)];
            symbols.symbol(&mut cdfs.compound_mode[context], GLOBAL_GLOBALMV);
        }
    }
}

/// compound_mode for GLOBAL_GLOBALMV.
const GLOBAL_GLOBALMV: usize = 6;

/// Compound_Mode_Ctx_Map.
const COMPOUND_MODE_CONTEXTS: [[usize; 5]; 3] = [[0, 1, 1, 1, 1], [1, 2, 3, 4, 4], [4, 4, 5, 6, 7]];

fn write_intra(
    symbols: &mut SymbolEncoder,
    cdfs: &mut Cdfs,
    mode: Intra,
    size: u8,
    around: Neighbours,
    rules: Rules,
) {
    let number = mode as usize;
    if rules.intra {
        let context = |block: Option<Block>| match block.map(|block| block.prediction) {
            Some(Prediction::Intra(mode)) => mode as usize,
            _ => Intra::Dc as usize,
        };
        let cdf = &mut cdfs.intra_frame_y_mode[context(around.above)][context(around.left)];
        symbols.symbol(cdf, number);
    } else {
        // Size_Group of square blocks.
        symbols.symbol(&mut cdfs.y_mode[usize::from(size).min(3)], number);
    }
    if mode != Intra::Dc {
        // An angle delta of zero.
        symbols.symbol(&mut cdfs.angle_delta[number - 1], 3);
    }
    if rules.cfl[usize::from(size > 1)] {
        symbols.symbol(&mut cdfs.uv_mode_cfl[number], Intra::Dc as usize);
    } else {
        symbols.symbol(&mut cdfs.uv_mode[number], Intra::Dc as usize);
    }
}

fn write_single(symbols: &mut SymbolEncoder, cdfs: &mut Cdfs, name: u8, around: Neighbours) {
    let mut flag = |bit: usize, context: usize, value: bool| {
        symbols.flag(&mut cdfs.single_ref[context][bit - 1], value);
    };
    flag(1, around.compare(&[LAST, LAST2, LAST3, GOLDEN], &[BWDREF, ALTREF2, ALTREF]), name >= BWDREF);
    if name >= BWDREF {
        flag(2, around.compare(&[BWDREF, ALTREF2], &[ALTREF]), name == ALTREF);
        if name != ALTREF {
            flag(6, around.compare(&[BWDREF], &[ALTREF2]), name == ALTREF2);
        }
        return;
    }
    flag(3, around.compare(&[LAST, LAST2], &[LAST3, GOLDEN]), name >= LAST3);
    if name >= LAST3 {
        flag(5, around.compare(&[LAST3], &[GOLDEN]), name == GOLDEN);
    } else {
        flag(4, around.compare(&[LAST], &[LAST2]), name == LAST2);
    }
}

fn write_compound(symbols: &mut SymbolEncoder, cdfs: &mut Cdfs, past: u8, future: u8, around: Neighbours) {
    // One of each direction: BIDIR_COMP_REFERENCE.
    symbols.flag(&mut cdfs.comp_ref_type[around.comp_ref_type()], true);
    let mut flag = |bit: usize, context: usize, value: bool| {
        symbols.flag(&mut cdfs.comp_ref[context][bit], value);
    };
    flag(0, around.compare(&[LAST, LAST2], &[LAST3, GOLDEN]), past >= LAST3);
    if past >= LAST3 {
        flag(2, around.compare(&[LAST3], &[GOLDEN]), past == GOLDEN);
    } else {
        flag(1, around.compare(&[LAST], &[LAST2]), past == LAST2);
    }
    let mut flag = |bit: usize, context: usize, value: bool| {
        symbols.flag(&mut cdfs.comp_bwd_ref[context][bit], value);
    };
    flag(0, around.compare(&[BWDREF, ALTREF2], &[ALTREF]), future == ALTREF);
    if future != ALTREF {
        flag(1, around.compare(&[BWDREF], &[ALTREF2]), future == ALTREF2);
    }
}
