//! Where a stream is published.

use std::fmt;

/// An RTMP URL, taken apart: `rtmp[s]://[user:password@]host[:port]/app/key`.
///
/// Of the path the last part is the key, with everything after a `?`, and what stands before is the
/// application. Neither `Debug` nor `Display` show the key, the user or the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    tls: bool,
    host: String,
    port: u16,
    app: String,
    key: String,
}

/// Why a URL is none of RTMP's. It holds nothing of the URL, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Another scheme.
    #[error("the URL must begin with rtmp:// or rtmps://")]
    Scheme,
    /// No host, or one that cannot be.
    #[error("the URL names no server: it looks like rtmp://SERVER/APPLICATION/STREAM_KEY")]
    Host,
    /// No number from 1 to 65535.
    #[error("what follows the server's name and a colon is no port from 1 to 65535")]
    Port,
    /// The application or the key is missing.
    #[error("the URL needs an application and a stream key: rtmp://SERVER/APPLICATION/STREAM_KEY")]
    Path,
    /// A space, a line's end or another control character.
    #[error("the URL holds a space or a control character; was the key copied with the line's end?")]
    Character,
    /// Longer than any server takes.
    #[error("the URL is longer than 4096 characters")]
    Length,
}

impl Target {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// It is no RTMP URL, or names no stream.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if url.len() > 4096 {
            return Err(TargetError::Length);
        }
        if url.chars().any(|it| it.is_control() || it.is_whitespace()) {
            return Err(TargetError::Character);
        }
        let (scheme, rest) = url.split_once("://").ok_or(TargetError::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "rtmp" => false,
            "rtmps" => true,
            _ => return Err(TargetError::Scheme),
        };
        let (authority, path) = rest.split_once('/').ok_or(TargetError::Path)?;
        // User and password are no part of RTMP's publishing; some write them before the host.
        let address = authority.rsplit_once('@').map_or(authority, |it| it.1);
        let (host, port) = address_of(address, if tls { 443 } else { 1935 })?;
        let query = path.find('?').unwrap_or(path.len());
        let slash = path[..query].rfind('/').ok_or(TargetError::Path)?;
        let (app, key) = (path[..slash].trim_matches('/'), &path[slash + 1..]);
        if app.is_empty() || key.is_empty() || key.starts_with('?') {
            return Err(TargetError::Path);
        }
        Ok(Self { tls, host, port, app: app.to_owned(), key: key.to_owned() })
    }

    /// Whether it is RTMPS.
    pub const fn tls(&self) -> bool {
        self.tls
    }

    /// The server's name or address, an IPv6 one without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port: 1935, or 443 with TLS, where none was said.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The application.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The stream key: a secret.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What the server is told to be connected to: the URL without the key.
    pub(crate) fn url_of_app(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.tls { 443 } else { 1935 };
        let port = if self.port == usual { String::new() } else { format!(":{}", self.port) };
        format!("{}://{host}{port}/{}", if self.tls { "rtmps" } else { "rtmp" }, self.app)
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn address_of(address: &str, usual: u16) -> Result<(String, u16), TargetError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(TargetError::Host)?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("")).ok_or(TargetError::Port)?)
        }
        None => address.split_once(':').unwrap_or((address, "")),
    };
    let port = match port {
        "" => usual,
        port => port.parse().ok().filter(|&it| it > 0).ok_or(TargetError::Port)?,
    };
    if host.is_empty() { Err(TargetError::Host) } else { Ok((host.to_owned(), port)) }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.url_of_app())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (bool, String, u16, String, String) {
        let it = Target::parse(url).unwrap();
        (it.tls, it.host, it.port, it.app, it.key)
    }

    fn expect(tls: bool, host: &str, port: u16, app: &str, key: &str) -> (bool, String, u16, String, String) {
        (tls, host.into(), port, app.into(), key.into())
    }

    #[test]
    fn urls_of_services_are_taken_apart() {
        let it = parts("rtmp://live.twitch.tv/app/live_1_abc?bandwidthtest=true");
        assert_eq!(it, expect(false, "live.twitch.tv", 1935, "app", "live_1_abc?bandwidthtest=true"));
        let it = parts("rtmps://a.rtmps.youtube.com:443/live2/x-y-z");
        assert_eq!(it, expect(true, "a.rtmps.youtube.com", 443, "live2", "x-y-z"));
        let it = parts("RTMP://user:pw@[::1]:1936/one/two/key?a=b/c");
        assert_eq!(it, expect(false, "::1", 1936, "one/two", "key?a=b/c"));
    }

    #[test]
    fn what_is_no_url_is_told_without_repeating_it() {
        let cases = [
            ("http://a/b/c", TargetError::Scheme),
            ("a/b/c", TargetError::Scheme),
            ("rtmp://host", TargetError::Path),
            ("rtmp://host/app", TargetError::Path),
            ("rtmp://host/app/", TargetError::Path),
            ("rtmp://host/app/?k", TargetError::Path),
            ("rtmp:///app/key", TargetError::Host),
            ("rtmp://host:0/app/key", TargetError::Port),
            ("rtmp://host:70000/app/key", TargetError::Port),
            ("rtmp://[::1/app/key", TargetError::Host),
            ("rtmp://[::1]x/app/key", TargetError::Port),
            ("rtmp://host/app/key\n", TargetError::Character),
        ];
        for (url, error) in cases {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
        assert_eq!(Target::parse(&"x".repeat(5000)), Err(TargetError::Length));
    }

    #[test]
    fn the_key_is_never_shown() {
        let target = Target::parse("rtmp://user:word@host:99/app/secret?token=1").unwrap();
        let shown = format!("{target} {target:?}");
        assert_eq!(shown, "rtmp://host:99/app/… Target(rtmp://host:99/app/…)");
    }
}
