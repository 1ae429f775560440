//! A private user session: D-Bus, PipeWire and WirePlumber of this machine, on sockets of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::child::Running;

/// What programs need in their environment to be part of a session or a desktop.
pub trait Environment {
    /// Names and values.
    fn environment(&self) -> Vec<(OsString, OsString)>;
}

impl Environment for Session {
    fn environment(&self) -> Vec<(OsString, OsString)> {
        environment(self.dir.path())
    }
}

/// A session; everything in it ends when it is dropped.
#[derive(Debug)]
pub struct Session {
    // Dropped in this order: who uses a socket ends before who serves it.
    extra: Vec<Running>,
    wireplumber: Option<Running>,
    pipewire: Option<Running>,
    dbus: Running,
    dir: tempfile::TempDir,
}

impl Session {
    /// Starts D-Bus, PipeWire and WirePlumber and waits until they answer.
    ///
    /// # Errors
    /// One of them is missing or does not start; its log is in the message.
    pub fn start() -> Result<Self> {
        let mut session = Self::without_pipewire()?;
        session.start_pipewire()?;
        Ok(session)
    }

    /// Starts D-Bus alone.
    ///
    /// # Errors
    /// It is missing or does not start.
    pub fn without_pipewire() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("ghoststream-session-").tempdir()?;
        let root = dir.path();
        for sub in ["run", "config", "state", "data", "cache", "home", "logs"] {
            std::fs::create_dir(root.join(sub))?;
        }
        std::fs::write(root.join("config/bus.conf"), bus_config(&root.join("run/bus")))?;
        let mut command = Command::new("dbus-daemon");
        command
            .args(["--nofork", "--nopidfile"])
            .arg(format!("--config-file={}", root.join("config/bus.conf").display()))
            .envs(environment(root));
        let mut dbus = Running::start(&mut command, &root.join("logs/dbus"))?;
        dbus.wait_to_connect(&root.join("run/bus")).context("D-Bus")?;
        Ok(Self { extra: Vec::new(), wireplumber: None, pipewire: None, dbus, dir })
    }

    /// Starts PipeWire and WirePlumber, also again after [`Session::stop_pipewire`].
    ///
    /// # Errors
    /// They are missing or do not start.
    pub fn start_pipewire(&mut self) -> Result<()> {
        let mut pipewire = self.spawn(&mut Command::new("pipewire"))?;
        pipewire.wait_for(&self.runtime_dir().join("pipewire-0"))?;
        self.pipewire = Some(pipewire);
        let wireplumber = self.spawn(&mut Command::new("wireplumber"))?;
        self.wireplumber = Some(wireplumber);
        Ok(())
    }

    /// Ends PipeWire and WirePlumber at once, as a crash would.
    pub fn stop_pipewire(&mut self) {
        self.wireplumber = None;
        self.pipewire = None;
        let _ = std::fs::remove_file(self.runtime_dir().join("pipewire-0"));
    }

    /// Starts a program within the session; the caller owns it.
    ///
    /// # Errors
    /// It is not there.
    pub fn spawn(&self, command: &mut Command) -> Result<Running> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
        let log = self.dir.path().join("logs").join(name);
        Running::start(command.envs(self.environment()), &log)
    }

    /// Keeps a program that was started for as long as the session lasts.
    pub fn keep(&mut self, running: Running) {
        self.extra.push(running);
    }

    /// The session's environment, for child processes.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        environment(self.dir.path())
    }

    /// Makes this process part of the session.
    ///
    /// Call it first thing in a test: nextest gives each test a process of its own.
    pub fn enter(&self) {
        enter(self.environment());
    }

    /// `XDG_RUNTIME_DIR`.
    pub fn runtime_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// The session's directory: `run`, `config`, `state`, `data`, `cache`, `home` and `logs`.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The D-Bus daemon's process.
    pub fn dbus(&self) -> &Running {
        &self.dbus
    }

    /// PipeWire's process, while it runs.
    pub fn pipewire(&self) -> Option<&Running> {
        self.pipewire.as_ref()
    }
}

/// Makes this process a part of whatever has this environment.
pub(crate) fn enter(environment: Vec<(OsString, OsString)>) {
    for (name, value) in environment {
        // SAFETY: called at the start of a test, before it starts threads that read the
        // environment; each test is a process of its own.
        unsafe { std::env::set_var(name, value) };
    }
}

/// A session bus that starts nothing by itself: what this machine has installed (a portal, a document
/// store with its mount) is no part of a test that did not ask for it, and would outlive it.
pub(crate) fn bus_config(socket: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        socket.display()
    )
}

fn environment(root: &Path) -> Vec<(OsString, OsString)> {
    let path = |name: &str| root.join(name).into_os_string();
    let mut bus = OsString::from("unix:path=");
    bus.push(root.join("run/bus"));
    vec![
        ("XDG_RUNTIME_DIR".into(), path("run")),
        ("DBUS_SESSION_BUS_ADDRESS".into(), bus),
        ("XDG_CONFIG_HOME".into(), path("config")),
        ("XDG_STATE_HOME".into(), path("state")),
        ("XDG_DATA_HOME".into(), path("data")),
        ("XDG_CACHE_HOME".into(), path("cache")),
        ("HOME".into(), path("home")),
        ("PIPEWIRE_RUNTIME_DIR".into(), path("run")),
        ("PULSE_SERVER".into(), "none".into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_answers_and_leaves_nothing() {
        let session = Session::start().unwrap();
        let output = Command::new("pw-cli").args(["info", "0"]).envs(session.environment()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (dir, pid) = (session.dir().to_owned(), session.dbus().id());
        drop(session);
        assert!(!dir.exists());
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
