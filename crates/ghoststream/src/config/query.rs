//! Options of a URL.

/// The URL with one more option, its value percent-encoded (RFC 3986, 2.1).
pub(crate) fn with_option(url: &str, name: &str, value: &str) -> String {
    let mut url = format!("{url}{}{name}=", if url.contains('?') { '&' } else { '?' });
    for byte in value.bytes() {
        // What section 2.3 leaves as it is.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

/// Whether it is SRT's.
pub(crate) fn is_srt(url: &str) -> bool {
    url.get(..6).is_some_and(|it| it.eq_ignore_ascii_case("srt://"))
}
