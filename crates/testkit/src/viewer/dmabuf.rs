//! Pictures in DMA-BUFs, read by the CPU as our own capture reads them.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ghoststream::internals::format::VideoFormat;
use ghoststream::test_card::Stamp;
use ghoststream::{PixelFormat, Size};
use ghoststream_gpu::{DmaBuf, DmaBufPlane, LINEAR, Mapped, MappedPlane};
use pipewire::spa::sys as spa_sys;

use super::picture;

/// `SPA_DATA_DmaBuf`.
pub(super) const DMA_BUF: u32 = 3;

/// A picture that is being read.
pub(super) struct Picture<'a> {
    bytes: &'a [u8],
    planes: &'a [MappedPlane],
    format: PixelFormat,
    size: Size,
}

impl Picture<'_> {
    /// What the test card in it says.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let MappedPlane { offset, stride } = self.planes[0];
        picture::stamp(self.format, self.size, stride, &self.bytes[offset..])
    }

    /// The least and the greatest value in its planes of chroma, where it has any.
    pub(super) fn chroma(&self) -> Option<(u8, u8)> {
        let rows = |index: usize| {
            let (row_bytes, rows) = self.format.plane_layout(index, self.size);
            let MappedPlane { offset, stride } = self.planes[index];
            (0..rows).map(move |row| &self.bytes[offset + row * stride..][..row_bytes])
        };
        let values = || (1..self.planes.len()).flat_map(rows).flatten().copied();
        Some((values().min()?, values().max()?))
    }
}

/// Lets `reads` read a picture, where there is one, between the calls that the kernel wants around that.
///
/// # Errors
/// It is not what was agreed on: no DMA-BUF, as many planes as the format has, each within the memory.
///
/// # Safety
/// The blocks are those of a buffer that was dequeued and is not queued yet.
pub(super) unsafe fn read<T>(
    format: &VideoFormat,
    datas: &[spa_sys::spa_data],
    reads: impl FnOnce(&Picture<'_>) -> T,
) -> Result<Option<T>> {
    ensure!(format.modifier == Some(LINEAR), "a DMA-BUF came where {format:?} was agreed on");
    ensure!(datas.len() == format.format.planes(), "{format:?} came in {} blocks", datas.len());
    let plane = |data: &spa_sys::spa_data| {
        ensure!(data.type_ == DMA_BUF, "a plane came in memory of type {}", data.type_);
        // SAFETY: the caller promises that the buffer is there; PipeWire keeps its descriptors and chunks.
        let (fd, chunk) = unsafe { (BorrowedFd::borrow_raw(data.fd as i32), *data.chunk) };
        let fd = fd.try_clone_to_owned()?;
        let (offset, stride) = (u64::from(chunk.offset), u64::from(chunk.stride.unsigned_abs()));
        Ok((DmaBufPlane { fd, offset, stride }, chunk.flags))
    };
    let planes = datas.iter().map(plane).collect::<Result<Vec<_>>>()?;
    if planes.iter().any(|(_, flags)| flags & 1 != 0) {
        return Ok(None);
    }
    let planes = planes.into_iter().map(|(plane, _)| plane).collect();
    let buffer = DmaBuf::new(format.format, format.size, LINEAR, planes);
    let mapped = Arc::new(Mapped::new(&buffer).context("mapping a DMA-BUF")?);
    let reading = mapped.read(Duration::from_secs(1)).context("reading a DMA-BUF")?;
    let (bytes, planes) = (reading.bytes(), mapped.planes());
    Ok(Some(reads(&Picture { bytes, planes, format: format.format, size: format.size })))
}
