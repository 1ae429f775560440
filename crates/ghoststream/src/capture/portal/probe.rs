//! What the portal can do, without asking anything of the user.

use std::time::Duration;

use ashpd::desktop::screencast::Screencast;
use ghoststream_portal::{Fault, Portal};
use serde::Serialize;

use super::session::abilities;
use super::{INTERFACE, choice, error};
use crate::CaptureError;

/// What this desktop's ScreenCast portal can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScreenCastAbilities {
    /// Version of the ScreenCast interface; restore tokens come with 4.
    pub version: u32,
    /// What it can share: `monitor`, `window`, `virtual`.
    pub sources: Vec<&'static str>,
    /// How it can bring the pointer: `hidden`, `embedded`, `metadata`.
    pub cursors: Vec<&'static str>,
    /// Whether a choice of source can be remembered.
    pub restores: bool,
}

/// Asks the portal what it can do. No dialog is shown.
///
/// # Errors
/// There is no portal, it has no ScreenCast, or it does not answer within `limit`.
pub fn probe(limit: Duration) -> Result<ScreenCastAbilities, CaptureError> {
    let work = async move {
        tokio::time::timeout(limit, ask())
            .await
            .unwrap_or_else(|_| Err(error::no_portal(format!("it did not answer within {limit:?}"))))
    };
    // A thread of its own: the caller may be within a runtime, where another cannot be entered.
    let thread = std::thread::Builder::new().name("portal-probe".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| CaptureError::Io { what: "starting the portal's runtime", source })?;
        runtime.block_on(work)
    });
    thread
        .map_err(|source| CaptureError::Io { what: "starting the portal's thread", source })?
        .join()
        .unwrap_or_else(|_| Err(error::portal("asking it failed within")))
}

async fn ask() -> Result<ScreenCastAbilities, CaptureError> {
    let portal = Portal::find(INTERFACE).await?;
    let screencast = Screencast::with_connection(portal.connection.clone()).await.map_err(Fault::from)?;
    let (sources, cursors) = abilities(&portal, &screencast).await?;
    Ok(ScreenCastAbilities {
        version: portal.version,
        sources: choice::kind_names(sources),
        cursors: choice::cursor_names(cursors),
        restores: portal.version >= 4,
    })
}
