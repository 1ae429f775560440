//! PipeWire's buffers as we see them: mapped once, lent out, given back.
//!
//! A frame that is lent out keeps two things alive: its mapping, for as long as it likes, and its
//! claim on the PipeWire buffer, which is told to [`Returns`] when the last clone of the frame is
//! dropped. The stream's process callback hands back to PipeWire what was returned; it need not be
//! woken for that, since PipeWire itself passes buffers back only then.
//!
//! Lent at most are all buffers but three: one that the producer draws into, one that arrives, and one
//! on its way back, which takes a cycle each. Streams with few buffers are topped up with copies, see
//! [`Returns::budget`].
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipewire::spa::sys as spa_sys;
use pipewire::sys as pw_sys;

use super::format::VideoFormat;
use super::gpu::{Access, GpuBlocks};
use super::layout::{Chunk, PlaneAt};
use super::mapping::Mapping;
use super::meta::{self, SyncPoints};
use crate::capture::{Lease, Plane};

/// `SPA_DATA_MemPtr`.
pub(super) const DATA_MEM_PTR: u32 = 1;
/// `SPA_DATA_MemFd`.
pub(super) const DATA_MEM_FD: u32 = 2;

/// Buffers that are never lent.
const KEPT_BACK: usize = 3;

/// Frames that may be out at a time even where buffers are few: what the queue, the pacer and the
/// conversion hold together.
const LEAST_OUT: usize = 6;

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

/// A stretch of memory of a buffer.
#[derive(Debug)]
pub(super) enum Block {
    /// Ours to keep: `start` bytes into the mapping.
    Mapped { mapping: Arc<Mapping>, start: usize, length: usize },
    /// PipeWire's, until the buffer is removed.
    Borrowed { data: NonNull<u8>, length: usize },
}

impl Block {
    fn length(&self) -> usize {
        match self {
            Self::Mapped { length, .. } | Self::Borrowed { length, .. } => *length,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped { mapping, start, length } => &mapping.bytes()[*start..*start + *length],
            // SAFETY: PipeWire promises `length` bytes there until it removes the buffer, and the
            // slot that holds this block goes with it.
            Self::Borrowed { data, length } => unsafe { std::slice::from_raw_parts(data.as_ptr(), *length) },
        }
    }
}

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
        Some((Arc::new(Lent { mapping: Arc::clone(mapping), _ticket: ticket }), placed))
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

/// Maps every block; those of one file with one mapping, so that a frame needs one lease.
fn map_all(datas: &[spa_sys::spa_data]) -> Result<Vec<Block>, String> {
    if datas.is_empty() {
        return Err("it has no memory".into());
    }
    if datas.len() > 1
        && let Some(blocks) = map_together(datas)
    {
        return Ok(blocks);
    }
    datas.iter().map(map_one).collect()
}

/// What PipeWire 1.x hands out when the format changes before the buffers of the last one were made.
pub(super) const NO_MEMORY: &str = "it has no memory";

fn map_one(data: &spa_sys::spa_data) -> Result<Block, String> {
    let length = data.maxsize as usize;
    match data.type_ {
        DATA_MEM_FD => {
            let mapping = Mapping::new(descriptor(data)?, u64::from(data.mapoffset), length)?;
            Ok(Block::Mapped { mapping: Arc::new(mapping), start: 0, length })
        }
        DATA_MEM_PTR => {
            let data = NonNull::new(data.data.cast::<u8>()).ok_or("its memory is nowhere")?;
            Ok(Block::Borrowed { data, length })
        }
        spa_sys::SPA_ID_INVALID => Err(NO_MEMORY.into()),
        other => Err(format!("its memory is of type {other}, which was not asked for")),
    }
}

/// All blocks with one mapping, where they are stretches of the same file.
fn map_together(datas: &[spa_sys::spa_data]) -> Option<Vec<Block>> {
    let file = |data: &spa_sys::spa_data| {
        if data.type_ != DATA_MEM_FD {
            return None;
        }
        let stat = rustix::fs::fstat(descriptor(data).ok()?).ok()?;
        Some((stat.st_dev, stat.st_ino))
    };
    let first = file(datas.first()?)?;
    if !datas.iter().all(|data| file(data) == Some(first)) {
        return None;
    }
    let start = datas.iter().map(|data| u64::from(data.mapoffset)).min()?;
    let end = datas.iter().map(|data| u64::from(data.mapoffset) + u64::from(data.maxsize)).max()?;
    let mapping = Mapping::new(descriptor(datas.first()?).ok()?, start, usize::try_from(end - start).ok()?);
    let mapping = Arc::new(mapping.ok()?);
    let block = |data: &spa_sys::spa_data| Block::Mapped {
        mapping: Arc::clone(&mapping),
        start: (u64::from(data.mapoffset) - start) as usize,
        length: data.maxsize as usize,
    };
    Some(datas.iter().map(block).collect())
}

pub(super) fn descriptor(data: &spa_sys::spa_data) -> Result<BorrowedFd<'_>, String> {
    match i32::try_from(data.fd) {
        // SAFETY: PipeWire keeps the descriptor open until the buffer is removed; it is used now.
        Ok(fd) if fd >= 0 => Ok(unsafe { BorrowedFd::borrow_raw(fd) }),
        _ => Err("its memory has no descriptor".into()),
    }
}

