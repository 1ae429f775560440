//! The context variables of the arithmetic coder: what each syntax element's bins begin with.

/// split_cu_flag, by how many neighbours are split.
pub(super) const SPLIT_CU: usize = 0;
/// cu_transquant_bypass_flag.
pub(super) const BYPASS: usize = 3;
/// cu_skip_flag, by how many neighbours are skipped.
pub(super) const SKIP: usize = 4;
/// pred_mode_flag.
pub(super) const PRED_MODE: usize = 7;
/// part_mode, its first bin.
pub(super) const PART_MODE: usize = 8;
/// prev_intra_luma_pred_flag.
pub(super) const PREV_INTRA: usize = 9;
/// intra_chroma_pred_mode, its first bin.
pub(super) const CHROMA_MODE: usize = 10;
/// merge_flag.
pub(super) const MERGE_FLAG: usize = 11;
/// merge_idx, its first bin.
pub(super) const MERGE_INDEX: usize = 12;
/// inter_pred_idc: whether both lists, by depth; and at 4, which one.
pub(super) const INTER_PRED: usize = 13;
/// ref_idx_l0 and ref_idx_l1, the first two bins.
pub(super) const REF_INDEX: usize = 18;
/// abs_mvd_greater0_flag.
pub(super) const MVD: usize = 20;
/// mvp_l0_flag and mvp_l1_flag.
pub(super) const MVP: usize = 21;
/// rqt_root_cbf.
pub(super) const ROOT_CBF: usize = 22;
/// cbf_luma: 1 at depth 0.
pub(super) const CBF_LUMA: usize = 26;
/// cbf_cb and cbf_cr, by depth.
pub(super) const CBF_CHROMA: usize = 28;
/// last_sig_coeff_x_prefix; chroma from 15.
pub(super) const LAST_X: usize = 32;
/// last_sig_coeff_y_prefix; chroma from 15.
pub(super) const LAST_Y: usize = 50;
/// coded_sub_block_flag; chroma from 2.
pub(super) const SUB_BLOCK: usize = 68;
/// sig_coeff_flag; chroma from 27.
pub(super) const SIGNIFICANT: usize = 72;
/// coeff_abs_level_greater1_flag; chroma from 16.
pub(super) const GREATER_1: usize = 114;
/// coeff_abs_level_greater2_flag; chroma from 4.
pub(super) const GREATER_2: usize = 138;

const COUNT: usize = 144;

/// The type of a slice, by its number in the tables of 9.3.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SliceType {
    I = 0,
    P = 1,
    B = 2,
}

/// A state of each context: pStateIdx, and valMps in the lowest bit.
#[derive(Clone)]
pub(super) struct Contexts(pub(super) [u8; COUNT]);

impl Contexts {
    /// As a slice of this type and quantiser begins.
    pub(super) fn new(slice: SliceType, quantizer: u8) -> Self {
        Self(INITIAL[slice as usize].map(|value| {
            let slope = i32::from(value >> 4) * 5 - 45;
            let offset = (i32::from(value & 15) << 3) - 16;
            let state = (((slope * i32::from(quantizer.min(51))) >> 4) + offset).clamp(1, 126);
            (if state <= 63 { (63 - state) << 1 } else { (state - 64) << 1 | 1 }) as u8
        }))
    }
}

/// Stands where a slice of this type has no such element.
const NONE: u8 = 154;

/// initValue of each context, by type of slice: tables 9-5 to 9-37 of H.265.
#[rustfmt::skip]
const INITIAL: [[u8; COUNT]; 3] = [
    [
        139, 141, 157, // split_cu_flag
        154, // cu_transquant_bypass_flag
        NONE, NONE, NONE, // cu_skip_flag
        NONE, // pred_mode_flag
        184, // part_mode
        184, // prev_intra_luma_pred_flag
        63, // intra_chroma_pred_mode
        NONE, NONE, // merge_flag, merge_idx
        NONE, NONE, NONE, NONE, NONE, // inter_pred_idc
        NONE, NONE, // ref_idx
        NONE, NONE, // abs_mvd_greater0_flag, mvp_flag
        NONE, // rqt_root_cbf
        153, 138, 138, // split_transform_flag
        111, 141, // cbf_luma
        94, 138, 182, 154, // cbf_cb, cbf_cr
        110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63, // last_x
        110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63, // last_y
        91, 171, 134, 141, // coded_sub_block_flag
        111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125,
        107, 125, 141, 179, 153, 125, 140, 139, 182, 182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111, // sig
        140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92, 139, 107, 122, 152, 140, 179, 166, 182, 140, 227,
        122, 197, // greater1
        138, 153, 136, 167, 152, 152, // greater2
    ],
    [
        107, 139, 126, // split_cu_flag
        154, // cu_transquant_bypass_flag
        197, 185, 201, // cu_skip_flag
        149, // pred_mode_flag
        154, // part_mode
        154, // prev_intra_luma_pred_flag
        152, // intra_chroma_pred_mode
        110, 122, // merge_flag, merge_idx
        95, 79, 63, 31, 31, // inter_pred_idc
        153, 153, // ref_idx
        140, 168, // abs_mvd_greater0_flag, mvp_flag
        79, // rqt_root_cbf
        124, 138, 94, // split_transform_flag
        153, 111, // cbf_luma
        149, 107, 167, 154, // cbf_cb, cbf_cr
        125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108, // last_x
        125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108, // last_y
        121, 140, 61, 154, // coded_sub_block_flag
        155, 154, 139, 153, 139, 123, 123, 63, 153, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154,
        166, 183, 140, 136, 153, 154, 170, 153, 123, 123, 107, 121, 107, 121, 167, 151, 183, 140, 151, 183, 140, // sig
        154, 196, 196, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 137, 169, 194, 166, 167, 154, 167,
        137, 182, // greater1
        107, 167, 91, 122, 107, 167, // greater2
    ],
    [
        107, 139, 126, // split_cu_flag
        154, // cu_transquant_bypass_flag
        197, 185, 201, // cu_skip_flag
        134, // pred_mode_flag
        154, // part_mode
        183, // prev_intra_luma_pred_flag
        152, // intra_chroma_pred_mode
        154, 137, // merge_flag, merge_idx
        95, 79, 63, 31, 31, // inter_pred_idc
        153, 153, // ref_idx
        169, 168, // abs_mvd_greater0_flag, mvp_flag
        79, // rqt_root_cbf
        224, 167, 122, // split_transform_flag
        153, 111, // cbf_luma
        149, 92, 167, 154, // cbf_cb, cbf_cr
        125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93, // last_x
        125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93, // last_y
        121, 140, 61, 154, // coded_sub_block_flag
        170, 154, 139, 153, 139, 123, 123, 63, 124, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154,
        166, 183, 140, 136, 153, 154, 170, 153, 138, 138, 122, 121, 122, 121, 167, 151, 183, 140, 151, 183, 140, // sig
        154, 196, 167, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 122, 169, 208, 166, 167, 154, 152,
        167, 182, // greater1
        107, 167, 91, 107, 107, 167, // greater2
    ],
];
