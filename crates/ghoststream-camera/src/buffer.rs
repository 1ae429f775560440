//! One of the stream's buffers, between taking it and sending it.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use pipewire::spa::sys as spa_sys;
use pipewire::sys as pw_sys;

/// Buffers of a stream at most.
pub(crate) const MOST_BUFFERS: u32 = 16;

/// `SPA_META_Header`.
const META_HEADER: u32 = 1;

/// A buffer that was dequeued and is ours until it is queued again.
pub(crate) struct Buffer {
    raw: NonNull<pw_sys::pw_buffer>,
    stream: *mut pw_sys::pw_stream,
}

impl Buffer {
    /// Takes a free buffer; `None` where there is none. One that is still being read goes to the end of PipeWire's queue
    /// when it is asked for, and is not had: then the next one is asked for.
    pub(crate) fn take(stream: &pipewire::stream::Stream) -> Option<Self> {
        let stream = stream.as_raw_ptr();
        for _ in 0..MOST_BUFFERS {
            // SAFETY: the stream is valid, and this is the thread of its loop.
            let raw = unsafe { pw_sys::pw_stream_dequeue_buffer(stream) };
            if let Some(raw) = NonNull::new(raw) {
                return Some(Self { raw, stream });
            }
            if std::io::Error::last_os_error().raw_os_error() != Some(libc::EBUSY) {
                return None;
            }
        }
        None
    }

    /// Its memory; none where PipeWire could not map it.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        match self.data() {
            // SAFETY: PipeWire mapped `maxsize` bytes there (`PW_STREAM_FLAG_MAP_BUFFERS`) until the buffer is
            // removed, which happens on this thread. Who looks may read it meanwhile, as from every camera.
            Some(data) if !data.data.is_null() => unsafe {
                std::slice::from_raw_parts_mut(data.data.cast(), data.maxsize as usize)
            },
            _ => &mut [],
        }
    }

    fn data(&self) -> Option<spa_sys::spa_data> {
        // SAFETY: a buffer of the stream has `n_datas` entries, and is there until it is removed.
        unsafe {
            let buffer = self.raw.as_ref().buffer.as_ref()?;
            if buffer.n_datas == 0 { None } else { buffer.datas.as_ref().copied() }
        }
    }

    /// Sends it with a picture of so many bytes, made at a time (nanoseconds of `CLOCK_MONOTONIC`).
    pub(crate) fn send(self, length: usize, stride: usize, pts: i64, number: u64) {
        self.describe(length, stride, 0);
        self.set_header(pts, number);
        self.queue();
    }

    /// Gives it back without a picture: whoever gets it is told to leave it out.
    pub(crate) fn give_back(self) {
        const CORRUPTED: i32 = 1;
        self.describe(0, 0, CORRUPTED);
        self.queue();
    }

    fn describe(&self, length: usize, stride: usize, flags: i32) {
        let chunk = self.data().and_then(|data| NonNull::new(data.chunk));
        if let Some(chunk) = chunk {
            let value = spa_sys::spa_chunk { offset: 0, size: length as u32, stride: stride as i32, flags };
            // SAFETY: PipeWire keeps a chunk there for as long as the buffer is.
            unsafe { chunk.as_ptr().write_volatile(value) };
        }
    }

    fn set_header(&self, pts: i64, number: u64) {
        // SAFETY: as for `data`; PipeWire made `n_metas` entries, each with `size` bytes.
        unsafe {
            let Some(buffer) = self.raw.as_ref().buffer.as_ref() else { return };
            if buffer.metas.is_null() {
                return;
            }
            let metas = std::slice::from_raw_parts(buffer.metas, buffer.n_metas as usize);
            let fits = |it: &&spa_sys::spa_meta| {
                it.type_ == META_HEADER && it.size as usize >= size_of::<spa_sys::spa_meta_header>()
            };
            let Some(meta) = metas.iter().find(fits).and_then(|it| NonNull::new(it.data)) else { return };
            let header = spa_sys::spa_meta_header { flags: 0, offset: 0, pts, dts_offset: 0, seq: number };
            meta.as_ptr().cast::<spa_sys::spa_meta_header>().write_volatile(header);
        }
    }

    fn queue(self) {
        // SAFETY: the buffer was dequeued from this stream and is not used any more; on the loop's thread.
        unsafe { pw_sys::pw_stream_queue_buffer(self.stream, self.raw.as_ptr()) };
    }
}
