//! The cached root file system, and the mounts in which a desktop's programs see it.
//!
//! The mounts live in a namespace that belongs to nobody but the desktop's processes and one
//! descriptor: with the last of them it is gone, whatever way they ended.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

use anyhow::{Context, Result, anyhow, ensure};

/// Names the file system's place, in the place of the cache directory's.
pub(super) const PLACE: &str = "GHOSTSTREAM_DESKTOP";
const SCRIPT: &str = "run scripts/desktop-chroot";

/// Where the file system is.
///
/// # Errors
/// It is not there.
pub(super) fn cached() -> Result<PathBuf> {
    let env = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let place = env(PLACE)
        .or_else(|| Some(env("XDG_CACHE_HOME")?.join("ghoststream/desktop")))
        .or_else(|| Some(env("HOME")?.join(".cache/ghoststream/desktop")))
        .with_context(|| format!("neither {PLACE} nor HOME is set"))?;
    let sway = place.join("usr/bin/sway");
    ensure!(sway.is_file(), "the headless desktop is missing ({} is not there): {SCRIPT}", sway.display());
    Ok(place)
}

/// The file system with the kernel's own mounted into it, for one desktop.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    namespace: OwnedFd,
}

impl Root {
    /// Mounts `dir` and what programs expect into the file system at `path`.
    ///
    /// # Errors
    /// This is not root, or the kernel refuses.
    pub(super) fn mount(path: &Path, dir: &Path) -> Result<Self> {
        // SAFETY: geteuid has no preconditions.
        ensure!(unsafe { libc::geteuid() } == 0, "the headless desktop needs root, for mounts of its own");
        // A thread may leave the process's mounts alone; what it saw goes on in the descriptor.
        let namespace = std::thread::scope(|scope| {
            let thread = scope.spawn(|| namespace(path, dir));
            thread.join().map_err(|_| anyhow!("the mounting thread failed"))?
        });
        let namespace = namespace.context("mounting the desktop's file system")?;
        Ok(Self { path: path.to_owned(), namespace })
    }

    /// Where the file system is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes `command` run within, as `user` where one is given.
    ///
    /// # Errors
    /// The path holds a NUL byte.
    pub(super) fn enter(&self, command: &mut Command, user: Option<u32>) -> Result<()> {
        let root = c_path(&self.path)?;
        let namespace = self.namespace.try_clone()?;
        // SAFETY: between fork and exec only system calls are made, on memory prepared before.
        unsafe {
            command.pre_exec(move || {
                checked(libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNS))?;
                checked(libc::chroot(root.as_ptr()))?;
                checked(libc::chdir(c"/".as_ptr()))?;
                if let Some(user) = user {
                    checked(libc::setgroups(0, ptr::null()))?;
                    checked(libc::setresgid(user, user, user))?;
                    checked(libc::setresuid(user, user, user))?;
                }
                Ok(())
            });
        }
        Ok(())
    }
}

/// Leaves the machine's mounts for a copy, and mounts there.
fn namespace(path: &Path, dir: &Path) -> Result<OwnedFd> {
    // SAFETY: this thread shares no file-system context with others once it is unshared.
    checked(unsafe { libc::unshare(libc::CLONE_FS | libc::CLONE_NEWNS) })?;
    mount(c"none", Path::new("/"), libc::MS_REC | libc::MS_PRIVATE)?;
    for kernel in ["proc", "sys", "dev"] {
        let from = c_path(&Path::new("/").join(kernel))?;
        mount(&from, &path.join(kernel), libc::MS_BIND | libc::MS_REC)?;
    }
    for scratch in ["tmp", "run"] {
        mount(c"tmpfs", &path.join(scratch), 0)?;
    }
    mount(&c_path(dir)?, &path.join("mnt"), libc::MS_BIND)?;
    Ok(File::open("/proc/thread-self/ns/mnt")?.into())
}

fn mount(from: &CStr, to: &Path, flags: libc::c_ulong) -> Result<()> {
    let kind = if flags == 0 { c"tmpfs".as_ptr() } else { ptr::null() };
    let target = c_path(to)?;
    // SAFETY: the strings live through the call; a null type and null data are what these flags take.
    checked(unsafe { libc::mount(from.as_ptr(), target.as_ptr(), kind, flags, ptr::null()) })
        .with_context(|| format!("mounting {} at {}", from.to_string_lossy(), to.display()))
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn c_path(path: &Path) -> Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_desktop_says_what_to_run() {
        // SAFETY: each test is a process of its own, and this one has no other thread that reads it.
        unsafe { std::env::set_var(PLACE, "/nonexistent/ghoststream-desktop") };
        let error = cached().unwrap_err().to_string();
        assert!(error.contains("run scripts/desktop-chroot") && error.contains("/nonexistent"), "{error}");
    }
}
