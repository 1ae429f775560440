//! How a connection is made.

use std::fmt;
use std::time::Duration;

/// What is settled before a connection is made. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How long a packet may be under way. The peer shows everything so much later, and what is lost can be
    /// sent again meanwhile: three to four round trips are good. The greater of both sides' counts.
    pub latency: Duration,
    /// `None`: not encrypted. A peer that has one, or another one, is refused.
    pub passphrase: Option<Passphrase>,
    /// The AES key's length; `None`: the peer's, or 128 bits.
    pub key_length: Option<KeyLength>,
    /// Tells a server which stream this is, and often holds a key: treated as a secret. Up to 512 bytes.
    pub stream_id: Option<String>,
    /// How long a peer may take to answer; in a rendezvous libsrt gives it ten times as long.
    pub connect_timeout: Duration,
    /// A peer that says nothing for so long is lost. It says something at least once a second.
    pub peer_idle: Duration,
    /// The most bytes of a message.
    pub payload: usize,
    /// The most bytes a second that are sent, headers and what is sent again included; `None`: no limit,
    /// 0: what comes in, and `overhead_percent` more.
    pub max_bandwidth: Option<u64>,
    /// What comes in, in bytes a second, where `max_bandwidth` is 0; `None`: measured.
    pub input_bandwidth: Option<u64>,
    /// What may be sent above what comes in, where `max_bandwidth` is 0: 5 to 100.
    pub overhead_percent: Option<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(120),
            passphrase: None,
            key_length: None,
            stream_id: None,
            connect_timeout: Duration::from_secs(3),
            peer_idle: Duration::from_secs(3),
            payload: 1316,
            max_bandwidth: None,
            input_bandwidth: None,
            overhead_percent: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("latency", &self.latency)
            .field("passphrase", &self.passphrase)
            .field("key_length", &self.key_length)
            .field("stream_id", &self.stream_id.as_ref().map(|_| "…"))
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// What both sides know: 10 to 79 bytes. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

impl Passphrase {
    /// `None` where it is shorter or longer than SRT takes.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (10..=79).contains(&text.len()).then_some(Self(text))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// The length of an AES key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyLength {
    /// 128 bits.
    Aes128,
    /// 192 bits.
    Aes192,
    /// 256 bits.
    Aes256,
}

impl KeyLength {
    /// From bytes: 16, 24 or 32.
    pub const fn from_bytes(bytes: u64) -> Option<Self> {
        match bytes {
            16 => Some(Self::Aes128),
            24 => Some(Self::Aes192),
            32 => Some(Self::Aes256),
            _ => None,
        }
    }

    pub(crate) const fn bytes(self) -> i32 {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}
