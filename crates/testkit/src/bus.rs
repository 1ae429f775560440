//! Waiting for somebody to come to a message bus.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use zbus::fdo;
use zbus::names::BusName;

const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(30);

/// A socket's address, as D-Bus writes it.
pub fn address(socket: &Path) -> String {
    format!("unix:path={}", socket.display())
}

/// Waits until somebody owns `name` on the bus at `address`.
///
/// # Errors
/// There is no bus, or nobody came within half a minute.
pub fn wait_for_name(address: &str, name: &str) -> Result<()> {
    // A thread of its own: the caller may be within a runtime, where another cannot be entered.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                tokio::time::timeout(PATIENCE, owned(address, name))
                    .await
                    .with_context(|| format!("{name} did not come to the bus within {PATIENCE:?}"))?
            })
        });
        waiting.join().map_err(|_| anyhow!("waiting for {name} failed"))?
    })
}

async fn owned(address: &str, name: &str) -> Result<()> {
    let connection = zbus::connection::Builder::address(address)?.build().await?;
    let bus = fdo::DBusProxy::new(&connection).await?;
    let name = BusName::try_from(name)?;
    while !bus.name_has_owner(name.clone()).await? {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
