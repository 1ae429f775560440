//! The sequence header: AV1 5.5.

use super::level;
use crate::{BitWriter, Chroma, Color, Stream};

/// Bits of an order hint: pictures that refer to one another are at most 127 apart.
pub(super) const ORDER_HINT_BITS: u32 = 8;

/// "Unspecified" in all of ITU-T H.273's code points.
const UNSPECIFIED: u8 = 2;

/// The payload of the sequence header.
pub(super) fn header(stream: &Stream) -> Vec<u8> {
    let mut bits = BitWriter::new();
    bits.put(profile(stream), 3);
    bits.flag(false); // still_picture
    bits.flag(false); // reduced_still_picture_header
    write_timing(&mut bits, stream.rate);
    bits.flag(false); // initial_display_delay_present_flag
    bits.put(0, 5); // operating_points_cnt_minus_1
    bits.put(0, 12); // operating_point_idc
    let level = level::of(stream);
    bits.put(u32::from(level), 5);
    if level > 7 {
        bits.flag(false); // seq_tier
    }
    write_size(&mut bits, stream.format.width, stream.format.height);
    bits.flag(false); // frame_id_numbers_present_flag
    write_tools(&mut bits);
    write_color(&mut bits, stream);
    bits.flag(false); // film_grain_params_present
    bits.trailing();
    bits.finish()
}

/// Main has 4:2:0, High has 4:4:4 too; both have 8 and 10 bits.
fn profile(stream: &Stream) -> u32 {
    match stream.format.chroma {
        Chroma::Yuv420 => 0,
        Chroma::Yuv444 => 1,
    }
}

/// timing_info(): pictures come at equal intervals.
fn write_timing(bits: &mut BitWriter, (pictures, seconds): (u32, u32)) {
    bits.flag(true); // timing_info_present_flag
    bits.put(seconds, 32); // num_units_in_display_tick
    bits.put(pictures, 32); // time_scale
    bits.flag(true); // equal_picture_interval
    bits.ue(0); // num_ticks_per_picture_minus_1
    bits.flag(false); // decoder_model_info_present_flag
}

fn write_size(bits: &mut BitWriter, width: usize, height: usize) {
    let sizes = [width, height].map(|size| (size - 1) as u32);
    let lengths = sizes.map(|size| (u32::BITS - size.leading_zeros()).max(1));
    for length in lengths {
        bits.put(length - 1, 4);
    }
    for (size, length) in sizes.into_iter().zip(lengths) {
        bits.put(size, length);
    }
}

/// Of the tools that a sequence may allow, only order hints.
fn write_tools(bits: &mut BitWriter) {
    bits.flag(false); // use_128x128_superblock
    bits.flag(false); // enable_filter_intra
    bits.flag(false); // enable_intra_edge_filter
    bits.flag(false); // enable_interintra_compound
    bits.flag(false); // enable_masked_compound
    bits.flag(false); // enable_warped_motion
    bits.flag(false); // enable_dual_filter
    bits.flag(true); // enable_order_hint
    bits.flag(false); // enable_jnt_comp
    bits.flag(false); // enable_ref_frame_mvs
    bits.flag(false); // seq_choose_screen_content_tools
    bits.flag(false); // seq_force_screen_content_tools
    bits.put(ORDER_HINT_BITS - 1, 3);
    bits.flag(false); // enable_superres
    bits.flag(false); // enable_cdef
    bits.flag(false); // enable_restoration
}

/// color_config().
fn write_color(bits: &mut BitWriter, stream: &Stream) {
    const SRGB: (u8, u8, u8) = (1, 13, 0);
    bits.flag(stream.format.depth > 8);
    let subsampled = stream.format.chroma == Chroma::Yuv420;
    if subsampled {
        bits.flag(false); // mono_chrome: only where the profile is not High
    }
    bits.flag(stream.color.is_some());
    let unknown =
        Color { primaries: UNSPECIFIED, transfer: UNSPECIFIED, matrix: UNSPECIFIED, full_range: false };
    let mut color = stream.color.unwrap_or(unknown);
    if subsampled && color.matrix == 0 {
        // Red, green and blue cannot be subsampled: what says so is mistaken.
        color.matrix = UNSPECIFIED;
    }
    if stream.color.is_some() {
        for code in [color.primaries, color.transfer, color.matrix] {
            bits.put(u32::from(code), 8);
        }
    }
    if (color.primaries, color.transfer, color.matrix) != SRGB {
        bits.flag(color.full_range);
    }
    if subsampled {
        bits.put(0, 2); // chroma_sample_position: unknown
    }
    bits.flag(false); // separate_uv_delta_q
}
