//! A second connection beside one that is silent.
//!
//! A path that was cut and is whole again is not noticed by a connection over it before its kernel sends again, up
//! to a second later; and where the kernel then takes its own timeout for a mistake (F-RTO, RFC 5682), it sends nothing of what
//! was lost and waits for another second. A router that was restarted has forgotten the connection altogether. So
//! others are tried while nothing is heard. The first that is made says that there is a path; when the old one does not
//! come to life on it either, the new one takes its place.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::connect::Race;
use super::path::Path;
use crate::Timestamp;
use crate::output::live::{LinkError, LinkFault};

/// Looks after one connection.
#[derive(Debug, Default)]
pub(super) struct Hedge {
    /// Where others are tried; `None` where it is not known.
    peer: Option<SocketAddr>,
    /// Since when bytes have been under way of which nobody acknowledged any.
    unanswered_since: Option<Timestamp>,
    trial: Option<Trial>,
}

/// A silence, and what is done in it.
#[derive(Debug)]
struct Trial {
    /// Bytes that the other side had when it began.
    had: u64,
    /// When it has these, it has all that was under way then, and the silence is over.
    whole_at: u64,
    others: Others,
}

#[derive(Debug)]
enum Others {
    Tried(Race),
    /// None can be tried before this: the network itself says no.
    Refused(Timestamp),
    /// One is there since then.
    There(TcpStream, Timestamp),
}

impl Hedge {
    /// A silence that is worth a second connection.
    const SILENT: Duration = Duration::from_millis(500);
    /// How often a further one is begun.
    const EVERY: Duration = Duration::from_millis(250);
    /// For so long the old one may stay silent though there is a path: the kernel sends again within it.
    const GRACE: Duration = Duration::from_millis(1100);
    /// And for so long after it had come to life.
    const RELAPSE: Duration = Duration::from_millis(600);

    pub(super) fn of(socket: &TcpStream) -> Self {
        Self { peer: socket.peer_addr().ok(), ..Self::default() }
    }

    /// Called at least every hundred milliseconds; an error is the old connection's end.
    pub(super) fn look(&mut self, now: Timestamp, path: Option<&Path>) -> Result<(), LinkError> {
        let (Some(path), Some(peer)) = (path.filter(|it| it.undelivered > 0), self.peer) else {
            (self.unanswered_since, self.trial) = (None, None);
            return Ok(());
        };
        let waited = now.since(*self.unanswered_since.get_or_insert(now));
        let silent = path.heard_ago.min(waited);
        self.trial.take_if(|it| path.delivered >= it.whole_at);
        if self.trial.is_none() && silent > Self::SILENT.max(path.rtt * 2) {
            self.trial = Some(Trial::new(peer, path));
        }
        match &mut self.trial {
            Some(trial) => trial.look(now, peer, path, silent),
            None => Ok(()),
        }
    }

    /// The other connection, where one is there.
    pub(super) fn take(&mut self) -> Option<TcpStream> {
        match self.trial.take()?.others {
            Others::There(socket, _) => Some(socket),
            Others::Tried(_) | Others::Refused(_) => None,
        }
    }
}

impl Trial {
    fn new(peer: SocketAddr, path: &Path) -> Self {
        let others = Others::Tried(Race::every(Hedge::EVERY, vec![peer]));
        Self { had: path.delivered, whole_at: path.delivered + path.undelivered, others }
    }

