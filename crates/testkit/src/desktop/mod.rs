//! A headless desktop: real sway, `xdg-desktop-portal-wlr` and PipeWire, newer than this machine's,
//! from a cached root file system that `scripts/desktop-chroot` makes.
//!
//! Each desktop has a directory of its own under `/tmp`, which it sees as `/mnt`, and mounts that
//! exist only for its processes: several run side by side, and when one is dropped nothing is left
//! of it, neither in the cached file system nor among the machine's mounts. Nothing is activated
//! over D-Bus, so that no program outlives it.

mod inside;
mod root;
mod sway;

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use ghoststream::Size;

use crate::bus;
use crate::child::Running;
use inside::INSIDE;
use root::Root;

const SUBDIRS: [&str; 7] = ["run", "config", "state", "data", "cache", "home", "logs"];
/// sway refuses to be root; who it is matters to nobody.
const SWAY_USER: u32 = 1000;
const PORTAL_WLR: &str = "/usr/libexec/xdg-desktop-portal-wlr";
const PORTAL_WLR_NAME: &str = "org.freedesktop.impl.portal.desktop.wlr";
const PORTAL: &str = "/usr/libexec/xdg-desktop-portal";

/// What a desktop is like.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Pixels of its monitor, `HEADLESS-1`.
    pub size: Size,
    /// How often the monitor is drawn, in Hz, and the most frames a second that the portal sends.
    pub refresh: u32,
    /// The monitor that the portal shares, without asking.
    pub output: String,
}

impl Setup {
    /// A monitor of this size at 60 Hz.
    pub fn new(size: Size) -> Self {
        Self { size, refresh: 60, output: "HEADLESS-1".into() }
    }
}

/// A running desktop; everything in it ends when it is dropped.
#[derive(Debug)]
pub struct Desktop {
    portal_backend: Option<Running>,
    // Ended from the last to the first: who uses a socket goes before who serves it.
    programs: Vec<Running>,
    root: Root,
    dir: tempfile::TempDir,
    outputs: std::cell::Cell<u32>,
}

impl Desktop {
    /// Starts a desktop with one monitor of `size` at 60 Hz and waits until its portal answers.
    ///
    /// # Errors
    /// The cached file system is missing, this is not root, or a program does not start; its log is
    /// in the message.
    pub fn start(size: Size) -> Result<Self> {
        Self::with(&Setup::new(size))
    }

