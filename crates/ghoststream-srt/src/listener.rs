//! Waiting to be called.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::address::RawAddress;
use crate::functions::{Functions, RawSocket, epoll, errno, reject};
use crate::socket::Socket;
use crate::{Connection, Error, Library, Settings};

/// Takes callers, one at a time. With a [`Settings::stream_id`] it takes those alone who say that one.
pub struct Listener {
    // Closed before what its callback reads goes.
    socket: Socket,
    door: Box<Door>,
}

/// A listener's one place is taken until this is dropped.
#[derive(Debug)]
pub struct Occupied(Arc<AtomicBool>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// Who may come in; read by libsrt's thread while a caller shakes hands.
struct Door {
    functions: &'static Functions,
    shut: Arc<AtomicBool>,
    stream_id: Option<String>,
}

impl Listener {
    /// Listens at an address; port 0 takes one that is free.
    ///
    /// # Errors
    /// [`Error::PortInUse`], or a setting that libsrt does not take.
    pub fn bind(library: &Library, address: SocketAddr, settings: &Settings) -> Result<Self, Error> {
        let stream_id = settings.stream_id.clone();
        let socket = Socket::new(library, &Settings { stream_id: None, ..settings.clone() })?;
        socket.bind(address)?;
        let functions = library.functions();
        let door = Box::new(Door { functions, shut: Arc::default(), stream_id });
        let opaque = (&raw const *door).cast_mut().cast();
        // SAFETY: the callback reads a Door, of which self is the owner. It runs under the lock that closing
        // the listener takes, and the socket is closed before the Door goes.
        let code = unsafe { (functions.listen_callback)(socket.raw(), Some(on_caller), opaque) };
        socket.checked(code, "srt_listen_callback")?;
        // SAFETY: takes numbers.
        let code = unsafe { (functions.listen)(socket.raw(), 1) };
        // Another socket of this process listens there.
        if code < 0 && library.last_code() == errno::EDUPLISTEN {
            return Err(Error::PortInUse);
        }
        socket.checked(code, "srt_listen")?;
        Ok(Self { socket, door })
    }

    /// Where it listens.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.socket.local_address()
    }

    /// Shuts the door behind a caller: while what is returned lives, others are refused (1409, the stream
    /// is in use).
    pub fn occupy(&self) -> Occupied {
        self.door.shut.store(true, Relaxed);
        Occupied(Arc::clone(&self.door.shut))
    }

    /// The next caller, waited for, for `most` at most.
    ///
    /// # Errors
    /// The listener has failed.
    pub fn accept(&mut self, most: Duration) -> Result<Option<Connection>, Error> {
        self.socket.wait(epoll::IN | epoll::ERR, most)?;
        let mut address = RawAddress::empty();
        let (name, length) = address.as_mut();
        // SAFETY: libsrt writes an address of at most this length.
        let raw = unsafe { (self.socket.functions().accept)(self.socket.raw(), name, length) };
        if raw < 0 && self.socket.library().last_code() == errno::EASYNCRCV {
            return Ok(None);
        }
        let socket = Socket::own(self.socket.library(), raw, "srt_accept")?;
        socket.never_wait()?;
        Ok(Some(Connection::accepted(socket)))
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.local_address()).finish_non_exhaustive()
    }
}

/// Decides about a caller: 0 lets it in.
unsafe extern "C" fn on_caller(
    opaque: *mut c_void,
    caller: RawSocket,
    _version: c_int,
    _address: *const libc::sockaddr,
    stream_id: *const c_char,
) -> c_int {
    // SAFETY: the Door that was given with this function; see `bind`.
    let door = unsafe { &*opaque.cast::<Door>() };
    let said = if stream_id.is_null() {
        &[]
    } else {
        // SAFETY: libsrt gives a NUL-terminated string, which lives for the call.
        unsafe { CStr::from_ptr(stream_id) }.to_bytes()
    };
    let refusal = if door.shut.load(Relaxed) {
        reject::CONFLICT
    } else if door.stream_id.as_ref().is_some_and(|it| it.as_bytes() != said) {
        reject::NOT_FOUND
    } else {
        return 0;
    };
    // SAFETY: takes numbers; it is meant to be called here (SRT access control guidelines).
    unsafe { (door.functions.set_reject_reason)(caller, refusal) };
    -1
}
