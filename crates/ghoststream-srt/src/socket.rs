//! A socket of libsrt's with one owner.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::net::SocketAddr;
use std::time::Duration;

use crate::address::RawAddress;
use crate::functions::{EpollEvent, Functions, RawSocket, errno, option, state};
use crate::{Error, Library, Settings};

/// Closed when it is dropped. Calls on it never wait, but for [`Socket::wait`].
#[derive(Debug)]
pub(crate) struct Socket {
    raw: RawSocket,
    library: Library,
}

impl Socket {
    /// A socket for live transmission.
    pub(crate) fn new(library: &Library, settings: &Settings) -> Result<Self, Error> {
        // SAFETY: takes no arguments, and libsrt was started.
        let raw = unsafe { (library.functions().create_socket)() };
        let socket = Self::own(library, raw, "srt_create_socket")?;
        socket.configure(settings)?;
        Ok(socket)
    }

    /// Takes a socket that libsrt has just made.
    pub(crate) fn own(library: &Library, raw: RawSocket, call: &'static str) -> Result<Self, Error> {
        if raw < 0 {
            return Err(library.last_error(call));
        }
        Ok(Self { raw, library: library.clone() })
    }

    pub(crate) const fn raw(&self) -> RawSocket {
        self.raw
    }

    pub(crate) const fn library(&self) -> &Library {
        &self.library
    }

    pub(crate) fn functions(&self) -> &'static Functions {
        self.library.functions()
    }

    fn configure(&self, settings: &Settings) -> Result<(), Error> {
        // The type of transmission first: it resets others.
        self.set_int(option::TRANSTYPE, "the type of transmission", option::LIVE)?;
        self.never_wait()?;
        self.set_int(option::LATENCY, "the latency", millis(settings.latency))?;
        self.set_int(option::CONNTIMEO, "the time to connect", millis(settings.connect_timeout))?;
        self.set_int(option::PEERIDLETIMEO, "the time without a word", millis(settings.peer_idle))?;
        let payload = c_int::try_from(settings.payload).unwrap_or(c_int::MAX);
        self.set_int(option::PAYLOADSIZE, "the size of packets", payload)?;
        if let Some(length) = settings.key_length {
            self.set_int(option::PBKEYLEN, "the key's length", length.bytes())?;
        }
        if let Some(passphrase) = &settings.passphrase {
            self.set(option::PASSPHRASE, "the passphrase", passphrase.bytes())?;
        }
        if let Some(stream_id) = &settings.stream_id {
            self.set(option::STREAMID, "the stream id", stream_id.as_bytes())?;
        }
        if let Some(most) = settings.max_bandwidth {
            self.set(option::MAXBW, "the most bandwidth", &clamped(most))?;
        }
        if let Some(input) = settings.input_bandwidth {
            self.set(option::INPUTBW, "the input's bandwidth", &clamped(input))?;
        }
        if let Some(percent) = settings.overhead_percent {
            self.set_int(option::OHEADBW, "the overhead", percent.into())?;
        }
        Ok(())
    }

    /// An accepted socket is told again.
    pub(crate) fn never_wait(&self) -> Result<(), Error> {
        self.set_int(option::SNDSYN, "sending without waiting", 0)?;
        self.set_int(option::RCVSYN, "receiving without waiting", 0)
    }

    pub(crate) fn set_int(&self, option: c_int, name: &'static str, value: c_int) -> Result<(), Error> {
        self.set(option, name, &value.to_ne_bytes())
    }

    fn set(&self, option: c_int, name: &'static str, value: &[u8]) -> Result<(), Error> {
        let length = c_int::try_from(value.len()).map_err(|_| Error::Option(name))?;
        // SAFETY: libsrt reads as many bytes as are said, without asking for alignment: it checks the length
        // and copies.
        let code = unsafe { (self.functions().set_option)(self.raw, option, value.as_ptr().cast(), length) };
        if code < 0 { Err(Error::Option(name)) } else { Ok(()) }
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> Result<(), Error> {
        if address.is_ipv6() && address.ip().is_unspecified() {
            // libsrt wants to be told whether that means IPv4, too.
            self.set_int(option::IPV6ONLY, "IPv6 alone", 0)?;
        }
        let address = RawAddress::new(address);
        // SAFETY: the address lives for the call, which copies it.
        let code = unsafe { (self.functions().bind)(self.raw, address.as_ptr(), address.length()) };
        self.checked(code, "srt_bind")
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> Result<(), Error> {
        let address = RawAddress::new(address);
        // SAFETY: as above.
        let code = unsafe { (self.functions().connect)(self.raw, address.as_ptr(), address.length()) };
        self.checked(code, "srt_connect")
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        let mut address = RawAddress::empty();
        let (name, length) = address.as_mut();
        // SAFETY: libsrt writes as much as the length allows.
        let code = unsafe { (self.functions().local_address)(self.raw, name, length) };
        if code < 0 { None } else { address.get() }
    }

    /// `SRT_SOCKSTATUS`.
    pub(crate) fn state(&self) -> c_int {
        // SAFETY: takes a number, which may even be stale.
        unsafe { (self.functions().state)(self.raw) }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.state() == state::CONNECTED
    }

    /// Waits until one of the events has come, for `most` at most. What has come the next call tells.
    pub(crate) fn wait(&self, events: c_int, most: Duration) -> Result<(), Error> {
        let functions = self.functions();
        // SAFETY: takes no arguments.
        let epoll = Epoll { functions, id: unsafe { (functions.epoll_create)() } };
        self.checked(epoll.id, "srt_epoll_create")?;
        // SAFETY: reads one int.
        let added = unsafe { (functions.epoll_add)(epoll.id, self.raw, &events) };
        self.checked(added, "srt_epoll_add_usock")?;
        let mut event = EpollEvent::default();
        // SAFETY: there is room for the one event that is said.
        let count = unsafe { (functions.epoll_wait)(epoll.id, &mut event, 1, i64::from(millis(most))) };
        match count {
            0.. => Ok(()),
            _ if self.library.last_code() == errno::ETIMEOUT => Ok(()),
            _ => Err(self.library.last_error("srt_epoll_uwait")),
        }
    }

    pub(crate) fn checked(&self, code: c_int, call: &'static str) -> Result<(), Error> {
        if code < 0 { Err(self.library.last_error(call)) } else { Ok(()) }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: it is ours, and closed once. Live sockets do not linger: this does not wait.
        unsafe { (self.functions().close)(self.raw) };
    }
}

/// Released when dropped.
struct Epoll {
    functions: &'static Functions,
    id: c_int,
}

impl Drop for Epoll {
    fn drop(&mut self) {
        if self.id >= 0 {
            // SAFETY: it is ours.
            unsafe { (self.functions.epoll_release)(self.id) };
        }
    }
}

/// Whole milliseconds, as many as an int has room for.
pub(crate) fn millis(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

fn clamped(value: u64) -> [u8; 8] {
    i64::try_from(value).unwrap_or(i64::MAX).to_ne_bytes()
}
