//! Decodes packets with libavcodec and measures what comes back.
#![allow(unsafe_code)]

use std::ptr;

use crate::av::{Picture, check, ffi};
use crate::encode::{InputSpec, Opened, Packet};
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Transfer};

/// A decoded picture, three planes of samples without padding.
pub(super) struct Seen {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bits: u32,
    pub(super) planes: [Vec<u16>; 3],
    /// `I`, `P`, `B`; `?` where the decoder does not say.
    pub(super) kind: char,
    space: ffi::AVColorSpace,
    primaries: ffi::AVColorPrimaries,
    transfer: ffi::AVColorTransferCharacteristic,
    range: ffi::AVColorRange,
    chroma: ffi::AVChromaLocation,
    /// What it says of its mastering display, in the bytes of libavutil's structure, and of its light.
    pub(super) hdr: [Vec<i32>; 2],
}

/// Decodes packets as a player would: codec and headers from the track's parameters.
pub(super) fn decode(opened: &Opened, packets: &[Packet]) -> Vec<Seen> {
    let parameters = &opened.track.parameters;
    let mut seen = Vec::new();
    // SAFETY: every pointer is made, used and freed here; libavcodec's calls are checked.
    unsafe {
        let codec = match parameters.fields().codec_id {
            // libavcodec's own AV1 decoder needs hardware.
            ffi::AVCodecID::AV_CODEC_ID_AV1 => ffi::avcodec_find_decoder_by_name(c"libdav1d".as_ptr()),
            id => ffi::avcodec_find_decoder(id),
        };
        assert!(!codec.is_null(), "this FFmpeg has no decoder for the test");
        let mut context = ffi::avcodec_alloc_context3(codec);
        check(ffi::avcodec_parameters_to_context(context, parameters.as_ptr())).expect("parameters");
        (*context).thread_count = 1;
        check(ffi::avcodec_open2(context, codec, ptr::null_mut())).expect("the decoder opens");
        let mut frame = ffi::av_frame_alloc();
        for packet in packets {
            let mut copy = packet.payload.to_packet().expect("memory");
            check(ffi::avcodec_send_packet(context, copy.as_mut_ptr())).expect("a packet that decodes");
            take(context, frame, &mut seen);
        }
        check(ffi::avcodec_send_packet(context, ptr::null())).expect("the decoder drains");
        take(context, frame, &mut seen);
        ffi::av_frame_free(&mut frame);
        ffi::avcodec_free_context(&mut context);
    }
    seen
}

/// # Safety
/// Both pointers are valid.
unsafe fn take(context: *mut ffi::AVCodecContext, frame: *mut ffi::AVFrame, seen: &mut Vec<Seen>) {
    // SAFETY: the caller guarantees both; receive_frame drops what the frame held before.
    while unsafe { ffi::avcodec_receive_frame(context, frame) } >= 0 {
        // SAFETY: the frame was just filled.
        seen.push(read(unsafe { &*frame }));
    }
}

fn read(frame: &ffi::AVFrame) -> Seen {
    use ffi::{AVPictureType::*, AVPixelFormat::*};
    let format = frame.format;
    let is = |wanted: ffi::AVPixelFormat| format == wanted as i32;
    let full = [AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P10LE].into_iter().any(is);
    let eight = [AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUVJ444P]
        .into_iter()
        .any(is);
    assert!(eight || full || is(AV_PIX_FMT_YUV420P10LE), "an unexpected format, {format}");
    let (width, height) = (frame.width as usize, frame.height as usize);
    let planes = [0usize, 1, 2].map(|plane| {
        let half = usize::from(plane > 0 && !full);
        let (columns, rows) = (width >> half, height >> half);
        let stride = frame.linesize[plane] as usize;
        let mut samples = Vec::with_capacity(columns * rows);
        for y in 0..rows {
            for x in 0..columns {
                let at = y * stride + x * if eight { 1 } else { 2 };
                // SAFETY: at lies within the plane's rows, which the decoder allocated.
                samples.push(unsafe {
                    let byte = frame.data[plane].add(at);
                    if eight { u16::from(*byte) } else { byte.cast::<u16>().read_unaligned() }
                });
            }
        }
        samples
    });
    let kind = match frame.pict_type {
        AV_PICTURE_TYPE_I => 'I',
        AV_PICTURE_TYPE_P => 'P',
        AV_PICTURE_TYPE_B => 'B',
        _ => '?',
    };
    Seen {
        width,
        height,
        bits: if eight { 8 } else { 10 },
        planes,
        kind,
        space: frame.colorspace,
        primaries: frame.color_primaries,
        transfer: frame.color_trc,
        range: frame.color_range,
        chroma: frame.chroma_location,
        hdr: hdr(frame),
    }
}

