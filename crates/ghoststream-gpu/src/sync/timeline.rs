//! Timelines: points that signal one after the other, shared between programs.
#![allow(unsafe_code)]

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{major, minor};
use rustix::time::{ClockId, clock_gettime};

use super::ioctl::{
    self, Capability, SyncobjHandle, SyncobjLife, SyncobjPoints, SyncobjTransfer, SyncobjWait,
};

/// Points that signal one after the other.
pub trait Timeline: Debug + Send + Sync {
    /// Waits until `point` has signalled, `most` at most; a point that nobody has promised yet is waited for too.
    /// `false` when it has not signalled by then. Zero asks without waiting.
    ///
    /// # Errors
    /// The timeline cannot be asked.
    fn wait(&self, point: u64, most: Duration) -> io::Result<bool>;

    /// Signals `point` now.
    ///
    /// # Errors
    /// The timeline cannot be told.
    fn signal(&self, point: u64) -> io::Result<()>;

    /// Lets `point` signal when `fence`, a sync file, does.
    ///
    /// # Errors
    /// The timeline cannot be told, or `fence` is no sync file.
    fn signal_with(&self, point: u64, fence: BorrowedFd<'_>) -> io::Result<()>;
}

/// A GPU's render node, through which syncobjs are reached; they may be another GPU's.
#[derive(Debug)]
pub struct RenderNode {
    file: File,
}

impl RenderNode {
    /// `DRM_CAP_SYNCOBJ_TIMELINE`.
    const TIMELINES: u64 = 0x14;

    /// Opens the node with a device number, if its driver has timelines.
    ///
    /// # Errors
    /// It is not there, cannot be opened, or has none.
    pub fn open((wanted_major, wanted_minor): (u32, u32)) -> io::Result<Self> {
        let wanted = |number: u64| major(number) == wanted_major && minor(number) == wanted_minor;
        let found = std::fs::read_dir("/dev/dri")?
            .filter_map(Result::ok)
            .find(|entry| entry.metadata().is_ok_and(|it| wanted(it.rdev())))
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let this = Self { file: File::options().read(true).write(true).open(found.path())? };
        let mut argument = Capability { capability: Self::TIMELINES, value: 0 };
        // SAFETY: the structure of that call, without addresses.
        unsafe { ioctl::call::<{ ioctl::GET_CAP }, _>(&this.file, &mut argument)? };
        if argument.value == 0 {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "its driver has no timelines"));
        }
        Ok(this)
    }

    fn create(&self) -> io::Result<u32> {
        let mut argument = SyncobjLife { handle: 0, flags: 0 };
        // SAFETY: the structure of that call, without addresses.
        unsafe { ioctl::call::<{ ioctl::SYNCOBJ_CREATE }, _>(&self.file, &mut argument)? };
        Ok(argument.handle)
    }

    fn destroy(&self, handle: u32) {
        let mut argument = SyncobjLife { handle, flags: 0 };
        // SAFETY: the structure of that call, without addresses.
        let result = unsafe { ioctl::call::<{ ioctl::SYNCOBJ_DESTROY }, _>(&self.file, &mut argument) };
        if let Err(error) = result {
            tracing::debug!(%error, "a syncobj cannot be destroyed");
        }
    }
}

/// A handle of ours, destroyed when it is dropped.
#[derive(Debug)]
struct Handle {
    node: Arc<RenderNode>,
    number: u32,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.node.destroy(self.number);
    }
}

/// A timeline of the kernel's, shared by a descriptor.
#[derive(Debug)]
pub struct Syncobj {
    timeline: Handle,
    /// Holds the fence that becomes a point: a sync file cannot become one directly.
    binary: Mutex<Handle>,
}

impl Syncobj {
    /// `DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE`.
    const SYNC_FILE: u32 = 1;
    /// `DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL` and `…_WAIT_FOR_SUBMIT`.
    const WAIT: u32 = 1 | 2;

