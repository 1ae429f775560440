//! A live output by its URL.

use super::query::with_option;
use super::{ConfigError, Output};

impl Output {
    /// A live output, told by the scheme of its URL: `rtmp://`, `rtmps://` or `srt://`.
    ///
    /// A `key` that does not stand in the URL is put where it belongs: a stream key behind RTMP's application,
    /// as it is; with SRT it is the passphrase, percent-encoded.
    ///
    /// # Errors
    /// Another scheme. The error holds nothing of the URL.
    pub fn live(url: &str, key: Option<&str>) -> Result<Self, ConfigError> {
        match url.split_once("://").map(|it| it.0.to_ascii_lowercase()).as_deref() {
            Some("rtmp" | "rtmps") => Ok(Self::Rtmp {
                url: key.map_or_else(|| url.to_owned(), |key| format!("{}/{key}", url.trim_end_matches('/'))),
            }),
            Some("srt") => Ok(Self::Srt {
                url: key
                    .map_or_else(|| url.to_owned(), |passphrase| with_option(url, "passphrase", passphrase)),
            }),
            _ => Err(ConfigError::new("url", "…", "it begins with rtmp://, rtmps:// or srt://")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_put_where_it_belongs() {
        let url = |url, key| match Output::live(url, key).unwrap() {
            Output::Rtmp { url } | Output::Srt { url } => url,
            other => panic!("{other:?}"),
        };
        assert_eq!(url("rtmp://h/app/", Some("a?b%")), "rtmp://h/app/a?b%");
        assert_eq!(url("RTMPS://h/app/key", None), "RTMPS://h/app/key");
        assert_eq!(url("srt://h:1?mode=caller", Some("a b&c")), "srt://h:1?mode=caller&passphrase=a%20b%26c");
        assert_eq!(url("Srt://h:1", Some("ключ")), "Srt://h:1?passphrase=%D0%BA%D0%BB%D1%8E%D1%87");
        let error = Output::live("http://hidden", Some("hidden")).unwrap_err().to_string();
        assert!(error.contains("srt://") && !error.contains("hidden"), "{error}");
    }
}
