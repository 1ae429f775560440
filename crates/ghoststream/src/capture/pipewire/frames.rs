//! From PipeWire's buffers to captured frames: what the process callback does for each.

mod gpu;

use std::sync::Arc;

use super::buffer::Slot;
use super::format::VideoFormat;
use super::layout::{self, Chunk, PlaneAt};
use super::meta::{self, Shape};
use super::returns::Returns;
use crate::capture::{CapturedFrame, CpuBuffer, Cursor, CursorBitmap, Damage, FrameSink, Memory};
use crate::{Rect, Timestamp};
use gpu::GpuFrames;

/// A producer's timestamp that lies longer ago than this is not believed.
const MOST_LATE: i64 = 1_000_000_000;

/// Nor one that lies further ahead; some state when the picture will be on the screen.
const MOST_EARLY: i64 = 100_000_000;

/// A stream's memory from one frame to the next.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) stream: usize,
    pub(super) sink: FrameSink,
    /// Whether the pointer comes as metadata, so that it can move without a new picture.
    pub(super) with_cursor: bool,
    pub(super) format: Option<VideoFormat>,
    pub(super) slots: Vec<Slot>,
    pub(super) returns: Arc<Returns>,
    sequence: u64,
    last_pts: Timestamp,
    /// What changed in frames that were not handed on.
    missed: Damage,
    bitmap: Arc<CursorBitmap>,
    hotspot: (i32, i32),
    /// The last picture, kept while the pointer may move over it.
    last: Option<CapturedFrame>,
    /// What pictures in a GPU's memory need.
    gpu: Option<GpuFrames>,
}

/// Whether the buffer goes straight back to PipeWire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Lent,
    GiveBack,
}

impl Frames {
    pub(super) fn new(stream: usize, sink: FrameSink, with_cursor: bool) -> Self {
        Self {
            stream,
            sink,
            with_cursor,
            format: None,
            slots: Vec::new(),
            returns: Arc::default(),
            sequence: 0,
            last_pts: Timestamp::default(),
            missed: Damage::Full,
            bitmap: Arc::new(CursorBitmap { size: crate::Size::default(), rgba: Vec::new() }),
            hotspot: (0, 0),
            last: None,
            gpu: None,
        }
    }

    /// Another format was agreed on, or none: nothing of what was before can be built upon.
    pub(super) fn set_format(&mut self, format: Option<VideoFormat>) {
        self.format = format;
        self.missed = Damage::Full;
        self.last = None;
    }

    /// Frames of another stream from the same source, which goes on counting.
    pub(super) fn successor(&self) -> Self {
        let mut next = Self::new(self.stream, self.sink.clone(), self.with_cursor);
        (next.sequence, next.last_pts) = (self.sequence, self.last_pts);
        next
    }

    /// The stream ended: lets go of what it holds.
    pub(super) fn clear(&mut self) {
        self.set_format(None);
        self.slots.clear();
        self.gpu = None;
    }

    /// Buffers in which pictures can come.
    pub(super) fn usable_slots(&self) -> usize {
        self.slots.iter().filter(|slot| !matches!(slot.gpu, Some(Err(_)))).count()
    }

    /// Handles one buffer that the producer filled.
    pub(super) fn accept(&mut self, slot: usize) -> Keep {
        let arrived = Timestamp::now();
        match self.read(slot, arrived) {
            Ok(keep) => {
                if let Some(gpu) = &mut self.gpu {
                    gpu.failures = 0;
                }
                keep
            }
            Err(why) => {
                self.failed(slot, &why);
                self.sequence += 1;
                self.missed = Damage::Full;
                self.sink.corrupt(&why);
                Keep::GiveBack
            }
        }
    }

