//! Pictures of other programs, read by the CPU where they lie: linear DMA-BUFs, mapped.
//!
//! The CPU may read a DMA-BUF between two calls to the kernel (`DMA_BUF_IOCTL_SYNC`, see `linux/dma-buf.h`), which
//! keep its caches in step with devices. The memory of a GPU of its own may be slow to read so; that of one that
//! shares the machine's memory is as fast as any.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::fstat;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::sync::{fence, reading};
use crate::{DmaBuf, DmaBufError, LINEAR, PlaneLayout, check_layout, memory_length};

/// Why the CPU cannot read a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum MapError {
    #[error("it is tiled (modifier {0:#x}), which the CPU cannot read")]
    Tiled(u64),
    #[error(transparent)]
    Description(#[from] DmaBufError),
    #[error("its driver does not let the CPU read it: {0}")]
    Refused(#[from] io::Error),
}

/// A picture's memory, mapped: one stretch of addresses for all of its planes.
#[derive(Debug)]
pub struct Mapped {
    base: NonNull<c_void>,
    length: usize,
    files: Vec<OwnedFd>,
    planes: Vec<MappedPlane>,
}

/// Where a plane lies in a [`Mapped`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedPlane {
    /// Bytes before its first row.
    pub offset: usize,
    /// Bytes from row to row.
    pub stride: usize,
}

// SAFETY: the mapping is only ever read, and unmapped once, by whoever drops it.
unsafe impl Send for Mapped {}
// SAFETY: as above; reading from several threads at once is fine.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps a picture. Its descriptors are not needed after.
    ///
    /// # Errors
    /// It is tiled, its description does not fit its memory, or its driver lets nobody map it.
    pub fn new(buffer: &DmaBuf) -> Result<Self, MapError> {
        if buffer.modifier != LINEAR {
            return Err(MapError::Tiled(buffer.modifier));
        }
        let lengths = buffer.planes.iter().map(|it| memory_length(it.fd.as_fd(), true));
        let lengths = lengths.collect::<Result<Vec<_>, _>>()?;
        let layout = |(plane, &length): (&crate::DmaBufPlane, &u64)| PlaneLayout {
            offset: plane.offset,
            stride: plane.stride,
            length,
        };
        let layouts: Vec<_> = buffer.planes.iter().zip(&lengths).map(layout).collect();
        check_layout(buffer.format, buffer.size, LINEAR, buffer.format.planes() as u32, &layouts)?;
        let (files, starts, length) = distinct(buffer, &lengths)?;
        // SAFETY: addresses of the kernel's choice, which nothing else refers to.
        let base =
            unsafe { mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE) };
        let base = NonNull::new(base.map_err(io::Error::from)?).ok_or(io::ErrorKind::AddrNotAvailable);
        let base = base.map_err(io::Error::from)?;
        let place = |(&start, at): (&usize, &PlaneLayout)| MappedPlane {
            offset: start + at.offset as usize,
            stride: at.stride as usize,
        };
        let planes = starts.iter().zip(&layouts).map(place).collect();
        let mut this = Self { base, length, files: Vec::new(), planes };
        for (fd, start, length) in files {
            // SAFETY: within the addresses that were reserved above, in place of what was there.
            unsafe {
                let at = this.base.as_ptr().byte_add(start);
                mmap(at, length, ProtFlags::READ, MapFlags::SHARED | MapFlags::FIXED, &fd, 0)
            }
            .map_err(io::Error::from)?;
            this.files.push(fd);
        }
        Ok(this)
    }

    /// Begins to read what it holds now, once whoever draws into it is done.
    ///
    /// # Errors
    /// That takes longer than `most`, or the driver refuses.
    pub fn read(self: &Arc<Self>, most: Duration) -> io::Result<Reading> {
        let mut reading = Reading { mapped: Arc::clone(self), begun: 0 };
        for file in &self.files {
            // The kernel's own wait has no end.
            if !fence::wait(file, most) {
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("not drawn within {most:?}")));
            }
            reading::begin(file.as_fd())?;
            reading.begun += 1;
        }
        Ok(reading)
    }

    /// Where its planes lie in [`Reading::bytes`].
    pub fn planes(&self) -> &[MappedPlane] {
        &self.planes
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped; nobody borrows the bytes.
        let _ = unsafe { munmap(self.base.as_ptr(), self.length) };
    }
}

