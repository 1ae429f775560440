//! The addresses of a name.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use super::{LinkError, LinkFault, Stop};
use crate::Timestamp;

/// How long a name may take to be found.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a name may take whose addresses are known from before.
const PATIENCE_AGAIN: Duration = Duration::from_secs(1);
/// The longest that it waits without looking whether it is still wanted.
const SLICE: Duration = Duration::from_millis(50);

/// A peer's name and port.
#[derive(Debug)]
pub(crate) struct Name {
    host: String,
    port: u16,
    /// The addresses that it had when it was last found.
    known: Vec<SocketAddr>,
}

impl Name {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, known: Vec::new() }
    }

    /// Its addresses. They are looked up each time, for servers move; but where no name server answers,
    /// which is how a lost network looks, the last ones do.
    pub(crate) fn addresses(&mut self, stop: &Stop) -> Result<Vec<SocketAddr>, LinkError> {
        let patience = if self.known.is_empty() { PATIENCE } else { PATIENCE_AGAIN };
        match resolve(&self.host, self.port, patience, stop) {
            Ok(addresses) => self.known = addresses,
            Err(error) if self.known.is_empty() || stop.is_raised() => return Err(error),
            Err(_) => {}
        }
        Ok(self.known.clone())
    }
}

/// Finds the addresses of a name, in a thread: the resolver cannot be told to give up. One that never
/// comes back is left behind.
fn resolve(host: &str, port: u16, patience: Duration, stop: &Stop) -> Result<Vec<SocketAddr>, LinkError> {
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    let lookup = move || {
        // Nobody listens any more when it took too long.
        let _ = sender.send((name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    };
    let spawned = std::thread::Builder::new().name("gs-resolve".into()).spawn(lookup);
    spawned.map_err(|error| LinkError::new(LinkFault::UnknownHost, format!("no thread: {error}")))?;
    let until = Timestamp::now() + patience;
    loop {
        match receiver.recv_timeout(SLICE) {
            Ok(Ok(addresses)) => return Ok(addresses),
            Ok(Err(error)) => {
                let text = format!("its name cannot be found ({error}); is it right, and is the network up?");
                return Err(LinkError::new(LinkFault::UnknownHost, text));
            }
            Err(_) if stop.is_raised() => return Err(LinkError::given_up()),
            Err(_) if Timestamp::now() > until => {
                let text = "no name server answered; is the network up?";
                return Err(LinkError::new(LinkFault::Timeout, text));
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_before_does_where_no_name_is_found() {
        let mut name = Name::new("no.such.host.invalid", 1);
        assert_eq!(name.addresses(&Stop::default()).unwrap_err().fault, LinkFault::UnknownHost);
        name.known = vec!["192.0.2.1:1".parse().unwrap()];
        assert_eq!(name.addresses(&Stop::default()).unwrap(), name.known);
    }
}
