//! One of the stream's buffers, between taking it and sending it.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use pipewire::spa::sys as spa_sys;
use pipewire::sys as pw_sys;

/// Buffers of a stream at most.
pub(crate) const MOST_BUFFERS: u32 = 16;

/// `SPA_META_Header`.
const META_HEADER: u32 = 1;

/// What a block of a buffer holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
    pub(crate) stride: usize,
}

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

    /// Which it is.
    pub(crate) const fn raw(&self) -> NonNull<pw_sys::pw_buffer> {
        self.raw
    }

    /// Its memory; none where PipeWire could not map it, or has none.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        match self.datas().first() {
            // SAFETY: PipeWire mapped `maxsize` bytes there (`PW_STREAM_FLAG_MAP_BUFFERS`) until the buffer is
            // removed, which happens on this thread. Who looks may read it meanwhile, as from every camera.
            Some(data) if !data.data.is_null() => unsafe {
                std::slice::from_raw_parts_mut(data.data.cast(), data.maxsize as usize)
            },
            _ => &mut [],
        }
    }

    fn datas(&self) -> &[spa_sys::spa_data] {
        // SAFETY: a buffer of the stream has `n_datas` entries, and is there until it is removed, on this thread.
        unsafe {
            match self.raw.as_ref().buffer.as_ref() {
                Some(buffer) if !buffer.datas.is_null() => {
                    std::slice::from_raw_parts(buffer.datas, buffer.n_datas as usize)
                }
                _ => &[],
            }
        }
    }

    /// Sends it with a picture, made at a time (nanoseconds of `CLOCK_MONOTONIC`), that lies in its blocks so.
    pub(crate) fn send(self, chunks: impl Iterator<Item = Chunk>, pts: i64, number: u64) {
        self.describe(chunks, 0);
        self.set_header(pts, number);
        self.queue();
    }

    /// Gives it back without a picture: whoever gets it is told to leave it out.
    pub(crate) fn give_back(self) {
        const CORRUPTED: i32 = 1;
        self.describe(std::iter::repeat(Chunk::default()), CORRUPTED);
        self.queue();
    }

    fn describe(&self, chunks: impl Iterator<Item = Chunk>, flags: i32) {
        for (data, Chunk { offset, bytes, stride }) in self.datas().iter().zip(chunks) {
            let (offset, size, stride) = (offset as u32, bytes as u32, stride as i32);
            let value = spa_sys::spa_chunk { offset, size, stride, flags };
            if let Some(chunk) = NonNull::new(data.chunk) {
                // SAFETY: PipeWire keeps a chunk there for as long as the buffer is.
                unsafe { chunk.as_ptr().write_volatile(value) };
            }
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
