//! Fills the monitor with the test card until the compositor goes away.
//!
//! `testcard-window [FPS]`; without FPS it draws as often as the compositor shows.

use std::path::PathBuf;

use anyhow::{Context, Result};
use testkit::CardWindow;

fn main() -> Result<()> {
    let fps = std::env::args().nth(1).map(|fps| fps.parse()).transpose().context("FPS")?;
    let display = std::env::var_os("WAYLAND_DISPLAY").context("WAYLAND_DISPLAY is not set")?;
    // An absolute path stands for itself.
    let dir = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR").unwrap_or_default());
    CardWindow::open(&dir.join(display), fps)?.wait()
}
