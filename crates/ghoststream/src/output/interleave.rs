//! Puts the packets of several encoders into one order.
//!
//! Each encoder has a thread and a delay of its own, so that packets arrive out of order across
//! tracks. The [`Interleaver`] holds them back until every track has said what comes next, and hands
//! them on by decoding time. A track that says nothing (a still desktop at a variable rate, a sound
//! device that stalls) holds the others up for [`Interleaver::WAIT`] at most, and a queue that grows
//! beyond its bounds is released early. No packet is ever dropped: one that comes too late for its
//! place is handed on at once, after its elders. Within a track the order never changes.
//!
//! Who watches live waits for no file to be in order. For them ([`Interleaver::live`]) a picture goes on as soon as
//! it is there, and sound alone waits, for the picture of its time. Sound is encoded later than the picture beside it
//! (it is kept back a little, fills a frame, and the encoder looks a frame ahead), so that it then follows by that.

use std::collections::VecDeque;
use std::time::Duration;

use crate::encode::Packet;
use crate::{MediaTime, Timestamp};

/// A bounded reorder buffer over the tracks of one output.
///
/// `push` what arrives, then `pop` until it gives nothing; call `pop` again at the latest when
/// [`Interleaver::deadline`] has come. At the end [`Interleaver::close`] lets everything go.
#[derive(Debug)]
pub(crate) struct Interleaver {
    tracks: Vec<Queue>,
    bytes: usize,
    closed: bool,
    /// Whether track 0, the picture, waits for the others.
    pictures_wait: bool,
    /// When the last picture that was handed on is decoded.
    reached: Option<MediaTime>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(Timestamp, Packet)>,
    ended: bool,
}

impl Interleaver {
    /// How long a packet waits for tracks that say nothing. Short enough that, with the longest
    /// fragment of a file, less than a second is in memory only.
    pub(crate) const WAIT: Duration = Duration::from_millis(450);
    /// Packets held back at most.
    pub(crate) const MOST_PACKETS: usize = 4096;
    /// Bytes held back at most.
    pub(crate) const MOST_BYTES: usize = 128 << 20;

    /// For this many tracks, in order of decoding time.
    pub(crate) fn new(tracks: usize) -> Self {
        let tracks = (0..tracks).map(|_| Queue::default()).collect();
        Self { tracks, bytes: 0, closed: false, pictures_wait: true, reached: None }
    }

    /// For this many tracks of which the first, the picture, waits for none. The others follow the picture.
    pub(crate) fn live(tracks: usize) -> Self {
        Self { pictures_wait: false, ..Self::new(tracks) }
    }

    /// Takes a packet that arrived `now`. One of a track that does not exist is refused and given
    /// back.
    pub(crate) fn push(&mut self, packet: Packet, now: Timestamp) -> Result<(), Packet> {
        let Some(queue) = self.tracks.get_mut(packet.track) else {
            return Err(packet);
        };
        self.bytes += packet.data().len();
        queue.waiting.push_back((now, packet));
        Ok(())
    }

    /// The next packet in order, if it need not wait any longer.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<Packet> {
        let first = self.first()?;
        let overdue = || self.deadline().is_some_and(|at| now >= at);
        if !(self.closed || self.is_due(first) || self.over_full() || overdue()) {
            return None;
        }
        let (_, packet) = self.tracks[first].waiting.pop_front()?;
        self.bytes -= packet.data().len();
        if packet.track == 0 {
            self.reached = Some(packet.dts);
        }
        Some(packet)
    }

    /// When `pop` has something to give even if nothing more arrives; `None` while nothing waits.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let arrivals = self.tracks.iter().filter_map(|it| it.waiting.front());
        arrivals.map(|&(at, _)| at + Self::WAIT).min()
    }

    /// Nothing more comes on this track: the others need not wait for it.
    pub(crate) fn end_track(&mut self, track: usize) {
        if let Some(queue) = self.tracks.get_mut(track) {
            queue.ended = true;
        }
    }

    /// Nothing more comes at all: `pop` gives what is left, in order.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// The track whose head is decoded first; of equals, the first track.
    fn first(&self) -> Option<usize> {
        let heads = self.tracks.iter().enumerate();
        let heads = heads.filter_map(|(index, it)| it.waiting.front().map(|(_, p)| (p.dts, index)));
        heads.min().map(|(_, index)| index)
    }

    /// Whether nothing can come that should go before the head of this track, which is the first of all heads.
    fn is_due(&self, first: usize) -> bool {
        if self.pictures_wait {
            return self.tracks.iter().all(Queue::is_known);
        }
        let decoded = self.tracks[first].waiting.front().map(|(_, packet)| packet.dts);
        self.tracks[0].is_known() || decoded <= self.reached
    }

    fn over_full(&self) -> bool {
        let packets: usize = self.tracks.iter().map(|it| it.waiting.len()).sum();
        packets > Self::MOST_PACKETS || self.bytes > Self::MOST_BYTES
    }
}

