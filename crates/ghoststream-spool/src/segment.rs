//! A file without a name.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

/// A file whose room is taken.
#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    bytes: u64,
    /// Of all segments of the spool.
    used: Arc<AtomicU64>,
}

impl Segment {
    pub(crate) fn new(directory: &Path, bytes: u64, used: Arc<AtomicU64>) -> io::Result<Self> {
        let file = make(directory)?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            // FAT among others takes room only as it is written.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
        used.fetch_add(bytes, Ordering::Relaxed);
        Ok(Self { file, bytes, used })
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn write(&self, record: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(record, offset)
    }

    pub(crate) fn read(&self, record: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(record, offset)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A file that nobody else finds, in a directory that is made where it is missing.
pub(crate) fn make(directory: &Path) -> io::Result<File> {
    std::fs::create_dir_all(directory)?;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR) {
        // Kernels say so of file systems that cannot.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => unlinked(directory),
        made => Ok(File::from(made?)),
    }
}

/// The same where a file needs a name to be made by.
fn unlinked(directory: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    for number in 0..1000 {
        let path = directory.join(format!(".ghoststream-{}-{number}", std::process::id()));
        let mut options = File::options();
        match options.read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "no free name for a file that is to have none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_way_leaves_a_name() {
        let directory = tempfile::tempdir().unwrap();
        for file in [make(directory.path()).unwrap(), unlinked(directory.path()).unwrap()] {
            file.write_all_at(b"there", 0).unwrap();
            let mut read = [0; 5];
            file.read_exact_at(&mut read, 0).unwrap();
            assert_eq!(&read, b"there");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }
}
