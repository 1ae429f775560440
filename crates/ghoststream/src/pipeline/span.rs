//! The part of the recording that one output takes, and where its own time begins.
//!
//! An output that was there from the start takes everything, in the recording's time. One that joins later
//! begins at a key picture, which is its zero, with the sound from there on; what was encoded before, and
//! pictures that are shown before that one though they come after it, cannot be decoded there. One that is
//! removed takes what was captured until then, and encoders need a moment for the last of that.

use std::collections::VecDeque;

use crate::MediaTime;
use crate::encode::Packet;

/// Decides about each packet. Of each track they come in order of decoding time.
#[derive(Debug)]
pub(super) struct Span {
    begin: Begin,
    /// What was captured from here on is not taken.
    end: Option<MediaTime>,
    /// When the last of the pictures is shown that were taken.
    shown: MediaTime,
    /// For each track, whether nothing more is taken of it.
    over: Vec<bool>,
}

#[derive(Debug)]
enum Begin {
    /// It has begun: what is shown or heard before `first` is left out, and times are counted from `zero`.
    At { first: MediaTime, zero: MediaTime },
    /// At the next key picture; the sound that may belong there has come already. `shifts` says whether
    /// that is then its zero.
    KeyPicture { sound: VecDeque<Packet>, shifts: bool },
}

impl Span {
    /// Packets of sound that wait for a key picture, at most: then the oldest go. Ten seconds of several
    /// tracks, and no encoder holds a picture for as long.
    const MOST_SOUND: usize = 2048;

    /// From the recording's start on.
    pub(super) fn whole(tracks: usize) -> Self {
        let begin = Begin::At { first: MediaTime::from_nanos(i64::MIN), zero: MediaTime::ZERO };
        Self::new(begin, tracks)
    }

    /// From the next key picture on. That is its own zero where it has one, else it goes by the recording's
    /// time.
    pub(super) fn late(tracks: usize, own_zero: bool) -> Self {
        let begin = Begin::KeyPicture { sound: VecDeque::new(), shifts: own_zero };
        Self::new(begin, tracks)
    }

    fn new(begin: Begin, tracks: usize) -> Self {
        Self { begin, end: None, shown: MediaTime::from_nanos(i64::MIN), over: vec![false; tracks] }
    }

    /// Passes on what belongs to it, with the times that it has there.
    pub(super) fn take(&mut self, packet: Packet, taken: impl FnMut(Packet)) {
        if let Some(end) = self.end
            && packet.dts >= end
        {
            // Pictures between two that were taken are decoded after both, and may come yet.
            let between = packet.track == 0 && packet.dts < self.shown;
            if !between {
                return self.end_track(packet.track);
            }
            if packet.pts > self.shown {
                return;
            }
        }
        if packet.track == 0 {
            self.shown = self.shown.max(packet.pts);
        }
        match &mut self.begin {
            Begin::At { first, zero } => from(*first, *zero, packet).into_iter().for_each(taken),
            Begin::KeyPicture { sound, shifts } if packet.track == 0 && packet.key => {
                let first = packet.pts;
                let zero = if *shifts { first } else { MediaTime::ZERO };
                let waited = std::mem::take(sound);
                std::iter::once(packet).chain(waited).filter_map(|it| from(first, zero, it)).for_each(taken);
                self.begin = Begin::At { first, zero };
            }
            Begin::KeyPicture { sound, .. } if packet.track != 0 => {
                sound.push_back(packet);
                if sound.len() > Self::MOST_SOUND {
                    sound.pop_front();
                }
            }
            Begin::KeyPicture { .. } => {}
        }
    }

    /// Where its own time begins, once that is known.
    pub(super) fn zero(&self) -> Option<MediaTime> {
        match self.begin {
            Begin::At { zero, .. } => Some(zero),
            Begin::KeyPicture { .. } => None,
        }
    }

    /// Takes nothing of what was captured from `at` on.
    pub(super) fn end_at(&mut self, at: MediaTime) {
        self.end = Some(at);
    }

    /// Nothing more comes of this track.
    pub(super) fn end_track(&mut self, track: usize) {
        if let Some(over) = self.over.get_mut(track) {
            *over = true;
        }
    }

    /// Whether an end was set, and every track has come to it.
    pub(super) fn is_over(&self) -> bool {
        let unbegun = matches!(self.begin, Begin::KeyPicture { .. });
        self.end.is_some() && (unbegun || self.over.iter().all(|&over| over))
    }
}

