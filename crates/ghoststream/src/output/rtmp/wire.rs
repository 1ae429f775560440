//! Bytes both ways, plain or through TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ghoststream_adaptation::Signals;
use rustix::event::PollFlags;
use rustls::ClientConnection;

use super::hedge::Hedge;
use super::path::Path;
use super::retransmission::Retransmission;
use super::{path, socket, tls};
use crate::Timestamp;
use crate::output::live::LinkError;

/// A connected socket, and what waits to go out through it.
#[derive(Debug)]
pub(super) struct Wire {
    socket: TcpStream,
    retransmission: Retransmission,
    tls: Option<Box<ClientConnection>>,
    out: Vec<u8>,
    /// How much of `out` has gone.
    gone: usize,
    /// Bytes that left for the kernel, of what the caller gave.
    left: u64,
    /// Bytes that the other side has.
    delivered: u64,
    /// What the kernel knew of the path, and when.
    path: Option<Path>,
    asked: Option<Timestamp>,
}

/// What can be done with a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// The kernel takes more.
    pub(super) room: bool,
    /// Something has come: bytes, or the end.
    pub(super) came: bool,
}

/// How often the kernel is asked of the path at least.
const ASK: Duration = Duration::from_millis(20);

impl Wire {
    pub(super) fn new(socket: TcpStream, tls_to: Option<&str>) -> Result<Self, LinkError> {
        let tls = tls_to.map(tls::begin).transpose()?.map(Box::new);
        let retransmission = Retransmission::of(&socket);
        Ok(Self {
            socket,
            retransmission,
            tls,
            out: Vec::new(),
            gone: 0,
            left: 0,
            delivered: 0,
            path: None,
            asked: None,
        })
    }

    /// Gives bytes to be sent, after those given before.
    pub(super) fn give(&mut self, bytes: Vec<u8>) {
        if self.gone == self.out.len() {
            (self.out, self.gone) = (bytes, 0);
        } else {
            self.out.extend(bytes);
        }
    }

