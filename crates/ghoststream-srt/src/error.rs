//! What can go wrong.

use crate::Reject;

/// A failure of SRT. It holds neither passphrase nor stream id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// libsrt is not installed.
    #[error(
        "libsrt 1.5 is not installed; install libsrt1.5-gnutls (Debian, Ubuntu), srt-libs (Fedora) or srt (Arch)"
    )]
    Missing,
    /// There is a libsrt, and it cannot be used.
    #[error("libsrt is of no use: {0}")]
    Library(String),
    /// The peer does not want the connection, or did not answer.
    #[error("{0}")]
    Rejected(Reject),
    /// Somebody else has the port.
    #[error("the port is in use")]
    PortInUse,
    /// The connection is over.
    #[error("the connection is over")]
    Lost,
    /// libsrt does not take a value.
    #[error("libsrt does not take the value of {0}")]
    Option(&'static str),
    /// A call failed otherwise.
    #[error("{call} failed: {text} ({code})")]
    Call {
        /// libsrt's function.
        call: &'static str,
        /// Its error code.
        code: i32,
        /// What it says.
        text: String,
    },
}
