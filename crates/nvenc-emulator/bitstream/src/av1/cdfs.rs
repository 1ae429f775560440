//! The CDFs that one tile adapts.

use super::symbols::{Cdf, Flag};
use super::tables;

/// Those of coefficients, by transform size (4x4, 8x8, 16x16) and plane type (luma, chroma).
#[derive(Clone, Debug)]
pub(super) struct CoefficientCdfs {
    pub(super) all_zero: [[Flag; 13]; 3],
    pub(super) end_16: [Cdf<4>; 2],
    pub(super) end_64: [Cdf<6>; 2],
    pub(super) end_256: [Cdf<8>; 2],
    pub(super) end_extra: [[[Flag; 9]; 2]; 3],
    pub(super) last: [[[Cdf<2>; 4]; 2]; 3],
    pub(super) base: [[[Cdf<3>; 26]; 2]; 3],
    pub(super) range: [[[Cdf<3>; 21]; 2]; 3],
    pub(super) dc_sign: [[Flag; 3]; 2],
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Cdfs {
    pub(super) partition_8: [Cdf<3>; 4],
    /// Of blocks of 16, 32 and 64.
    pub(super) partition: [[Cdf<9>; 4]; 3],
    pub(super) skip: [Flag; 3],
    pub(super) is_inter: [Flag; 4],
    pub(super) intra_frame_y_mode: [[Cdf<12>; 3]; 3],
    pub(super) y_mode: [Cdf<12>; 4],
    pub(super) uv_mode: [Cdf<12>; 3],
    pub(super) uv_mode_cfl: [Cdf<13>; 3],
    pub(super) angle_delta: [Cdf<6>; 2],
    pub(super) intra_tx_type: [[Cdf<4>; 3]; 3],
    pub(super) inter_tx_type: [Flag; 3],
    pub(super) new_mv: [Flag; 6],
    pub(super) zero_mv: [Flag; 2],
    pub(super) compound_mode: [Cdf<7>; 8],
    pub(super) comp_mode: [Flag; 5],
    pub(super) comp_ref_type: [Flag; 5],
    pub(super) comp_ref: [[Flag; 3]; 3],
    pub(super) comp_bwd_ref: [[Flag; 2]; 3],
    pub(super) single_ref: [[Flag; 6]; 3],
    pub(super) coefficients: CoefficientCdfs,
}

fn flags<const A: usize>(table: [u16; A]) -> [Flag; A] {
    table.map(|limit| Flag::new([limit]))
}

fn cdfs<const A: usize, const N: usize>(table: [[u16; N]; A]) -> [Cdf<N>; A] {
    table.map(Cdf::new)
}

impl CoefficientCdfs {
    /// The defaults for a picture of this base_q_idx (AV1 7.20, init_coeff_cdfs).
    fn new(quantizer: u8) -> Self {
        let range = match quantizer {
            0..=20 => 0,
            21..=60 => 1,
            61..=120 => 2,
            _ => 3,
        };
        Self {
            all_zero: tables::TXB_SKIP[range].map(flags),
            end_16: cdfs(tables::EOB_PT_16[range]),
            end_64: cdfs(tables::EOB_PT_64[range]),
            end_256: cdfs(tables::EOB_PT_256[range]),
            end_extra: tables::EOB_EXTRA[range].map(|size| size.map(flags)),
            last: tables::COEFF_BASE_EOB[range].map(|size| size.map(cdfs)),
            base: tables::COEFF_BASE[range].map(|size| size.map(cdfs)),
            range: tables::COEFF_BR[range].map(|size| size.map(cdfs)),
            dc_sign: tables::DC_SIGN.map(flags),
        }
    }
}

impl Cdfs {
    /// The defaults for a picture of this base_q_idx.
    pub(super) fn new(quantizer: u8) -> Self {
        Self {
            partition_8: cdfs(tables::PARTITION_8),
            partition: [tables::PARTITION_16, tables::PARTITION_32, tables::PARTITION_64].map(cdfs),
            skip: flags(tables::SKIP),
            is_inter: flags(tables::IS_INTER),
            intra_frame_y_mode: tables::INTRA_FRAME_Y_MODE.map(cdfs),
            y_mode: cdfs(tables::Y_MODE),
            uv_mode: cdfs(tables::UV_MODE),
            uv_mode_cfl: cdfs(tables::UV_MODE_CFL),
            angle_delta: cdfs(tables::ANGLE_DELTA),
            intra_tx_type: tables::INTRA_TX_TYPE.map(cdfs),
            inter_tx_type: flags(tables::INTER_TX_TYPE),
            new_mv: flags(tables::NEW_MV),
            zero_mv: flags(tables::ZERO_MV),
            compound_mode: cdfs(tables::COMPOUND_MODE),
            comp_mode: flags(tables::COMP_MODE),
            comp_ref_type: flags(tables::COMP_REF_TYPE),
            comp_ref: tables::COMP_REF.map(flags),
            comp_bwd_ref: tables::COMP_BWD_REF.map(flags),
            single_ref: tables::SINGLE_REF.map(flags),
            coefficients: CoefficientCdfs::new(quantizer),
        }
    }
}
