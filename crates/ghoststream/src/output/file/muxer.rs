//! libavformat's muxers, writing into memory: see [`MemoryIo`].
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_int};
use std::ptr::{self, NonNull};

use super::chapters::Chapter;
use super::memory_io::MemoryIo;
use crate::av::{AvError, PacketRef, check, describe_hdr, ffi};
use crate::encode::{Packet, Track, TrackKind};
use crate::output::OutputError;

/// A format context with its streams, header written. Ends when dropped, without a trailer.
#[derive(Debug)]
pub(in crate::output) struct Muxer {
    context: NonNull<ffi::AVFormatContext>,
    // Goes after the context: see `Drop`.
    io: MemoryIo,
    scratch: PacketRef,
}

// SAFETY: an AVFormatContext has no thread affinity, and self owns everything it points to.
unsafe impl Send for Muxer {}

/// How a stream is written.
pub(in crate::output) struct Stream<'a> {
    pub(in crate::output) track: &'a Track,
    /// Ticks a second that is asked for; the muxer may choose otherwise.
    pub(in crate::output) timescale: u32,
    /// The four-character code to use, where the muxer's choice is not right.
    pub(in crate::output) tag: Option<[u8; 4]>,
}

impl Muxer {
    /// Writes a file's header with libavformat's muxer of this name.
    pub(in crate::output) fn open(
        format: &CStr,
        streams: &[Stream<'_>],
        options: &[(&CStr, &CStr)],
    ) -> Result<Self, OutputError> {
        let mut muxer = Self::new(format)?;
        for stream in streams {
            muxer.add_stream(stream).map_err(mux("adding a track"))?;
        }
        muxer.choose_defaults();
        muxer.write_header(options).map_err(mux("writing the header"))?;
        Ok(muxer)
    }

    fn new(format: &CStr) -> Result<Self, OutputError> {
        let no_memory = || mux("allocating")(AvError(-libc::ENOMEM));
        let scratch = PacketRef::empty().map_err(mux("allocating"))?;
        let mut context = ptr::null_mut();
        // SAFETY: fills in context, which we then own; format is NUL-terminated.
        let code = unsafe {
            ffi::avformat_alloc_output_context2(&mut context, ptr::null(), format.as_ptr(), ptr::null())
        };
        check(code).map_err(mux("choosing the container"))?;
        let context = NonNull::new(context).ok_or_else(no_memory)?;
        let Some(io) = MemoryIo::new() else {
            // SAFETY: it is ours and nothing else knows it yet.
            unsafe { ffi::avformat_free_context(context.as_ptr()) };
            return Err(no_memory());
        };
        // SAFETY: the context is ours. With CUSTOM_IO libavformat never frees `pb`.
        unsafe {
            let context = &mut *context.as_ptr();
            context.pb = io.as_ptr();
            context.flags |= ffi::AVFMT_FLAG_CUSTOM_IO as c_int;
            context.flush_packets = 0;
        }
        Ok(Self { context, io, scratch })
    }

    fn add_stream(&mut self, stream: &Stream<'_>) -> Result<(), AvError> {
        let timescale = c_int::try_from(stream.timescale).map_err(|_| AvError(-libc::EINVAL))?;
        // SAFETY: the context is ours; a new stream is owned by it and valid while it lives.
        unsafe {
            let st = ffi::avformat_new_stream(self.context.as_ptr(), ptr::null());
            let st = st.as_mut().ok_or(AvError(-libc::ENOMEM))?;
            check(ffi::avcodec_parameters_copy(st.codecpar, stream.track.parameters.as_ptr()))?;
            describe_hdr(st, stream.track.parameters.hdr())?;
            (*st.codecpar).codec_tag = stream.tag.map_or(0, u32::from_le_bytes);
            st.time_base = ffi::AVRational { num: 1, den: timescale };
            match stream.track.kind {
                TrackKind::Video { fps, constant } => {
                    let rate = ffi::av_d2q(fps, 1_000_000);
                    st.sample_aspect_ratio = (*st.codecpar).sample_aspect_ratio;
                    if constant {
                        st.avg_frame_rate = rate;
                        st.r_frame_rate = rate;
                    }
                }
                TrackKind::Audio { .. } => {}
            }
            for (key, value) in [(c"title", &stream.track.title), (c"language", &stream.track.language)] {
                let Some(value) = value else { continue };
                // What a title has after a NUL is not shown by any player.
                let value = CString::new(value.split('\0').next().unwrap_or_default()).unwrap_or_default();
                check(ffi::av_dict_set(&mut st.metadata, key.as_ptr(), value.as_ptr(), 0))?;
            }
        }
        Ok(())
    }

    /// The first picture and the first sound are what players choose.
    fn choose_defaults(&mut self) {
        // SAFETY: the context is ours, its streams are valid and as many as it says.
        unsafe {
            let context = self.context.as_ref();
            let mut chosen = Vec::new();
            for index in 0..context.nb_streams as usize {
                let st = &mut **context.streams.add(index);
                let kind = (*st.codecpar).codec_type;
                if !chosen.contains(&kind) {
                    chosen.push(kind);
                    st.disposition |= ffi::AV_DISPOSITION_DEFAULT as c_int;
                }
            }
        }
    }

    fn write_header(&mut self, options: &[(&CStr, &CStr)]) -> Result<(), AvError> {
        let mut dict: *mut ffi::AVDictionary = ptr::null_mut();
        // SAFETY: the context is complete; the dictionary is ours, filled here and freed here, and
        // avformat_write_header leaves in it what it did not know.
        unsafe {
            let mut filled = Ok(0);
            for (key, value) in options {
                filled = filled.and(check(ffi::av_dict_set(&mut dict, key.as_ptr(), value.as_ptr(), 0)));
            }
            let written =
                filled.and_then(|_| check(ffi::avformat_write_header(self.context.as_ptr(), &mut dict)));
            ffi::av_dict_free(&mut dict);
            written?;
        }
        self.io.flush();
        Ok(())
    }

    /// Writes a packet to the stream of its track.
    pub(in crate::output) fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        let what = "writing a packet";
        self.scratch = packet.payload.to_packet().map_err(mux(what))?;
        // SAFETY: the context is ours, and the index is checked against its streams; the muxer takes
        // references of its own and leaves scratch to us.
        let code = unsafe {
            let context = self.context.as_ref();
            if packet.track >= context.nb_streams as usize {
                return Err(mux(what)(AvError(-libc::EINVAL)));
            }
            let base = (**context.streams.add(packet.track)).time_base;
            let fields = self.scratch.fields_mut();
            fields.stream_index = packet.track as c_int;
            fields.time_base = base;
            fields.pts = ticks(packet.pts.as_nanos(), base);
            fields.dts = ticks(packet.dts.as_nanos(), base);
            let duration = i64::try_from(packet.duration.as_nanos()).unwrap_or(i64::MAX);
            fields.duration = ticks(duration, base);
            fields.flags &= !(ffi::AV_PKT_FLAG_KEY as c_int);
            fields.flags |= if packet.key { ffi::AV_PKT_FLAG_KEY as c_int } else { 0 };
            ffi::av_write_frame(self.context.as_ptr(), self.scratch.as_mut_ptr())
        };
        check(code).map(drop).map_err(mux(what))
    }

