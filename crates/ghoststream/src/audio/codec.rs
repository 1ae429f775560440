//! A codec of libavcodec's that is open for sound, and its frames; each with one owner.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ptr::NonNull;

use super::{CHANNELS, RATE};
use crate::av::{AvError, PacketRef, Parameters, check, ffi};
use ffi::AVSampleFormat::{AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S32};

/// An opened `AVCodecContext`.
pub(super) struct Context(NonNull<ffi::AVCodecContext>);

// SAFETY: a codec context has no thread affinity, and only its owner calls into it.
unsafe impl Send for Context {}

impl Context {
    pub(super) fn open(name: &CStr, format: ffi::AVSampleFormat, kbps: u32) -> Result<Self, AvError> {
        // SAFETY: name is a C string; the codec found is static.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(name.as_ptr()) };
        if codec.is_null() {
            return Err(AvError(ffi::AVERROR_ENCODER_NOT_FOUND));
        }
        // SAFETY: codec is a valid encoder; the context is ours from here on.
        let context = unsafe { ffi::avcodec_alloc_context3(codec) };
        let mut context = Self(NonNull::new(context).ok_or(AvError(-libc::ENOMEM))?);
        // SAFETY: the context is ours alone and not open yet.
        unsafe {
            let fields = context.0.as_mut();
            fields.sample_fmt = format;
            fields.sample_rate = RATE as i32;
            ffi::av_channel_layout_default(&mut fields.ch_layout, CHANNELS as i32);
            fields.time_base = ffi::AVRational { num: 1, den: RATE as i32 };
            fields.bit_rate = i64::from(kbps) * 1000;
            // Headers in the parameters, which every container wants.
            fields.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
            // FFmpeg's own Opus encoder asks for this.
            fields.strict_std_compliance = ffi::FF_COMPLIANCE_EXPERIMENTAL;
            if format == AV_SAMPLE_FMT_S32 {
                fields.bits_per_raw_sample = 24;
            }
            check(ffi::avcodec_open2(context.0.as_ptr(), codec, std::ptr::null_mut()))?;
        }
        Ok(context)
    }

    /// What a muxer must know.
    pub(super) fn parameters(&self) -> Result<Parameters, AvError> {
        // SAFETY: `open` opened it.
        unsafe { Parameters::of_context(self.0.as_ptr()) }
    }

    /// Hands in samples.
    pub(super) fn send(&mut self, frame: &Frame) -> Result<(), AvError> {
        // SAFETY: both are valid; the encoder takes its own reference to the samples.
        check(unsafe { ffi::avcodec_send_frame(self.0.as_ptr(), frame.0.as_ptr()) })?;
        Ok(())
    }

    /// Says that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), AvError> {
        // SAFETY: the context is open; a null frame starts the drain.
        check(unsafe { ffi::avcodec_send_frame(self.0.as_ptr(), std::ptr::null()) })?;
        Ok(())
    }

    /// The next packet that is ready.
    pub(super) fn receive(&mut self) -> Result<Option<PacketRef>, AvError> {
        let mut packet = PacketRef::empty()?;
        // SAFETY: the context is open and the packet empty.
        let code = unsafe { ffi::avcodec_receive_packet(self.0.as_ptr(), packet.as_mut_ptr()) };
        if code == ffi::AVERROR(libc::EAGAIN) || code == ffi::AVERROR_EOF {
            return Ok(None);
        }
        check(code)?;
        Ok(Some(packet))
    }

    pub(super) fn fields(&self) -> &ffi::AVCodecContext {
        // SAFETY: self owns a valid context.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let mut context = self.0.as_ptr();
        // SAFETY: self owns the context.
        unsafe { ffi::avcodec_free_context(&mut context) };
    }
}

/// An `AVFrame` with room for sound.
pub(super) struct Frame(NonNull<ffi::AVFrame>);

impl Frame {
    /// These interleaved samples, the first of which is this one of the recording, as the codec wants them.
    pub(super) fn of(
        context: &Context,
        format: ffi::AVSampleFormat,
        samples: &[f32],
        position: i64,
    ) -> Result<Self, AvError> {
        let mut frame = Self::alloc(context.fields(), format, samples.len() / CHANNELS, position)?;
        frame.fill(samples, format);
        Ok(frame)
    }

    fn alloc(
        context: &ffi::AVCodecContext,
        format: ffi::AVSampleFormat,
        frames: usize,
        position: i64,
    ) -> Result<Self, AvError> {
        // SAFETY: a fresh frame that we own, or null; the layout is copied from an open context.
        unsafe {
            let mut frame = Self(NonNull::new(ffi::av_frame_alloc()).ok_or(AvError(-libc::ENOMEM))?);
            let fields = frame.0.as_mut();
            fields.nb_samples = frames as i32;
            fields.format = format as i32;
            fields.sample_rate = RATE as i32;
            fields.pts = position;
            check(ffi::av_channel_layout_copy(&mut fields.ch_layout, &context.ch_layout))?;
            check(ffi::av_frame_get_buffer(frame.0.as_ptr(), 0))?;
            Ok(frame)
        }
    }

    /// Writes interleaved samples, as many as the frame was allocated for.
    fn fill(&mut self, samples: &[f32], format: ffi::AVSampleFormat) {
        match format {
            AV_SAMPLE_FMT_FLTP => {
                for channel in 0..CHANNELS {
                    let plane = self.plane::<f32>(channel, samples.len() / CHANNELS);
                    let values = samples.iter().skip(channel).step_by(CHANNELS);
                    plane.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
                }
            }
            AV_SAMPLE_FMT_S16 => {
                let plane = self.plane::<i16>(0, samples.len());
                let to_i16 = |value: f32| (value * 32768.0).round() as i16;
                plane.iter_mut().zip(samples).for_each(|(to, from)| *to = to_i16(*from));
            }
            AV_SAMPLE_FMT_S32 => {
                let plane = self.plane::<i32>(0, samples.len());
                // 24 bits, in the upper ones; `as` saturates.
                let to_i24 = |value: f32| ((value * 8_388_608.0).round() as i32).clamp(-8_388_608, 8_388_607);
                plane.iter_mut().zip(samples).for_each(|(to, from)| *to = to_i24(*from) << 8);
            }
            _ => self.plane::<f32>(0, samples.len()).copy_from_slice(samples),
        }
    }

    /// `len` must not exceed what the frame holds of this type in one plane.
    fn plane<T>(&mut self, index: usize, len: usize) -> &mut [T] {
        // SAFETY: alloc made av_frame_get_buffer allocate nb_samples of the format in each plane
        // (times the channels, where interleaved), aligned for it; fill asks for just that.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ref().data[index].cast::<T>(), len) }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: self owns the frame.
        unsafe { ffi::av_frame_free(&mut frame) };
    }
}