    fn look(
        &mut self,
        now: Timestamp,
        peer: SocketAddr,
        path: &Path,
        silent: Duration,
    ) -> Result<(), LinkError> {
        match &mut self.others {
            Others::Tried(race) => match race.step(now, Duration::ZERO) {
                Ok(None) => {}
                Ok(Some(socket)) => self.others = Others::There(socket, now),
                Err(_) => self.others = Others::Refused(now + Hedge::EVERY),
            },
            Others::Refused(until) if now < *until => {}
            Others::Refused(_) => self.others = Others::Tried(Race::every(Hedge::EVERY, vec![peer])),
            Others::There(_, since) => {
                let grace = if path.delivered > self.had { Hedge::RELAPSE } else { Hedge::GRACE };
                if silent.min(now.since(*since)) > grace.max(path.rtt * 2) {
                    let text =
                        "there is a path to it again, but not for this connection; another takes its place";
                    return Err(LinkError::new(LinkFault::Timeout, text));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_nanos(milliseconds * 1_000_000)
    }

    /// A path on which 100 bytes were sent, and so much was delivered.
    fn path(delivered: u64, heard_ago: u32) -> Path {
        let (undelivered, heard_ago) = (100 - delivered, MS * heard_ago);
        Path { rtt: MS * 40, delivered, undelivered, heard_ago, ..Path::default() }
    }

    /// A connection that nobody took from the server's queue, which is enough to be there.
    fn hedge() -> (TcpListener, Hedge) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = server.local_addr().ok();
        (server, Hedge { peer, ..Hedge::default() })
    }

    /// Looks until the other connection is there; the clock of the test stands still meanwhile.
    fn until_there(hedge: &mut Hedge, now: Timestamp, path: &Path) {
        for _ in 0..3000 {
            hedge.look(now, Some(path)).unwrap();
            if matches!(&hedge.trial, Some(Trial { others: Others::There(..), .. })) {
                return;
            }
            std::thread::sleep(MS * 10);
        }
        panic!("no other connection is made: {hedge:?}");
    }

    #[test]
    fn nothing_is_tried_while_the_peer_is_heard_or_nothing_waits() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&Path::default())).unwrap();
        // It had been quiet for long before this was sent.
        hedge.look(at(60_000), Some(&path(0, 60_000))).unwrap();
        hedge.look(at(60_400), Some(&path(0, 60_400))).unwrap();
        hedge.look(at(60_700), Some(&path(10, 200))).unwrap();
        assert!(hedge.trial.is_none());
        hedge.look(at(61_100), Some(&path(10, 600))).unwrap();
        assert!(hedge.trial.is_some());
    }

    #[test]
    fn a_connection_that_stays_silent_though_there_is_a_path_is_given_up_for_the_other() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&path(0, 0))).unwrap();
        until_there(&mut hedge, at(600), &path(0, 600));
        hedge.look(at(1_650), Some(&path(0, 1_650))).unwrap();
        let error = hedge.look(at(1_750), Some(&path(0, 1_750))).unwrap_err();
        assert_eq!(error.fault, LinkFault::Timeout);
        assert!(hedge.take().is_some());
    }

    #[test]
    fn one_that_came_to_life_is_kept_unless_it_falls_silent_again() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&path(0, 0))).unwrap();
        until_there(&mut hedge, at(600), &path(0, 600));
        hedge.look(at(1_600), Some(&path(20, 10))).unwrap();
        hedge.look(at(2_100), Some(&path(20, 510))).unwrap();
        assert!(hedge.look(at(2_300), Some(&path(20, 710))).is_err());
    }

    #[test]
    fn when_all_that_was_under_way_has_come_the_other_is_closed() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&path(0, 0))).unwrap();
        until_there(&mut hedge, at(600), &path(0, 600));
        let newer = Path { delivered: 100, undelivered: 50, ..path(100, 0) };
        hedge.look(at(1_600), Some(&newer)).unwrap();
        assert!(hedge.take().is_none());
    }

    #[test]
    fn a_network_that_leads_nowhere_is_tried_again_and_the_old_connection_decides() {
        let (server, mut hedge) = hedge();
        drop(server);
        hedge.look(at(0), Some(&path(0, 0))).unwrap();
        let refused = (0..100).any(|step| {
            hedge.look(at(600 + 20 * step), Some(&path(0, 600))).unwrap();
            matches!(&hedge.trial, Some(Trial { others: Others::Refused(_), .. }))
        });
        assert!(refused, "{hedge:?}");
        hedge.look(at(5_000), Some(&path(0, 600))).unwrap();
        assert!(matches!(&hedge.trial, Some(Trial { others: Others::Tried(_), .. })), "{hedge:?}");
    }
}