impl Queue {
    /// Whether it is known what comes next.
    fn is_known(&self) -> bool {
        self.ended || !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    fn packet(track: usize, dts_ms: i64) -> Packet {
        let time = MediaTime::from_nanos(dts_ms * MS);
        Packet {
            track,
            pts: time,
            dts: time,
            duration: Duration::ZERO,
            key: true,
            arrived: None,
            begins: None,
            encoded: at(0),
            payload: [][..].into(),
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_nanos(ms * MS)
    }

    fn drain(interleaver: &mut Interleaver, now: Timestamp) -> Vec<(usize, i64)> {
        std::iter::from_fn(|| interleaver.pop(now)).map(|p| (p.track, p.dts.as_nanos() / MS)).collect()
    }

    #[test]
    fn waits_for_every_track_and_hands_on_in_order() {
        let mut it = Interleaver::new(2);
        it.push(packet(0, 0), at(0)).unwrap();
        it.push(packet(0, 16), at(1)).unwrap();
        assert_eq!(drain(&mut it, at(2)), [], "track 1 has not spoken");
        it.push(packet(1, 10), at(3)).unwrap();
        assert_eq!(drain(&mut it, at(3)), [(0, 0), (1, 10)]);
        it.push(packet(1, 30), at(4)).unwrap();
        assert_eq!(drain(&mut it, at(4)), [(0, 16)]);
    }

    #[test]
    fn a_silent_track_holds_the_others_up_for_the_wait_and_no_longer() {
        let mut it = Interleaver::new(2);
        it.push(packet(1, 0), at(0)).unwrap();
        it.push(packet(1, 20), at(20)).unwrap();
        let wait = Interleaver::WAIT.as_millis() as i64;
        assert_eq!(it.deadline(), Some(at(wait)));
        assert_eq!(drain(&mut it, at(wait - 1)), []);
        assert_eq!(drain(&mut it, at(wait)), [(1, 0)]);
        assert_eq!(drain(&mut it, at(wait + 20)), [(1, 20)]);
        assert_eq!(it.deadline(), None);
    }

    #[test]
    fn a_late_packet_is_handed_on_at_once() {
        let mut it = Interleaver::new(2);
        it.push(packet(1, 100), at(0)).unwrap();
        assert_eq!(drain(&mut it, at(1000)), [(1, 100)]);
        it.push(packet(0, 5), at(1000)).unwrap();
        it.push(packet(1, 110), at(1000)).unwrap();
        assert_eq!(drain(&mut it, at(1000)), [(0, 5)], "late, and before its younger neighbour");
    }

    #[test]
    fn an_ended_track_is_not_waited_for_and_closing_lets_all_go() {
        let mut it = Interleaver::new(3);
        it.end_track(2);
        it.push(packet(0, 0), at(0)).unwrap();
        it.push(packet(1, 1), at(0)).unwrap();
        assert_eq!(drain(&mut it, at(0)), [(0, 0)]);
        it.push(packet(1, 2), at(0)).unwrap();
        it.close();
        assert_eq!(drain(&mut it, at(0)), [(1, 1), (1, 2)]);
    }

    #[test]
    fn what_it_holds_is_bounded() {
        let mut it = Interleaver::new(2);
        let mut out = 0;
        for n in 0..3 * Interleaver::MOST_PACKETS {
            it.push(packet(0, n as i64), at(0)).unwrap();
            out += drain(&mut it, at(0)).len();
        }
        assert_eq!(out, 2 * Interleaver::MOST_PACKETS);
    }

    #[test]
    fn live_pictures_wait_for_nothing_and_sound_waits_for_its_picture() {
        let mut it = Interleaver::live(3);
        it.push(packet(1, -21), at(0)).unwrap();
        assert_eq!(drain(&mut it, at(0)), [], "a peer begins with a picture, if one comes soon");
        it.push(packet(0, 0), at(10)).unwrap();
        assert_eq!(drain(&mut it, at(10)), [(1, -21), (0, 0)]);
        it.push(packet(0, 16), at(26)).unwrap();
        assert_eq!(drain(&mut it, at(26)), [(0, 16)], "at once");
        it.push(packet(1, 0), at(100)).unwrap();
        it.push(packet(1, 21), at(110)).unwrap();
        it.push(packet(2, 5), at(120)).unwrap();
        assert_eq!(drain(&mut it, at(120)), [(1, 0), (2, 5)], "what the picture has reached");
        it.push(packet(0, 33), at(130)).unwrap();
        assert_eq!(drain(&mut it, at(130)), [(1, 21), (0, 33)]);
    }

    #[test]
    fn live_sound_waits_for_pictures_that_do_not_come_no_longer_than_the_wait() {
        let mut it = Interleaver::live(2);
        it.push(packet(0, 0), at(0)).unwrap();
        it.push(packet(1, 21), at(10)).unwrap();
        let wait = 10 + Interleaver::WAIT.as_millis() as i64;
        assert_eq!(drain(&mut it, at(wait - 1)), [(0, 0)]);
        assert_eq!(drain(&mut it, at(wait)), [(1, 21)]);
        it.push(packet(1, 42), at(wait)).unwrap();
        it.end_track(0);
        assert_eq!(drain(&mut it, at(wait)), [(1, 42)]);
    }

    #[test]
    fn an_unknown_track_is_refused() {
        assert!(Interleaver::new(1).push(packet(1, 0), at(0)).is_err());
    }

    proptest! {
        /// Whatever comes when: nothing is lost, and no track is reordered.
        #[test]
        fn nothing_is_lost_or_reordered(live: bool, steps in prop::collection::vec((0usize..3, 0i64..40, 0i64..200), 0..200)) {
            let mut it = if live { Interleaver::live(3) } else { Interleaver::new(3) };
            let (mut clock, mut dts, mut sent, mut got) = (0, [0i64; 3], vec![], vec![]);
            for (track, step, wait) in steps {
                clock += wait;
                dts[track] += step + 1;
                sent.push((track, dts[track]));
                it.push(packet(track, dts[track]), at(clock)).unwrap();
                got.extend(drain(&mut it, at(clock)));
            }
            it.close();
            got.extend(drain(&mut it, at(clock)));
            for track in 0..3 {
                let of = |list: &[(usize, i64)]| list.iter().filter(|it| it.0 == track).map(|it| it.1).collect::<Vec<_>>();
                prop_assert_eq!(of(&sent), of(&got));
            }
        }
    }
}
