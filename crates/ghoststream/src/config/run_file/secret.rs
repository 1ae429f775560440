//! Keys and passphrases that stand elsewhere than in the file, and what others can read.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::{ConfigError, Output};

/// The longest key: services have some dozens of characters.
const LONGEST: u64 = 4096;

/// The first line of a file.
pub(super) fn from_file(path: &Path) -> Result<String, ConfigError> {
    let wrong = |allowed: String| ConfigError::new("key-file", path.display(), allowed);
    let mut text = String::new();
    let file = File::open(path).map_err(|error| wrong(format!("a file with the key in it: {error}")))?;
    let read = file.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| wrong(format!("a file with the key in it: {error}")))?;
    let key = text.lines().next().unwrap_or_default().trim();
    if key.is_empty() {
        return Err(wrong("a file with the key in its first line, which is empty".to_owned()));
    }
    Ok(key.to_owned())
}

/// The value of an environment variable.
pub(super) fn from_env(name: &str) -> Result<String, ConfigError> {
    match std::env::var(name) {
        Ok(key) if !key.trim().is_empty() => Ok(key.trim().to_owned()),
        _ => Err(ConfigError::new(
            "key-env",
            name,
            "an environment variable that holds the key, which it does not",
        )),
    }
}

/// Whether an output's URL stands in the text as it is.
pub(super) fn in_url(output: &Output, text: &str) -> bool {
    match output {
        Output::Rtmp { url } | Output::Srt { url } => text.contains(url.as_str()),
        _ => false,
    }
}

/// What to tell where others can read a file with a secret.
pub(super) fn warning(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.mode();
    (mode & 0o077 != 0)
        .then(|| format!("{0} holds a key, and other users can read it: chmod 600 {0}", path.display()))
}
