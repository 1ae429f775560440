//! Where a recording goes when no file was named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::Container;
use crate::output::OutputError;

/// A new file in the user's Videos directory, such as `GhostStream 2026-11-22 13-05-09.mkv`, by
/// local time. The directory is made if it is missing; the name is one that no file has yet.
///
/// The directory is [`default_directory`].
///
/// # Errors
/// There is no home directory, or the Videos directory cannot be made.
pub fn default_path(container: Container) -> Result<PathBuf, OutputError> {
    let directory = default_directory()?;
    std::fs::create_dir_all(&directory)
        .map_err(|source| OutputError::Create { path: directory.clone(), source })?;
    Ok(free_name(&directory, &local_time(), container.word()))
}

/// The user's Videos directory, which need not be there: `XDG_VIDEOS_DIR` of
/// `$XDG_CONFIG_HOME/user-dirs.dirs`, else `~/Videos`.
///
/// # Errors
/// There is no home directory.
pub fn default_directory() -> Result<PathBuf, OutputError> {
    videos(|name| std::env::var_os(name).filter(|it| !it.is_empty())).ok_or_else(|| {
        let source = std::io::Error::other("HOME is not set; say where to on the command line");
        OutputError::Create { path: "the Videos directory".into(), source }
    })
}

fn free_name(directory: &Path, time: &str, extension: &str) -> PathBuf {
    let first = directory.join(format!("GhostStream {time}.{extension}"));
    let others = (2..).map(|n| directory.join(format!("GhostStream {time} ({n}).{extension}")));
    let taken = |path: &PathBuf| path.symlink_metadata().is_ok();
    std::iter::once(first.clone()).chain(others).find(|path| !taken(path)).unwrap_or(first)
}

fn videos(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = PathBuf::from(env("HOME")?);
    let config = env("XDG_CONFIG_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
    let file = config.unwrap_or_else(|| home.join(".config")).join("user-dirs.dirs");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    Some(videos_in(&text, &home).unwrap_or_else(|| home.join("Videos")))
}

/// The last `XDG_VIDEOS_DIR="…"` of a user-dirs file: absolute, or relative to `$HOME`. The file is
/// shell syntax of which only this form and backslash escapes are defined.
fn videos_in(text: &str, home: &Path) -> Option<PathBuf> {
    let line = text.lines().rev().find_map(|it| it.trim().strip_prefix("XDG_VIDEOS_DIR="))?;
    let quoted = line.trim().strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
    match value.strip_prefix("$HOME") {
        Some(rest) => Some(home.join(rest.trim_start_matches('/'))),
        None => Some(PathBuf::from(value)).filter(|it| it.is_absolute()),
    }
}

/// Now, as `YYYY-MM-DD HH-MM-SS` in the local time zone.
#[allow(unsafe_code)]
pub(in crate::output) fn local_time() -> String {
    // SAFETY: time accepts null; localtime_r fills in the struct that is ours, for which all zeros
    // is a valid value.
    let tm = unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut tm: libc::tm = std::mem::zeroed();
        libc::localtime_r(&now, &mut tm);
        tm
    };
    let (year, month) = (tm.tm_year + 1900, tm.tm_mon + 1);
    format!("{year:04}-{month:02}-{:02} {:02}-{:02}-{:02}", tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_user_dirs_file() {
        let home = Path::new("/home/u");
        let read = |text| videos_in(text, home);
        assert_eq!(read("# x\nXDG_VIDEOS_DIR=\"$HOME/Film \\\"x\\\"\"\n"), Some("/home/u/Film \"x\"".into()));
        assert_eq!(read("XDG_VIDEOS_DIR=\"/data/v\""), Some("/data/v".into()));
        assert_eq!(read("XDG_VIDEOS_DIR=\"$HOME/\""), Some("/home/u/".into()));
        assert_eq!(read("XDG_MUSIC_DIR=\"/m\""), None);
        assert_eq!(read("XDG_VIDEOS_DIR=\"relative\""), None);
        assert_eq!(read("XDG_VIDEOS_DIR=\"/unterminated"), None);
    }

    #[test]
    fn falls_back_to_videos_and_never_gives_a_name_that_is_taken() {
        let home = tempfile::tempdir().unwrap();
        let env = |name: &str| (name == "HOME").then(|| home.path().as_os_str().to_owned());
        assert_eq!(videos(env), Some(home.path().join("Videos")));
        std::fs::create_dir(home.path().join(".config")).unwrap();
        std::fs::write(home.path().join(".config/user-dirs.dirs"), "XDG_VIDEOS_DIR=\"$HOME/V\"").unwrap();
        assert_eq!(videos(env), Some(home.path().join("V")));

        let first = free_name(home.path(), "t", "mkv");
        assert_eq!(first, home.path().join("GhostStream t.mkv"));
        std::fs::write(&first, "").unwrap();
        assert_eq!(free_name(home.path(), "t", "mkv"), home.path().join("GhostStream t (2).mkv"));
    }
}
