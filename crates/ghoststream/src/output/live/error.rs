//! Why a peer cannot be reached, or was lost.

use std::fmt;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LinkFault {
    /// The name of the server is not known.
    UnknownHost,
    /// Nobody listens there, or the network does not lead there.
    Unreachable,
    /// It did not answer in time.
    Timeout,
    /// What it said is not the protocol.
    Protocol,
    /// Its certificate cannot be trusted.
    Certificate,
    /// It does not know the application, which is the URL's path up to the key.
    Application,
    /// It does not want this key, name or stream id, or the stream is in use.
    Refused,
    /// The passphrase is not the peer's.
    Passphrase,
    /// The address, port or option cannot be used here.
    Address,
    /// It ended the connection.
    Closed,
}

/// A failure to reach or to keep a peer. Its text holds no secret.
#[derive(Clone, Debug)]
pub(crate) struct LinkError {
    pub(crate) fault: LinkFault,
    /// What happened, and what to do.
    pub(crate) text: String,
}

impl LinkError {
    pub(crate) fn new(fault: LinkFault, text: impl Into<String>) -> Self {
        Self { fault, text: text.into() }
    }

    /// Of who was told to stop while it dialled.
    pub(crate) fn given_up() -> Self {
        Self::new(LinkFault::Timeout, "it was given up while it was being reached")
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