    /// Starts a desktop.
    ///
    /// # Errors
    /// As [`Desktop::start`].
    pub fn with(setup: &Setup) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("ghoststream-desktop-").tempdir()?;
        // Programs of other users live in it.
        open_to_all(dir.path(), 0o755)?;
        for sub in SUBDIRS {
            std::fs::create_dir(dir.path().join(sub))?;
            open_to_all(&dir.path().join(sub), 0o777)?;
        }
        inside::write_config(dir.path(), setup)?;
        let root = Root::mount(&root::cached()?, dir.path())?;
        let mut desktop =
            Self { portal_backend: None, programs: Vec::new(), root, dir, outputs: std::cell::Cell::new(1) };
        desktop.start_programs()?;
        Ok(desktop)
    }

    fn start_programs(&mut self) -> Result<()> {
        let bus_config = format!("--config-file={INSIDE}/config/bus.conf");
        self.program(Command::new("dbus-daemon").args(["--nofork", "--nopidfile"]).arg(bus_config), "bus")?;
        self.program(&mut Command::new("pipewire"), "pipewire-0")?;
        self.service(&mut Command::new("wireplumber"), None)?;
        let mut sway = Command::new("sway");
        sway.args(["-c", &format!("{INSIDE}/config/sway")]);
        let sway = self.run_as(&mut sway, Some(SWAY_USER))?;
        self.keep(sway, "wayland-1").context("sway")?;
        self.service(&mut Command::new("/usr/libexec/xdg-permission-store"), None)?;
        self.restart_portal_backend()?;
        self.service(&mut Command::new(PORTAL), Some("org.freedesktop.portal.Desktop"))
    }

    /// Ends the portal's backend where it runs, as a crash would, and starts it.
    ///
    /// `xdg-desktop-portal-wlr` 0.8.4 needs that in earnest: when a monitor's size changes while it
    /// waits for a frame, it more often than not asks for a second one, which is a protocol error
    /// ("session already has a frame object") that it does not survive. On a user's desktop systemd
    /// starts it again.
    ///
    /// # Errors
    /// It does not come to the bus.
    pub fn restart_portal_backend(&mut self) -> Result<()> {
        self.portal_backend = None;
        let mut command = Command::new(PORTAL_WLR);
        command.args(["-c", &format!("{INSIDE}/config/wlr"), "-l", "INFO"]);
        self.portal_backend = Some(self.run_as(&mut command, None)?);
        bus::wait_for_name(&self.bus(), PORTAL_WLR_NAME).with_context(|| self.logs())
    }

    /// Starts a program of the desktop and waits for the socket it makes.
    fn program(&mut self, command: &mut Command, socket: &str) -> Result<()> {
        let running = self.run_as(command, None)?;
        self.keep(running, socket)
    }

    fn keep(&mut self, mut running: Running, socket: &str) -> Result<()> {
        let socket = self.runtime_dir().join(socket);
        let made = running.wait_for(&socket);
        self.programs.push(running);
        made.with_context(|| self.logs())
    }

    /// Starts a program of the desktop and waits until it is on the bus under `name`.
    fn service(&mut self, command: &mut Command, name: Option<&str>) -> Result<()> {
        let running = self.run_as(command, None)?;
        self.programs.push(running);
        match name {
            Some(name) => bus::wait_for_name(&self.bus(), name).with_context(|| self.logs()),
            None => Ok(()),
        }
    }

    fn run_as(&self, command: &mut Command, user: Option<u32>) -> Result<Running> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
        let log = self.dir.path().join("logs").join(name);
        command.env_clear().envs(inside::environment());
        self.root.enter(command, user)?;
        Running::start(command, &log)
    }

    /// Starts a program from the desktop's file system within it, such as `foot`; the caller owns it.
    ///
    /// # Errors
    /// It is not there.
    pub fn spawn_inside(&self, command: &mut Command) -> Result<Running> {
        self.run_as(command, None)
    }

    /// Starts a program of this machine as a client of the desktop; the caller owns it.
    ///
    /// # Errors
    /// It is not there.
    pub fn spawn(&self, command: &mut Command) -> Result<Running> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
        let log = self.dir.path().join("logs").join(name);
        Running::start(command.envs(self.environment()), &log)
    }

    /// A terminal that fills the monitor with scrolling text, as a realistic thing to record.
    ///
    /// # Errors
    /// It does not start.
    pub fn scroll_text(&self) -> Result<Running> {
        let text = "i=0; while :; do i=$((i+1)); echo \"$i $(head -c 60 /proc/self/maps | tr '\\n' ' ') line of text\"; \
                    sleep 0.004; done";
        self.spawn_inside(Command::new("foot").args(["--fullscreen", "sh", "-c", text]))
    }

    /// What programs of this machine need in their environment to be its clients.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let path = |name: &str| self.dir.path().join(name).into_os_string();
        vec![
            ("XDG_RUNTIME_DIR".into(), path("run")),
            ("PIPEWIRE_RUNTIME_DIR".into(), path("run")),
            ("DBUS_SESSION_BUS_ADDRESS".into(), self.bus().into()),
            ("WAYLAND_DISPLAY".into(), "wayland-1".into()),
            ("XDG_SESSION_TYPE".into(), "wayland".into()),
            ("XDG_CURRENT_DESKTOP".into(), "sway".into()),
            ("SWAYSOCK".into(), path("run/sway.sock")),
            ("XDG_CONFIG_HOME".into(), path("home/.config")),
            ("XDG_STATE_HOME".into(), path("state")),
            ("XDG_DATA_HOME".into(), path("data")),
            ("XDG_CACHE_HOME".into(), path("cache")),
            ("HOME".into(), path("home")),
            ("PULSE_SERVER".into(), "none".into()),
            // The cache's place follows from what was just replaced.
            (root::PLACE.into(), self.root.path().into()),
        ]
    }

    /// Makes this process a client of the desktop.
    ///
    /// Call it first thing in a test: nextest gives each test a process of its own.
    pub fn enter(&self) {
        crate::session::enter(self.environment());
    }

    /// `XDG_RUNTIME_DIR`, with the sockets `bus`, `pipewire-0`, `wayland-1` and `sway.sock`.
    pub fn runtime_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Its directory: `run`, `config`, `state`, `data`, `cache`, `home` and `logs`.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The address of its session bus.
    pub fn bus(&self) -> String {
        bus::address(&self.runtime_dir().join("bus"))
    }

    /// The compositor's socket.
    pub fn wayland(&self) -> PathBuf {
        self.runtime_dir().join("wayland-1")
    }

    /// Has sway carry out a command, in the words of sway(5).
    ///
    /// # Errors
    /// sway is gone, or refuses; its words are in the message.
    pub fn sway(&self, command: &str) -> Result<()> {
        sway::run(&self.runtime_dir().join("sway.sock"), command)
    }

    /// Changes the size of a monitor while it runs.
    ///
    /// # Errors
    /// As [`Desktop::sway`].
    pub fn resize(&self, output: &str, size: Size) -> Result<()> {
        self.sway(&format!("output {output} resolution {size}"))
    }

    /// Plugs in another monitor, to the right of the others, and returns its name.
    ///
    /// # Errors
    /// As [`Desktop::sway`].
    pub fn create_output(&self, size: Size) -> Result<String> {
        self.sway("create_output")?;
        self.outputs.set(self.outputs.get() + 1);
        let name = format!("HEADLESS-{}", self.outputs.get());
        self.resize(&name, size)?;
        Ok(name)
    }

    /// Ends the compositor, as a crash of it would.
    ///
    /// # Errors
    /// It is gone already.
    pub fn exit(&self) -> Result<()> {
        sway::exit(&self.runtime_dir().join("sway.sock"))
    }

    /// The last lines of every program's log.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        let logs = std::fs::read_dir(self.dir.path().join("logs")).into_iter().flatten().flatten();
        for log in logs {
            let words = std::fs::read_to_string(log.path()).unwrap_or_default();
            let lines: Vec<_> = words.lines().collect();
            let last = lines[lines.len().saturating_sub(12)..].join("\n  ");
            text.push_str(&format!("{}:\n  {last}\n", log.file_name().to_string_lossy()));
        }
        text
    }
}

