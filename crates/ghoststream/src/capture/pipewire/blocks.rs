//! A buffer's stretches of memory, mapped so that they may be read.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::Arc;

use pipewire::spa::sys as spa_sys;

use super::mapping::Mapping;

/// `SPA_DATA_MemPtr`.
pub(super) const DATA_MEM_PTR: u32 = 1;
/// `SPA_DATA_MemFd`.
pub(super) const DATA_MEM_FD: u32 = 2;

/// What PipeWire 1.x hands out when the format changes before the buffers of the last one were made.
pub(super) const NO_MEMORY: &str = "it has no memory";

/// A stretch of memory of a buffer.
#[derive(Debug)]
pub(super) enum Block {
    /// Ours to keep: `start` bytes into the mapping.
    Mapped { mapping: Arc<Mapping>, start: usize, length: usize },
    /// PipeWire's, until the buffer is removed.
    Borrowed { data: NonNull<u8>, length: usize },
}

impl Block {
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Mapped { length, .. } | Self::Borrowed { length, .. } => *length,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped { mapping, start, length } => &mapping.bytes()[*start..*start + *length],
            // SAFETY: PipeWire promises `length` bytes there until it removes the buffer, and the
            // slot that holds this block goes with it.
            Self::Borrowed { data, length } => unsafe { std::slice::from_raw_parts(data.as_ptr(), *length) },
        }
    }
}

/// Maps every block; those of one file with one mapping, so that a frame needs one lease.
pub(super) fn map_all(datas: &[spa_sys::spa_data]) -> Result<Vec<Block>, String> {
    if datas.is_empty() {
        return Err(NO_MEMORY.into());
    }
    if datas.len() > 1
        && let Some(blocks) = map_together(datas)
    {
        return Ok(blocks);
    }
    datas.iter().map(map_one).collect()
}

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
