//! Where the sockets are: `$XDG_RUNTIME_DIR/ghoststream/`, for its user alone.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// What a socket's file name ends in.
const EXTENSION: &str = "sock";
/// How long another process may take that opens its own socket at this moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// A name by which a running process is found: 1 to 64 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl std::str::FromStr for Name {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
        if (1..=64).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err("1 to 64 letters, digits, - and _".to_owned())
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// There is no runtime directory.
    #[error(
        "XDG_RUNTIME_DIR is not set to an absolute path: log in with a session, or set it to a directory of yours"
    )]
    NoRuntimeDirectory,
    /// The directory is not what it should be.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another process has this name.
    #[error("the name {name} is taken by process {pid}: choose another one")]
    Taken {
        /// The name.
        name: String,
        /// Who has it.
        pid: i32,
    },
}

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// Its name: what `--control` said, else its process id.
    pub name: String,
    /// Its process id.
    pub pid: i32,
    /// Its socket.
    pub path: PathBuf,
}

/// The directory of the sockets.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The user's: `$XDG_RUNTIME_DIR/ghoststream`.
    ///
    /// # Errors
    /// The variable is not set to an absolute path.
    pub fn of_user() -> Result<Self, DirectoryError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let runtime = runtime.filter(|it| it.is_absolute()).ok_or(DirectoryError::NoRuntimeDirectory)?;
        Ok(Self::at(runtime.join("ghoststream")))
    }

    /// Another one. Nothing is made yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who listens. Sockets of processes that have died are passed over.
    ///
    /// # Errors
    /// The directory is there and cannot be read.
    pub fn running(&self) -> Result<Vec<Instance>, DirectoryError> {
        let mut running = Vec::new();
        for path in self.sockets()? {
            let Ok(stream) = UnixStream::connect(&path) else { continue };
            let Some(name) = path.file_stem().and_then(|it| it.to_str()) else { continue };
            if let Ok(pid) = peer_pid(&stream) {
                running.push(Instance { name: name.to_owned(), pid, path: path.clone() });
            }
        }
        running.sort_by(|a, b| (a.pid, &a.name).cmp(&(b.pid, &b.name)));
        Ok(running)
    }

    /// Listens at a new socket, by this name or by the process id. What dead processes have left is
    /// taken away first.
    pub(crate) fn listen(&self, name: Option<&Name>) -> Result<(UnixListener, PathBuf), DirectoryError> {
        self.make()?;
        // Until the lock goes nobody else listens or sweeps: a socket that is not listened at *yet*
        // would look like a dead one's.
        let _lock = self.lock()?;
        self.sweep()?;
        let own = std::process::id().to_string();
        if let Some(Name(name)) = name {
            return self.bind(name);
        }
        // A process with several pipelines has several sockets, and in a container ids come twice.
        let further = (2..100).map(|it| format!("{own}-{it}"));
        let mut last = self.bind(&own);
        for name in further {
            match last {
                Err(DirectoryError::Taken { .. }) => last = self.bind(&name),
                other => return other,
            }
        }
        last
    }

    fn bind(&self, name: &str) -> Result<(UnixListener, PathBuf), DirectoryError> {
        let path = self.path.join(name).with_extension(EXTENSION);
        let listener = match UnixListener::bind(&path) {
            Ok(listener) => listener,
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                let pid = UnixStream::connect(&path).and_then(|it| peer_pid(&it)).unwrap_or(0);
                return Err(DirectoryError::Taken { name: name.to_owned(), pid });
            }
            Err(error) => return Err(unusable(&path, error)),
        };
        // The directory keeps others out already.
        let private = std::fs::set_permissions(&path, Permissions::from_mode(0o600));
        match private.and_then(|()| listener.set_nonblocking(true)) {
            Ok(()) => Ok((listener, path)),
            Err(error) => {
                let _ = std::fs::remove_file(&path);
                Err(unusable(&path, error))
            }
        }
    }

    /// Makes it, and sees that nobody else can look into it.
    fn make(&self) -> Result<(), DirectoryError> {
        let failed = |error: io::Error| unusable(&self.path, error);
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        // Not through a link: where it leads is not ours to change.
        let found = std::fs::symlink_metadata(&self.path).map_err(failed)?;
        if !found.is_dir() {
            return Err(unusable(&self.path, "it is not a directory"));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(unusable(&self.path, "it belongs to another user"));
        }
        if found.mode() & 0o077 != 0 {
            std::fs::set_permissions(&self.path, Permissions::from_mode(0o700)).map_err(failed)?;
        }
        Ok(())
    }

    fn lock(&self) -> Result<File, DirectoryError> {
        let directory = File::open(&self.path).map_err(|error| unusable(&self.path, error))?;
        let start = Instant::now();
        loop {
            match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(directory),
                Err(error) if start.elapsed() > PATIENCE => return Err(unusable(&self.path, error)),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Takes sockets away that nobody listens at.
    fn sweep(&self) -> Result<(), DirectoryError> {
        for path in self.sockets()? {
            let refused = UnixStream::connect(&path).map_err(|it| it.kind());
            if refused.is_err_and(|kind| kind == ErrorKind::ConnectionRefused) {
                tracing::debug!(path = %path.display(), "took a dead process's socket away");
                let _ = std::fs::remove_file(&path);
            }
        }
        Ok(())
    }

    fn sockets(&self) -> Result<Vec<PathBuf>, DirectoryError> {
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(&self.path, error)),
        };
        let paths = entries.filter_map(|it| Some(it.ok()?.path()));
        Ok(paths.filter(|it| it.extension().is_some_and(|it| it == EXTENSION)).collect())
    }
}

