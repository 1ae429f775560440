//! Network namespaces.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::device;

/// A network of its own, in which there is loopback. It is gone with the last thread, process and
/// descriptor that is in it.
#[derive(Debug)]
pub(crate) struct Namespace(OwnedFd);

impl Namespace {
    pub(crate) fn new() -> Result<Self> {
        let make = || -> Result<OwnedFd> {
            // SAFETY: only this thread leaves the network, and it ends at once.
            checked(unsafe { libc::unshare(libc::CLONE_NEWNET) })
                .context("a network of its own needs root (CAP_SYS_ADMIN)")?;
            device::raise(c"lo")?;
            Ok(File::open("/proc/thread-self/ns/net")?.into())
        };
        Ok(Self(elsewhere(make)??))
    }

    /// Moves the calling thread, and with it the threads that it starts from now on.
    pub(crate) fn enter(&self) -> io::Result<()> {
        enter(self.0.as_raw_fd())
    }

    /// Runs something there, in a thread of its own.
    pub(crate) fn on<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        elsewhere(|| Ok(self.enter().map(|()| work())?))?
    }

    /// Makes a program run there.
    pub(crate) fn place(&self, command: &mut Command) -> Result<()> {
        let namespace = self.0.try_clone()?;
        // SAFETY: between fork and exec only one system call is made, with a descriptor that the closure owns.
        unsafe { command.pre_exec(move || enter(namespace.as_raw_fd())) };
        Ok(())
    }
}

fn enter(namespace: RawFd) -> io::Result<()> {
    // SAFETY: setns changes where the calling thread is and no memory.
    checked(unsafe { libc::setns(namespace, libc::CLONE_NEWNET) })
}

/// Runs something in a thread that ends with it.
fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| scope.spawn(work).join()).map_err(|_| anyhow!("a thread in a namespace panicked"))
}

pub(crate) fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