    /// Bytes that wait here.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() - self.gone
    }

    /// Whether anything waits here, in the form that it was given in or encrypted.
    pub(super) fn has_unsent(&self) -> bool {
        self.waiting() > 0 || self.tls_wants_write()
    }

    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// What the kernel knew of the path lately, where it says.
    pub(super) fn path(&mut self, now: Timestamp) -> Option<Path> {
        if self.asked.is_none_or(|at| now.since(at) > ASK) {
            self.ask(now);
        }
        self.path
    }

    fn ask(&mut self, now: Timestamp) {
        (self.asked, self.path) = (Some(now), path::of(&self.socket));
    }

    /// What looks after the connection when it is silent.
    pub(super) fn hedge(&self) -> Hedge {
        Hedge::of(&self.socket)
    }

    /// The connection, for whoever is to end it later.
    pub(super) fn socket(&self) -> io::Result<TcpStream> {
        self.socket.try_clone()
    }

    /// Fills in what the kernel knows of the path; where it says nothing, what has left for it.
    pub(super) fn signals(&mut self, signals: &mut Signals) {
        signals.queue_bytes += self.waiting() as u64;
        self.ask(Timestamp::now());
        match self.path {
            Some(path) => {
                self.delivered = self.delivered.max(path.delivered);
                signals.unacknowledged_bytes = path.undelivered;
                signals.delivered_bytes = self.delivered;
                signals.burst_rate = Some(path.burst_rate).filter(|&it| it > 0);
                signals.rtt = Some(path.rtt);
                (signals.sent, signals.lost) = (path.segments, path.retransmitted);
            }
            None => signals.delivered_bytes = self.left,
        }
    }

    /// Waits for `patience` at most until the kernel would take more, or something has come.
    pub(super) fn wait(&self, patience: Duration) -> Result<Heard, LinkError> {
        let events = self.poll(PollFlags::IN | PollFlags::OUT, patience)?;
        let came = events.intersects(PollFlags::IN | PollFlags::ERR | PollFlags::HUP);
        Ok(Heard { room: events.contains(PollFlags::OUT), came })
    }

    /// Sends what goes without waiting, and looks for nothing that has come.
    pub(super) fn push(&mut self) -> Result<(), LinkError> {
        self.retransmission.look(&self.socket, Timestamp::now());
        self.send()
    }

    /// Moves bytes both ways: sends what waits, and returns what came. Waits for either for `patience`
    /// at most, and not at all for what comes once something has.
    pub(super) fn exchange(&mut self, patience: Duration) -> Result<Vec<u8>, LinkError> {
        let until = Timestamp::now() + patience;
        loop {
            self.retransmission.look(&self.socket, Timestamp::now());
            self.send()?;
            let came = self.receive()?;
            let left = until.since(Timestamp::now());
            if !came.is_empty() || !self.has_unsent() || left.is_zero() {
                return Ok(came);
            }
            self.poll(self.events(), left.min(Retransmission::LOOK))?;
        }
    }

    /// Waits until something comes, for `patience` at most.
    pub(super) fn listen(&mut self, patience: Duration) -> Result<Vec<u8>, LinkError> {
        let came = self.exchange(patience)?;
        if came.is_empty() && self.poll(PollFlags::IN, patience)?.contains(PollFlags::IN) {
            return self.exchange(Duration::ZERO);
        }
        Ok(came)
    }

    fn poll(&self, events: PollFlags, most: Duration) -> Result<PollFlags, LinkError> {
        socket::wait(&self.socket, events, most).map_err(|error| socket::unreachable(&error))
    }

    /// What is waited for while bytes wait here: in a handshake nothing of ours can go before the other
    /// side has spoken.
    fn events(&self) -> PollFlags {
        let shaking_hands = self.tls.as_ref().is_some_and(|it| it.is_handshaking());
        if shaking_hands && !self.tls_wants_write() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }

    fn tls_wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|it| it.wants_write())
    }

    /// Sends as much as goes without waiting.
    fn send(&mut self) -> Result<(), LinkError> {
        loop {
            while self.tls_wants_write() {
                let Some(tls) = &mut self.tls else { break };
                if again(tls.write_tls(&mut self.socket))?.is_none() {
                    return Ok(());
                }
            }
            if self.waiting() == 0 {
                return Ok(());
            }
            let bytes = &self.out[self.gone..];
            let taken = match &mut self.tls {
                // Its own buffer is small; what it takes it encrypts and has to write.
                Some(tls) if tls.is_handshaking() => return Ok(()),
                Some(tls) => again(tls.writer().write(bytes))?,
                None => again(self.socket.write(bytes))?,
            };
            match taken {
                None | Some(0) => return Ok(()),
                Some(taken) => {
                    self.gone += taken;
                    self.left += taken as u64;
                }
            }
        }
    }

    /// Takes all that is there.
    fn receive(&mut self) -> Result<Vec<u8>, LinkError> {
        let mut came = Vec::new();
        let mut buffer = [0; 16 << 10];
        let Some(tls) = &mut self.tls else {
            loop {
                match again(self.socket.read(&mut buffer))? {
                    None => return Ok(came),
                    Some(0) => return closed(came),
                    Some(length) => came.extend(&buffer[..length]),
                }
            }
        };
        loop {
            let read = again(tls.read_tls(&mut self.socket))?;
            tls.process_new_packets().map_err(|error| tls::failed(&error))?;
            while let Ok(length @ 1..) = tls.reader().read(&mut buffer) {
                came.extend(&buffer[..length]);
            }
            match read {
                None => return Ok(came),
                Some(0) => return closed(came),
                Some(_) => {}
            }
        }
    }
}

/// What it said before it closed is heard first: there may be the reason.
fn closed(came: Vec<u8>) -> Result<Vec<u8>, LinkError> {
    if came.is_empty() { Err(socket::unreachable(&ErrorKind::UnexpectedEof.into())) } else { Ok(came) }
}

/// `None` where it would have to wait.
fn again(result: io::Result<usize>) -> Result<Option<usize>, LinkError> {
    match result {
        Ok(length) => Ok(Some(length)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(socket::unreachable(&error)),
    }
}
