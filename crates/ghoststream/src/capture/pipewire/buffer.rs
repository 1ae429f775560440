//! PipeWire's buffers as we see them: mapped once, lent out, given back.
//!
//! A frame that is lent out keeps two things alive: its mapping, for as long as it likes, and its
//! claim on the PipeWire buffer, which is told to [`Returns`] when the last clone of the frame is
//! dropped. The stream's process callback hands back to PipeWire what was returned; it need not be
//! woken for that, since PipeWire itself passes buffers back only then.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use pipewire::spa::sys as spa_sys;
use pipewire::sys as pw_sys;

use super::blocks::{Block, map_all};
use super::format::VideoFormat;
use super::gpu::{Access, GpuBlocks};
use super::layout::{Chunk, PlaneAt};
use super::mapping::Mapping;
use super::meta::{self, SyncPoints};
use super::returns::{Lent, Returns};
use crate::capture::{Lease, Plane};

/// One of the stream's buffers.
#[derive(Debug)]
pub(super) struct Slot {
    /// Never used again for another buffer of this stream.
    pub(super) id: u64,
    /// What was agreed on when the buffer was made.
    pub(super) format: VideoFormat,
    pub(super) buffer: NonNull<pw_sys::pw_buffer>,
    /// Its blocks, or why it cannot be used; none where it is in a GPU's memory.
    pub(super) blocks: Result<Vec<Block>, String>,
    /// Its memory, or why it cannot be used, where it is a GPU's.
    pub(super) gpu: Option<Result<GpuBlocks, String>>,
}

// SAFETY: the pointers are used only by the stream's callbacks, between `add_buffer` and
// `remove_buffer`, under the lock that the slot lies behind.
unsafe impl Send for Slot {}

impl Slot {
    /// Maps the memory of a buffer that PipeWire has just added.
    ///
    /// # Safety
    /// `buffer` is one that the stream gave to `add_buffer`; the slot is dropped at `remove_buffer`.
    pub(super) unsafe fn new(id: u64, format: VideoFormat, buffer: NonNull<pw_sys::pw_buffer>) -> Self {
        // SAFETY: a buffer and its datas are valid until it is removed.
        let datas = unsafe { datas(buffer) };
        Self { id, format, buffer, blocks: map_all(datas), gpu: None }
    }

    /// Takes the memory of a buffer that PipeWire has just added, in a GPU's memory of so many planes.
    ///
    /// # Safety
    /// As for [`Slot::new`].
    pub(super) unsafe fn of_gpu(
        id: u64,
        format: VideoFormat,
        buffer: NonNull<pw_sys::pw_buffer>,
        planes: u32,
        access: &Access,
    ) -> Self {
        let mut this = Self { id, format, buffer, blocks: Ok(Vec::new()), gpu: None };
        // SAFETY: a buffer and its datas are valid until it is removed.
        let datas = unsafe { datas(buffer) };
        this.gpu = Some(GpuBlocks::new(datas, planes, this.has_meta(meta::SYNC_TIMELINE), access));
        this
    }

    /// A buffer of which nothing is used.
    ///
    /// # Safety
    /// As for [`Slot::new`].
    pub(super) unsafe fn unusable(
        id: u64,
        format: VideoFormat,
        buffer: NonNull<pw_sys::pw_buffer>,
        why: String,
    ) -> Self {
        Self { id, format, buffer, blocks: Ok(Vec::new()), gpu: Some(Err(why)) }
    }

    /// The points of this frame, where it has any. Reading them is the promise to signal the release.
    pub(super) fn sync_points(&self) -> Option<SyncPoints> {
        let points = meta::sync_points(&self.meta(meta::SYNC_TIMELINE, meta::SYNC_TIMELINE_BYTES)?)?;
        let flags = NonNull::new(self.find_meta(meta::SYNC_TIMELINE)?.data.cast::<u32>())?;
        // SAFETY: the meta is long enough, as its points were read; it lies in memory that PipeWire shares with the
        // producer, hence volatile. Its first word is the flags, of which we clear `UNSCHEDULED_RELEASE`.
        unsafe { flags.as_ptr().write_volatile(flags.as_ptr().read_volatile() & !1) };
        Some(points)
    }

    pub(super) fn lengths(&self) -> Vec<usize> {
        self.blocks.iter().flatten().map(Block::length).collect()
    }

    /// What the producer said of this frame's blocks, read once.
    pub(super) fn chunks(&self) -> Vec<Chunk> {
        // SAFETY: as for `new`; the slot exists, so the buffer was not removed.
        let datas = unsafe { datas(self.buffer) };
        let read = |data: &spa_sys::spa_data| {
            let chunk = NonNull::new(data.chunk)?;
            // SAFETY: PipeWire keeps the chunk in memory that it shares with the producer, which
            // may write at any time: hence a single volatile read.
            let chunk = unsafe { chunk.as_ptr().read_volatile() };
            Some(Chunk { offset: chunk.offset, size: chunk.size, stride: chunk.stride, flags: chunk.flags })
        };
        datas.iter().filter_map(read).collect()
    }

