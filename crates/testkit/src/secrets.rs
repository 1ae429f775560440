//! Keys and passphrases that tests use, and the search for them in what was written.
//!
//! A test that streams takes its secrets from here. Whatever it prints, whatever the command prints that it
//! runs, and whatever files are left behind can then be searched for one word; `make test` does so with the
//! output of all tests.

use std::io;
use std::path::{Path, PathBuf};

/// What every secret of a test has in it, and nothing else has.
pub const MARK: &str = "s3cr3t-";

/// A stream key.
pub const STREAM_KEY: &str = "s3cr3t-stream-key";

/// A passphrase, as long as SRT wants it.
pub const PASSPHRASE: &str = "s3cr3t-passphrase";

/// Whether a text tells a secret.
pub fn told(text: &str) -> bool {
    text.contains(MARK)
}

/// The first line of a text that tells a secret.
pub fn line_with_one(text: &str) -> Option<&str> {
    text.lines().find(|it| told(it))
}

/// The files below a directory that hold a secret.
///
/// # Errors
/// A file or a directory cannot be read.
pub fn files_with_one(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            found.extend(files_with_one(&path)?);
        } else if kind.is_file() && told(&String::from_utf8_lossy(&std::fs::read(&path)?)) {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_is() {
        assert!(told(STREAM_KEY) && told(PASSPHRASE) && !told("a stream key"));
        assert_eq!(line_with_one(&format!("a\nb {PASSPHRASE} c\nd")), Some("b s3cr3t-passphrase c"));
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(dir.path().join("plain"), "nothing").unwrap();
        std::fs::write(below.join("x"), [b"\xff\0", STREAM_KEY.as_bytes()].concat()).unwrap();
        assert_eq!(files_with_one(dir.path()).unwrap(), [below.join("x")]);
    }
}
