//! Where a stream is sent, or waited for.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::{KeyLength, Passphrase, Settings};

/// An SRT URL, taken apart: `srt://host:port[?option=value&…]`.
///
/// The options are those of `ffmpeg`, OBS and `srt-live-transmit`, where they concern who sends live. Times
/// are in **milliseconds**, as in SRT itself; FFmpeg and OBS take `latency` in microseconds. Values may be
/// percent-encoded, and must be where they hold `&`, `%` or a space. Neither `Debug` nor `Display` show
/// passphrase or stream id.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    mode: Mode,
    host: String,
    port: u16,
    adapter: Option<IpAddr>,
    listen_timeout: Duration,
    settings: Settings,
}

/// Who calls whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// This side calls.
    #[default]
    Caller,
    /// This side waits to be called.
    Listener,
    /// Both sides call.
    Rendezvous,
}

/// Why a URL is none of SRT's. It holds nothing of the URL, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Another scheme.
    #[error("the URL must begin with srt://")]
    Scheme,
    /// No host, where there must be one.
    #[error(
        "the URL names no server: it looks like srt://SERVER:PORT, or srt://:PORT?mode=listener to be called"
    )]
    Host,
    /// No number from 1 to 65535.
    #[error("the URL needs a port from 1 to 65535: srt://SERVER:PORT")]
    Port,
    /// Something between port and options.
    #[error("SRT has no paths; what a server calls its stream is an option: srt://SERVER:PORT?streamid=NAME")]
    Path,
    /// A space, a line's end or another control character.
    #[error("the URL holds a space or a control character; within a value a space is written %20")]
    Character,
    /// Longer than any use.
    #[error("the URL is longer than 4096 characters")]
    Length,
    /// An option that does not exist here. Its name is not told: it may be a part of a secret.
    #[error(
        "option {0} of the URL is none of mode, latency, passphrase, pbkeylen, streamid, connect_timeout, \
         listen_timeout, pkt_size, maxbw, inputbw, oheadbw, adapter and transtype=live; \
         within a value & is written %26"
    )]
    Unknown(usize),
    /// An option was given twice.
    #[error("the URL has the option {0} twice")]
    Twice(&'static str),
    /// A value that cannot be.
    #[error("the URL's option {0} must be {1}")]
    Value(&'static str, &'static str),
    /// A latency that must have been meant in microseconds.
    #[error(
        "the URL's latency is in milliseconds and at most 30000; FFmpeg and OBS count in microseconds: leave \
         off three zeros"
    )]
    Microseconds,
}

