//! Real packets for tests: what libavcodec's encoders make of a moving picture and a tone.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::av::{PacketRef, Parameters, check, ffi};
use crate::encode::{Packet, Payload, Track, TrackKind};
use crate::{MediaTime, Timestamp};

/// A track and its packets, in order of decoding.
pub(in crate::output) struct Encoded {
    pub(in crate::output) track: Track,
    pub(in crate::output) packets: Vec<Packet>,
}

/// Pictures by `encoder`, 160x90, `count` of them at `fps`, a key picture each second.
pub(in crate::output) fn video(encoder: &str, fps: u32, count: usize, options: &[(&str, &str)]) -> Encoded {
    let context = Context::new(
        encoder,
        |it| {
            (it.width, it.height) = (160, 90);
            it.pix_fmt = ffi::AVPixelFormat::AV_PIX_FMT_YUV420P;
            it.time_base = ffi::AVRational { num: 1, den: fps as i32 };
            it.framerate = ffi::AVRational { num: fps as i32, den: 1 };
            it.gop_size = fps as i32;
            it.color_range = ffi::AVColorRange::AVCOL_RANGE_MPEG;
            it.colorspace = ffi::AVColorSpace::AVCOL_SPC_BT709;
            it.color_primaries = ffi::AVColorPrimaries::AVCOL_PRI_BT709;
            it.color_trc = ffi::AVColorTransferCharacteristic::AVCOL_TRC_BT709;
        },
        options,
    );
    let packets = context.run(
        count,
        |frame, n| {
            (frame.width, frame.height) = (160, 90);
            frame.format = ffi::AVPixelFormat::AV_PIX_FMT_YUV420P as i32;
            frame.pts = n as i64;
        },
        |frame, n| {
            // SAFETY: the frame has three planes of 90 and 45 rows at its line sizes.
            unsafe {
                for plane in 0..3 {
                    let rows = if plane == 0 { 90 } else { 45 };
                    for row in 0..rows {
                        let line = frame.data[plane].add(row * frame.linesize[plane] as usize);
                        for x in 0..(if plane == 0 { 160 } else { 80 }) {
                            *line.add(x) = (x * 2 + row + n * 3 * (plane + 1)) as u8;
                        }
                    }
                }
            }
        },
    );
    let kind = TrackKind::Video { fps: fps.into(), constant: true };
    Encoded { track: context.track(kind), packets }
}