    /// Makes the muxer write what it holds back, as a unit.
    pub(in crate::output) fn flush(&mut self) -> Result<(), OutputError> {
        // SAFETY: the context is ours; a null packet asks for a flush.
        let code = unsafe { ffi::av_write_frame(self.context.as_ptr(), ptr::null_mut()) };
        self.io.flush();
        check(code).map(drop).map_err(mux("ending a unit"))
    }

    /// Says which chapters the end of the file is to tell. libavformat's Matroska muxer writes them there
    /// if there were none when the header was written.
    pub(super) fn set_chapters(&mut self, chapters: &[Chapter]) -> Result<(), OutputError> {
        let what = "adding chapters";
        for (n, chapter) in chapters.iter().enumerate() {
            let title = CString::new(chapter.title.as_str()).unwrap_or_default();
            // SAFETY: the context is ours, and owns the list, its entries and their metadata, which come from
            // libavutil's allocator and are freed with it; the count is raised when the entry is in its place.
            unsafe {
                let context = self.context.as_mut();
                let size = (n + 1) * size_of::<*mut ffi::AVChapter>();
                let list = ffi::av_realloc(context.chapters.cast(), size).cast::<*mut ffi::AVChapter>();
                if list.is_null() {
                    return Err(mux(what)(AvError(-libc::ENOMEM)));
                }
                context.chapters = list;
                let entry = ffi::av_mallocz(size_of::<ffi::AVChapter>()).cast::<ffi::AVChapter>();
                let Some(it) = entry.as_mut() else { return Err(mux(what)(AvError(-libc::ENOMEM))) };
                it.id = n as i64 + 1;
                it.time_base = ffi::AVRational { num: 1, den: 1_000_000_000 };
                (it.start, it.end) = (chapter.start, chapter.end);
                *list.add(n) = entry;
                context.nb_chapters = n as u32 + 1;
                check(ffi::av_dict_set(&mut it.metadata, c"title".as_ptr(), title.as_ptr(), 0))
                    .map_err(mux(what))?;
            }
        }
        Ok(())
    }