    fn read(&mut self, index: usize, arrived: Timestamp) -> Result<Keep, String> {
        let slot = self.slots.get(index).ok_or("it came in a buffer that was never announced")?;
        if let Some(Err(why)) = &slot.gpu {
            return Err(why.clone());
        }
        // Signalled on every way out, unless it is handed on with the picture.
        let points = slot.gpu.as_ref().and_then(|_| slot.sync_points());
        let release = slot.gpu.as_ref().and_then(|gpu| gpu.as_ref().ok()?.release(points));
        let header = slot.meta(meta::HEADER, meta::HEADER_BYTES).and_then(|bytes| meta::header(&bytes));
        let cursor = self.with_cursor.then(|| read_cursor(slot)).flatten();
        let chunks = slot.chunks();
        let may_move = slot.has_meta(meta::CURSOR) || chunks.iter().any(|chunk| chunk.is_corrupted());
        let cursor = cursor.transpose()?.and_then(|cursor| self.cursor(cursor));
        let stated = header.map(|header| header.pts);
        if self.lacks_picture(&self.slots[index], &chunks) {
            // Compositors send the pointer's movements so, some marking the absent picture corrupt.
            let pts = self.pts(stated, arrived);
            return self.without_picture(pts, arrived, cursor, may_move);
        }
        if header.is_some_and(|header| header.corrupted) {
            return Err("the producer marked it as corrupted".into());
        }
        let slot = &self.slots[index];
        if slot.gpu.is_some() {
            return self.gpu_picture(index, &chunks, points, release, (stated, arrived), cursor);
        }
        slot.check()?;
        let format = slot.format;
        let places = layout::place(format.format, format.size, &slot.lengths(), &chunks)?;
        let pts = self.pts(stated, arrived);
        self.picture(index, &places[..format.format.planes()], pts, arrived, cursor)
    }

    /// Hands a picture on whose planes were found to lie within its buffer.
    fn picture(
        &mut self,
        index: usize,
        places: &[PlaneAt],
        pts: Timestamp,
        arrived: Timestamp,
        cursor: Option<Cursor>,
    ) -> Result<Keep, String> {
        let slot = &self.slots[index];
        let VideoFormat { format, size, .. } = slot.format;
        let (keep, memory) = match slot.lend(places, &self.returns) {
            Some(lent) => (Keep::Lent, Some(lent)),
            None => (Keep::GiveBack, slot.copy(places, &self.returns)),
        };
        let Some((lease, planes)) = memory else {
            self.no_room(index);
            return Ok(Keep::GiveBack);
        };
        let memory = match CpuBuffer::new(lease, format, size, &planes) {
            Ok(buffer) => Memory::Cpu(buffer),
            Err(why) => {
                // The lease is gone, and has given the buffer back if it was lent.
                self.sequence += 1;
                self.missed = Damage::Full;
                self.sink.corrupt(&why.to_string());
                return Ok(keep);
            }
        };
        let frame = self.describe(index, pts, arrived, cursor, memory);
        self.sink.push(frame);
        Ok(keep)
    }

    /// Whether a frame only says where the pointer is. In a GPU's memory a picture need not state its size.
    fn lacks_picture(&self, slot: &Slot, chunks: &[Chunk]) -> bool {
        let empty = chunks.iter().all(|chunk| chunk.size == 0);
        if slot.gpu.is_none() {
            return empty;
        }
        let states_size = self.gpu.as_ref().is_some_and(|gpu| gpu.states_size);
        let first = chunks.first().copied().unwrap_or_default();
        first.is_corrupted() || empty && (states_size || first.stride == 0)
    }

    /// Too many frames are out: this one is not handed on.
    fn no_room(&mut self, index: usize) {
        self.missed = self.damage(index);
        self.sequence += 1;
        self.sink.drop_frame();
    }

    /// What changed since the last frame that was handed on.
    fn damage(&self, index: usize) -> Damage {
        let slot = &self.slots[index];
        let damage = slot.meta(meta::DAMAGE, 64 * meta::REGION_BYTES);
        let mut damage = damage.map_or(Damage::Full, |bytes| meta::damage(&bytes, slot.format.size));
        damage.merge(&self.missed);
        damage
    }