impl Target {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// It is no SRT URL, or has an option or a value that cannot be.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if url.len() > 4096 {
            return Err(TargetError::Length);
        }
        if url.chars().any(|it| it.is_control() || it.is_whitespace()) {
            return Err(TargetError::Character);
        }
        let (scheme, rest) = url.split_once("://").ok_or(TargetError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("srt") {
            return Err(TargetError::Scheme);
        }
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        if !path.is_empty() {
            return Err(TargetError::Path);
        }
        let (host, port) = address_of(authority)?;
        let mut target = Self {
            mode: Mode::Caller,
            host,
            port,
            adapter: None,
            listen_timeout: Duration::from_secs(30),
            settings: Settings::default(),
        };
        target.take_options(options)?;
        if target.host.is_empty() && target.mode != Mode::Listener {
            return Err(TargetError::Host);
        }
        Ok(target)
    }

    fn take_options(&mut self, options: &str) -> Result<(), TargetError> {
        let mut seen = Vec::new();
        for (index, option) in options.split('&').filter(|it| !it.is_empty()).enumerate() {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let name = canonical(name).ok_or(TargetError::Unknown(index + 1))?;
            if seen.contains(&name) {
                return Err(TargetError::Twice(name));
            }
            seen.push(name);
            let value = decode(value).ok_or(TargetError::Value(name, "valid percent-encoded UTF-8"))?;
            self.take_option(name, value)?;
        }
        Ok(())
    }

    fn take_option(&mut self, name: &'static str, value: String) -> Result<(), TargetError> {
        let wrong = |what| TargetError::Value(name, what);
        let number = |what| value.parse::<u64>().map_err(|_| wrong(what));
        let settings = &mut self.settings;
        match name {
            "mode" => {
                self.mode = match value.as_str() {
                    "caller" => Mode::Caller,
                    "listener" => Mode::Listener,
                    "rendezvous" => Mode::Rendezvous,
                    _ => return Err(wrong("caller, listener or rendezvous")),
                }
            }
            "latency" => match number("milliseconds, at most 30000")? {
                30_001.. => return Err(TargetError::Microseconds),
                latency => settings.latency = Duration::from_millis(latency),
            },
            "passphrase" => {
                let passphrase = Passphrase::new(value).ok_or(wrong("10 to 79 bytes long"))?;
                settings.passphrase = Some(passphrase);
            }
            "pbkeylen" => {
                let what = "16, 24 or 32 (bytes)";
                let length = KeyLength::from_bytes(number(what)?).ok_or(wrong(what))?;
                settings.key_length = Some(length);
            }
            "streamid" => {
                if value.len() > 512 || value.contains('\0') {
                    return Err(wrong("at most 512 bytes long, none of them zero"));
                }
                settings.stream_id = Some(value);
            }
            "connect_timeout" => {
                let what = "100 to 60000 (milliseconds)";
                let time = number(what)?;
                if !(100..=60_000).contains(&time) {
                    return Err(wrong(what));
                }
                settings.connect_timeout = Duration::from_millis(time);
            }
            "listen_timeout" => {
                let what = "100 to 3600000 (milliseconds)";
                let time = number(what)?;
                if !(100..=3_600_000).contains(&time) {
                    return Err(wrong(what));
                }
                self.listen_timeout = Duration::from_millis(time);
            }
            "pkt_size" => {
                let what = "a multiple of 188, at most 1316";
                settings.payload = match number(what)? {
                    size @ 188..=1316 if size % 188 == 0 => size as usize,
                    _ => return Err(wrong(what)),
                };
            }
            "maxbw" if value == "-1" => settings.max_bandwidth = None,
            "maxbw" => settings.max_bandwidth = Some(number("-1, 0 or bytes a second")?),
            "inputbw" => settings.input_bandwidth = Some(number("bytes a second")?),
            "oheadbw" => {
                let what = "5 to 100 (percent)";
                let percent = u8::try_from(number(what)?).ok().filter(|it| (5..=100).contains(it));
                settings.overhead_percent = Some(percent.ok_or(wrong(what))?);
            }
            "adapter" => {
                self.adapter = Some(value.parse().map_err(|_| wrong("an address of this machine"))?);
            }
            _ if value == "live" => {}
            _ => return Err(wrong("live")),
        }
        Ok(())
    }

    /// Who calls whom.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The server's name or address, an IPv6 one without brackets; empty for a listener at all of this
    /// machine's addresses.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The UDP port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address of this machine from which is called.
    pub const fn adapter(&self) -> Option<IpAddr> {
        self.adapter
    }

    /// How long a listener waits for its first caller: half a minute where nothing was said.
    pub const fn listen_timeout(&self) -> Duration {
        self.listen_timeout
    }

    /// How the connection is made.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// The name that an option has here, of all that it has elsewhere.
fn canonical(name: &str) -> Option<&'static str> {
    Some(match name {
        "mode" => "mode",
        "latency" | "peerlatency" | "tsbpddelay" => "latency",
        "passphrase" => "passphrase",
        "pbkeylen" => "pbkeylen",
        "streamid" | "srt_streamid" => "streamid",
        "connect_timeout" | "conntimeo" => "connect_timeout",
        "listen_timeout" => "listen_timeout",
        "pkt_size" | "payload_size" | "payloadsize" => "pkt_size",
        "maxbw" => "maxbw",
        "inputbw" => "inputbw",
        "oheadbw" => "oheadbw",
        "adapter" => "adapter",
        "transtype" => "transtype",
        _ => return None,
    })
}

/// Host and port of `host:port`, `[v6]:port` or `:port`.
fn address_of(authority: &str) -> Result<(String, u16), TargetError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once("]:").ok_or(TargetError::Port)?;
            (host, port)
        }
        None => authority.rsplit_once(':').ok_or(TargetError::Port)?,
    };
    if host.contains(':') && !authority.starts_with('[') || host.contains('@') {
        return Err(TargetError::Host);
    }
    let port = port.parse().ok().filter(|&it| it > 0).ok_or(TargetError::Port)?;
    Ok((host.to_owned(), port))
}

/// Undoes percent-encoding (RFC 3986, 2.1).
fn decode(value: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|it| char::from(it).to_digit(16));
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        decoded.push((high * 16 + low) as u8);
    }
    String::from_utf8(decoded).ok()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "srt://[{}]:{}", self.host, self.port)?,
            false => write!(f, "srt://{}:{}", self.host, self.port)?,
        }
        match self.mode {
            Mode::Caller => Ok(()),
            Mode::Listener => f.write_str("?mode=listener"),
            Mode::Rendezvous => f.write_str("?mode=rendezvous"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
