//! A child process that cannot outlive its test.

use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running program, ended when dropped, and by the kernel when the test dies.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    reaped: bool,
}

impl Running {
    /// Starts a program. Its standard error goes to `log`.
    ///
    /// The kernel ends it with the *thread* that started it: start long-lived programs from the
    /// test's own thread.
    ///
    /// # Errors
    /// The program is not there, or the log cannot be written.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = std::fs::File::create(log).with_context(|| format!("log of {name}"))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // SAFETY: prctl is async-signal-safe and touches nothing of the parent.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        Ok(Self { name, child, reaped: false })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill has no memory effects; the child was not reaped, so the id is still its.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Waits for `path` to appear, which this program makes.
    ///
    /// # Errors
    /// It ended, or half a minute passed.
    pub fn wait_for(&mut self, path: &Path) -> Result<()> {
        self.wait_until(path, || path.exists())
    }

    /// Waits until it takes connections at `path`: a socket is there a moment before that.
    ///
    /// # Errors
    /// It ended, or half a minute passed.
    pub fn wait_to_connect(&mut self, path: &Path) -> Result<()> {
        self.wait_until(path, || UnixStream::connect(path).is_ok())
    }

    fn wait_until(&mut self, path: &Path, ready: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before it made {}", self.name, path.display());
            }
            if start.elapsed() > Duration::from_secs(30) {
                bail!("{} did not make {} within 30 s", self.name, path.display());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for it to end by itself.
    ///
    /// # Errors
    /// It did not within `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> Result<std::process::ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > timeout {
                bail!("{} did not end within {timeout:?}", self.name);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What a program that has ended took.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Seconds of CPU, in user space and in the kernel, of all its threads.
    pub cpu_seconds: f64,
    /// The most memory that was resident, in MiB.
    pub peak_mib: f64,
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
}

impl Running {
    /// Sends it a signal, where one is given, waits for it to end and says what it took.
    ///
    /// # Errors
    /// It did not end within `timeout`.
    pub fn finish(mut self, signal: Option<i32>, timeout: Duration) -> Result<Usage> {
        if let Some(signal) = signal {
            self.signal(signal);
        }
        let start = Instant::now();
        loop {
            // SAFETY: plain data that the kernel fills in.
            let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
            let mut status = 0;
            // SAFETY: the child is ours and not reaped; both pointers are valid for the call.
            let reaped =
                unsafe { libc::wait4(self.child.id() as i32, &mut status, libc::WNOHANG, &mut usage) };
            if reaped == self.child.id() as i32 {
                self.reaped = true;
                let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
                return Ok(Usage {
                    cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
                    peak_mib: usage.ru_maxrss as f64 / 1024.0,
                    status: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
                });
            }
            if start.elapsed() > timeout {
                bail!("{} did not end within {timeout:?}", self.name);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.reaped {
            // Its id may be another's by now.
            return;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
