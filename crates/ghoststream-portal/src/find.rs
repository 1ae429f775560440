//! Finding the portal on the session bus.

use std::future::Future;
use std::time::Duration;

use ashpd::zbus::names::InterfaceName;
use ashpd::zbus::{Connection, MatchRule, MessageStream, fdo, message};

use crate::fault::{Fault, is_missing_interface};

const NAME: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
/// How long the bus may take to start the portal, its backend included.
pub(crate) const STARTING: Duration = Duration::from_secs(25);
/// How long the portal may take for what needs no user.
pub const ANSWERING: Duration = Duration::from_secs(10);
/// How long a session may take to close. Leaving the bus closes it in any case.
pub const CLOSING: Duration = Duration::from_millis(500);

/// The portal, with an interface that was found to be there.
#[derive(Clone, Debug)]
pub struct Portal {
    /// The bus on which it is.
    pub connection: Connection,
    /// The interface's version, from 1.
    pub version: u32,
}

impl Portal {
    /// Connects to the session bus and finds the portal's `interface`; the bus may have to start the portal.
    ///
    /// # Errors
    /// There is no bus, no portal on it, or it has not got the interface.
    pub async fn find(interface: &'static str) -> Result<Self, Fault> {
        Self::on(connect().await?, interface).await
    }

    /// The same on a connection that there is.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn on(connection: Connection, interface: &'static str) -> Result<Self, Fault> {
        let found = tokio::time::timeout(STARTING, version(&connection, interface)).await;
        let late = |_| Fault::NoPortal(format!("it did not answer within {STARTING:?}"));
        let version = found.map_err(late)??;
        Ok(Self { connection, version })
    }
}

/// A connection of one's own to the session bus.
///
/// # Errors
/// There is none, or it does not answer.
pub async fn connect() -> Result<Connection, Fault> {
    let no_bus = |why: String| Fault::NoPortal(format!("the session bus cannot be reached: {why}"));
    tokio::time::timeout(ANSWERING, Connection::session())
        .await
        .map_err(|_| no_bus(format!("no answer within {ANSWERING:?}")))?
        .map_err(|error| no_bus(error.to_string()))
}

async fn version(connection: &Connection, interface: &'static str) -> Result<u32, Fault> {
    let bus = |error: fdo::Error| Fault::from(ashpd::zbus::Error::from(error));
    let peer = fdo::PeerProxy::new(connection, NAME, PATH).await?;
    // Told apart from what follows: here is nobody, there is somebody without the interface.
    match peer.ping().await.map_err(fdo::Error::from) {
        Err(fdo::Error::UnknownMethod(_)) | Ok(()) => {}
        Err(error) => return Err(bus(error)),
    }
    let properties = fdo::PropertiesProxy::new(connection, NAME, PATH).await?;
    match properties.get(InterfaceName::from_static_str_unchecked(interface), "version").await {
        Ok(value) => Ok(u32::try_from(value).unwrap_or(1)),
        Err(error) if is_missing_interface(&error) => Err(Fault::NoInterface),
        Err(error) => Err(bus(error)),
    }
}

/// What `work` gives, if it does so in time.
///
/// # Errors
/// The portal did not answer `step` within `limit`.
pub async fn within<T>(step: &str, limit: Duration, work: impl Future<Output = T>) -> Result<T, Fault> {
    tokio::time::timeout(limit, work).await.map_err(|_| Fault::silent(step, limit))
}

/// The `Closed` signals of a connection's sessions. Asked for before there is one, none of them can be missed.
///
/// # Errors
/// The bus does not deliver signals.
pub async fn closed_signals(connection: &Connection) -> Result<MessageStream, Fault> {
    let rule = MatchRule::builder()
        .msg_type(message::Type::Signal)
        .interface("org.freedesktop.portal.Session")
        .and_then(|rule| rule.member("Closed"))?
        .build();
    Ok(MessageStream::for_match_rule(rule, connection, None).await?)
}