/// The words of the side data that a decoder makes of HDR metadata.
fn hdr(frame: &ffi::AVFrame) -> [Vec<i32>; 2] {
    use ffi::AVFrameSideDataType::{
        AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
    };
    [AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL].map(|kind| {
        // SAFETY: the frame is valid; its side data is `size` bytes of whole words, and lives as long.
        unsafe {
            let Some(data) = ffi::av_frame_get_side_data(frame, kind).as_ref() else { return vec![] };
            std::slice::from_raw_parts(data.data.cast::<i32>(), data.size / 4).to_vec()
        }
    })
}

/// Peak signal-to-noise ratio over all planes, in dB.
pub(super) fn psnr(wanted: &Picture, input: &InputSpec, seen: &Seen) -> f64 {
    assert_eq!((seen.width, seen.height), (input.size.width as usize, input.size.height as usize));
    assert_eq!(seen.bits, input.format.depth(), "as many bits as went in");
    let mut error = 0f64;
    let mut count = 0usize;
    for plane in 0..3 {
        let half = usize::from(plane > 0 && !input.format.is_full_chroma());
        let columns = seen.width >> half;
        assert_eq!(seen.planes[plane].len(), columns * (seen.height >> half), "as much chroma as went in");
        for (at, &got) in seen.planes[plane].iter().enumerate() {
            let wanted = sample(wanted, input.format, plane, at % columns, at / columns);
            error += (f64::from(got) - f64::from(wanted)).powi(2);
            count += 1;
        }
    }
    let peak = f64::from((1u32 << seen.bits) - 1);
    10.0 * (peak * peak * count as f64 / error.max(1e-9)).log10()
}

fn sample(picture: &Picture, format: PixelFormat, channel: usize, x: usize, y: usize) -> u16 {
    let interleaved = format.planes() == 2 && channel > 0;
    let (plane, at) = if interleaved { (1, x * 2 + channel - 1) } else { (channel, x) };
    let (bytes, stride) = picture.plane(plane);
    let row = &bytes[y * stride..];
    let ten = || u16::from_le_bytes([row[at * 2], row[at * 2 + 1]]);
    match format {
        _ if format.depth() > 8 => ten() >> format.sample_shift(),
        _ => u16::from(row[at]),
    }
}

/// The decoder read out of the bitstream what the picture was said to be.
pub(super) fn check_color(seen: &Seen, color: Color) {
    use ffi::{AVColorPrimaries::*, AVColorRange::*, AVColorSpace::*, AVColorTransferCharacteristic::*};
    let range = match color.range {
        ColorRange::Limited => AVCOL_RANGE_MPEG,
        ColorRange::Full => AVCOL_RANGE_JPEG,
    };
    let (space, primaries, transfer) = match color.space {
        ColorSpace::Bt601 => (AVCOL_SPC_SMPTE170M, AVCOL_PRI_SMPTE170M, AVCOL_TRC_SMPTE170M),
        ColorSpace::Bt709 => (AVCOL_SPC_BT709, AVCOL_PRI_BT709, AVCOL_TRC_BT709),
        ColorSpace::Bt2020 => (AVCOL_SPC_BT2020_NCL, AVCOL_PRI_BT2020, AVCOL_TRC_BT2020_10),
    };
    assert_eq!(seen.space, space);
    assert_eq!(seen.primaries, primaries);
    let transfer = match color.transfer {
        Transfer::Pq => AVCOL_TRC_SMPTE2084,
        Transfer::Hlg => AVCOL_TRC_ARIB_STD_B67,
        Transfer::Sdr | Transfer::Linear => transfer,
    };
    assert_eq!(seen.transfer, transfer);
    assert_eq!(seen.range, range);
    if seen.planes[1].len() < seen.planes[0].len() {
        assert_eq!(seen.chroma, ffi::AVChromaLocation::AVCHROMA_LOC_LEFT);
    }
}