/// The packet as it is for who begins with what is shown `first`; nothing where it lies before.
fn from(first: MediaTime, zero: MediaTime, packet: Packet) -> Option<Packet> {
    let shift = -zero.as_nanos();
    let moved = |time: MediaTime| time.offset(shift);
    (packet.pts >= first).then(|| Packet { pts: moved(packet.pts), dts: moved(packet.dts), ..packet })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use std::time::Duration;

    const MS: i64 = 1_000_000;

    fn packet(track: usize, (dts, pts): (i64, i64), key: bool) -> Packet {
        Packet {
            track,
            pts: MediaTime::from_nanos(pts * MS),
            dts: MediaTime::from_nanos(dts * MS),
            duration: Duration::ZERO,
            key,
            arrived: None,
            begins: None,
            encoded: Timestamp::from_nanos(0),
            payload: [][..].into(),
        }
    }

    /// What becomes of packets: track, decoding and presentation time in milliseconds.
    fn taken(span: &mut Span, packets: impl IntoIterator<Item = Packet>) -> Vec<(usize, i64, i64)> {
        let mut all = Vec::new();
        let mut keep = |it: Packet| all.push((it.track, it.dts.as_nanos() / MS, it.pts.as_nanos() / MS));
        packets.into_iter().for_each(|it| span.take(it, &mut keep));
        all
    }

    fn picture(dts: i64, pts: i64, key: bool) -> Packet {
        packet(0, (dts, pts), key)
    }

    fn sound(at: i64) -> Packet {
        packet(1, (at, at), true)
    }

    #[test]
    fn who_was_there_from_the_start_gets_everything_as_it_is() {
        let mut span = Span::whole(2);
        let packets = [sound(-7), picture(-33, 0, true), picture(0, 66, false)];
        assert_eq!(taken(&mut span, packets), [(1, -7, -7), (0, -33, 0), (0, 0, 66)]);
    }

    #[test]
    fn who_joins_begins_at_a_key_picture_with_the_sound_from_there_on() {
        let mut span = Span::late(2, true);
        let before = [picture(900, 933, false), sound(990), sound(1010), sound(1030)];
        assert_eq!(taken(&mut span, before), []);
        // The sound of this time was encoded sooner than the picture.
        let key = [picture(967, 1000, true)];
        assert_eq!(taken(&mut span, key), [(0, -33, 0), (1, 10, 10), (1, 30, 30)]);
        // A picture that refers to what was before the key picture, and sound that comes late.
        let after = [picture(1000, 980, false), sound(999), picture(1033, 1066, false)];
        assert_eq!(taken(&mut span, after), [(0, 33, 66)]);
    }

    #[test]
    fn who_has_no_zero_of_its_own_goes_by_the_recording() {
        let mut span = Span::late(1, false);
        let packets = [picture(900, 933, false), picture(967, 1000, true), picture(1000, 980, false)];
        assert_eq!(taken(&mut span, packets), [(0, 967, 1000)]);
    }

    #[test]
    fn it_is_over_when_every_track_has_come_to_the_end() {
        let mut span = Span::whole(2);
        assert_eq!(taken(&mut span, [picture(0, 0, true), sound(0)]).len(), 2);
        assert!(!span.is_over());
        span.end_at(MediaTime::from_nanos(100 * MS));
        assert_eq!(taken(&mut span, [picture(66, 99, false), sound(80), picture(99, 66, false)]).len(), 3);
        assert!(!span.is_over());
        assert_eq!(taken(&mut span, [picture(100, 133, false)]), []);
        assert!(!span.is_over(), "the sound has not come to it");
        assert_eq!(taken(&mut span, [sound(95), sound(101)]), [(1, 95, 95)]);
        assert!(span.is_over());
    }

    #[test]
    fn pictures_between_two_that_were_taken_are_waited_for() {
        let mut span = Span::whole(1);
        assert_eq!(taken(&mut span, [picture(66, 66, true), picture(99, 199, false)]).len(), 2);
        span.end_at(MediaTime::from_nanos(100 * MS));
        let between = [picture(133, 133, false), picture(166, 166, false)];
        assert_eq!(taken(&mut span, between), [(0, 133, 133), (0, 166, 166)]);
        assert_eq!(taken(&mut span, [picture(167, 299, false)]), [], "that is another one's");
        assert!(!span.is_over());
        assert_eq!(taken(&mut span, [picture(199, 232, false)]), []);
        assert!(span.is_over());
    }

    #[test]
    fn the_end_of_a_track_counts_and_nobody_waits_for_who_never_began() {
        let mut span = Span::whole(2);
        span.end_track(1);
        span.end_at(MediaTime::from_nanos(0));
        assert_eq!(taken(&mut span, [picture(0, 0, true)]), []);
        assert!(span.is_over());
        let mut never = Span::late(2, true);
        never.end_at(MediaTime::from_nanos(0));
        assert!(never.is_over());
    }

    #[test]
    fn sound_that_waits_is_bounded() {
        let mut span = Span::late(2, true);
        assert_eq!(taken(&mut span, (0..3 * Span::MOST_SOUND as i64).map(sound)), []);
        assert_eq!(taken(&mut span, [picture(0, 0, true)]).len(), 1 + Span::MOST_SOUND);
    }
}
