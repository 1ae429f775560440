//! libavformat's muxers, writing into memory.
//!
//! What a muxer writes is kept in a [`Log`] until its owner takes it and gives it to the disk, so
//! that the callbacks that libavformat calls can neither fail nor block, and so that a full disk is
//! met between units and never within one.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr::{self, NonNull};

use crate::av::{AvError, PacketRef, check, describe_hdr, ffi};
use crate::encode::{Packet, Track, TrackKind};
use crate::output::OutputError;

/// What a muxer has written and nobody has taken yet.
#[derive(Debug, Default)]
struct Log {
    /// Where in the file `fresh` begins: what lies before was taken.
    start: u64,
    fresh: Vec<u8>,
    /// Where in the file the muxer writes next.
    position: u64,
    /// What it wrote over bytes that were taken.
    patches: Vec<(u64, Vec<u8>)>,
}

impl Log {
    fn write(&mut self, mut bytes: &[u8]) {
        if self.position < self.start {
            let before = usize::try_from(self.start - self.position).unwrap_or(usize::MAX);
            let (old, rest) = bytes.split_at(before.min(bytes.len()));
            self.patches.push((self.position, old.to_vec()));
            self.position += old.len() as u64;
            bytes = rest;
        }
        if bytes.is_empty() {
            return;
        }
        let at = (self.position - self.start) as usize;
        let end = at + bytes.len();
        if end > self.fresh.len() {
            self.fresh.resize(end, 0);
        }
        self.fresh[at..end].copy_from_slice(bytes);
        self.position += bytes.len() as u64;
    }

    fn seek(&mut self, offset: i64, whence: c_int) -> Option<i64> {
        let length = self.start + self.fresh.len() as u64;
        let base = match whence & !(ffi::AVSEEK_FORCE as c_int) {
            libc::SEEK_SET => 0,
            libc::SEEK_CUR => self.position,
            libc::SEEK_END => length,
            it if it == ffi::AVSEEK_SIZE as c_int => return i64::try_from(length).ok(),
            _ => return None,
        };
        let to = base.checked_add_signed(offset)?;
        // A hole beyond the end is no muxer's wish, and would have to be filled in memory.
        self.position = Some(to).filter(|&it| it <= length)?;
        i64::try_from(to).ok()
    }
}

/// A format context with its streams, header written. Ends when dropped, without a trailer.
#[derive(Debug)]
pub(super) struct Muxer {
    context: NonNull<ffi::AVFormatContext>,
    io: NonNull<ffi::AVIOContext>,
    /// The callbacks' opaque pointer; ours to free, after `io`.
    log: NonNull<Log>,
    scratch: PacketRef,
}

// SAFETY: an AVFormatContext has no thread affinity, and self owns everything it points to.
unsafe impl Send for Muxer {}

/// How a stream is written.
pub(super) struct Stream<'a> {
    pub(super) track: &'a Track,
    /// Ticks a second that is asked for; the muxer may choose otherwise.
    pub(super) timescale: u32,
    /// The four-character code to use, where the muxer's choice is not right.
    pub(super) tag: Option<[u8; 4]>,
}

impl Muxer {
    /// Writes a file's header with libavformat's muxer of this name.
    pub(super) fn open(
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
        // SAFETY: a leaked box is a valid pointer; Drop takes it back.
        let log = unsafe { NonNull::new_unchecked(Box::into_raw(Box::<Log>::default())) };
        let io = Self::new_io(log);
        let Some(io) = io else {
            // SAFETY: both are ours and nothing else knows them yet.
            unsafe {
                ffi::avformat_free_context(context.as_ptr());
                drop(Box::from_raw(log.as_ptr()));
            }
            return Err(no_memory());
        };
        // SAFETY: the context is ours. With CUSTOM_IO libavformat never frees `pb`.
        unsafe {
            let context = &mut *context.as_ptr();
            context.pb = io.as_ptr();
            context.flags |= ffi::AVFMT_FLAG_CUSTOM_IO as c_int;
            context.flush_packets = 0;
        }
        Ok(Self { context, io, log, scratch })
    }

    // What the callback is transmuted to depends on the version of FFmpeg.
    #[allow(clippy::missing_transmute_annotations)]
    fn new_io(log: NonNull<Log>) -> Option<NonNull<ffi::AVIOContext>> {
        const BUFFER: usize = 64 << 10;
        type Write = unsafe extern "C" fn(*mut c_void, *const u8, c_int) -> c_int;
        // SAFETY: the buffer comes from av_malloc as avio_alloc_context asks, and is freed here if
        // that fails. The transmute changes at most the constness of a pointer parameter, which
        // differs between versions of FFmpeg and not in the ABI. `log` outlives the context.
        unsafe {
            let mut buffer = ffi::av_malloc(BUFFER);
            let io = ffi::avio_alloc_context(
                buffer.cast(),
                BUFFER as c_int,
                1,
                log.as_ptr().cast(),
                None,
                Some(std::mem::transmute::<Write, _>(write)),
                Some(seek),
            );
            if io.is_null() {
                ffi::av_freep((&raw mut buffer).cast());
            }
            NonNull::new(io)
        }
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
        self.settle();
        Ok(())
    }

