//! Whether the desktop has global shortcuts, without asking anything of its user.

use std::time::Duration;

use super::HotkeyError;
use super::session::INTERFACE;
use crate::{Portal, within};

/// The version of the portal's interface for global shortcuts, from 1. No dialog is shown.
///
/// # Errors
/// There is no portal, it has no global shortcuts, or it does not answer within `limit`.
pub fn probe(limit: Duration) -> Result<u32, HotkeyError> {
    let failed = |error: std::io::Error| HotkeyError::thread(error.to_string());
    // A thread of its own: the caller may be within a runtime, where another cannot be entered.
    let thread = std::thread::Builder::new().name("hotkeys-probe".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let portal = runtime.block_on(within("asking for its version", limit, Portal::find(INTERFACE)))??;
        Ok(portal.version)
    });
    let answer = thread.map_err(failed)?.join();
    answer.unwrap_or_else(|_| Err(HotkeyError::thread("it panicked")))
}
