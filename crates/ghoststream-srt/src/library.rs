//! libsrt, loaded and started.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use libloading::os::unix::{Library as Shared, RTLD_LOCAL, RTLD_NOW};

use crate::Error;
use crate::functions::{Functions, errno};

/// A started libsrt, which has a thread of its own. Clones share it; it ends with the last, and with the
/// last connection.
#[derive(Clone)]
pub struct Library(Arc<Started>);

struct Started(&'static Functions);

/// How many of [`Started`] there are.
///
/// libsrt counts by itself how often it was started, but libsrt 1.5.4 (Debian 13's) counts the first time alone: whoever
/// ends it then closes every socket of the process (Haivision/srt#3098). So it is started once, and ended once.
static STARTED: Mutex<usize> = Mutex::new(0);

fn started() -> MutexGuard<'static, usize> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Debian has it once for each of two TLS libraries, others have one.
const NAMES: [&str; 3] = ["libsrt-gnutls.so.1.5", "libsrt.so.1.5", "libsrt-openssl.so.1.5"];

impl Library {
    /// Loads and starts libsrt, unless it runs. A program that uses libsrt 1.5.4 otherwise too, such as by FFmpeg,
    /// closes all connections of this one where it ends it: they are [`Error::Lost`]. What libsrt would print on standard error is silenced for the whole
    /// process: it may name stream ids.
    ///
    /// # Errors
    /// It is not installed, or of no use.
    pub fn start() -> Result<Self, Error> {
        let functions = load()?;
        let mut count = started();
        // SAFETY: takes no arguments.
        if *count == 0 && unsafe { (functions.startup)() } < 0 {
            return Err(last_error(functions, "srt_startup"));
        }
        *count += 1;
        let started = Started(functions);
        // SAFETY: the handler is a function that lives as long as the process, and needs no data.
        unsafe { (functions.set_log_handler)(std::ptr::null_mut(), Some(silence)) };
        Ok(Self(Arc::new(started)))
    }

    /// The release that runs: major, minor, patch.
    pub fn version(&self) -> (u32, u32, u32) {
        // SAFETY: takes no arguments.
        let version = unsafe { (self.functions().version)() };
        (version >> 16, version >> 8 & 0xff, version & 0xff)
    }

    pub(crate) fn functions(&self) -> &'static Functions {
        self.0.0
    }

    /// What the last call on this thread says of its failure.
    pub(crate) fn last_error(&self, call: &'static str) -> Error {
        last_error(self.functions(), call)
    }

    /// The code of it.
    pub(crate) fn last_code(&self) -> c_int {
        // SAFETY: a null pointer is allowed where the system's code is not wanted.
        unsafe { (self.functions().last_error)(std::ptr::null_mut()) }
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Library").field(&self.version()).finish()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let mut count = started();
        *count -= 1;
        if *count == 0 {
            // SAFETY: it was started when the first self was made, and every socket, which has a share of one, is
            // closed. Nobody starts it meanwhile, for the count is locked.
            unsafe { (self.0.cleanup)() };
        }
    }
}

/// Finds the functions, once; the library is never unloaded.
fn load() -> Result<&'static Functions, Error> {
    static LOADED: OnceLock<Result<Functions, Error>> = OnceLock::new();
    let make = || {
        let library = open().ok_or(Error::Missing)?;
        let library = Box::leak(Box::new(libloading::Library::from(library)));
        // SAFETY: its name says that it is libsrt 1.5, and it was leaked.
        unsafe { Functions::find(library) }.map_err(|error| Error::Library(error.to_string()))
    };
    LOADED.get_or_init(make).as_ref().map_err(Clone::clone)
}

/// One that is in the process already, as FFmpeg may have brought it, else the first that is installed.
/// Two flavours in one process would find each other's symbols.
fn open() -> Option<Shared> {
    let there = |name: &&'static str| {
        // SAFETY: nothing is loaded, so nothing is run.
        unsafe { Shared::open(Some(name), RTLD_NOW | RTLD_LOCAL | libc::RTLD_NOLOAD) }.ok()
    };
    let loaded = |name: &&'static str| {
        // SAFETY: libsrt and the TLS library that it needs are made to be loaded so.
        unsafe { Shared::open(Some(name), RTLD_NOW | RTLD_LOCAL) }.ok()
    };
    NAMES.iter().find_map(there).or_else(|| NAMES.iter().find_map(loaded))
}

fn last_error(functions: &Functions, call: &'static str) -> Error {
    let mut system = 0;
    // SAFETY: writes one int.
    let code = unsafe { (functions.last_error)(&mut system) };
    match code {
        errno::ECONNLOST | errno::ENOCONN | errno::EINVSOCK => Error::Lost,
        errno::EBINDCONFLICT => Error::PortInUse,
        // What libsrt makes of bind(2)'s own answer.
        _ if system == libc::EADDRINUSE => Error::PortInUse,
        _ => {
            // SAFETY: it returns a string in a buffer of this thread's, which is copied before the next call.
            let text = unsafe { text((functions.error_text)(code, system)) };
            Error::Call { call, code, text }
        }
    }
}

/// # Safety
/// The pointer is null or to a NUL-terminated string.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return "it does not say why".to_owned();
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().trim().to_owned()
}

unsafe extern "C" fn silence(
    _: *mut c_void,
    _: c_int,
    _: *const c_char,
    _: c_int,
    _: *const c_char,
    _: *const c_char,
) {
}
