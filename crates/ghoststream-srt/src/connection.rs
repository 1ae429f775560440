//! A connection over which messages are sent.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::net::SocketAddr;
use std::time::Duration;

use crate::functions::{epoll, errno, option, state};
use crate::socket::Socket;
use crate::stats::RawStats;
use crate::{Error, Library, Reject, Settings, Stats};

/// A connection, or one that is coming about. Closed when it is dropped, without waiting for what is
/// still to be sent: see [`Connection::buffered`].
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
}

/// What libsrt holds that the peer has not acknowledged, sent or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffered {
    /// Packets.
    pub packets: usize,
    /// Bytes of payload.
    pub bytes: usize,
    /// The time between the first and the last of them.
    pub span: Duration,
}

impl Connection {
    /// Begins to call a peer, from an address of this machine where one is given.
    ///
    /// # Errors
    /// A setting that libsrt does not take, no socket, or a local address that cannot be had.
    pub fn begin(
        library: &Library,
        local: Option<SocketAddr>,
        address: SocketAddr,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let socket = Socket::new(library, settings)?;
        if let Some(local) = local {
            socket.bind(local)?;
        }
        socket.connect(address)?;
        Ok(Self { socket })
    }

    /// Begins to call a peer that calls back from where it is called: a rendezvous. Both sides send from
    /// the port to which the other sends.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn rendezvous(
        library: &Library,
        local: SocketAddr,
        address: SocketAddr,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let socket = Socket::new(library, settings)?;
        socket.set_int(option::RENDEZVOUS, "rendezvous", 1)?;
        socket.bind(local)?;
        socket.connect(address)?;
        Ok(Self { socket })
    }

    pub(crate) const fn accepted(socket: Socket) -> Self {
        Self { socket }
    }

    /// Whether the peer is there; waits for it for `most` at most.
    ///
    /// # Errors
    /// [`Error::Rejected`] with the reason where it does not want the connection or did not answer within
    /// the time to connect.
    pub fn wait_until_connected(&mut self, most: Duration) -> Result<bool, Error> {
        if self.socket.state() == state::CONNECTING {
            // A socket that has just failed cannot be waited for, and its state says so.
            let _ = self.socket.wait(epoll::OUT | epoll::ERR, most);
        }
        match self.socket.state() {
            state::CONNECTED => Ok(true),
            state::CONNECTING => Ok(false),
            _ => {
                // SAFETY: takes a number.
                let reason = unsafe { (self.socket.functions().reject_reason)(self.socket.raw()) };
                Err(Error::Rejected(Reject::from_code(reason)))
            }
        }
    }

    /// Whether it holds. A peer that is gone without a word is noticed after [`Settings::peer_idle`].
    pub fn is_connected(&self) -> bool {
        self.socket.is_connected()
    }

    /// Hands over a message of at most [`Settings::payload`] bytes; whether libsrt had room for it.
    ///
    /// # Errors
    /// [`Error::Lost`] where the connection is over.
    pub fn send(&mut self, message: &[u8]) -> Result<bool, Error> {
        let length = c_int::try_from(message.len()).unwrap_or(c_int::MAX);
        // SAFETY: libsrt reads as many bytes as are said, and copies them.
        let sent =
            unsafe { (self.socket.functions().send)(self.socket.raw(), message.as_ptr().cast(), length) };
        self.done(sent, "srt_send").map(|it| it.is_some())
    }

    /// Takes a message that has come, cut off where `room` ends; its length, or `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Lost`] where the connection is over.
    pub fn receive(&mut self, room: &mut [u8]) -> Result<Option<usize>, Error> {
        let length = c_int::try_from(room.len()).unwrap_or(c_int::MAX);
        // SAFETY: libsrt writes at most as many bytes as are said.
        let received =
            unsafe { (self.socket.functions().receive)(self.socket.raw(), room.as_mut_ptr().cast(), length) };
        self.done(received, "srt_recv")
    }

    /// `None` where it would have had to wait.
    fn done(&self, result: c_int, call: &'static str) -> Result<Option<usize>, Error> {
        if let Ok(length) = usize::try_from(result) {
            return Ok(Some(length));
        }
        match self.socket.library().last_code() {
            errno::EASYNCSND | errno::EASYNCRCV | errno::ECONGEST => Ok(None),
            _ => Err(self.socket.library().last_error(call)),
        }
    }

    /// What the peer has not acknowledged.
    pub fn buffered(&self) -> Buffered {
        let (mut packets, mut bytes) = (0, 0);
        // SAFETY: libsrt writes two numbers.
        let span =
            unsafe { (self.socket.functions().send_buffer)(self.socket.raw(), &mut packets, &mut bytes) };
        // It is negative where there is no such socket any more.
        Buffered { packets, bytes, span: Duration::from_millis(span.max(0).unsigned_abs().into()) }
    }

    /// Everything that libsrt tells.
    ///
    /// # Errors
    /// [`Error::Lost`] where the connection is over.
    pub fn stats(&self) -> Result<Stats, Error> {
        let mut raw = RawStats::default();
        // SAFETY: there is room for what this libsrt writes, and for more that newer ones may.
        let code = unsafe { (self.socket.functions().stats)(self.socket.raw(), &mut raw, 0, 1) };
        self.socket.checked(code, "srt_bistats")?;
        Ok(Stats::from_raw(&raw))
    }
}
