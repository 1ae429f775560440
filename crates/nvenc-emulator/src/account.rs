//! What the emulator itself costs, so that a bench can tell it from what it measures.
//!
//! Each library keeps an account of its own: the CPU time of every call, on whichever thread it comes.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Nanoseconds inside this library. For a moment less than none, while a call leaves the library that
/// has not ended yet.
static INSIDE: AtomicI64 = AtomicI64::new(0);

/// CPU time that this library has taken so far, in calls that have ended.
pub fn cpu_time() -> Duration {
    Duration::from_nanos(INSIDE.load(Ordering::Relaxed).max(0).unsigned_abs())
}

/// Takes what `body` costs out of the account: it is another library's.
pub fn elsewhere<T>(body: impl FnOnce() -> T) -> T {
    let started = now();
    let result = body();
    INSIDE.fetch_sub(now() - started, Ordering::Relaxed);
    result
}

/// Adds what a call costs to the account, when it goes.
#[derive(Debug)]
pub(crate) struct Entry {
    started: i64,
}

impl Entry {
    pub(crate) fn begin() -> Self {
        Self { started: now() }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        INSIDE.fetch_add(now() - self.started, Ordering::Relaxed);
    }
}

/// Nanoseconds of this thread's CPU time.
fn now() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Library, Trace};

    /// Works until this thread has taken so much CPU time.
    fn work(milliseconds: i64) {
        let until = now() + milliseconds * 1_000_000;
        while now() < until {}
    }

    #[test]
    fn calls_are_counted_and_what_they_call_elsewhere_is_not() {
        let before = cpu_time();
        let trace = Trace::off();
        let call = trace.call(Library::Cuda, "cuInit");
        work(4);
        elsewhere(|| work(60));
        call.end("CUDA_SUCCESS");
        work(60);
        let inside = cpu_time() - before;
        assert!(inside >= Duration::from_millis(4), "{inside:?}");
        // Of the thread's own CPU time, which a busy machine does not stretch.
        assert!(inside < Duration::from_millis(60), "{inside:?}");
    }
}