impl crate::session::Environment for Desktop {
    fn environment(&self) -> Vec<(OsString, OsString)> {
        Self::environment(self)
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.portal_backend = None;
        while let Some(program) = self.programs.pop() {
            drop(program);
        }
    }
}

fn open_to_all(path: &Path, mode: u32) -> Result<()> {
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CardWindow;

    fn wait_for(mut done: impl FnMut() -> bool) -> bool {
        let start = std::time::Instant::now();
        while start.elapsed().as_secs() < 30 {
            if done() {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        false
    }

    #[test]
    fn two_desktops_show_the_card_side_by_side_and_leave_nothing() {
        let mounts = || std::fs::read_to_string("/proc/self/mounts").unwrap();
        let before = mounts();
        let desktops = [Size::new(640, 360), Size::new(800, 600)].map(|size| Desktop::start(size).unwrap());
        let windows = desktops.each_ref().map(|desktop| CardWindow::open(&desktop.wayland(), None).unwrap());
        assert!(wait_for(|| windows.iter().all(|window| window.drawn() > 30)));
        assert_eq!(mounts(), before, "no mount of theirs is the machine's");
        let pids: Vec<u32> = desktops.iter().flat_map(|desktop| &desktop.programs).map(Running::id).collect();
        assert!(pids.len() >= 12, "{pids:?}");
        let dirs = desktops.each_ref().map(|desktop| desktop.dir().to_owned());
        drop((windows, desktops));
        assert!(dirs.iter().all(|dir| !dir.exists()), "{dirs:?}");
        assert!(pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()));
    }

    #[test]
    fn monitors_come_and_change_and_a_compositor_dies() {
        let desktop = Desktop::start(Size::new(640, 360)).unwrap();
        let mut window = CardWindow::open(&desktop.wayland(), Some(30.0)).unwrap();
        desktop.resize("HEADLESS-1", Size::new(800, 450)).unwrap();
        assert_eq!(desktop.create_output(Size::new(320, 240)).unwrap(), "HEADLESS-2");
        let error = desktop.sway("output HEADLESS-1 resolution nonsense").unwrap_err().to_string();
        assert!(error.contains("refuses"), "{error}");
        let drawn = window.drawn();
        assert!(wait_for(|| window.drawn() > drawn + 5));
        desktop.exit().unwrap();
        assert!(window.wait().is_err(), "its connection broke");
    }
}
