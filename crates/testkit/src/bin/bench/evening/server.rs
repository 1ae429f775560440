//! Who gets the stream, at the far end of the path.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use ghoststream::Output;
use testkit::net::Path;
use testkit::peers::{Nginx, SrtServer};

/// For so long SRT has time to send again what was lost.
pub(super) const LATENCY: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    Rtmp,
    Srt,
}

impl Protocol {
    pub(super) const ALL: [Self; 2] = [Self::Rtmp, Self::Srt];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Srt => "srt",
        }
    }

    pub(super) fn named(word: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|it| it.word() == word) {
            Some(protocol) => Ok(protocol),
            None => bail!("{word} is neither rtmp nor srt"),
        }
    }
}

/// A server that may be killed, and keeps what it gets.
pub(super) enum Server {
    Rtmp(Nginx),
    Srt(SrtServer),
}

impl Server {
    pub(super) fn start(protocol: Protocol, path: &Arc<Path>) -> Result<Self> {
        Ok(match protocol {
            Protocol::Rtmp => Self::Rtmp(Nginx::start_beyond(path)?),
            Protocol::Srt => Self::Srt(SrtServer::start_beyond(path, "")?),
        })
    }

    pub(super) fn output(&self) -> Output {
        match self {
            Self::Rtmp(nginx) => Output::Rtmp { url: nginx.url("evening") },
            Self::Srt(server) => Output::Srt { url: server.url(&format!("latency={}", LATENCY.as_millis())) },
        }
    }

    pub(super) fn kill(&mut self) {
        match self {
            Self::Rtmp(nginx) => nginx.kill(),
            Self::Srt(server) => server.kill(),
        }
    }

    pub(super) fn go(&mut self, path: &Path) -> Result<()> {
        match self {
            Self::Rtmp(nginx) => nginx.go(),
            Self::Srt(server) => server.go_beyond(path),
        }
    }

    /// `srt-live-transmit` ends with its caller, so that each connection is a file: it is to serve the next.
    pub(super) fn tend(&mut self, path: &Path) -> Result<()> {
        if let Self::Srt(server) = self
            && server.ended()?
        {
            server.go_beyond(path)?;
        }
        Ok(())
    }

    /// Bytes of the stream that it has handed on so far.
    pub(super) fn received(&self) -> u64 {
        match self {
            Self::Rtmp(nginx) => nginx.received(),
            Self::Srt(server) => server.received_bytes(),
        }
    }

    /// What it got, a file for each connection.
    pub(super) fn recorded(&self) -> Result<Vec<PathBuf>> {
        match self {
            Self::Rtmp(nginx) => nginx.recorded(),
            Self::Srt(server) => Ok(server.files()),
        }
    }
}
