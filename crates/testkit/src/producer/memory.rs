//! The memory of the producer's buffers.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::NonNull;

use anyhow::{Context, Result, bail};
use pipewire::spa::sys as spa_sys;
use pipewire::sys as pw_sys;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use testkit_dmabuf::Source;

use super::script::{Blocks, Gpu, Memory, Script};
use super::timeline::Points;
use ghoststream::internals::format::VideoFormat;

/// A file of a buffer, mapped for writing.
#[derive(Debug)]
struct File {
    fd: OwnedFd,
    base: NonNull<u8>,
    length: usize,
}

impl File {
    fn new(length: usize, sealable: bool) -> Result<Self> {
        let flags = if sealable { MemfdFlags::ALLOW_SEALING } else { MemfdFlags::empty() };
        let fd = memfd_create("producer", flags | MemfdFlags::CLOEXEC)?;
        ftruncate(&fd, length as u64)?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping; only `Buffer::blocks` hands its bytes out.
        let base = unsafe { mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, &fd, 0) }?;
        Ok(Self { fd, base: NonNull::new(base.cast()).context("mapped nowhere")?, length })
    }
}

impl File {
    /// A DMA-BUF.
    fn dmabuf(length: usize, source: Source) -> Result<Self> {
        let made = testkit_dmabuf::Buffer::new(source, length)?;
        let fd = made.as_fd().try_clone_to_owned()?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: as for `new`. The memory of these devices is the CPU's, which needs no calls around writing.
        let base = unsafe { mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, &fd, 0) }?;
        Ok(Self { fd, base: NonNull::new(base.cast()).context("mapped nowhere")?, length })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped; no block is borrowed any more, since that borrows the buffer.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}

/// One of the stream's buffers.
#[derive(Debug)]
pub(super) struct Buffer {
    pub(super) raw: NonNull<pw_sys::pw_buffer>,
    files: Vec<File>,
    /// Where each block starts: which file, and how far into it; its length.
    spans: Vec<(usize, usize, usize)>,
    pub(super) format: VideoFormat,
    pub(super) used: bool,
    truncated: bool,
    /// Explicit synchronisation, where it was agreed on.
    pub(super) points: Option<Points>,
}

impl Buffer {
    /// Allocates what the script says, and tells PipeWire.
    ///
    /// # Safety
    /// `raw` was given to `add_buffer`; the buffer is dropped at `remove_buffer`.
    pub(super) unsafe fn new(
        raw: NonNull<pw_sys::pw_buffer>,
        script: &Script,
        format: VideoFormat,
    ) -> Result<Self> {
        let mut this = Self {
            raw,
            files: Vec::new(),
            spans: Vec::new(),
            format,
            used: false,
            truncated: false,
            points: None,
        };
        if let (Some(gpu), Some(modifier)) = (&script.gpu, format.modifier) {
            if gpu.fails.contains(&modifier) {
                bail!("no buffers with modifier {modifier:#x} can be allocated");
            }
            // SAFETY: the caller promises that the buffer is valid.
            unsafe { this.allocate_gpu(gpu, &script.gpu_layout(format.format, format.size)) }?;
            return Ok(this);
        }
        let Memory::MemFd { sealable } = script.memory else { return Ok(this) };
        let blocks = script.layout(format.format, format.size);
        // SAFETY: the caller promises that the buffer is valid.
        let datas = unsafe { datas(raw) };
        if datas.len() < blocks.len() {
            bail!("PipeWire made {} blocks of {}", datas.len(), blocks.len());
        }
        let total: usize = blocks.iter().map(|(bytes, _)| bytes).sum();
        if script.blocks != Blocks::PerFile {
            this.files.push(File::new(total, sealable)?);
        }
        let mut start = 0;
        for (index, (data, (length, _))) in datas.iter_mut().zip(&blocks).enumerate() {
            if script.blocks == Blocks::PerFile {
                this.files.push(File::new(*length, sealable)?);
                this.spans.push((index, 0, *length));
            } else {
                this.spans.push((0, start, *length));
            }
            let (file, offset, length) = this.spans[index];
            data.type_ = 2;
            data.flags = spa_sys::SPA_DATA_FLAG_READWRITE;
            data.fd = i64::from(this.files[file].fd.as_raw_fd());
            data.mapoffset = offset as u32;
            data.maxsize = length as u32 + script.claim;
            data.data = std::ptr::null_mut();
            start += length;
        }
        Ok(this)
    }