/// A lent buffer.
#[derive(Debug)]
struct Lent {
    mapping: Arc<Mapping>,
    _ticket: Ticket,
}

impl Lease for Lent {
    fn bytes(&self) -> &[u8] {
        self.mapping.bytes()
    }
}

/// A copied picture. Its memory is used again.
#[derive(Debug)]
struct Copied {
    bytes: Vec<u8>,
    returns: Arc<Returns>,
}

impl Lease for Copied {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let mut state = self.returns.lock();
        state.copies -= 1;
        if state.spare.len() < 2 {
            state.spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// The claim on a PipeWire buffer; dropping it gives the buffer back.
#[derive(Debug)]
pub(super) struct Ticket {
    id: u64,
    returns: Arc<Returns>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.returns.lock();
        state.lent -= 1;
        state.back.push(self.id);
    }
}

/// What is out, and what came back. Shared with every frame that is out; never locked for long.
#[derive(Debug, Default)]
pub(super) struct Returns {
    state: Mutex<Out>,
}

#[derive(Debug, Default)]
struct Out {
    /// Buffers that the stream has now.
    buffers: usize,
    lent: usize,
    copies: usize,
    /// Slots to hand back to PipeWire. Holds no more than were lent.
    back: Vec<u64>,
    /// Memory of copies that were dropped.
    spare: Vec<Vec<u8>>,
}

impl Returns {
    /// Tells how many buffers the stream has.
    pub(super) fn set_buffers(&self, buffers: usize) {
        self.lock().buffers = buffers;
    }

    /// The slots that came back since the last call.
    pub(super) fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().back)
    }

    /// Lends a buffer that cannot be copied, if not too many are out: one in any case.
    pub(super) fn borrow_one(self: &Arc<Self>, id: u64) -> Option<Ticket> {
        if let Some(ticket) = self.borrow(id) {
            return Some(ticket);
        }
        let mut state = self.lock();
        if state.lent > 0 {
            return None;
        }
        state.lent += 1;
        Some(Ticket { id, returns: Arc::clone(self) })
    }

    pub(super) fn borrow(self: &Arc<Self>, id: u64) -> Option<Ticket> {
        let mut state = self.lock();
        if state.lent >= state.buffers.saturating_sub(KEPT_BACK) {
            return None;
        }
        state.lent += 1;
        Some(Ticket { id, returns: Arc::clone(self) })
    }

    /// How many frames may be out, lent and copied together: the lease cap, and [`LEAST_OUT`] at
    /// least.
    const fn budget(state: &Out) -> usize {
        let cap = state.buffers.saturating_sub(KEPT_BACK);
        if cap > LEAST_OUT { cap } else { LEAST_OUT }
    }

    fn blank(self: &Arc<Self>, capacity: usize) -> Option<Copied> {
        let mut state = self.lock();
        if state.lent + state.copies >= Self::budget(&state) {
            return None;
        }
        state.copies += 1;
        let mut bytes = state.spare.pop().unwrap_or_default();
        drop(state);
        bytes.clear();
        bytes.reserve_exact(capacity);
        Some(Copied { bytes, returns: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_buffers_are_always_kept_back() {
        let returns = Arc::new(Returns::default());
        returns.set_buffers(8);
        let tickets: Vec<_> = (0..10).map_while(|id| returns.borrow(id)).collect();
        assert_eq!(tickets.len(), 5);
        let copy = returns.blank(1);
        assert!(copy.is_some() && returns.blank(1).is_none(), "one copy, then enough are out");
        drop(tickets);
        assert_eq!(returns.take(), [0, 1, 2, 3, 4]);
        assert!(returns.take().is_empty());
        assert!(returns.borrow(0).is_some());
    }

    #[test]
    fn what_cannot_be_copied_is_lent_once_even_where_buffers_are_few() {
        let returns = Arc::new(Returns::default());
        returns.set_buffers(2);
        let ticket = returns.borrow_one(0);
        assert!(ticket.is_some() && returns.borrow_one(1).is_none());
        drop(ticket);
        assert!(returns.borrow_one(1).is_some());
        returns.set_buffers(5);
        let tickets: Vec<_> = (0..10).map_while(|id| returns.borrow_one(id)).collect();
        assert_eq!(tickets.len(), 2);
    }

    #[test]
    fn few_buffers_are_topped_up_with_copies() {
        for (buffers, lent) in [(1, 0), (2, 0), (3, 0), (4, 1), (6, 3)] {
            let returns = Arc::new(Returns::default());
            returns.set_buffers(buffers);
            let tickets: Vec<_> = (0..10).map_while(|id| returns.borrow(id)).collect();
            let copies: Vec<_> = (0..10).map_while(|_| returns.blank(4)).collect();
            assert_eq!((tickets.len(), copies.len()), (lent, LEAST_OUT - lent));
            drop(copies);
            assert!(returns.blank(4).is_some());
        }
    }
}
