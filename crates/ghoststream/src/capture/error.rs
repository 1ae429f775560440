//! Why pictures cannot be captured, and what to do about it.

use std::time::Duration;

/// Why capture failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The user closed or refused the portal's dialog.
    #[error("you refused to share the screen; run it again and pick a screen or a window to share")]
    Refused,
    /// Nobody answered the dialog.
    #[error(
        "the portal's dialog was not answered within {0:?}; run it again, and look for the dialog on other workspaces"
    )]
    DialogTimeout(Duration),
    /// There is no session bus, or no portal on it.
    #[error(
        "no desktop portal answers ({reason}); install xdg-desktop-portal and the backend of your desktop \
         (-gnome, -kde, -wlr, -hyprland), and run this inside the desktop session"
    )]
    NoPortal {
        /// What D-Bus said.
        reason: String,
    },
    /// The portal has no ScreenCast interface.
    #[error(
        "the desktop portal offers no screen cast; install the portal backend of your desktop \
         (xdg-desktop-portal-gnome, -kde, -wlr or -hyprland) and log in again"
    )]
    NoScreenCast,
    /// The portal failed in another way.
    #[error("the desktop portal failed: {reason}")]
    Portal {
        /// What it said.
        reason: String,
    },
    /// PipeWire cannot be reached.
    #[error(
        "PipeWire does not answer ({reason}); start it with `systemctl --user start pipewire wireplumber`"
    )]
    NoPipeWire {
        /// What failed.
        reason: String,
    },
    /// The node does not exist or is not video.
    #[error("PipeWire node {node} cannot be captured: {reason}; `pw-cli ls Node` lists what there is")]
    Node {
        /// Which.
        node: String,
        /// Why.
        reason: String,
    },
    /// Producer and we share no format.
    #[error("the source offers no picture format that GhostStream takes: {reason}")]
    Format {
        /// What was offered, or what PipeWire said.
        reason: String,
    },
    /// The test card finds no GPU to draw on.
    #[error(
        "the test card cannot be drawn into a GPU's memory: {reason}; use `--processing gpu` for it, or \
         `--source test-card` for one in system memory"
    )]
    NoGpu {
        /// Why.
        reason: String,
    },
    /// No picture came.
    #[error(
        "the source sent no picture within {0:?}; a desktop sends one only when something moves: move the pointer, \
         or check that the screen is on"
    )]
    NoFrame(Duration),
    /// The source ended before or while it was needed.
    #[error("the source ended: {0}")]
    Ended(String),
    /// The setting does not fit the source.
    #[error(transparent)]
    Config(#[from] crate::ConfigError),
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// How it failed.
        source: std::io::Error,
    },
}

impl CaptureError {
    /// Whether the same call may succeed later, unchanged.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::DialogTimeout(_) | Self::NoPipeWire { .. } | Self::NoFrame(_) | Self::Ended(_))
    }
}
