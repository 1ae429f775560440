//! Why a session is over.

/// What the server did, or said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// What it sent is no RTMP.
    #[error("it does not speak RTMP: {0}")]
    Protocol(&'static str),
    /// It does not want a connection to this application.
    #[error("it refuses the application: {0}")]
    Application(String),
    /// It does not want a stream with this key.
    #[error("it refuses the stream: {0}")]
    Stream(String),
    /// It ended the stream.
    #[error("it ended the stream: {0}")]
    Ended(String),
}