    /// Makes the muxer write the end of the file. Nothing is written after.
    pub(super) fn trailer(&mut self) -> Result<(), OutputError> {
        // SAFETY: the context is ours and its header was written.
        let code = unsafe { ffi::av_write_trailer(self.context.as_ptr()) };
        self.io.flush();
        check(code).map(drop).map_err(mux("writing the end of the file"))
    }

    /// Bytes that [`Muxer::take`] would give.
    pub(in crate::output) fn pending(&self) -> usize {
        self.io.pending()
    }

    /// What is new at the end of the file.
    pub(in crate::output) fn take(&mut self) -> Vec<u8> {
        self.io.take()
    }

    /// Has the muxer go on as if so many bytes had been taken. Nothing may be pending.
    pub(super) fn go_on_at(&mut self, position: u64) {
        self.io.go_on_at(position);
    }

    /// What has changed in the part of the file that was taken: where, and to what.
    pub(super) fn take_patches(&mut self) -> Vec<(u64, Vec<u8>)> {
        self.io.take_patches()
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        // SAFETY: it is ours. It goes before the I/O context, into which it may write what it holds.
        unsafe { ffi::avformat_free_context(self.context.as_ptr()) };
    }
}

/// libavformat's major version at run time: 59 in FFmpeg 5, 60 in FFmpeg 6 and so on.
pub(super) fn libavformat_major() -> u32 {
    // SAFETY: returns a constant.
    unsafe { ffi::avformat_version() >> 16 }
}

/// Nanoseconds in ticks of a time base, to the nearest.
fn ticks(nanos: i64, base: ffi::AVRational) -> i64 {
    to_ticks(nanos, base.den.into(), base.num.into())
}

/// Nanoseconds in ticks of `num/den` seconds, to the nearest.
pub(super) fn to_ticks(nanos: i64, den: i64, num: i64) -> i64 {
    let (scaled, unit) = (i128::from(nanos) * i128::from(den), i128::from(num.max(1)) * 1_000_000_000);
    let rounded = (scaled + unit / 2).div_euclid(unit);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

fn mux(what: &'static str) -> impl FnOnce(AvError) -> OutputError {
    move |source| OutputError::Mux { what, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_rounded_to_the_nearest_also_below_zero() {
        assert_eq!(to_ticks(16_666_667, 1000, 1), 17);
        assert_eq!(to_ticks(-16_666_667, 1000, 1), -17);
        assert_eq!(to_ticks(21_333_333, 48_000, 1), 1024);
        assert_eq!(to_ticks(i64::MAX, 90_000, 1), 830_103_483_316_930);
    }
}