    /// Allocates the planes of a picture in a GPU's memory, and the timelines.
    ///
    /// # Safety
    /// As for [`Buffer::new`].
    unsafe fn allocate_gpu(&mut self, gpu: &Gpu, planes: &[(usize, usize)]) -> Result<()> {
        let file = |length| match gpu.source {
            Some(source) => File::dmabuf(length, source),
            None => File::new(length, false),
        };
        // SAFETY: the caller promises that the buffer is valid.
        let datas = unsafe { datas(self.raw) };
        let mut start = 0;
        for (index, (length, _)) in planes.iter().enumerate() {
            if !gpu.together {
                self.files.push(file(*length)?);
                self.spans.push((index, 0, *length));
            } else {
                if index == 0 {
                    self.files.push(file(planes.iter().map(|(bytes, _)| bytes).sum())?);
                }
                self.spans.push((0, start, *length));
                start += length;
            }
            let data = datas.get_mut(index).context("PipeWire made too few blocks")?;
            let file = self.files.last().context("there is no memory")?;
            data.type_ = 3;
            data.flags = spa_sys::SPA_DATA_FLAG_READWRITE;
            data.fd = i64::from(file.fd.as_raw_fd());
            data.mapoffset = 0;
            data.maxsize = file.length as u32;
            data.data = std::ptr::null_mut();
        }
        if let (Some(timelines), [.., acquire, release]) = (gpu.timeline, datas)
            && self.has_meta(9)
        {
            let points = Points::new(timelines)?;
            for (data, fd) in [(acquire, points.acquire()), (release, points.release())] {
                data.type_ = 5;
                data.flags = spa_sys::SPA_DATA_FLAG_READABLE;
                data.fd = i64::from(fd.as_raw_fd());
            }
            self.points = Some(points);
        }
        Ok(())
    }

    /// How far each block starts into its file, which a picture in a GPU's memory has to say.
    pub(super) fn starts(&self) -> Vec<u32> {
        let starts = self.spans.iter().map(|(_, start, _)| *start as u32);
        if self.format.modifier.is_some() { starts.collect() } else { Vec::new() }
    }

    /// Reads the first word of a meta.
    pub(super) fn meta_word(&self, kind: u32) -> Option<u32> {
        // SAFETY: as for `set_meta`.
        unsafe {
            let buffer = &*self.raw.as_ref().buffer;
            if buffer.metas.is_null() {
                return None;
            }
            let metas = std::slice::from_raw_parts(buffer.metas, buffer.n_metas as usize);
            let meta = metas.iter().find(|meta| meta.type_ == kind && meta.size >= 4)?;
            Some(NonNull::new(meta.data.cast::<u32>())?.as_ptr().read_volatile())
        }
    }

    fn has_meta(&self, kind: u32) -> bool {
        self.meta_word(kind).is_some()
    }

    /// The memory to paint into, block by block; nothing once it was cut off.
    pub(super) fn blocks(&mut self) -> Vec<&mut [u8]> {
        if self.truncated {
            return Vec::new();
        }
        let bytes = |start: *mut u8, length| {
            // SAFETY: within a mapping of ours or PipeWire's, for as long as the buffer is there;
            // the blocks do not overlap.
            unsafe { std::slice::from_raw_parts_mut(start, length) }
        };
        if self.files.is_empty() {
            // SAFETY: the buffer exists between `add_buffer` and `remove_buffer`.
            let datas = unsafe { datas(self.raw) };
            let mapped = datas.iter().filter(|data| !data.data.is_null());
            return mapped.map(|data| bytes(data.data.cast(), data.maxsize as usize)).collect();
        }
        let span = |&(file, start, length): &(usize, usize, usize)| {
            // SAFETY: `start` lies within the file, which is as long as all of its blocks.
            bytes(unsafe { self.files[file].base.as_ptr().add(start) }, length)
        };
        self.spans.iter().map(span).collect()
    }

    /// Cuts the first file off. Nothing is painted into the buffer any more.
    pub(super) fn truncate(&mut self, length: u64) {
        if let Some(file) = self.files.first() {
            // A consumer that sealed the file is right to refuse.
            let _ = ftruncate(&file.fd, length);
            self.truncated = true;
        }
    }

    /// Says what is in each block.
    pub(super) fn set_chunks(&mut self, chunks: &[ghoststream::internals::layout::Chunk]) {
        // SAFETY: as for `blocks`.
        let datas = unsafe { datas(self.raw) };
        for (data, chunk) in datas.iter().zip(chunks) {
            if let Some(raw) = NonNull::new(data.chunk) {
                let value = spa_sys::spa_chunk {
                    offset: chunk.offset,
                    size: chunk.size,
                    stride: chunk.stride,
                    flags: chunk.flags,
                };
                // SAFETY: PipeWire keeps a chunk there.
                unsafe { raw.as_ptr().write_volatile(value) };
            }
        }
    }

    /// Writes a meta, as far as there is room.
    pub(super) fn set_meta(&mut self, kind: u32, bytes: &[u8]) {
        // SAFETY: as for `blocks`; PipeWire made `n_metas` entries of `size` bytes.
        unsafe {
            let buffer = &*self.raw.as_ref().buffer;
            if buffer.metas.is_null() {
                return;
            }
            let metas = std::slice::from_raw_parts(buffer.metas, buffer.n_metas as usize);
            let Some(meta) = metas.iter().find(|meta| meta.type_ == kind && !meta.data.is_null()) else {
                return;
            };
            let room = meta.size as usize;
            let length = bytes.len().min(room);
            let target = meta.data.cast::<u8>();
            target.copy_from_nonoverlapping(bytes.as_ptr(), length);
            target.add(length).write_bytes(0, room - length);
        }
    }
}

/// # Safety
/// The buffer was added and is not removed while the slice is used; nobody else has the slice.
unsafe fn datas<'a>(raw: NonNull<pw_sys::pw_buffer>) -> &'a mut [spa_sys::spa_data] {
    // SAFETY: the caller promises it; PipeWire made `n_datas` entries.
    unsafe {
        let buffer = &*raw.as_ref().buffer;
        std::slice::from_raw_parts_mut(buffer.datas, buffer.n_datas as usize)
    }
}
