//! Makes what was written durable, off the path of the packets.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::target::{Place, place};
use crate::output::OutputError;

/// How often the disk is told to keep what it was given. With what waits in memory, a power cut costs
/// about a second at most.
const PERIOD: Duration = Duration::from_millis(300);

/// A thread that syncs a file while it grows and watches where it is. Ended and joined when dropped.
#[derive(Debug)]
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stop: bool,
    dirty: bool,
    failed: Option<io::Error>,
    removed: bool,
}

impl Syncer {
    /// Starts the thread.
    pub(super) fn start(file: Arc<File>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("gs-file-sync".into());
        let thread = thread.spawn(move || run(&file, &theirs))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Says that there is something to sync.
    pub(super) fn wrote(&self) {
        self.shared.lock().dirty = true;
    }

    /// What went wrong since the last call: each error is told once.
    pub(super) fn check(&self, path: &Path) -> Result<(), OutputError> {
        let mut state = self.shared.lock();
        if std::mem::take(&mut state.removed) {
            return Err(OutputError::Removed { path: path.to_owned() });
        }
        match state.failed.take() {
            Some(error) => Err(OutputError::writing(path, error)),
            None => Ok(()),
        }
    }

    /// Ends the thread; a sync that it is in is waited for.
    pub(super) fn stop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, the last sync is the caller's anyway.
            let _ = thread.join();
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(file: &File, shared: &Shared) {
    let (mut known_removed, mut named) = (false, false);
    loop {
        let state = shared.lock();
        let wait = shared.changed.wait_timeout_while(state, PERIOD, |it| !it.stop);
        let (mut state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        if state.stop {
            return;
        }
        let dirty = std::mem::take(&mut state.dirty);
        drop(state);

        let failed = if dirty { file.sync_data().err() } else { None };
        if dirty && !named {
            sync_name(file);
            named = true;
        }
        let removed = !known_removed && place(file) == Some(Place::Removed);
        known_removed |= removed;

        let mut state = shared.lock();
        state.removed |= removed;
        if failed.is_some() {
            state.failed = failed;
        }
    }
}

/// Makes the file's name durable. Not every file system takes a directory's sync, and most need none
/// beside the file's.
fn sync_name(file: &File) {
    if let Some(Place::At(path)) = place(file)
        && let Some(directory) = path.parent().and_then(|it| File::open(it).ok())
    {
        let _ = directory.sync_all();
    }
}
