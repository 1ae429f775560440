//! A scriptable portal for screen casts, cameras and global shortcuts: the machine's real `xdg-desktop-portal` in front, and behind it
//! a backend of ours that does what no desktop does on demand.
//!
//! The user's dialog is a [`Script`]: what is shared, refused, left unanswered. What was asked of
//! the backend is in [`Seen`].

mod backend;
mod screen_cast;
mod script;
mod session;
mod shortcuts;

pub use script::{Answer, Keys, Restore, Script, Seen, Selection, Shared, Wanted};

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};

use crate::Session;
use crate::bus;
use crate::child::Running;
use backend::{Backend, State};

const DESKTOP: &str = "ghoststream-test";
const FRONTEND: &str = "org.freedesktop.portal.Desktop";
const STORE: &str = "org.freedesktop.impl.portal.PermissionStore";

/// A portal on a session's bus; it leaves it when dropped.
#[derive(Debug)]
pub struct Portal {
    // Dropped in this order: the frontend before what stands behind it.
    frontend: Running,
    store: Running,
    backend: Backend,
    state: Arc<Mutex<State>>,
}

impl Portal {
    /// Starts the portal and waits until it answers.
    ///
    /// # Errors
    /// `xdg-desktop-portal` is not installed, or it does not start.
    pub fn start(session: &Session, script: Script) -> Result<Self> {
        let state = Arc::new(Mutex::new(State::new(script)));
        let address = bus::address(&session.runtime_dir().join("bus"));
        let backend = Backend::start(&address, Arc::clone(&state)).context("the test's portal backend")?;
        let store = session.spawn(&mut Command::new(libexec("xdg-permission-store")?))?;
        bus::wait_for_name(&address, STORE)?;
        let portals = session.dir().join("data/portals");
        write_portal_file(&portals, &interfaces(&state))?;
        let mut command = Command::new(libexec("xdg-desktop-portal")?);
        command.env("XDG_CURRENT_DESKTOP", DESKTOP).env("XDG_DESKTOP_PORTAL_DIR", &portals);
        let frontend = session.spawn(&mut command)?;
        bus::wait_for_name(&address, FRONTEND).with_context(|| {
            let log = session.dir().join("logs/xdg-desktop-portal");
            std::fs::read_to_string(log).unwrap_or_default()
        })?;
        Ok(Self { frontend, store, backend, state })
    }

    /// Changes what the user does from now on.
    pub fn answer(&self, answer: Answer) {
        self.lock().script.answer = answer;
    }

    /// Changes how remembered choices are treated from now on.
    pub fn restore(&self, restore: Restore) {
        self.lock().script.restore = restore;
    }

    /// What was asked so far.
    pub fn seen(&self) -> Seen {
        self.lock().seen.clone()
    }

    /// Waits until what was seen is as wanted.
    ///
    /// # Errors
    /// It was not within ten seconds; what was seen is in the message.
    pub fn wait_until(&self, wanted: impl Fn(&Seen) -> bool) -> Result<()> {
        let start = std::time::Instant::now();
        while !wanted(&self.lock().seen) {
            if start.elapsed().as_secs() >= 10 {
                bail!("the portal was not asked what was expected within 10 s: {:?}", self.seen());
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(())
    }

    /// Closes every open session, as the desktop's "stop sharing" does.
    ///
    /// # Errors
    /// The bus is gone.
    pub fn close_sessions(&self) -> Result<()> {
        self.backend.close_sessions()
    }

    /// The user presses the keys for `id`, and lets them go.
    ///
    /// # Errors
    /// No keys are bound for it.
    pub fn press(&self, id: &str) -> Result<()> {
        self.backend.press(id, 1)
    }

    /// The user holds them down, so that they repeat.
    ///
    /// # Errors
    /// As [`press`](Self::press).
    pub fn hold(&self, id: &str, times: u32) -> Result<()> {
        self.backend.press(id, times)
    }

    /// The user sets other keys for `id`, in the desktop's words; none by an empty text.
    ///
    /// # Errors
    /// No keys are bound for it.
    pub fn change_keys(&self, id: &str, trigger: &str) -> Result<()> {
        self.backend.change(id, trigger)
    }

    /// The frontend's process.
    pub const fn frontend(&self) -> &Running {
        &self.frontend
    }

    /// The process that keeps remembered choices.
    pub const fn store(&self) -> &Running {
        &self.store
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the backend offers. One without ScreenCast offers something else, as a desktop would; cameras are had where
/// there are dialogs for access.
fn interfaces(state: &Mutex<State>) -> Vec<&'static str> {
    let script = &state.lock().unwrap_or_else(PoisonError::into_inner).script;
    let mut interfaces = vec![if script.screencast { "ScreenCast" } else { "Lockdown" }];
    if script.camera {
        interfaces.push("Access");
    }
    if script.keys.is_some() {
        interfaces.push("GlobalShortcuts");
    }
    interfaces
}

/// Tells the frontend of the backend.
fn write_portal_file(dir: &Path, interfaces: &[&str]) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    let interfaces: String =
        interfaces.iter().map(|it| format!("org.freedesktop.impl.portal.{it};")).collect();
    let text = format!("[portal]\nDBusName={}\nInterfaces={interfaces}\nUseIn={DESKTOP}\n", backend::NAME);
    Ok(std::fs::write(dir.join("ghoststream-test.portal"), text)?)
}

/// Distributions differ in where they keep programs that users do not call.
fn libexec(name: &str) -> Result<PathBuf> {
    ["/usr/libexec", "/usr/lib", "/usr/lib/xdg-desktop-portal", "/usr/local/libexec"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not installed; install the package xdg-desktop-portal"))
}
