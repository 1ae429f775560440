//! The one door through which a file's bytes go to the disk.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::sync::Syncer;
use super::target::{Place, Target, place};
use crate::output::OutputError;

/// How much room is set aside at a time.
const STEP: u64 = 4 << 20;

/// A file that grows by whole units.
///
/// Room is set aside ahead of what is written ([`Disk::reserve`]), beyond the file's end, so that
/// what closes the file fits when the disk is full. A file system that cannot do that (NFS before
/// 4.2, FAT on old kernels) is written without: there a full disk is met when it is full, and the
/// file stays in the form that it has while it is recorded.
#[derive(Debug)]
pub(super) struct Disk {
    target: Target,
    /// The file's length: everything before is whole.
    end: u64,
    /// Room is set aside up to here.
    reserved: u64,
    can_reserve: bool,
    syncer: Syncer,
    /// Every byte that went through [`Disk::append`] and [`Disk::patch`].
    written: u64,
}

impl Disk {
    /// Makes the file, empty. See [`Target::create`].
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, OutputError> {
        let mut target = Target::create(path, overwrite)?;
        let syncer = Syncer::start(target.file().clone()).map_err(|source| {
            target.discard();
            OutputError::Create { path: path.to_owned(), source }
        })?;
        Ok(Self { target, end: 0, reserved: 0, can_reserve: true, syncer, written: 0 })
    }

    /// The file's length.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Bytes handed to the kernel so far, rewritten ones included.
    #[cfg(test)]
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// The name that was asked for, or the one that the file was given since.
    pub(super) fn path(&self) -> PathBuf {
        if self.end == 0 {
            return self.target.path().to_owned();
        }
        match place(self.target.file()) {
            Some(Place::At(path)) => path,
            _ => self.target.path().to_owned(),
        }
    }

    /// Makes sure that the next `bytes` can be written whatever else fills the disk meanwhile.
    ///
    /// # Errors
    /// They cannot: what was promised before still holds.
    pub(super) fn reserve(&mut self, bytes: u64) -> Result<(), OutputError> {
        let needed = self.end.saturating_add(bytes);
        if needed <= self.reserved || !self.can_reserve {
            return Ok(());
        }
        let allocate = |to: u64| {
            let flags = FallocateFlags::KEEP_SIZE;
            rustix::io::retry_on_intr(|| {
                rustix::fs::fallocate(self.target.file(), flags, self.reserved, to - self.reserved)
            })
        };
        let ahead = needed + STEP;
        let (to, result) = match allocate(ahead) {
            Ok(()) => (ahead, Ok(())),
            Err(_) => (needed, allocate(needed)),
        };
        match result {
            Ok(()) => self.reserved = to,
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::NODEV) => self.can_reserve = false,
            Err(error) => return Err(self.error(error.into())),
        }
        Ok(())
    }

    /// As on a file system that cannot set room aside.
    #[cfg(test)]
    pub(super) fn never_reserve(&mut self) {
        self.can_reserve = false;
    }

    /// What was found out since the last call: the disk lost something, or the file is gone.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&self) -> Result<(), OutputError> {
        self.syncer.check(self.target.path())
    }

    /// Writes a unit at the end.
    ///
    /// # Errors
    /// It could not be written whole, and the file is as it was before; or it is written, but could
    /// not take its name. [`Disk::end`] tells which.
    pub(super) fn append(&mut self, unit: &[u8]) -> Result<(), OutputError> {
        self.append_parts(&[unit])
    }

    /// The same for a unit that lies in several places: it is not put together first.
    pub(super) fn append_parts(&mut self, unit: &[&[u8]]) -> Result<(), OutputError> {
        let size: u64 = unit.iter().map(|it| it.len() as u64).sum();
        if size == 0 {
            return Ok(());
        }
        if let Err(error) = write_all(self.target.file(), unit, self.end) {
            // What a player would stumble over at the end is taken off again. If that fails too, the
            // end is torn as after a power cut, which players cope with.
            let _ = self.target.file().set_len(self.end);
            self.reserved = self.end;
            return Err(self.error(error));
        }
        self.end += size;
        self.written += size;
        let named = self.target.publish();
        self.syncer.wrote();
        named.map_err(|error| self.error(error))
    }

    /// Writes over what is there.
    ///
    /// # Errors
    /// The disk refused.
    pub(super) fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<(), OutputError> {
        self.target.file().write_all_at(bytes, at).map_err(|error| self.error(error))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Waits until everything written is durable.
    ///
    /// # Errors
    /// The disk lost something.
    pub(super) fn sync(&mut self) -> Result<(), OutputError> {
        self.target.file().sync_data().map_err(|error| self.error(error))
    }

    /// Gives back the room that was not needed and makes the file durable; one without bytes is
    /// removed.
    ///
    /// # Errors
    /// The disk lost something, or the file is gone.
    pub(super) fn close(&mut self) -> Result<(), OutputError> {
        self.syncer.stop();
        if self.end == 0 {
            self.target.discard();
            return Ok(());
        }
        if self.reserved > self.end {
            // Setting the length that it has frees what lies beyond.
            self.target.file().set_len(self.end).map_err(|error| self.error(error))?;
            self.reserved = self.end;
        }
        self.sync()?;
        if place(self.target.file()) == Some(Place::Removed) {
            return Err(OutputError::Removed { path: self.target.path().to_owned() });
        }
        self.syncer.check(self.target.path())
    }

    fn error(&self, error: io::Error) -> OutputError {
        OutputError::writing(self.target.path(), error)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.end == 0 {
            self.target.discard();
        }
    }
}

/// Writes parts one after another into a file, with as few calls as that takes.
fn write_all(file: &File, parts: &[&[u8]], mut at: u64) -> io::Result<()> {
    /// The most that Linux takes at once (`UIO_MAXIOV`).
    const MOST: usize = 1024;
    for parts in parts.chunks(MOST) {
        let mut slices: Vec<_> = parts.iter().map(|it| IoSlice::new(it)).collect();
        let mut left = &mut slices[..];
        // Takes off empty parts at the beginning, too.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::pwritev(file, left, at))?;
            if written == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            at += written as u64;
            IoSlice::advance_slices(&mut left, written);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_in_order_however_many_there_are() {
        let file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..9000u32).map(|it| (it % 251) as u8).collect();
        let mut parts: Vec<&[u8]> = bytes.chunks(3).collect();
        parts.insert(0, &[]);
        parts.insert(1500, &[]);
        write_all(&file, &parts, 5).unwrap();
        let mut read = vec![0; bytes.len()];
        file.read_exact_at(&mut read, 5).unwrap();
        assert!(read == bytes);
        assert_eq!(file.metadata().unwrap().len(), 9005);
    }
}
