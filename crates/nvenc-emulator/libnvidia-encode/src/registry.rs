//! Sessions by the handles that clients hold.
//!
//! A handle is a number that was given out; what a client passes is looked up and never followed.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::schema::Record;
use crate::session::{Lock, Session};
use crate::status::{Answer, Refusal, Status};

/// A session with those who wait for it.
#[derive(Debug)]
pub struct Shared {
    session: Mutex<Session>,
    changed: Condvar,
}

static SESSIONS: Mutex<BTreeMap<usize, Arc<Shared>>> = Mutex::new(BTreeMap::new());

/// How long a lock waits for a picture that needs further ones. A client that submits from another thread is faster;
/// one that does not would wait on a real driver for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// Adds a session and returns its handle.
pub fn add(session: Session) -> usize {
    let handle = crate::session::handle();
    lock(&SESSIONS)
        .insert(handle, Arc::new(Shared { session: Mutex::new(session), changed: Condvar::new() }));
    handle
}

/// The session of a handle.
pub fn find(handle: usize) -> Answer<Arc<Shared>> {
    if handle == 0 {
        return Err(Refusal::new(Status::InvalidPtr, "encoder is null"));
    }
    let unknown = || Refusal::new(Status::InvalidParam, "encoder is no open session");
    lock(&SESSIONS).get(&handle).cloned().ok_or_else(unknown)
}

/// Ends a session with all that it holds.
pub fn remove(handle: usize) -> Answer {
    find(handle)?;
    lock(&SESSIONS).remove(&handle);
    Ok(())
}

impl Shared {
    /// The session, when no other call is in it.
    pub fn enter(&self) -> MutexGuard<'_, Session> {
        lock(&self.session)
    }

    /// The same, without waiting.
    pub fn try_enter(&self) -> Option<MutexGuard<'_, Session>> {
        match self.session.try_lock() {
            Ok(session) => Some(session),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }

    /// Tells those who wait that something has changed.
    pub fn notify(&self) {
        self.changed.notify_all();
    }

    /// `NvEncLockBitstream`: waits where the client lets it.
    pub fn lock_bitstream(&self, params: &mut Record) -> Answer {
        let Some(mut session) =
            (if params.flag("doNotWait") { self.try_enter() } else { Some(self.enter()) })
        else {
            return Err(Refusal::new(Status::LockBusy, "the encoder is busy"));
        };
        let patient_until = Instant::now() + PATIENCE;
        loop {
            session.require_device()?;
            let until = match session.lock_bitstream(params)? {
                Lock::Done => return Ok(()),
                Lock::Until(ready) => ready,
                Lock::NeedsInput if Instant::now() < patient_until => patient_until,
                Lock::NeedsInput => {
                    let why = "outputBitstream waits for further pictures: EncodePicture has not returned success for it";
                    return Err(Refusal::new(Status::InvalidCall, why));
                }
            };
            let time = until.saturating_duration_since(Instant::now());
            session = self.changed.wait_timeout(session, time).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A call that panicked has returned an error; what it left behind is used on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
