//! An I/O context of libavformat's that writes into memory.
//!
//! What is written is kept until its owner takes it and gives it to the disk, so that the callbacks that
//! libavformat calls can neither fail nor block, and so that a full disk is met between units and never
//! within one.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use crate::av::ffi;

/// An I/O context, and what was written to it.
#[derive(Debug)]
pub(super) struct MemoryIo {
    context: NonNull<ffi::AVIOContext>,
    /// The callbacks' opaque pointer; ours to free, after the context.
    log: NonNull<Log>,
}

impl MemoryIo {
    /// `None` where there is no memory left.
    // What the callback is transmuted to depends on the version of FFmpeg.
    #[allow(clippy::missing_transmute_annotations)]
    pub(super) fn new() -> Option<Self> {
        const BUFFER: usize = 64 << 10;
        type Write = unsafe extern "C" fn(*mut c_void, *const u8, c_int) -> c_int;
        // SAFETY: a leaked box is a valid pointer; it is taken back below or by Drop.
        let log = unsafe { NonNull::new_unchecked(Box::into_raw(Box::<Log>::default())) };
        // SAFETY: the buffer comes from av_malloc as avio_alloc_context asks, and is freed here if
        // that fails, and so is the log. The transmute changes at most the constness of a pointer
        // parameter, which differs between versions of FFmpeg and not in the ABI. `log` outlives the
        // context.
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
            let Some(context) = NonNull::new(io) else {
                ffi::av_freep((&raw mut buffer).cast());
                drop(Box::from_raw(log.as_ptr()));
                return None;
            };
            Some(Self { context, log })
        }
    }

    /// The handle, valid as long as self lives.
    pub(super) const fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.context.as_ptr()
    }

    /// Empties the context's own buffer into what can be taken.
    pub(super) fn flush(&mut self) {
        // SAFETY: the context is ours; this calls `write` and `seek` on our log.
        unsafe { ffi::avio_flush(self.context.as_ptr()) };
    }

    /// Bytes that [`Self::take`] would give.
    pub(super) fn pending(&self) -> usize {
        // SAFETY: the log is ours, and libavformat touches it only within calls that its owner makes.
        unsafe { self.log.as_ref() }.fresh.len()
    }

    /// What is new at the end of the file.
    pub(super) fn take(&mut self) -> Vec<u8> {
        // SAFETY: as in `pending`; &mut self says that no such call is under way.
        let log = unsafe { self.log.as_mut() };
        log.start += log.fresh.len() as u64;
        std::mem::take(&mut log.fresh)
    }

    /// Has libavformat go on as if so many bytes had been taken. Nothing may be pending.
    pub(super) fn go_on_at(&mut self, position: u64) {
        debug_assert_eq!(self.pending(), 0, "what was written is taken");
        // SAFETY: as in `take`.
        unsafe { self.log.as_mut() }.start = position;
        let to = i64::try_from(position).unwrap_or(i64::MAX);
        // SAFETY: the context is ours; this calls `seek` on our log, whose end that is.
        unsafe { ffi::avio_seek(self.context.as_ptr(), to, libc::SEEK_SET) };
    }

    /// What has changed in the part of the file that was taken: where, and to what.
    pub(super) fn take_patches(&mut self) -> Vec<(u64, Vec<u8>)> {
        // SAFETY: as in `take`.
        std::mem::take(&mut unsafe { self.log.as_mut() }.patches)
    }
}

impl Drop for MemoryIo {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: both are ours. The context goes first, with its buffer, which may have been exchanged
        // since; then the log, which only the context knew.
        unsafe {
            ffi::av_freep((&raw mut (*context).buffer).cast());
            ffi::avio_context_free(&mut context);
            drop(Box::from_raw(self.log.as_ptr()));
        }
    }
}

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
}