fn unusable(path: &Path, reason: impl ToString) -> DirectoryError {
    DirectoryError::Unusable { path: path.to_owned(), reason: reason.to_string() }
}

/// Who listens at the other end.
fn peer_pid(stream: &UnixStream) -> io::Result<i32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.pid.as_raw_nonzero().get())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Directory) {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::at(dir.path().join("ghoststream"));
        (dir, directory)
    }

    #[test]
    fn nobody_else_can_open_it() {
        let (_dir, directory) = directory();
        std::fs::create_dir(directory.path()).unwrap();
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let (_listener, path) = directory.listen(None).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(directory.path()), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn dead_sockets_are_swept_and_living_ones_kept() {
        let (_dir, directory) = directory();
        let name: Name = "evening".parse().unwrap();
        let (listener, path) = directory.listen(Some(&name)).unwrap();
        drop(listener);
        assert!(path.exists(), "as a killed process leaves it");
        assert_eq!(directory.running().unwrap(), []);
        let (_first, own) = directory.listen(None).unwrap();
        assert!(!path.exists(), "swept");
        let (_second, _) = directory.listen(Some(&name)).unwrap();
        let (_third, further) = directory.listen(None).unwrap();
        assert_ne!(own, further);
        let running = directory.running().unwrap();
        let pid = std::process::id() as i32;
        assert!(running.iter().all(|it| it.pid == pid) && running.len() == 3, "{running:?}");
        let taken = directory.listen(Some(&name)).unwrap_err();
        assert!(matches!(taken, DirectoryError::Taken { pid: by, .. } if by == pid), "{taken}");
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let (dir, directory) = directory();
        std::fs::write(directory.path(), "a file").unwrap();
        assert!(directory.listen(None).unwrap_err().to_string().contains("not a directory"));
        let elsewhere = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &elsewhere).unwrap();
        assert!(Directory::at(elsewhere).listen(None).unwrap_err().to_string().contains("not a directory"));
        let long = Directory::at(dir.path().join("x".repeat(120)));
        assert!(matches!(long.listen(None), Err(DirectoryError::Unusable { .. })));
        for wrong in ["", "a/b", "..", "ü", &"x".repeat(65)] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }
}
