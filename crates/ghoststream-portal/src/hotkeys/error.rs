//! Why there are no hotkeys, and what to do about it.

use crate::Fault;

/// Why keys are not bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HotkeyError {
    /// What was asked for cannot be.
    #[error("{what} is not possible: {wanted}")]
    Unusable {
        /// What it was.
        what: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// There is no session bus, or no portal on it.
    #[error(
        "no desktop portal answers ({reason}); install xdg-desktop-portal and the backend of your desktop, and run \
         this inside the desktop session"
    )]
    NoPortal {
        /// What D-Bus said.
        reason: String,
    },
    /// The portal has no GlobalShortcuts interface.
    #[error(
        "this desktop's portal has no global shortcuts; KDE Plasma, GNOME from 48 on and Hyprland have them, sway \
         and its relatives do not"
    )]
    NoGlobalShortcuts,
    /// The portal does not know the program.
    #[error(
        "the desktop portal binds keys only for programs that it knows ({reason}), by a desktop entry \
         {app_id}.desktop in ~/.local/share/applications"
    )]
    UnknownProgram {
        /// The program's id.
        app_id: String,
        /// What it said.
        reason: String,
    },
    /// The user closed or refused the dialog.
    #[error("you refused the shortcuts; run it again to be asked again")]
    Refused,
    /// The desktop closed the session.
    #[error("the desktop took the shortcuts away")]
    Closed,
    /// The portal, or the bus, ended.
    #[error("{0} went away")]
    Gone(&'static str),
    /// The portal failed in another way.
    #[error("the desktop portal failed: {reason}")]
    Portal {
        /// What it said.
        reason: String,
    },
    /// The thread that speaks with the portal could not be started, or ended, which is a bug.
    #[error("the hotkeys thread failed: {reason}")]
    Thread {
        /// How.
        reason: String,
    },
}

impl HotkeyError {
    pub(super) fn thread(reason: impl Into<String>) -> Self {
        Self::Thread { reason: reason.into() }
    }
}

impl From<Fault> for HotkeyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoPortal(reason) => Self::NoPortal { reason },
            Fault::NoInterface => Self::NoGlobalShortcuts,
            Fault::Refused => Self::Refused,
            Fault::NotAllowed(reason) | Fault::Failed(reason) => Self::Portal { reason },
        }
    }
}
