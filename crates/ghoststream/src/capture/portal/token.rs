//! Restore tokens: what lets the dialog come once.
//!
//! Whoever holds a token may see the screen again without a question, so a token is a secret: its
//! file is the user's alone, and it is never printed. The portal takes each token once and gives a
//! new one in return; the new one replaces the file in one step.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The place of one profile's token.
#[derive(Clone, Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
}

/// A restore token. Its text stays out of logs.
pub(super) struct Token(String);

impl Token {
    /// A token that the portal gave. Some backends answer an empty one, which restores nothing.
    pub(super) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// For the portal alone.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl TokenFile {
    /// The token of `profile` under the user's state directory; `None` where there is neither
    /// `XDG_STATE_HOME` nor `HOME`.
    pub(super) fn of_profile(profile: &str) -> Option<Self> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
        Some(Self::within(&state.join("ghoststream"), profile))
    }

    fn within(dir: &Path, profile: &str) -> Self {
        Self { path: dir.join(format!("{}.restore-token", file_name(profile))) }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the token, if one is kept.
    pub(super) fn load(&self) -> io::Result<Option<Token>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Token::new(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a token in the place of the last. At every moment the file is the old one or the new.
    pub(super) fn store(&self, token: &Token) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        // It may have been there before, made by something more generous.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let new = self.path.with_extension(format!("restore-token.{}", std::process::id()));
        let written = write_new(&new, token).and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Drops the token: it was spent, or the portal does not know it any more.
    pub(super) fn forget(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn write_new(path: &Path, token: &Token) -> io::Result<()> {
    // Left behind by a process that died at this very point; the id came round again.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.0.as_bytes())?;
    file.sync_all()
}

/// A profile's name as a file's: letters, digits, `-` and `_` stay, every other byte is written
/// `%XX`, so that no name leaves the directory and no two names meet.
fn file_name(profile: &str) -> String {
    let mut name = String::with_capacity(profile.len());
    for byte in profile.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_token_is_kept_for_its_user_alone_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("ghoststream");
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        let file = TokenFile::within(&state, "default");
        assert!(file.load().unwrap().is_none());
        for text in ["first", "second"] {
            file.store(&Token::new(text).unwrap()).unwrap();
            assert_eq!(file.load().unwrap().unwrap().reveal(), text);
        }
        assert_eq!((mode(&state), mode(file.path())), (0o700, 0o600));
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "nothing is left beside it");
        file.forget().unwrap();
        file.forget().unwrap();
        assert!(file.load().unwrap().is_none());
    }

    #[test]
    fn an_empty_token_is_none() {
        assert!(Token::new("").is_none());
        assert!(Token::new(" \n").is_none());
    }

    #[test]
    fn no_profile_name_leaves_the_directory() {
        assert_eq!(file_name("../../etc/passwd"), "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd");
        assert_ne!(file_name("a/b"), file_name("a%2Fb"));
        assert_eq!(file_name("Gaming_2-x"), "Gaming_2-x");
    }
}