/// Each file once, with its place among the others and its length; the place of each plane's; the length of all.
type Files = (Vec<(OwnedFd, usize, usize)>, Vec<usize>, usize);

/// Lays the files behind a picture's planes out one behind the other.
fn distinct(buffer: &DmaBuf, lengths: &[u64]) -> io::Result<Files> {
    let (mut files, mut starts, mut end) = (Vec::<(OwnedFd, usize, usize)>::new(), Vec::new(), 0usize);
    let mut seen = Vec::new();
    for (plane, &length) in buffer.planes.iter().zip(lengths) {
        let stat = fstat(&plane.fd)?;
        let file = (stat.st_dev, stat.st_ino);
        if let Some(known) = seen.iter().position(|it| *it == file) {
            starts.push(files[known].1);
            continue;
        }
        let too_long = || io::Error::from(io::ErrorKind::OutOfMemory);
        let length = usize::try_from(length).map_err(|_| too_long())?;
        seen.push(file);
        starts.push(end);
        files.push((plane.fd.try_clone()?, end, length));
        // DMA-BUFs are whole pages, of which no machine's are larger.
        end = length
            .checked_next_multiple_of(1 << 16)
            .and_then(|it| end.checked_add(it))
            .ok_or_else(too_long)?;
    }
    Ok((files, starts, end))
}

/// A picture that is being read; dropping it ends that.
#[derive(Debug)]
pub struct Reading {
    mapped: Arc<Mapped>,
    /// Files of which reading has begun.
    begun: usize,
}

impl Reading {
    /// Every byte of its memory. Another program may write to them meanwhile: nothing may depend on reading the
    /// same value twice.
    pub fn bytes(&self) -> &[u8] {
        let Mapped { base, length, .. } = *self.mapped;
        // SAFETY: so many bytes were reserved for reading, and stay so while self holds the mapping. The files that
        // took their place are DMA-BUFs, which never shrink.
        unsafe { std::slice::from_raw_parts(base.as_ptr().cast(), length) }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        for file in &self.mapped.files[..self.begun] {
            // What cannot be ended was begun all the same, and read.
            let _ = reading::end(file.as_fd());
        }
    }
}

#[cfg(test)]
mod tests {
    use ghoststream_picture::{PixelFormat, Size};
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;
    use crate::DmaBufPlane;

    fn posing(modifier: u64) -> DmaBuf {
        let fd = memfd_create("no-dmabuf", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, 4096).unwrap();
        let plane = DmaBufPlane { fd, offset: 0, stride: 64 };
        DmaBuf::new(PixelFormat::Bgrx, Size::new(16, 16), modifier, vec![plane])
    }

    #[test]
    fn what_the_cpu_cannot_read_is_refused_in_words() {
        let refused = |modifier| Mapped::new(&posing(modifier)).unwrap_err().to_string();
        assert!(refused(7).contains("tiled (modifier 0x7)"));
        assert!(refused(LINEAR).contains("is not a DMA-BUF"));
    }

    #[test]
    fn planes_of_one_file_are_mapped_once() {
        let mut buffer = posing(LINEAR);
        let fd = buffer.planes[0].fd.try_clone().unwrap();
        buffer.planes.push(DmaBufPlane { fd, offset: 1024, stride: 64 });
        buffer.planes.extend(posing(LINEAR).planes);
        let (files, starts, length) = distinct(&buffer, &[4096, 4096, 4096]).unwrap();
        let places: Vec<_> = files.iter().map(|(_, start, length)| (*start, *length)).collect();
        assert_eq!(
            (places, starts, length),
            (vec![(0, 4096), (1 << 16, 4096)], vec![0, 0, 1 << 16], 2 << 16)
        );
        assert!(distinct(&buffer, &[u64::MAX, 1, 1]).is_err());
    }
}