    /// A frame that is handed on, with all that the producer says of it.
    fn describe(
        &mut self,
        index: usize,
        pts: Timestamp,
        arrived: Timestamp,
        cursor: Option<Cursor>,
        memory: Memory,
    ) -> CapturedFrame {
        let slot = &self.slots[index];
        let VideoFormat { format, size, color, .. } = slot.format;
        let crop = slot.meta(meta::CROP, meta::REGION_BYTES).and_then(|bytes| meta::region(&bytes, size));
        let transform = slot.meta(meta::TRANSFORM, 4).map(|bytes| meta::transform(&bytes));
        let damage = self.damage(index);
        self.missed = Damage::Rects(Vec::new());
        let sequence = self.sequence;
        self.sequence += 1;
        let frame = CapturedFrame {
            stream: self.stream,
            sequence,
            pts,
            arrived,
            size,
            format,
            color,
            crop: crop.unwrap_or(Rect::of(size)),
            transform: transform.unwrap_or_default(),
            damage,
            cursor,
            hdr: None,
            memory,
        };
        if self.with_cursor {
            self.last = Some(frame.clone());
        }
        frame
    }

    /// A buffer without a picture: the last one again, with the pointer where it is now. Where the
    /// producer could not mean that (`may_move`), it is a mistake.
    fn without_picture(
        &mut self,
        pts: Timestamp,
        arrived: Timestamp,
        cursor: Option<Cursor>,
        may_move: bool,
    ) -> Result<Keep, String> {
        if !may_move {
            return Err("it holds no picture: its size is 0".into());
        }
        let Some(last) = &mut self.last else { return Ok(Keep::GiveBack) };
        if last.cursor == cursor {
            return Ok(Keep::GiveBack);
        }
        last.sequence = self.sequence;
        self.sequence += 1;
        last.pts = pts;
        last.arrived = arrived;
        last.cursor = cursor;
        let mut frame = last.clone();
        frame.damage = Damage::Rects(Vec::new());
        match &self.gpu {
            // After the pictures that are still being drawn.
            Some(gpu) => gpu.waiter.waits().deliver(frame, None),
            None => self.sink.push(frame),
        }
        Ok(Keep::GiveBack)
    }

    /// The producer's time where it can be believed, and never before that of the frame before.
    fn pts(&mut self, stated: Option<i64>, arrived: Timestamp) -> Timestamp {
        let believed = |pts: &Timestamp| {
            pts.as_nanos() > 0 && (-MOST_LATE..=MOST_EARLY).contains(&pts.nanos_since(arrived))
        };
        let stated = stated.map(Timestamp::from_nanos).filter(believed);
        let pts = stated.unwrap_or(arrived).max(self.last_pts);
        self.last_pts = pts;
        pts
    }

    fn cursor(&mut self, cursor: Option<meta::CursorMeta>) -> Option<Cursor> {
        let cursor = cursor?;
        if let Shape::New(bitmap) = cursor.shape {
            self.hotspot = cursor.hotspot;
            // Some producers send the same picture with every frame.
            if *bitmap != *self.bitmap {
                self.bitmap = bitmap;
            }
        }
        Some(Cursor { position: cursor.position, hotspot: self.hotspot, bitmap: Arc::clone(&self.bitmap) })
    }
}

/// The pointer, copying its picture only when there is one.
fn read_cursor(slot: &Slot) -> Option<Result<Option<meta::CursorMeta>, String>> {
    let mut bytes = slot.meta(meta::CURSOR, meta::CURSOR_BYTES)?;
    if meta::cursor_has_bitmap(&bytes) {
        bytes = slot.meta(meta::CURSOR, usize::MAX)?;
    }
    Some(meta::cursor(&bytes).map_err(Into::into))
}
