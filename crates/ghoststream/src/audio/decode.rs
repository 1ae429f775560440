//! Decodes what the encoders made, as a player would: for the tests.
#![allow(unsafe_code)]

use std::ptr;

use super::CHANNELS;
use super::encoder::media_time;
use crate::av::{Parameters, ffi};
use crate::encode::Packet;

/// The sound of a track, left channel only.
pub(super) struct Heard {
    /// Samples from the recording's start on: what lies before it (an encoder's look-ahead) is cut.
    pub left: Vec<f32>,
    /// Samples between packets that were missing or overlapped.
    pub broken: i64,
}

/// Decodes packets at the times that they carry.
pub(super) fn decode(parameters: &Parameters, packets: &[Packet]) -> Heard {
    // SAFETY: test code: every handle is made, used and freed here, by one thread.
    unsafe {
        let codec = ffi::avcodec_find_decoder(parameters.fields().codec_id);
        let mut context = ffi::avcodec_alloc_context3(codec);
        assert!(ffi::avcodec_parameters_to_context(context, parameters.as_ptr()) >= 0);
        // The padding is cut by the packets' times, below.
        (*context).flags2 |= ffi::AV_CODEC_FLAG2_SKIP_MANUAL;
        assert!(ffi::avcodec_open2(context, codec, ptr::null_mut()) >= 0);
        let mut frame = ffi::av_frame_alloc();
        let mut heard = Heard { left: Vec::new(), broken: 0 };
        let mut position: Option<i64> = None;
        for packet in packets {
            let index = (packet.pts.as_nanos() as f64 * 48.0 / 1e6).round() as i64;
            assert_eq!(media_time(index), packet.pts, "times are those of samples");
            let at = *position.get_or_insert(index);
            heard.broken += (at - index).abs();
            let mut shared = packet.payload.to_packet().unwrap();
            assert!(ffi::avcodec_send_packet(context, shared.as_mut_ptr()) >= 0);
            while ffi::avcodec_receive_frame(context, frame) >= 0 {
                let at = position.unwrap();
                let left = left(&*frame);
                heard.left.extend(left.iter().skip(usize::try_from(-at).unwrap_or(0)));
                position = Some(at + left.len() as i64);
            }
        }
        ffi::av_frame_free(&raw mut frame);
        ffi::avcodec_free_context(&raw mut context);
        heard
    }
}

unsafe fn left(frame: &ffi::AVFrame) -> Vec<f32> {
    use ffi::AVSampleFormat::{AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S32};
    let count = frame.nb_samples as usize;
    let data = frame.data[0];
    let at = |index: usize| -> f32 {
        // SAFETY: the decoder filled nb_samples of this format.
        unsafe {
            match frame.format {
                it if it == AV_SAMPLE_FMT_FLTP as i32 => *data.cast::<f32>().add(index),
                it if it == AV_SAMPLE_FMT_FLT as i32 => *data.cast::<f32>().add(index * CHANNELS),
                it if it == AV_SAMPLE_FMT_S16 as i32 => {
                    f32::from(*data.cast::<i16>().add(index * CHANNELS)) / 32768.0
                }
                it if it == AV_SAMPLE_FMT_S32 as i32 => {
                    *data.cast::<i32>().add(index * CHANNELS) as f32 / 2_147_483_648.0
                }
                other => panic!("sample format {other}"),
            }
        }
    };
    (0..count).map(at).collect()
}
