//! Which pictures the peer did not get in time.

use std::collections::VecDeque;
use std::time::Duration;

use ghoststream_srt::Stats;

use crate::Timestamp;
use crate::output::live::Dropped;

/// Pictures that libsrt was given, until the peer acknowledges them or it is too late.
///
/// A peer gives up what is missing when the next that it has is due, and acknowledges both: nobody says which of them came.
/// But what was given up is acknowledged a latency and a round trip after it was sent, or later, and the path has lost
/// something meanwhile. One that came right behind it is acknowledged as late, and is counted with it, as is one that came
/// after its time.
///
/// No more waits here than libsrt holds.
#[derive(Debug, Default)]
pub(super) struct Overdue {
    waiting: VecDeque<Sent>,
    /// Pictures that were sent.
    pictures: u64,
    /// The number of the last key picture among them.
    key: u64,
    /// What libsrt said last was lost, and what it had given up itself.
    lost_packets: u64,
    dropped_packets: u64,
    /// The shortest round trip lately: libsrt begins with a guess.
    round: Option<Duration>,
    dropped: Dropped,
    /// The last that is counted there.
    last: Option<u64>,
    /// One that was sent since the last key picture is.
    broken: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    number: u64,
    at: Timestamp,
    /// The messages that libsrt was given up to its end.
    ends: u64,
    lost_packets: u64,
}

impl Overdue {
    /// A picture was handed over, the end of which is this message's, counted from the first.
    pub(super) fn sent(&mut self, now: Timestamp, key: bool, ends: u64) {
        self.pictures += 1;
        if key {
            (self.key, self.broken) = (self.pictures, false);
        }
        let (number, lost_packets) = (self.pictures, self.lost_packets);
        self.waiting.push_back(Sent { number, at: now, ends, lost_packets });
    }

    /// libsrt holds no more of this many messages that it was given first.
    pub(super) fn look(&mut self, now: Timestamp, gone: u64, stats: &Stats) {
        let round =
            self.round.map_or(stats.rtt, |it| (it + stats.rtt.saturating_sub(it) / 64).min(stats.rtt));
        self.round = Some(round);
        // What libsrt gives up goes without the peer's word, soon after the latency.
        let given_up = std::mem::replace(&mut self.dropped_packets, stats.dropped_packets);
        let due = if stats.dropped_packets > given_up { stats.latency } else { stats.latency + round / 2 };
        self.lost_packets = stats.lost_packets + stats.dropped_packets;
        while let Some(it) = self.waiting.pop_front_if(|it| it.ends <= gone) {
            if now.since(it.at) > due && self.lost_packets > it.lost_packets {
                self.count(it.number);
            }
        }
    }

    /// The connection is over, and what was not acknowledged did not come.
    pub(super) fn end(&mut self) {
        while let Some(it) = self.waiting.pop_front() {
            self.count(it.number);
        }
    }

    fn count(&mut self, number: u64) {
        self.dropped.pictures += 1;
        self.dropped.gaps += u64::from(self.last != Some(number - 1));
        self.last = Some(number);
        self.broken |= number >= self.key;
    }

    /// What was lost since the last call.
    pub(super) fn take(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }

    /// Whether what is sent now stands on a picture that was lost.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn stats(lost: u64) -> Stats {
        let mut stats = Stats::default();
        (stats.latency, stats.rtt) = (Duration::from_millis(500), Duration::from_millis(40));
        stats.lost_packets = lost;
        stats
    }

    /// Six pictures of two messages, forty milliseconds apart, the first and the fourth of which are key pictures.
    fn six() -> Overdue {
        let mut overdue = Overdue::default();
        for index in 0..6_u8 {
            overdue.sent(at(40 * i64::from(index)), index % 3 == 0, 2 * u64::from(index) + 2);
        }
        overdue
    }

    #[test]
    fn what_is_acknowledged_in_time_has_come_and_what_comes_late_without_a_loss_too() {
        let mut overdue = six();
        overdue.look(at(400), 6, &stats(9));
        assert_eq!(overdue.take(), Dropped::default(), "sent again in time");
        let mut overdue = six();
        overdue.look(at(2000), 12, &stats(0));
        assert_eq!(overdue.take(), Dropped::default(), "the machine was busy, and nothing was lost");
        overdue.end();
        assert_eq!(overdue.take(), Dropped::default());
    }

    #[test]
    fn what_was_missing_until_it_was_too_late_is_counted_and_breaks_what_follows() {
        let mut overdue = six();
        overdue.look(at(300), 2, &stats(3));
        // The second and half of the third.
        overdue.look(at(565), 5, &stats(3));
        assert_eq!(overdue.take(), Dropped { pictures: 1, gaps: 1 });
        assert!(!overdue.is_broken(), "a key picture was sent since");
        overdue.look(at(601), 6, &stats(3));
        assert_eq!(overdue.take(), Dropped { pictures: 1, gaps: 0 }, "the same gap");
        overdue.look(at(630), 8, &stats(3));
        assert_eq!(overdue.take(), Dropped { pictures: 0, gaps: 0 }, "the fourth came");
        overdue.look(at(730), 12, &stats(3));
        assert_eq!(overdue.take(), Dropped { pictures: 2, gaps: 1 });
        assert!(overdue.is_broken());
        overdue.sent(at(740), true, 14);
        assert!(!overdue.is_broken());
    }

    #[test]
    fn what_libsrt_gives_up_itself_is_counted_though_it_goes_sooner() {
        let mut given_up = stats(0);
        given_up.dropped_packets = 3;
        let mut overdue = six();
        overdue.look(at(505), 2, &stats(0));
        overdue.look(at(555), 5, &given_up);
        assert_eq!(overdue.take(), Dropped { pictures: 1, gaps: 1 });
        overdue.look(at(595), 6, &given_up);
        assert_eq!(overdue.take(), Dropped::default(), "sent again in time");
    }

    #[test]
    fn what_is_not_acknowledged_by_the_end_is_lost() {
        let mut overdue = six();
        overdue.look(at(200), 6, &stats(0));
        overdue.end();
        assert_eq!(overdue.take(), Dropped { pictures: 3, gaps: 1 });
    }
}
