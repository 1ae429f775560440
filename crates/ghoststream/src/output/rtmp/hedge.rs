//! A second connection beside one that is silent.
//!
//! A path that was cut and is whole again is not noticed by a connection over it before its kernel sends again, up
//! to a second later. What was under way then may come one segment in each round trip, for seconds (so does BBR after
//! a timeout), or the kernel takes the timeout for a mistake (F-RTO, RFC 5682), sends nothing of what was lost and waits for
//! another; a network that has forgotten the connection lets nothing through at all. So others are tried while nothing
//! gets through. The first that is made says that there is a path; when the old one does not do well on it either, the
//! new one takes its place.

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
    /// Bytes that were acknowledged in order while others were under way, and since when there have been no more. A
    /// server that asks whether we are still there is heard, and nothing gets to it for all that.
    moved: Option<(u64, Timestamp)>,
    trial: Option<Trial>,
}

/// A silence, and what is done in it.
#[derive(Debug)]
struct Trial {
    /// Bytes that were acknowledged when it began.
    had: u64,
    /// When these are, all is that was under way then, and nothing more is to be done.
    whole_at: u64,
    /// When the first of them were.
    revived: Option<Timestamp>,
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
    /// For so long the old one is left alone though there is a path: the kernel sends again within it.
    const GRACE: Duration = Duration::from_millis(1200);
    /// After it has come to life it may be silent again for so long.
    const RELAPSE: Duration = Duration::from_millis(600);
    /// And what was under way must be about to have arrived within this, as soon as it is known how fast that goes: within
    /// eight round trips TCP's slow start has sent hundreds of segments.
    const REST: Duration = Duration::from_millis(500);
    const KNOWN: Duration = Duration::from_millis(200);
    const ROUNDS: u32 = 8;

    pub(super) fn of(socket: &TcpStream) -> Self {
        Self { peer: socket.peer_addr().ok(), ..Self::default() }
    }

    /// Called at least every hundred milliseconds; an error is the old connection's end.
    pub(super) fn look(&mut self, now: Timestamp, path: Option<&Path>) -> Result<(), LinkError> {
        let (Some(path), Some(peer)) = (path.filter(|it| it.in_flight > 0), self.peer) else {
            (self.moved, self.trial) = (None, None);
            return Ok(());
        };
        let since = self.moved.filter(|it| it.0 == path.acknowledged).map_or(now, |it| it.1);
        self.moved = Some((path.acknowledged, since));
        let silent = now.since(since);
        self.trial.take_if(|it| path.acknowledged >= it.whole_at);
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
        let had = path.acknowledged;
        Self { had, whole_at: had + path.in_flight, revived: None, others }
    }

    fn look(
        &mut self,
        now: Timestamp,
        peer: SocketAddr,
        path: &Path,
        silent: Duration,
    ) -> Result<(), LinkError> {
        if path.acknowledged > self.had {
            self.revived.get_or_insert(now);
        }
        match &self.others {
            Others::There(_, since) if self.is_worse(now.since(*since), now, path, silent) => {
                let text =
                    "there is a path to it, on which this connection hardly moves; another takes its place";
                return Err(LinkError::new(LinkFault::Timeout, text));
            }
            _ => {}
        }
        match &mut self.others {
            Others::Tried(race) => match race.step(now, Duration::ZERO) {
                Ok(Some(socket)) => self.others = Others::There(socket, now),
                Ok(None) if !race.is_refused() => {}
                Ok(None) | Err(_) => self.others = Others::Refused(now + Hedge::EVERY),
            },
            Others::Refused(until) if now < *until => {}
            Others::Refused(_) => self.others = Others::Tried(Race::every(Hedge::EVERY, vec![peer])),
            Others::There(..) => {}
        }
        Ok(())
    }

