//! Asking.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::message::{Reply, VERSION, request_line};
use crate::{Refusal, Request};

/// The longest answer that is taken.
const LONGEST_REPLY: u64 = 16 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// It was not done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody listens there, or the connection was lost.
    #[error("the connection was lost: {0}")]
    Io(#[from] io::Error),
    /// It has gone without an answer.
    #[error("it went away without an answer")]
    Gone,
    /// What came is no answer to what was asked.
    #[error("the answer cannot be understood: {0}")]
    Answer(String),
}

/// A connection to a [`Server`](crate::Server). Calls block; a request is sent when the one before is
/// answered.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    next: u64,
}

impl Client {
    /// How long an answer may take, unless [`with_timeout`](Self::with_timeout) says otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// Connects to a socket.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_write_timeout(Some(Self::TIMEOUT))?;
        stream.set_read_timeout(Some(Self::TIMEOUT))?;
        Ok(Self { stream: BufReader::new(stream), next: 1 })
    }

    /// How long an answer may take. `None` is for ever: a stop takes as long as the outputs need to be
    /// finished.
    ///
    /// # Errors
    /// It is zero.
    pub fn with_timeout(self, timeout: Option<Duration>) -> io::Result<Self> {
        self.stream.get_ref().set_read_timeout(timeout)?;
        Ok(self)
    }

    /// Asks, and waits for the answer: the JSON object that `ok` holds.
    ///
    /// # Errors
    /// It was refused, the connection is lost, or the answer did not come in time. After anything but a
    /// refusal the connection is of no use any more.
    pub fn request(&mut self, request: &Request) -> Result<Value, ClientError> {
        let id = self.next;
        self.next += 1;
        let line = request_line(id, request).map_err(io::Error::from)?;
        // Who was sent away cannot write, but is told why.
        let written = self.stream.get_mut().write_all(line.as_bytes());
        match self.reply(id) {
            Err(ClientError::Gone | ClientError::Io(_)) if written.is_err() => {
                Err(written.unwrap_err().into())
            }
            other => other,
        }
    }

    fn reply(&mut self, id: u64) -> Result<Value, ClientError> {
        let mut line = Vec::new();
        (&mut self.stream).take(LONGEST_REPLY).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(ClientError::Gone);
        }
        let reply: Reply =
            serde_json::from_slice(&line).map_err(|error| ClientError::Answer(error.to_string()))?;
        match (reply.version, reply.error, reply.ok) {
            (VERSION, Some(refusal), _) => Err(refusal.into()),
            (VERSION, None, Some(value)) if reply.id == id => Ok(value),
            (VERSION, ..) => Err(ClientError::Answer("it is not of this request".to_owned())),
            (other, ..) => Err(ClientError::Answer(format!("it is of version {other} of the protocol"))),
        }
    }
}
