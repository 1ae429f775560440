//! Where a file is made, and how it takes its name.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Access;

use crate::output::OutputError;

/// Whether a file can be made at `path`, without making it.
pub(super) fn check(path: &Path, overwrite: bool) -> Result<(), OutputError> {
    let refuse = |kind, why: &str| Err(create_error(path, io::Error::new(kind, why.to_owned())));
    let os = |source: io::Error| create_error(path, source);
    if path.file_name().is_none() {
        return refuse(ErrorKind::InvalidInput, "it names no file");
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return refuse(ErrorKind::IsADirectory, "it is a directory"),
        Ok(_) if !overwrite => return Err(OutputError::Exists(path.to_owned())),
        Ok(found) if !found.is_file() => {
            return refuse(ErrorKind::InvalidInput, "it is not an ordinary file");
        }
        Ok(_) => rustix::fs::access(path, Access::WRITE_OK).map_err(|it| os(it.into()))?,
        // A symbolic link that leads nowhere.
        Err(_) if path.symlink_metadata().is_ok() => return Err(OutputError::Exists(path.to_owned())),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(os(error)),
        Err(_) => {}
    }
    let parent = parent(path);
    match std::fs::metadata(parent) {
        Ok(found) if !found.is_dir() => {
            return refuse(ErrorKind::NotADirectory, &format!("{} is not a directory", parent.display()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let why = format!("the directory {} does not exist; make it first", parent.display());
            return refuse(ErrorKind::NotFound, &why);
        }
        Err(error) => return Err(os(error)),
    }
    rustix::fs::access(parent, Access::WRITE_OK | Access::EXEC_OK).map_err(|it| os(it.into()))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn create_error(path: &Path, source: io::Error) -> OutputError {
    OutputError::Create { path: path.to_owned(), source }
}

/// An open file, and the name that it has or is to take.
#[derive(Debug)]
pub(super) struct Target {
    file: Arc<File>,
    path: PathBuf,
    /// Its name until [`Target::publish`], where it replaces another file.
    beside: Option<PathBuf>,
}

impl Target {
    /// Makes the file: under its name, or beside the one that it is to replace.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, OutputError> {
        check(path, overwrite)?;
        let make = |at: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(at);
        let replaces = overwrite && path.exists();
        if !replaces {
            let file = make(path).map_err(|source| match source.kind() {
                ErrorKind::AlreadyExists => OutputError::Exists(path.to_owned()),
                _ => create_error(path, source),
            })?;
            return Ok(Self { file: Arc::new(file), path: path.to_owned(), beside: None });
        }
        // Through symbolic links, so that the link stays one.
        let path = path.canonicalize().map_err(|source| create_error(path, source))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for attempt in 0..100 {
            let beside = path.with_file_name(format!(".{name}.{}-{attempt}.new", std::process::id()));
            match make(&beside) {
                Ok(file) => return Ok(Self { file: Arc::new(file), path, beside: Some(beside) }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(source) => return Err(create_error(&path, source)),
            }
        }
        Err(create_error(&path, io::Error::other("no free name beside it")))
    }

    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// The name that was asked for.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the place of the file that it replaces, once there is something to replace it with.
    pub(super) fn publish(&mut self) -> io::Result<()> {
        if let Some(beside) = &self.beside {
            std::fs::rename(beside, &self.path)?;
            self.beside = None;
        }
        Ok(())
    }

    /// Removes the file, if its name still leads to it.
    pub(super) fn discard(&mut self) {
        let name = self.beside.take().unwrap_or_else(|| self.path.clone());
        let (Ok(ours), Ok(found)) = (self.file.metadata(), name.symlink_metadata()) else {
            return;
        };
        if (ours.dev(), ours.ino()) == (found.dev(), found.ino()) {
            // Nothing is lost if this fails: the file is empty.
            let _ = std::fs::remove_file(name);
        }
    }
}

/// What became of a file's name while it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is where this says, also after it or its directory was moved.
    At(PathBuf),
    /// No name leads to it any more: it ends with the process.
    Removed,
}

/// Where the file is now. `None` where the system does not say.
pub(super) fn place(file: &File) -> Option<Place> {
    if file.metadata().ok()?.nlink() == 0 {
        return Some(Place::Removed);
    }
    let link = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    Some(Place::At(link))
}
