//! Encoding sessions in use: a GPU has only so many, whichever process opens them.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts sessions, in this process or across all that name the same directory.
///
/// Across processes a session is a locked file: the kernel gives it back when its process ends, however it
/// does.
#[derive(Debug)]
pub struct Sessions {
    directory: Option<PathBuf>,
    here: Arc<AtomicU32>,
}

/// A session in use. Given back on drop.
#[derive(Debug)]
pub struct Session {
    here: Arc<AtomicU32>,
    /// Held for its lock.
    _lock: Option<File>,
}

impl Sessions {
    /// Counts in this process, or in a directory.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory, here: Arc::default() }
    }

    /// Takes a session. None when `limit` are in use; without a limit there always is one.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn take(&self, limit: Option<u32>) -> std::io::Result<Option<Session>> {
        let (Some(limit), Some(directory)) = (limit, &self.directory) else {
            let free = |count| (limit.is_none_or(|limit| count < limit)).then_some(count + 1);
            let taken = self.here.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).is_ok();
            return Ok(taken.then(|| self.session(None)));
        };
        std::fs::create_dir_all(directory)?;
        for number in 0..limit {
            let file = File::create(directory.join(format!("session-{number}")))?;
            match file.try_lock() {
                Ok(()) => {
                    self.here.fetch_add(1, Ordering::AcqRel);
                    return Ok(Some(self.session(Some(file))));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Sessions of this process.
    pub fn in_use_here(&self) -> u32 {
        self.here.load(Ordering::Acquire)
    }

    fn session(&self, lock: Option<File>) -> Session {
        Session { here: Arc::clone(&self.here), _lock: lock }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.here.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(sessions: &Sessions, other: &Sessions) {
        let first = sessions.take(Some(2)).unwrap().unwrap();
        let _second = other.take(Some(2)).unwrap().unwrap();
        assert!(sessions.take(Some(2)).unwrap().is_none());
        assert!(other.take(Some(2)).unwrap().is_none());
        drop(first);
        let third = sessions.take(Some(2)).unwrap();
        assert!(third.is_some());
        assert!(sessions.take(None).unwrap().is_some(), "no limit");
    }

    #[test]
    fn a_process_counts_its_own() {
        let sessions = Sessions::new(None);
        fill(&sessions, &sessions);
        assert_eq!(sessions.in_use_here(), 0);
    }

    #[test]
    fn a_directory_counts_those_of_all() {
        let directory = tempfile::tempdir().unwrap();
        // Two counters know nothing of each other, as two processes do not.
        let sessions = || Sessions::new(Some(directory.path().into()));
        fill(&sessions(), &sessions());
    }
}