    /// Takes the timeline that `fd` is a descriptor of; the descriptor is not kept.
    ///
    /// # Errors
    /// It is none.
    pub fn import(node: &Arc<RenderNode>, fd: BorrowedFd<'_>) -> io::Result<Self> {
        let mut argument = SyncobjHandle { handle: 0, flags: 0, fd: fd.as_raw_fd(), pad: 0 };
        // SAFETY: the structure of that call, without addresses.
        unsafe { ioctl::call::<{ ioctl::SYNCOBJ_FD_TO_HANDLE }, _>(&node.file, &mut argument)? };
        let timeline = Handle { node: Arc::clone(node), number: argument.handle };
        let binary = Handle { node: Arc::clone(node), number: node.create()? };
        Ok(Self { timeline, binary: Mutex::new(binary) })
    }

    /// A timeline of our own, no point of which has signalled.
    ///
    /// # Errors
    /// The driver makes none.
    pub fn new(node: &Arc<RenderNode>) -> io::Result<Self> {
        let timeline = Handle { node: Arc::clone(node), number: node.create()? };
        let binary = Handle { node: Arc::clone(node), number: node.create()? };
        Ok(Self { timeline, binary: Mutex::new(binary) })
    }

    /// A descriptor of the timeline, for another program.
    ///
    /// # Errors
    /// There are too many.
    pub fn export(&self) -> io::Result<OwnedFd> {
        let mut argument = SyncobjHandle { handle: self.timeline.number, flags: 0, fd: -1, pad: 0 };
        // SAFETY: the structure of that call, without addresses; the descriptor it hands out is ours.
        unsafe {
            ioctl::call::<{ ioctl::SYNCOBJ_HANDLE_TO_FD }, _>(self.file(), &mut argument)?;
            ioctl::made(argument.fd)
        }
    }

    fn file(&self) -> &File {
        &self.timeline.node.file
    }
}

impl Timeline for Syncobj {
    fn wait(&self, point: u64, most: Duration) -> io::Result<bool> {
        let until = if most.is_zero() {
            0
        } else {
            let now = clock_gettime(ClockId::Monotonic);
            now.tv_sec * 1_000_000_000 + now.tv_nsec + most.as_nanos() as i64
        };
        let (handles, points) = ([self.timeline.number], [point]);
        let mut argument = SyncobjWait {
            handles: handles.as_ptr() as u64,
            points: points.as_ptr() as u64,
            until,
            count: 1,
            flags: Self::WAIT,
            first_signalled: 0,
            pad: 0,
        };
        // SAFETY: the structure of that call; it reads one handle and one point, which live until it returns.
        match unsafe { ioctl::call::<{ ioctl::SYNCOBJ_TIMELINE_WAIT }, _>(self.file(), &mut argument) } {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::TIME.raw_os_error()) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn signal(&self, point: u64) -> io::Result<()> {
        let (handles, points) = ([self.timeline.number], [point]);
        let mut argument = SyncobjPoints {
            handles: handles.as_ptr() as u64,
            points: points.as_ptr() as u64,
            count: 1,
            flags: 0,
        };
        // SAFETY: as for `wait`.
        unsafe { ioctl::call::<{ ioctl::SYNCOBJ_TIMELINE_SIGNAL }, _>(self.file(), &mut argument) }
    }

    fn signal_with(&self, point: u64, fence: BorrowedFd<'_>) -> io::Result<()> {
        let binary = self.binary.lock().unwrap_or_else(PoisonError::into_inner);
        let mut import =
            SyncobjHandle { handle: binary.number, flags: Self::SYNC_FILE, fd: fence.as_raw_fd(), pad: 0 };
        let mut transfer = SyncobjTransfer {
            source: binary.number,
            target: self.timeline.number,
            source_point: 0,
            target_point: point,
            flags: 0,
            pad: 0,
        };
        // SAFETY: the structures of those calls, without addresses.
        unsafe {
            ioctl::call::<{ ioctl::SYNCOBJ_FD_TO_HANDLE }, _>(self.file(), &mut import)?;
            ioctl::call::<{ ioctl::SYNCOBJ_TRANSFER }, _>(self.file(), &mut transfer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_not_there_is_an_error() {
        assert!(RenderNode::open((226, 9999)).is_err());
    }
}
