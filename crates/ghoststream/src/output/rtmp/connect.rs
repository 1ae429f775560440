//! How a TCP connection is made: the name's addresses race.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use super::socket::{self, timespec, unreachable};
use crate::Timestamp;
use crate::output::live::{LinkError, LinkFault, Name, Stop};

/// Attempts that wait at once: the oldest makes room.
const PENDING: usize = 8;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// The longest that a call here waits without looking whether it is still wanted.
const SLICE: Duration = Duration::from_millis(50);
/// After so long a further connection is begun beside those that wait. What asks for one is sent again
/// by the kernel after a second, then after two, then four: a path that comes back in between would
/// be noticed seconds late. And a server with an address that leads nowhere has others.
const NEXT: Duration = Duration::from_millis(600);

/// Connects to a server.
pub(super) fn connect(name: &mut Name, stop: &Stop) -> Result<TcpStream, LinkError> {
    Race::every(NEXT, name.addresses(stop)?).run(stop)
}

/// Connections that are begun one after the other, of which the first to be there wins.
#[derive(Debug)]
pub(super) struct Race {
    /// Addresses that were not refused, in turns.
    addresses: Vec<SocketAddr>,
    pending: Vec<(SocketAddr, OwnedFd)>,
    begun: usize,
    next: Timestamp,
    every: Duration,
    last: LinkError,
}

impl Race {
    /// To these addresses in turns, one more each time so much has passed.
    pub(super) fn every(every: Duration, addresses: Vec<SocketAddr>) -> Self {
        let last = LinkError::new(LinkFault::UnknownHost, "its name leads to no address");
        Self { addresses, pending: Vec::new(), begun: 0, next: Timestamp::default(), every, last }
    }

    fn run(mut self, stop: &Stop) -> Result<TcpStream, LinkError> {
        let until = Timestamp::now() + PATIENCE;
        loop {
            let now = Timestamp::now();
            if stop.is_raised() {
                return Err(LinkError::given_up());
            }
            if now > until {
                let addresses: Vec<_> = self.addresses.iter().map(SocketAddr::to_string).collect();
                let text =
                    format!("it does not answer at {}; is a firewall in between?", addresses.join(", "));
                return Err(LinkError::new(LinkFault::Timeout, text));
            }
            if let Some(socket) = self.step(now, SLICE)? {
                return Ok(socket);
            }
        }
    }

    /// Begins one where it is time to, and waits for the first that is there, for `most` at most.
    pub(super) fn step(&mut self, now: Timestamp, most: Duration) -> Result<Option<TcpStream>, LinkError> {
        if now >= self.next {
            self.begin(now);
        }
        if self.addresses.is_empty() && self.pending.is_empty() {
            return Err(self.last.clone());
        }
        let socket = self.wait(most.min(self.next.since(now)))?;
        let prepared = socket.map(|it| socket::prepare(TcpStream::from(it))).transpose();
        prepared.map_err(|error| unreachable(&error))
    }

    /// Begins one more, to the next address in turn.
    fn begin(&mut self, now: Timestamp) {
        self.next = now + self.every;
        let Some(&address) = self.addresses.get(self.begun % self.addresses.len().max(1)) else { return };
        self.begun += 1;
        if self.pending.len() >= PENDING {
            self.pending.remove(0);
        }
        match begin(address) {
            Ok(socket) => self.pending.push((address, socket)),
            // The network has changed since the others were begun: it is tried again when it is time to.
            Err(error) if !self.pending.is_empty() => self.last = unreachable(&error),
            Err(error) => self.refused(address, &error),
        }
    }

    /// Whether every address has refused, though some that were asked before may still answer.
    pub(super) const fn is_refused(&self) -> bool {
        self.addresses.is_empty()
    }

    /// Another address need not wait for its turn.
    fn refused(&mut self, address: SocketAddr, error: &io::Error) {
        self.last = unreachable(error);
        self.addresses.retain(|it| *it != address);
        self.next = Timestamp::default();
    }

    /// The first that is there within the time.
    fn wait(&mut self, most: Duration) -> Result<Option<OwnedFd>, LinkError> {
        let mut polled: Vec<_> =
            self.pending.iter().map(|(_, it)| PollFd::from_borrowed_fd(it.as_fd(), PollFlags::OUT)).collect();
        match poll(&mut polled, Some(&timespec(most))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(unreachable(&error.into())),
        }
        let ready = polled.iter().position(|it| !it.revents().is_empty());
        let Some(index) = ready else { return Ok(None) };
        let (address, socket) = self.pending.remove(index);
        let result =
            sockopt::socket_error(&socket).map_err(io::Error::from).and_then(|it| it.map_err(Into::into));
        match result {
            Ok(()) => Ok(Some(socket)),
            Err(error) => {
                self.refused(address, &error);
                Ok(None)
            }
        }
    }
}

fn begin(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_address_that_refuses_does_not_hold_up_one_that_answers() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let somebody = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = vec![nobody, somebody.local_addr().unwrap()];
        let socket = Race::every(NEXT, addresses).run(&Stop::default()).unwrap();
        assert_eq!(socket.peer_addr().unwrap(), somebody.local_addr().unwrap());
        let error = Race::every(NEXT, vec![nobody]).run(&Stop::default()).unwrap_err();
        assert_eq!(error.fault, LinkFault::Unreachable);
        assert_eq!(
            Race::every(NEXT, vec![]).run(&Stop::default()).unwrap_err().fault,
            LinkFault::UnknownHost
        );
    }
}
