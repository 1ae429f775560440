//! Asks NVIDIA's driver what its GPUs can encode, in a process of its own.
//!
//! A driver may crash or hang at its first call: after an update without a restart, with a GPU that
//! fell off its bus. Whoever asks it in his own process is taken down with it. So the question is
//! asked by a child, and the parent waits for a bounded time.
//!
//! # The child is this same program
//!
//! A library has no program of its own that it could start. The parent executes `/proc/self/exe`
//! again, with the environment variable [`VARIABLE`] set. **An entry in `.init_array`
//! ([`child::before_main`]) runs before `main` in every program that this library is linked into.**
//! Without the variable it does nothing. With it, it asks the driver, writes the answer to standard
//! output as lines of JSON, and ends the process: `main` is never reached.
//!
//! Where the library is not part of the program but was loaded by it, as a plugin is by an
//! interpreter, the program would do something else entirely when executed again. That is seen
//! before ([`child::is_in_executable`]) and nothing is started: what the GPUs can do is then not
//! known, and encoders are simply opened.

mod answer;
mod child;
mod cuda;
mod encode_api;
mod failure;
mod nvml;
mod parent;
mod presence;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use answer::Question;
pub(crate) use answer::{Activity, MemoryClock};
pub(crate) use failure::{NO_DRIVER, ProbeFailure};

use super::abilities::Abilities;

/// What tells the child to ask the driver: a [`Question`] and the process id of its parent. The child
/// heeds it only if that is its parent, so that a variable that someone exported by accident ends no
/// program.
const VARIABLE: &str = "GHOSTSTREAM_NVENC_PROBE";

/// How long the driver may take over one step, such as a call of `cuInit`.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the child may take to its first step: that is for this program to be loaded with all its
/// libraries, on a machine that may be busy or emulated, and says nothing about the driver.
const START: Duration = Duration::from_secs(20);

/// What the first probe of this process found.
static FOUND: Mutex<Option<Result<&'static Abilities, ProbeFailure>>> = Mutex::new(None);

/// What this machine's NVIDIA GPUs can encode. Asked once in the life of the process: later calls
/// answer at once, calls at the same time wait for the first.
///
/// # Errors
/// There is no driver, it cannot be used, it crashed or hung; or it could not be asked, which says
/// nothing about it: see [`ProbeFailure::unmet`].
pub(crate) fn abilities() -> Result<&'static Abilities, ProbeFailure> {
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = &*found {
        return found.clone();
    }
    let answer = ask();
    tracing::debug!(?answer, "asked NVIDIA's driver");
    // Leaked once: it is kept until the process ends.
    let answer = answer.map(|it| &*Box::leak(Box::new(it)));
    if !matches!(answer, Err(ProbeFailure::Busy)) {
        *found = Some(answer.clone());
    }
    answer
}

/// Begins to ask, on a thread of its own, if there is a driver: so that whoever needs the answer a
/// moment later waits less.
pub(crate) fn begin() {
    let known = FOUND.try_lock().map_or(true, |found| found.is_some());
    if known || !presence::is_driver_there() {
        return;
    }
    // The thread ends with the answer, for which it waits a bounded time. If it cannot be started,
    // the answer comes later.
    let _ = std::thread::Builder::new().name("gs-nvenc-probe".into()).spawn(abilities);
}

/// What the driver says now, with what goes on on the GPUs: for `doctor`, and never remembered.
pub(crate) fn examine() -> (Result<Abilities, ProbeFailure>, Vec<Activity>) {
    if !presence::is_driver_there() {
        return (Err(ProbeFailure::NoDriver), Vec::new());
    }
    match parent::ask(Question::Everything, PATIENCE) {
        Ok((answer, activity)) => (answer.abilities(), activity),
        Err(failure) => (Err(failure), Vec::new()),
    }
}

fn ask() -> Result<Abilities, ProbeFailure> {
    if !presence::is_driver_there() {
        return Err(ProbeFailure::NoDriver);
    }
    parent::ask(Question::Abilities, PATIENCE)?.0.abilities()
}
