//! Parameter sets: 7.3.2 and annexes A and E of H.265.

use super::layout::Layout;
use crate::bits::nal;
use crate::{BitWriter, Chroma, Stream};

/// Bits of slice_pic_order_cnt_lsb.
pub(super) const ORDER_BITS: u32 = 16;
/// SliceQpY where slice_qp_delta is 0.
pub(super) const INITIAL_QUANTIZER: u8 = 26;

/// VPS, SPS and PPS in Annex B form.
pub(super) fn headers(stream: &Stream, layout: &Layout) -> Vec<u8> {
    let unit = |kind: u8, bits: BitWriter| nal(&[kind << 1, 1], &bits.finish());
    [unit(32, video(stream, layout)), unit(33, sequence(stream, layout)), unit(34, picture(stream, layout))]
        .concat()
}

/// video_parameter_set_rbsp.
fn video(stream: &Stream, layout: &Layout) -> BitWriter {
    let mut bits = BitWriter::new();
    bits.put(0, 4);
    bits.put(3, 2); // The base layer is here.
    bits.put(0, 6 + 3); // One layer, one sub-layer.
    bits.flag(true);
    bits.put(0xffff, 16);
    profile(&mut bits, stream, layout);
    buffering(&mut bits, stream);
    bits.put(0, 6);
    bits.ue(0);
    bits.flag(true);
    timing(&mut bits, stream);
    bits.ue(0); // No HRD.
    bits.flag(false);
    bits.trailing();
    bits
}

/// profile_tier_level: the first profile that allows the format. All allow coding without loss.
fn profile(bits: &mut BitWriter, stream: &Stream, layout: &Layout) {
    let deep = stream.format.depth > 8;
    let profile = match (stream.format.chroma, deep) {
        (Chroma::Yuv420, false) => 1,
        (Chroma::Yuv420, true) => 2,
        (Chroma::Yuv444, _) => 4,
    };
    bits.put(profile, 2 + 1 + 5); // Main tier.
    let compatible = match profile {
        // What Main decodes, Main 10 does.
        1 => 1 << 30 | 1 << 29,
        _ => 1 << (31 - profile),
    };
    bits.put(compatible, 32);
    bits.put(0b1001, 4); // Progressive frames.
    if profile == 4 {
        // At most 12 bits, 10, 8; not 4:2:2, 4:2:0, monochrome; not intra only; at the lower bit rate.
        bits.put(0b1_1000_0001 | if deep { 0 } else { 1 << 6 }, 9);
        bits.put(0, 30);
        bits.put(0, 4);
    } else {
        bits.put(0, 32);
        bits.put(0, 11);
    }
    bits.put(0, 1);
    bits.put(u32::from(layout.level), 8);
}

/// How many pictures a decoder holds, and how many it holds back.
fn buffering(bits: &mut BitWriter, stream: &Stream) {
    bits.flag(true);
    bits.ue(stream.kept() as u32);
    bits.ue(stream.reorders);
    bits.ue(0);
}

fn timing(bits: &mut BitWriter, stream: &Stream) {
    bits.put(stream.rate.1, 32);
    bits.put(stream.rate.0, 32);
    bits.flag(false);
}

/// seq_parameter_set_rbsp.
fn sequence(stream: &Stream, layout: &Layout) -> BitWriter {
    let mut bits = BitWriter::new();
    bits.put(0, 4 + 3);
    bits.flag(true);
    profile(&mut bits, stream, layout);
    bits.ue(0);
    size(&mut bits, stream, layout);
    bits.ue(u32::from(stream.format.depth) - 8);
    bits.ue(u32::from(stream.format.depth) - 8);
    bits.ue(ORDER_BITS - 4);
    buffering(&mut bits, stream);
    bits.ue(1); // Coding blocks of 16
    bits.ue(1); // to 32,
    bits.ue(0); // transform blocks of 4
    bits.ue(2); // to 16,
    bits.ue(0); // never split.
    bits.ue(0);
    bits.put(0, 4); // No scaling lists, asymmetric partitions, sample adaptive offset, PCM.
    bits.ue(0); // Reference picture sets are in the slices.
    bits.put(0, 3); // No long-term pictures, temporal vectors, strong smoothing.
    bits.flag(true);
    usability(&mut bits, stream);
    bits.flag(false);
    bits.trailing();
    bits
}

/// The size as it is coded, and what is shown of it.
fn size(bits: &mut BitWriter, stream: &Stream, layout: &Layout) {
    let (format, coded) = (&stream.format, &layout.coded);
    let unit = match format.chroma {
        Chroma::Yuv420 => {
            bits.ue(1);
            2
        }
        Chroma::Yuv444 => {
            bits.ue(3);
            bits.flag(false);
            1
        }
    };
    bits.ue(coded.width as u32);
    bits.ue(coded.height as u32);
    let (right, bottom) = ((coded.width - format.width) / unit, (coded.height - format.height) / unit);
    bits.flag(right + bottom > 0);
    if right + bottom > 0 {
        for offset in [0, right, 0, bottom] {
            bits.ue(offset as u32);
        }
    }
}

/// vui_parameters.
fn usability(bits: &mut BitWriter, stream: &Stream) {
    bits.flag(true);
    let (width, height) = stream.sample_aspect_ratio;
    if width == height {
        bits.put(1, 8);
    } else {
        bits.put(255, 8);
        bits.put(u32::from(width), 16);
        bits.put(u32::from(height), 16);
    }
    bits.flag(false);
    bits.flag(stream.color.is_some());
    if let Some(color) = stream.color {
        bits.put(5, 3);
        bits.flag(color.full_range);
        bits.flag(true);
        for code in [color.primaries, color.transfer, color.matrix] {
            bits.put(u32::from(code), 8);
        }
    }
    bits.put(0, 1 + 3 + 1); // No place of chroma, fields, display window.
    bits.flag(true);
    timing(bits, stream);
    bits.flag(false); // No HRD.
    bits.flag(false);
}

/// pic_parameter_set_rbsp.
fn picture(stream: &Stream, layout: &Layout) -> BitWriter {
    let mut bits = BitWriter::new();
    bits.ue(0);
    bits.ue(0);
    bits.put(0, 1 + 1 + 3 + 1 + 1);
    bits.ue(0); // One active reference in each list, unless the slice says otherwise.
    bits.ue(0);
    bits.se(i32::from(INITIAL_QUANTIZER) - 26);
    bits.put(0, 3); // Intra from inter, no transform skip, one quantiser.
    bits.se(0);
    bits.se(0);
    bits.put(0, 3); // No weighted prediction.
    bits.flag(stream.exact);
    bits.flag(layout.tiles.len() > 1);
    bits.flag(false);
    if layout.tiles.len() > 1 {
        bits.ue(0);
        bits.ue(layout.tiles.len() as u32 - 1);
        bits.flag(true);
        bits.flag(false);
    }
    bits.flag(false);
    bits.put(0b101, 3); // Deblocking is controlled here, and off.
    bits.flag(false);
    bits.flag(true); // Lists may be modified.
    bits.ue(0);
    bits.put(0, 2);
    bits.trailing();
    bits
}
