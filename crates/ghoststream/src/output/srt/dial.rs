//! How an SRT peer is reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ghoststream_srt::{Connection, Error, Library, Listener, Mode, Occupied, Target};

use super::link::SrtLink;
use super::refusal::explain;
use super::stream::{self, TransportStream};
use crate::Timestamp;
use crate::encode::Track;
use crate::output::live::{Dial, Link, LinkError, LinkFault, Name, Stop};

/// Reaches one peer, or is reached by one at a time.
#[derive(Debug)]
pub(in crate::output) struct SrtDial {
    target: Target,
    name: Name,
    // Before libsrt, which ends with its last owner.
    listener: Option<Listener>,
    library: Option<Library>,
}

/// The longest that a call here waits without looking whether it is still wanted.
const SLICE: Duration = Duration::from_millis(50);

impl SrtDial {
    pub(in crate::output) fn new(target: Target) -> Self {
        let name = Name::new(target.host(), target.port());
        Self { target, name, listener: None, library: None }
    }

    fn library(&mut self) -> Result<Library, Error> {
        if let Some(library) = &self.library {
            return Ok(library.clone());
        }
        let library = Library::start()?;
        Ok(self.library.insert(library).clone())
    }

    /// Calls each of the peer's addresses in turn.
    fn call(&mut self, stop: &Stop) -> Result<Connection, LinkError> {
        let library = self.library().map_err(|error| explain(&error, &self.target))?;
        let mut last = LinkError::new(LinkFault::UnknownHost, "its name leads to no address");
        for address in self.name.addresses(stop)? {
            match self.call_at(&library, address, stop) {
                Ok(connection) => return Ok(connection),
                Err(error) if stop.is_raised() => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn call_at(&self, library: &Library, address: SocketAddr, stop: &Stop) -> Result<Connection, LinkError> {
        let failed = |error| explain(&error, &self.target);
        let settings = self.target.settings();
        let mut connection = match self.target.mode() {
            Mode::Rendezvous => {
                let local = self.local(address);
                Connection::rendezvous(library, local, address, settings).map_err(failed)?
            }
            _ => {
                let local = self.target.adapter().map(|ip| SocketAddr::new(ip, 0));
                Connection::begin(library, local, address, settings).map_err(failed)?
            }
        };
        while !connection.wait_until_connected(SLICE).map_err(failed)? {
            if stop.is_raised() {
                return Err(LinkError::given_up());
            }
        }
        Ok(connection)
    }

    /// From where a rendezvous is made: the same port as the other side's.
    fn local(&self, remote: SocketAddr) -> SocketAddr {
        let any: IpAddr =
            if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        SocketAddr::new(self.target.adapter().unwrap_or(any), self.target.port())
    }

    /// Waits to be called.
    fn wait(&mut self, stop: &Stop) -> Result<(Connection, Occupied), LinkError> {
        if self.listener.is_none() {
            let library = self.library().map_err(|error| explain(&error, &self.target))?;
            let address = self.own_address(stop)?;
            let listener = Listener::bind(&library, address, self.target.settings())
                .map_err(|error| explain(&error, &self.target))?;
            self.listener = Some(listener);
        }
        let Some(listener) = &mut self.listener else { return Err(LinkError::given_up()) };
        let until = Timestamp::now() + self.target.listen_timeout();
        while Timestamp::now() < until {
            if stop.is_raised() {
                return Err(LinkError::given_up());
            }
            match listener.accept(SLICE) {
                // One at a time: others are told that the stream is in use.
                Ok(Some(connection)) => return Ok((connection, listener.occupy())),
                Ok(None) => {}
                Err(error) => {
                    // The next attempt is made with another socket.
                    self.listener = None;
                    return Err(explain(&error, &self.target));
                }
            }
        }
        let text = format!(
            "nobody has called within {} seconds; a passphrase or stream id that is not ours is refused \
             (listen_timeout=MILLISECONDS waits longer)",
            self.target.listen_timeout().as_secs_f32()
        );
        Err(LinkError::new(LinkFault::Timeout, text))
    }

    fn own_address(&mut self, stop: &Stop) -> Result<SocketAddr, LinkError> {
        let port = self.target.port();
        if self.target.host().is_empty() {
            return Ok((Ipv4Addr::UNSPECIFIED, port).into());
        }
        let addresses = self.name.addresses(stop)?;
        addresses
            .first()
            .copied()
            .ok_or_else(|| LinkError::new(LinkFault::UnknownHost, "its name leads to no address"))
    }
}

impl Dial for SrtDial {
    fn dial(&mut self, tracks: &[Track], stop: &Stop) -> Result<Box<dyn Link>, LinkError> {
        stream::check(tracks)?;
        let (connection, occupied) = match self.target.mode() {
            Mode::Listener => self.wait(stop).map(|(connection, occupied)| (connection, Some(occupied)))?,
            _ => (self.call(stop)?, None),
        };
        let stream = TransportStream::new(tracks)?;
        Ok(Box::new(SrtLink::new(connection, stream, self.target.clone(), occupied)))
    }

    fn peer(&self) -> String {
        self.target.to_string()
    }
}