    /// Whether the buffer has a meta of a kind.
    pub(super) fn has_meta(&self, kind: u32) -> bool {
        self.find_meta(kind).is_some()
    }

    /// Copies the first bytes, `most` at most, of the meta of a kind.
    pub(super) fn meta(&self, kind: u32, most: usize) -> Option<Vec<u8>> {
        let meta = self.find_meta(kind)?;
        let data = NonNull::new(meta.data.cast::<u8>())?;
        let mut copy = vec![0; (meta.size as usize).min(most)];
        // SAFETY: PipeWire checked that `size` bytes lie in the memory it shares with the producer;
        // the copy is what is examined, so that nothing changes underneath.
        unsafe { data.as_ptr().copy_to_nonoverlapping(copy.as_mut_ptr(), copy.len()) };
        Some(copy)
    }

    fn find_meta(&self, kind: u32) -> Option<&spa_sys::spa_meta> {
        // SAFETY: as for `new`.
        let buffer = unsafe { self.buffer.as_ref().buffer.as_ref() }?;
        let metas = NonNull::new(buffer.metas)?;
        // SAFETY: PipeWire made `n_metas` entries there.
        let metas = unsafe { std::slice::from_raw_parts(metas.as_ptr(), buffer.n_metas as usize) };
        metas.iter().find(|meta| meta.type_ == kind)
    }

    /// The one mapping that holds all blocks, if there is one.
    fn mapping(&self) -> Option<&Arc<Mapping>> {
        let blocks = self.blocks.as_ref().ok()?;
        let mut mappings = blocks.iter().map(|block| match block {
            Block::Mapped { mapping, .. } => Some(mapping),
            Block::Borrowed { .. } => None,
        });
        let first = mappings.next()??;
        mappings.all(|other| other.is_some_and(|other| Arc::ptr_eq(first, other))).then_some(first)
    }

    /// Whether the memory is still as long as it was when it was mapped.
    ///
    /// # Errors
    /// In words: it is not.
    pub(super) fn check(&self) -> Result<(), String> {
        for block in self.blocks.as_ref().map_err(Clone::clone)? {
            if let Block::Mapped { mapping, .. } = block {
                mapping.check()?;
            }
        }
        Ok(())
    }

    /// Lends the buffer out, if its memory can be and not too many are out.
    pub(super) fn lend(
        &self,
        planes: &[PlaneAt],
        returns: &Arc<Returns>,
    ) -> Option<(Arc<dyn Lease>, [Plane; 3])> {
        let mapping = self.mapping()?;
        let ticket = returns.borrow(self.id)?;
        let mut placed = [Plane::default(); 3];
        for (slot, plane) in placed.iter_mut().zip(planes) {
            let start = match self.blocks.as_ref().ok()?.get(plane.block)? {
                Block::Mapped { start, .. } => *start,
                Block::Borrowed { .. } => return None,
            };
            *slot = Plane { offset: start + plane.offset, stride: plane.stride };
        }
        Some((Arc::new(Lent::new(Arc::clone(mapping), ticket)), placed))
    }

    /// Copies the picture, rows without padding, if not too many frames are out.
    pub(super) fn copy(
        &self,
        planes: &[PlaneAt],
        returns: &Arc<Returns>,
    ) -> Option<(Arc<dyn Lease>, [Plane; 3])> {
        let blocks = self.blocks.as_ref().ok()?;
        let total = planes.iter().map(|plane| plane.row_bytes * plane.rows).sum();
        let mut copied = returns.blank(total)?;
        let mut placed = [Plane::default(); 3];
        for (slot, plane) in placed.iter_mut().zip(planes) {
            *slot = Plane { offset: copied.bytes.len(), stride: plane.row_bytes };
            let source = blocks.get(plane.block)?.bytes().get(plane.offset..)?;
            copy_rows(&mut copied.bytes, source, plane);
        }
        Some((Arc::new(copied), placed))
    }
}

fn copy_rows(out: &mut Vec<u8>, source: &[u8], plane: &PlaneAt) {
    if plane.stride == plane.row_bytes {
        out.extend_from_slice(&source[..plane.row_bytes * plane.rows]);
        return;
    }
    for row in 0..plane.rows {
        let start = row * plane.stride;
        out.extend_from_slice(&source[start..start + plane.row_bytes]);
    }
}

/// # Safety
/// `buffer` was added by the stream and not removed; so for as long as the slice is used.
unsafe fn datas<'a>(buffer: NonNull<pw_sys::pw_buffer>) -> &'a [spa_sys::spa_data] {
    // SAFETY: the caller promises that the buffer is valid; its `datas` has `n_datas` entries.
    unsafe {
        let Some(buffer) = buffer.as_ref().buffer.as_ref() else { return &[] };
        if buffer.datas.is_null() {
            return &[];
        }
        std::slice::from_raw_parts(buffer.datas, buffer.n_datas as usize)
    }
}
