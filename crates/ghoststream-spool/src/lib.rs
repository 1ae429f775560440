//! Bytes that do not fit into memory, kept on a disk for as long as the program runs.
//!
//! A [`Spool`] writes records one after another into *segments*, files of one size. Each record has a [`Place`],
//! from which it can be read on any thread, as often as is wanted. When the last place in a segment is dropped, so is
//! the segment, and its room on the disk is free.
//!
//! Segments have no name (`O_TMPFILE`, open(2)), or, on file systems that want one, lose it at once. So nothing is left
//! of them when the program ends, however it does, and nobody else can open them. Their room is taken when they are
//! made: a full disk is told then and not in the middle of a record.
//!
//! ```
//! let directory = tempfile::tempdir()?;
//! let mut spool = ghoststream_spool::Spool::open(directory.path(), 1 << 20)?;
//! let place = spool.write(b"what is not needed now")?;
//! assert_eq!(place.read()?, b"what is not needed now");
//! drop(place);
//! # Ok::<(), std::io::Error>(())
//! ```
#![warn(missing_docs)]

mod segment;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use segment::Segment;

/// Records on a disk, written by one thread.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    /// Bytes of a segment, but for a record that is larger.
    segment_bytes: u64,
    /// The segment that is being filled, and where it goes on.
    current: Option<(Arc<Segment>, u64)>,
    used: Arc<AtomicU64>,
}

impl Spool {
    /// Records in a directory, which is made where it is missing, in segments of so many bytes.
    ///
    /// # Errors
    /// The directory cannot be made or written to.
    pub fn open(directory: &Path, segment_bytes: u64) -> io::Result<Self> {
        let spool = Self {
            directory: directory.to_owned(),
            segment_bytes: segment_bytes.max(1),
            current: None,
            used: Arc::default(),
        };
        // Whether it goes at all is told at once.
        segment::make(directory)?;
        Ok(spool)
    }

    /// Writes a record. After an error those that were written before can be read as they could.
    ///
    /// # Errors
    /// The disk is full ([`StorageFull`](io::ErrorKind::StorageFull)), or does not work.
    pub fn write(&mut self, record: &[u8]) -> io::Result<Place> {
        let length = record.len() as u64;
        let (segment, offset) = match self.current.take() {
            Some((segment, offset)) if offset + length <= segment.bytes() => (segment, offset),
            full => {
                // What is full may be given up: its room may be what the next one needs.
                drop(full);
                let bytes = self.segment_bytes.max(length);
                (Arc::new(Segment::new(&self.directory, bytes, Arc::clone(&self.used))?), 0)
            }
        };
        segment.write(record, offset)?;
        self.current = Some((Arc::clone(&segment), offset + length));
        Ok(Place { segment, offset, length })
    }

    /// Bytes that the disk has room for still, beyond what is taken.
    ///
    /// # Errors
    /// The disk does not say.
    pub fn free(&self) -> io::Result<u64> {
        let found = rustix::fs::statvfs(&self.directory)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Bytes of the disk that are taken, by segments that are still needed.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// Where a record is. Its room on the disk is taken for as long as this, or another place near it, is held.
#[derive(Clone, Debug)]
pub struct Place {
    segment: Arc<Segment>,
    offset: u64,
    length: u64,
}

impl Place {
    /// Reads the record.
    ///
    /// # Errors
    /// The disk does not work.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut record = vec![0; usize::try_from(self.length).map_err(io::Error::other)?];
        self.segment.read(&mut record, self.offset)?;
        Ok(record)
    }

    /// Bytes of the record.
    pub const fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests;