    /// Writes a packet to the stream of its track.
    pub(super) fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        let what = "writing a packet";
        let copy = packet.av.share().map_err(mux(what))?;
        self.scratch = copy;
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
    pub(super) fn flush(&mut self) -> Result<(), OutputError> {
        // SAFETY: the context is ours; a null packet asks for a flush.
        let code = unsafe { ffi::av_write_frame(self.context.as_ptr(), ptr::null_mut()) };
        self.settle();
        check(code).map(drop).map_err(mux("ending a unit"))
    }

    /// Makes the muxer write the end of the file. Nothing is written after.
    pub(super) fn trailer(&mut self) -> Result<(), OutputError> {
        // SAFETY: the context is ours and its header was written.
        let code = unsafe { ffi::av_write_trailer(self.context.as_ptr()) };
        self.settle();
        check(code).map(drop).map_err(mux("writing the end of the file"))
    }

    /// Bytes that [`Muxer::take`] would give.
    pub(super) fn pending(&self) -> usize {
        // SAFETY: the log is ours, and libavformat touches it only within calls that we make.
        unsafe { self.log.as_ref() }.fresh.len()
    }

    /// What is new at the end of the file.
    pub(super) fn take(&mut self) -> Vec<u8> {
        // SAFETY: as in `pending`; &mut self says that no such call is under way.
        let log = unsafe { self.log.as_mut() };
        log.start += log.fresh.len() as u64;
        std::mem::take(&mut log.fresh)
    }

    /// What has changed in the part of the file that was taken: where, and to what.
    pub(super) fn take_patches(&mut self) -> Vec<(u64, Vec<u8>)> {
        // SAFETY: as in `take`.
        std::mem::take(&mut unsafe { self.log.as_mut() }.patches)
    }

    /// Empties the I/O context's own buffer into the log.
    fn settle(&mut self) {
        // SAFETY: the I/O context is ours; this calls `write` and `seek` on our log.
        unsafe { ffi::avio_flush(self.io.as_ptr()) };
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        let mut io = self.io.as_ptr();
        // SAFETY: all three are ours. The format context goes first, since it may write what it holds
        // into the I/O context; then that with its buffer, which may have been exchanged since; then
        // the log, which only the I/O context knew.
        unsafe {
            ffi::avformat_free_context(self.context.as_ptr());
            ffi::av_freep((&raw mut (*io).buffer).cast());
            ffi::avio_context_free(&mut io);
            drop(Box::from_raw(self.log.as_ptr()));
        }
    }
}

/// # Safety
/// `log` is the `Log` of the I/O context; `bytes` points to `length` bytes.
unsafe extern "C" fn write(log: *mut c_void, bytes: *const u8, length: c_int) -> c_int {
    let Ok(size) = usize::try_from(length) else {
        return -libc::EINVAL;
    };
    if size > 0 {
        // SAFETY: the caller, libavformat, guarantees both; it calls within our own calls only.
        unsafe { (*log.cast::<Log>()).write(std::slice::from_raw_parts(bytes, size)) };
    }
    length
}

/// # Safety
/// `log` is the `Log` of the I/O context.
unsafe extern "C" fn seek(log: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `write`.
    unsafe { (*log.cast::<Log>()).seek(offset, whence) }.unwrap_or(-i64::from(libc::EINVAL))
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
    fn a_log_tells_new_bytes_from_changed_ones() {
        let mut log = Log::default();
        log.write(b"abcdef");
        assert_eq!(log.seek(2, libc::SEEK_SET), Some(2));
        log.write(b"XY");
        assert_eq!(log.fresh, b"abXYef");
        log.start += 6;
        log.fresh.clear();
        assert_eq!(log.seek(0, ffi::AVSEEK_SIZE as c_int), Some(6));
        assert_eq!(log.seek(4, libc::SEEK_SET), Some(4));
        log.write(b"1234");
        assert_eq!(log.patches, [(4, b"12".to_vec())]);
        assert_eq!(log.fresh, b"34");
        assert_eq!(log.seek(1, libc::SEEK_END), None, "no holes");
        assert_eq!(log.seek(-9, libc::SEEK_CUR), None);
    }

    #[test]
    fn ticks_are_rounded_to_the_nearest_also_below_zero() {
        assert_eq!(to_ticks(16_666_667, 1000, 1), 17);
        assert_eq!(to_ticks(-16_666_667, 1000, 1), -17);
        assert_eq!(to_ticks(21_333_333, 48_000, 1), 1024);
        assert_eq!(to_ticks(i64::MAX, 90_000, 1), 830_103_483_316_930);
    }
}