/// A 440 Hz tone by `encoder`, mono at 48 kHz, this many encoder frames.
pub(in crate::output) fn audio(encoder: &str, frames: usize) -> Encoded {
    let format = match encoder {
        "aac" => ffi::AVSampleFormat::AV_SAMPLE_FMT_FLTP,
        "libopus" => ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT,
        _ => ffi::AVSampleFormat::AV_SAMPLE_FMT_S16,
    };
    let mut layout = std::mem::MaybeUninit::zeroed();
    // SAFETY: fills in the layout, for which zeros are valid before.
    let layout: ffi::AVChannelLayout = unsafe {
        ffi::av_channel_layout_default(layout.as_mut_ptr(), 1);
        layout.assume_init()
    };
    let context = Context::new(
        encoder,
        |it| {
            it.sample_rate = 48_000;
            it.sample_fmt = format;
            it.ch_layout = layout;
            it.time_base = ffi::AVRational { num: 1, den: 48_000 };
        },
        &[],
    );
    let size = context.fields().frame_size;
    let packets = context.run(
        frames,
        |frame, n| {
            frame.nb_samples = size;
            frame.format = format as i32;
            frame.sample_rate = 48_000;
            frame.ch_layout = layout;
            frame.pts = n as i64 * i64::from(size);
        },
        |frame, n| {
            for i in 0..size as usize {
                let value =
                    (((n * size as usize + i) as f32) * 440.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.5;
                // SAFETY: one plane of nb_samples samples.
                unsafe {
                    if encoder == "flac" {
                        *frame.data[0].cast::<i16>().add(i) = (value * 32_000.0) as i16;
                    } else {
                        *frame.data[0].cast::<f32>().add(i) = value;
                    }
                }
            }
        },
    );
    Encoded { track: context.track(TrackKind::Audio { rate: 48_000 }), packets }
}

/// The packets of several tracks in one order, by decoding time.
pub(in crate::output) fn merge(tracks: &[&Encoded]) -> Vec<Packet> {
    let mut all: Vec<Packet> = Vec::new();
    for (index, encoded) in tracks.iter().enumerate() {
        all.extend(encoded.packets.iter().cloned().map(|it| Packet { track: index, ..it }));
    }
    all.sort_by_key(|it| (it.dts, it.track));
    all
}

struct Context(*mut ffi::AVCodecContext);

impl Context {
    fn new(encoder: &str, set: impl FnOnce(&mut ffi::AVCodecContext), options: &[(&str, &str)]) -> Self {
        let name = CString::new(encoder).unwrap();
        // SAFETY: a context of our own, freed in Drop.
        unsafe {
            let codec = ffi::avcodec_find_encoder_by_name(name.as_ptr());
            assert!(!codec.is_null(), "this FFmpeg lacks {encoder}");
            let context = ffi::avcodec_alloc_context3(codec);
            set(&mut *context);
            (*context).flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
            (*context).thread_count = 1;
            let mut dict = ptr::null_mut();
            for (key, value) in options {
                let (key, value) = (CString::new(*key).unwrap(), CString::new(*value).unwrap());
                ffi::av_dict_set(&mut dict, key.as_ptr(), value.as_ptr(), 0);
            }
            check(ffi::avcodec_open2(context, codec, &mut dict)).unwrap();
            ffi::av_dict_free(&mut dict);
            Self(context)
        }
    }

    fn fields(&self) -> &ffi::AVCodecContext {
        // SAFETY: ours and open.
        unsafe { &*self.0 }
    }

    fn track(&self, kind: TrackKind) -> Track {
        // SAFETY: ours and open.
        let parameters = unsafe { Parameters::of_context(self.0) }.unwrap();
        Track { kind, parameters: Arc::new(parameters), title: None, language: None }
    }

    fn run(
        &self,
        count: usize,
        shape: impl Fn(&mut ffi::AVFrame, usize),
        fill: impl Fn(&mut ffi::AVFrame, usize),
    ) -> Vec<Packet> {
        let mut packets = Vec::new();
        for n in 0..count {
            // SAFETY: a frame of our own, with buffers of its own.
            unsafe {
                let mut frame = ffi::av_frame_alloc();
                shape(&mut *frame, n);
                check(ffi::av_frame_get_buffer(frame, 0)).unwrap();
                fill(&mut *frame, n);
                check(ffi::avcodec_send_frame(self.0, frame)).unwrap();
                ffi::av_frame_free(&mut frame);
            }
            self.receive(&mut packets);
        }
        // SAFETY: a null frame begins the flush.
        unsafe { check(ffi::avcodec_send_frame(self.0, ptr::null())).unwrap() };
        self.receive(&mut packets);
        packets
    }

    fn receive(&self, packets: &mut Vec<Packet>) {
        let base = self.fields().time_base;
        let unit = i128::from(base.num) * 1_000_000_000;
        let nanos = |ticks: i64| {
            let nanos = (i128::from(ticks) * unit + i128::from(base.den) / 2).div_euclid(base.den.into());
            i64::try_from(nanos).unwrap()
        };
        loop {
            let mut packet = PacketRef::empty().unwrap();
            // SAFETY: both are ours.
            if unsafe { ffi::avcodec_receive_packet(self.0, packet.as_mut_ptr()) } < 0 {
                return;
            }
            let fields = packet.fields();
            // Not every libavcodec says how long a picture is shown. A tick of ours is one.
            let picture = self.fields().codec_type == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
            let duration = fields.duration.max(picture.into());
            packets.push(Packet {
                track: 0,
                pts: MediaTime::from_nanos(nanos(fields.pts)),
                dts: MediaTime::from_nanos(nanos(fields.dts)),
                duration: Duration::from_nanos(nanos(duration) as u64),
                key: fields.flags & ffi::AV_PKT_FLAG_KEY != 0,
                arrived: None,
                begins: None,
                encoded: Timestamp::now(),
                payload: Payload::of(&packet).unwrap(),
            });
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { ffi::avcodec_free_context(&mut self.0) };
    }
}
