//! How far a group of pictures that is being filled has no hole. An encoder with B-frames hands out a picture
//! before those that are shown earlier and refer to it: taken as it is, the group's end would lack them.

use std::time::Duration;

use super::ring::end_of;
use crate::MediaTime;
use crate::encode::Packet;

/// So many packets of a group, in order of decoding, are all the pictures that are shown until `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) packets: usize,
    pub(super) end: MediaTime,
}

impl Whole {
    /// Of a group that begins with this key picture.
    pub(super) fn of(key: &Packet) -> Self {
        Self { packets: 1, end: end_of(key) }
    }

    /// Now that there are more packets in the group, all of which are given.
    pub(super) fn grown(self, packets: &[Packet]) -> Self {
        let new = &packets[self.packets..];
        let Some(end) = new.iter().map(end_of).max() else { return self };
        if self.is_filled_by(new, end) {
            return Self { packets: packets.len(), end };
        }
        // Where a picture was left out, they fill nothing: then decoding times tell, later. Whatever comes is
        // decoded after the last, and shown no earlier than it is decoded.
        let decoded = new.last().map_or(self.end, |it| it.dts);
        let mut least_after = None;
        for (index, packet) in new.iter().enumerate().rev() {
            let taken = &new[..=index];
            let shown = taken.iter().map(|it| it.pts).max();
            if shown <= Some(decoded) && least_after.is_none_or(|it| shown < Some(it)) {
                let end = taken.iter().map(end_of).max().unwrap_or(self.end);
                return Self { packets: self.packets + index + 1, end };
            }
            least_after = Some(least_after.map_or(packet.pts, |it: MediaTime| it.min(packet.pts)));
        }
        self
    }

    /// Whether the pictures, one after the other, are as long as the time up to `end`.
    fn is_filled_by(self, new: &[Packet], end: MediaTime) -> bool {
        let lasting: Duration = new.iter().map(|it| it.duration).sum();
        let shortest = new.iter().map(|it| it.duration).min().unwrap_or_default();
        let apart = i128::from(end.nanos_since(self.end)) - lasting.as_nanos() as i128;
        apart.unsigned_abs() <= shortest.as_nanos() / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::replay::tests::packet;

    /// Milliseconds until which all of the pictures are there, once each has come. Given is when each is shown and
    /// decoded, in tenths of a second.
    fn ends(pictures: &[(i64, i64)]) -> Vec<i64> {
        let packets: Vec<_> = pictures
            .iter()
            .map(|&(shown, decoded)| {
                let dts = MediaTime::from_nanos(decoded * 100_000_000);
                Packet { dts, ..packet(0, shown * 100, 100, shown == 0, 10) }
            })
            .collect();
        let mut whole = Whole::of(&packets[0]);
        let mut ends = Vec::new();
        for count in 1..=packets.len() {
            whole = whole.grown(&packets[..count]);
            ends.push(whole.end.as_nanos() / 1_000_000);
        }
        ends
    }

    #[test]
    fn pictures_in_order_are_whole_at_once_with_or_without_others_left_out() {
        assert_eq!(ends(&[(0, 0), (1, 1), (2, 2), (5, 5), (6, 6)]), [100, 200, 300, 600, 700]);
    }

    #[test]
    fn a_picture_waits_for_those_that_are_shown_before_it() {
        let pyramid = [(0, -2), (4, -1), (2, 0), (1, 1), (3, 2), (6, 3), (5, 4)];
        assert_eq!(ends(&pyramid), [100, 100, 100, 100, 500, 500, 700]);
    }

    #[test]
    fn where_one_was_left_out_decoding_times_tell() {
        // Of 1 to 4 the third is missing; what follows is not held up by it for long.
        let pictures = [(0, -1), (4, 0), (1, 1), (2, 2), (6, 4), (5, 5), (8, 6), (7, 7)];
        assert_eq!(ends(&pictures), [100, 100, 100, 100, 500, 700, 700, 900]);
    }
}
