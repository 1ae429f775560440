//! Who holds a connection to the server, and calls it again when it is gone.

use ghoststream_adaptation::Signals;

use crate::link::{Link, Outage};
use crate::transport::{Arrival, Transport};

/// Makes the transport of a connection, of which this is the number.
pub type Connect<'a> = &'a dyn Fn(u64) -> Box<dyn Transport>;

/// What became of the connection in a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Nothing,
    Lost,
    Connected,
}

/// One connection after the other, with the waits of the product's.
pub struct Caller<'a> {
    link: &'a Link,
    connect: Connect<'a>,
    /// Milliseconds that it takes to connect to a server that answers.
    handshake: u64,
    /// Milliseconds of silence after which a server is missed; `None` is never.
    misses: Option<u64>,
    connections: u64,
    transport: Option<Box<dyn Transport>>,
    connected_at: u64,
    /// When it is called again, and how long is waited after that.
    calls_at: u64,
    wait: u64,
    /// When it will have answered.
    answered_at: Option<u64>,
    /// Bytes that the peer has, and since when.
    heard: (u64, u64),
}

impl<'a> Caller<'a> {
    const FIRST_WAIT: u64 = 250;
    const MOST_WAIT: u64 = 1500;

    /// Connected at once.
    pub fn new(link: &'a Link, connect: Connect<'a>, handshake: u64, misses: Option<u64>) -> Self {
        Self {
            link,
            connect,
            handshake,
            misses,
            connections: 1,
            transport: Some(connect(0)),
            connected_at: 0,
            calls_at: 0,
            wait: Self::FIRST_WAIT,
            answered_at: None,
            heard: (0, 0),
        }
    }

    /// The connection, while there is one.
    pub fn transport(&mut self) -> Option<&mut (dyn Transport + 'static)> {
        self.transport.as_deref_mut()
    }

    /// Goes on by a millisecond.
    pub fn tick(&mut self, now: u64, arrivals: &mut Vec<Arrival>) -> Event {
        let Some(transport) = &mut self.transport else { return self.call(now) };
        transport.tick(now, arrivals);
        if !self.ends(now) {
            return Event::Nothing;
        }
        self.transport = None;
        (self.calls_at, self.wait) = (now + Self::FIRST_WAIT, Self::FIRST_WAIT);
        Event::Lost
    }

    fn call(&mut self, now: u64) -> Event {
        if self.answered_at.is_some_and(|at| now >= at) {
            self.answered_at = None;
            self.transport = Some((self.connect)(self.connections));
            self.connections += 1;
            (self.connected_at, self.heard) = (now, (0, now));
            return Event::Connected;
        }
        if now >= self.calls_at && self.answered_at.is_none() {
            self.wait = (self.wait * 3 / 2).min(Self::MOST_WAIT);
            self.calls_at = now + self.wait;
            self.answered_at = self.link.answers(now).then_some(now + self.handshake);
        }
        Event::Nothing
    }

    fn ends(&mut self, now: u64) -> bool {
        let mut outages = self.link.outages().iter().filter(|it| self.connected_at <= it.from);
        outages.any(|it| now >= told_at(it, self.link)) || self.is_missed(now)
    }

    fn is_missed(&mut self, now: u64) -> bool {
        let (Some(transport), Some(most)) = (&self.transport, self.misses) else { return false };
        let mut signals = Signals::default();
        transport.signals(&mut signals);
        if signals.delivered_bytes > self.heard.0 || signals.unacknowledged_bytes == 0 {
            self.heard = (signals.delivered_bytes, now);
        }
        now - self.heard.1 >= most
    }
}

/// When the sender hears at the latest that its connection is no more: at once, or when what it sends again, at
/// waits that double, gets to a server that does not know it.
fn told_at(outage: &Outage, link: &Link) -> u64 {
    let (mut again, mut wait) = (outage.from, 2 * link.one_way);
    while !outage.told && again < outage.until {
        (again, wait) = (again + wait.max(300), 2 * wait.max(300));
    }
    again + link.one_way
}