    /// Whether the old connection does worse than a new one would, which has been there for so long.
    fn is_worse(&self, there: Duration, now: Timestamp, path: &Path, silent: Duration) -> bool {
        let Some(revived) = self.revived else { return there > Hedge::GRACE.max(path.rtt * 2) };
        if silent.min(there) > Hedge::RELAPSE.max(path.rtt * 2) {
            return true;
        }
        let took = now.since(revived);
        let rest = self.whole_at.saturating_sub(path.acknowledged) as f64;
        let takes = rest * took.as_secs_f64() / (path.acknowledged - self.had) as f64;
        there > Hedge::GRACE
            && took > Hedge::KNOWN.max(path.rtt * Hedge::ROUNDS)
            && takes > Hedge::REST.as_secs_f64()
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

    /// A path on which 100 bytes were sent, of which so many were acknowledged. Its server asks after us all the time.
    fn path(acknowledged: u64) -> Path {
        let undelivered = 100 - acknowledged;
        Path {
            rtt: MS * 40,
            delivered: acknowledged,
            acknowledged,
            undelivered,
            in_flight: undelivered,
            ..Path::default()
        }
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
    fn nothing_is_tried_while_some_gets_through_or_nothing_waits() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&Path::default())).unwrap();
        // It had been quiet for long before this was sent.
        hedge.look(at(60_000), Some(&path(0))).unwrap();
        hedge.look(at(60_400), Some(&path(0))).unwrap();
        hedge.look(at(60_700), Some(&path(10))).unwrap();
        hedge.look(at(61_100), Some(&path(10))).unwrap();
        assert!(hedge.trial.is_none());
        hedge.look(at(61_300), Some(&path(10))).unwrap();
        assert!(hedge.trial.is_some());
    }

    #[test]
    fn a_server_that_takes_nothing_has_no_need_of_another_connection() {
        let (_server, mut hedge) = hedge();
        let full = Path { in_flight: 0, ..path(50) };
        (0..100).for_each(|tick| hedge.look(at(tick * 100), Some(&full)).unwrap());
        assert!(hedge.trial.is_none());
    }

    #[test]
    fn a_connection_that_stays_silent_though_there_is_a_path_is_given_up_for_the_other() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&path(0))).unwrap();
        until_there(&mut hedge, at(600), &path(0));
        hedge.look(at(1_750), Some(&path(0))).unwrap();
        let error = hedge.look(at(1_850), Some(&path(0))).unwrap_err();
        assert_eq!(error.fault, LinkFault::Timeout);
        assert!(hedge.take().is_some());
    }

    #[test]
    fn one_that_came_to_life_is_kept_unless_it_falls_silent_again() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&path(0))).unwrap();
        until_there(&mut hedge, at(600), &path(0));
        hedge.look(at(1_600), Some(&path(95))).unwrap();
        hedge.look(at(2_100), Some(&path(95))).unwrap();
        assert!(hedge.look(at(2_300), Some(&path(95))).is_err());
    }

    /// As BBR does after a timeout, with one segment in each round trip.
    #[test]
    fn one_that_comes_to_life_too_slowly_is_given_up() {
        for (a_step, kept) in [(2, false), (8, true)] {
            let (_server, mut hedge) = hedge();
            hedge.look(at(0), Some(&path(0))).unwrap();
            until_there(&mut hedge, at(600), &path(0));
            let fails = |step: u64| {
                let look = hedge.look(at(1_550 + 50 * step as i64), Some(&path((step * a_step).min(99))));
                look.is_err()
            };
            assert_eq!((1..12).any(fails), !kept, "{a_step}");
        }
    }

    #[test]
    fn when_all_that_was_under_way_has_come_the_other_is_closed() {
        let (_server, mut hedge) = hedge();
        hedge.look(at(0), Some(&path(0))).unwrap();
        until_there(&mut hedge, at(600), &path(0));
        let newer = Path { in_flight: 50, ..path(100) };
        hedge.look(at(1_600), Some(&newer)).unwrap();
        assert!(hedge.take().is_none());
    }

    #[test]
    fn a_network_that_leads_nowhere_is_tried_again_and_the_old_connection_decides() {
        let (server, mut hedge) = hedge();
        drop(server);
        hedge.look(at(0), Some(&path(0))).unwrap();
        let refused = (0..3000).any(|step| {
            std::thread::sleep(MS * 10);
            hedge.look(at(600 + 20 * step), Some(&path(0))).unwrap();
            matches!(&hedge.trial, Some(Trial { others: Others::Refused(_), .. }))
        });
        assert!(refused, "{hedge:?}");
        hedge.look(at(100_000), Some(&path(0))).unwrap();
        assert!(matches!(&hedge.trial, Some(Trial { others: Others::Tried(_), .. })), "{hedge:?}");
    }
}
