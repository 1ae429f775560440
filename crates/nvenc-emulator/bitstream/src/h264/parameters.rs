//! Parameter sets: 7.3.2.1 and 7.3.2.2, video usability information: annex E.

use super::layout::Layout;
use super::level::level;
use crate::bits::{BitWriter, nal};
use crate::{Chroma, Color, Stream};

/// Bits of frame_num and pic_order_cnt_lsb: a picture may be referred to for 4096 that are kept after it.
pub(super) const COUNTER_BITS: u32 = 12;

/// The quantiser that slices state their own against.
pub(super) const INITIAL_QUANTIZER: i32 = 26;

const HIGH: u32 = 100;
const HIGH_10: u32 = 110;
const HIGH_444_PREDICTIVE: u32 = 244;

/// Pictures that a decoder has room for: those kept, and a B-frame that waits for those shown before it.
fn buffered(stream: &Stream) -> u64 {
    stream.kept() as u64 + u64::from(stream.reorders.min(1))
}

/// Both parameter sets in Annex B form.
pub(super) fn parameter_sets(stream: &Stream) -> Vec<u8> {
    let mut bytes = nal(&[0x67], &sequence(stream).finish());
    bytes.extend(nal(&[0x68], &picture().finish()));
    bytes
}

fn sequence(stream: &Stream) -> BitWriter {
    let layout = Layout::of(stream.format);
    let profile = match (stream.format.chroma, stream.format.depth) {
        _ if stream.exact => HIGH_444_PREDICTIVE,
        (Chroma::Yuv444, _) => HIGH_444_PREDICTIVE,
        (Chroma::Yuv420, 8) => HIGH,
        (Chroma::Yuv420, _) => HIGH_10,
    };
    let mut bits = BitWriter::new();
    bits.put(profile, 8);
    bits.put(0, 8); // constraint flags
    bits.put(u32::from(stream.level.unwrap_or_else(|| level(stream, buffered(stream)))), 8);
    bits.ue(0); // seq_parameter_set_id
    if layout.is_444() {
        bits.ue(3);
        bits.flag(false); // separate_colour_plane_flag
    } else {
        bits.ue(1);
    }
    bits.ue(u32::from(stream.format.depth) - 8);
    bits.ue(u32::from(stream.format.depth) - 8);
    bits.flag(stream.exact); // qpprime_y_zero_transform_bypass_flag
    bits.flag(false); // seq_scaling_matrix_present_flag
    bits.ue(COUNTER_BITS - 4); // log2_max_frame_num_minus4
    bits.ue(0); // pic_order_cnt_type
    bits.ue(COUNTER_BITS - 4); // log2_max_pic_order_cnt_lsb_minus4
    bits.ue(stream.kept() as u32); // max_num_ref_frames
    bits.flag(false); // gaps_in_frame_num_value_allowed_flag
    bits.ue(layout.wide as u32 - 1);
    bits.ue(layout.high as u32 - 1);
    bits.flag(true); // frame_mbs_only_flag
    bits.flag(true); // direct_8x8_inference_flag
    cropping(&mut bits, &layout);
    bits.flag(true); // vui_parameters_present_flag
    usability(&mut bits, stream);
    bits.trailing();
    bits
}

/// What of the last macroblocks is not shown. 4:2:0 counts in pairs of samples, since chroma has one for two.
fn cropping(bits: &mut BitWriter, layout: &Layout) {
    let unit = if layout.is_444() { 1 } else { 2 };
    let (shown, whole) = (layout.format, layout.whole());
    let (right, bottom) = ((whole.width - shown.width) / unit, (whole.height - shown.height) / unit);
    bits.flag(right > 0 || bottom > 0);
    if right > 0 || bottom > 0 {
        for offset in [0, right, 0, bottom] {
            bits.ue(offset as u32);
        }
    }
}

fn usability(bits: &mut BitWriter, stream: &Stream) {
    let (width, height) = stream.sample_aspect_ratio;
    let known = width > 0 && height > 0;
    bits.flag(known);
    if known && width == height {
        bits.put(1, 8);
    } else if known {
        bits.put(255, 8); // Extended_SAR
        bits.put(u32::from(width), 16);
        bits.put(u32::from(height), 16);
    }
    bits.flag(false); // overscan_info_present_flag
    bits.flag(stream.color.is_some());
    if let Some(color) = stream.color {
        video_signal_type(bits, color);
    }
    bits.flag(false); // chroma_loc_info_present_flag
    timing(bits, stream.rate);
    bits.flag(false); // nal_hrd_parameters_present_flag
    bits.flag(false); // vcl_hrd_parameters_present_flag
    bits.flag(false); // pic_struct_present_flag
    bits.flag(true); // bitstream_restriction_flag
    bits.flag(true); // motion_vectors_over_pic_boundaries_flag
    bits.ue(0); // max_bytes_per_pic_denom: no limit
    bits.ue(0); // max_bits_per_mb_denom: no limit
    bits.ue(15); // log2_max_mv_length_horizontal
    bits.ue(15); // log2_max_mv_length_vertical
    bits.ue(stream.reorders); // max_num_reorder_frames
    bits.ue(buffered(stream) as u32); // max_dec_frame_buffering
}

fn video_signal_type(bits: &mut BitWriter, color: Color) {
    bits.put(5, 3); // video_format: unspecified
    bits.flag(color.full_range);
    bits.flag(true); // colour_description_present_flag
    for code in [color.primaries, color.transfer, color.matrix] {
        bits.put(u32::from(code), 8);
    }
}

/// A tick is half a picture: the standard counts fields.
fn timing(bits: &mut BitWriter, (numerator, denominator): (u32, u32)) {
    let ticks = numerator.checked_mul(2).filter(|&ticks| ticks > 0 && denominator > 0);
    bits.flag(ticks.is_some());
    if let Some(ticks) = ticks {
        bits.put(denominator, 32);
        bits.put(ticks, 32);
        bits.flag(true); // fixed_frame_rate_flag
    }
}

fn picture() -> BitWriter {
    let mut bits = BitWriter::new();
    bits.ue(0); // pic_parameter_set_id
    bits.ue(0); // seq_parameter_set_id
    bits.flag(false); // entropy_coding_mode_flag: CAVLC
    bits.flag(false); // bottom_field_pic_order_in_frame_present_flag
    bits.ue(0); // num_slice_groups_minus1
    bits.ue(0); // num_ref_idx_l0_default_active_minus1
    bits.ue(0); // num_ref_idx_l1_default_active_minus1
    bits.flag(false); // weighted_pred_flag
    bits.put(0, 2); // weighted_bipred_idc
    bits.se(INITIAL_QUANTIZER - 26);
    bits.se(0); // pic_init_qs_minus26
    bits.se(0); // chroma_qp_index_offset
    bits.flag(true); // deblocking_filter_control_present_flag
    bits.flag(false); // constrained_intra_pred_flag
    bits.flag(false); // redundant_pic_cnt_present_flag
    bits.trailing();
    bits
}
