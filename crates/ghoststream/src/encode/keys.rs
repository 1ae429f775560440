//! When a key frame is due of an encoder that counts pictures from one to the next.
//!
//! Ingest servers cut a stream at key frames and want them at an interval in time, and a replay holds whole groups of
//! pictures. An encoder that does not get a picture for every tick, whether every second one is left out or the machine
//! is too slow for all of them, would take longer from one to the next, so that they are asked for by time then.

/// Where the key frames of one stream are.
#[derive(Debug)]
pub(super) struct KeyFrames {
    /// Pictures from one to the next, as the encoder counts them: as many ticks at the full rate.
    every: i64,
    /// The tick of the last one.
    last: Option<i64>,
    /// The tick of the last picture.
    before: Option<i64>,
    /// Pictures since the last key frame.
    since: i64,
    /// Whether pictures were left out since then, so that the encoder would be late with the next one.
    thinned: bool,
}

impl KeyFrames {
    pub(super) fn new(every: u32) -> Self {
        Self { every: i64::from(every.max(1)), last: None, before: None, since: 0, thinned: false }
    }

    /// Whether the picture of this tick is to be made a key frame, where the next is `step` ticks later or, where
    /// some are dropped, after more: because it was `asked` for, or because the one after it would come too late.
    pub(super) fn due(&mut self, tick: i64, step: i64, asked: bool) -> bool {
        self.since += 1;
        let before = self.before.replace(tick);
        self.thinned |= step > 1 || before.is_some_and(|before| tick - before > 1);
        let late = self.last.is_some_and(|last| tick - last > self.every - step);
        let forced = asked || self.thinned && late;
        if forced || self.last.is_none() || self.since == self.every {
            (self.last, self.since, self.thinned) = (Some(tick), 0, step > 1);
        }
        forced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ticks of key frames, those too that an encoder places by itself which counts from the last one on.
    fn keys(every: u32, ticks: impl IntoIterator<Item = (i64, i64)>, asked: &[i64]) -> Vec<(i64, bool)> {
        let mut keys = KeyFrames::new(every);
        let (mut all, mut since) = (vec![], every);
        for (tick, step) in ticks {
            let forced = keys.due(tick, step, asked.contains(&tick));
            if forced || since == every {
                all.push((tick, forced));
                since = 0;
            }
            since += 1;
        }
        all
    }

    fn all(from: i64, to: i64) -> impl Iterator<Item = (i64, i64)> {
        (from..to).map(|it| (it, 1))
    }

    fn half(from: i64, to: i64) -> impl Iterator<Item = (i64, i64)> {
        (from..to).step_by(2).map(|it| (it, 2))
    }

    #[test]
    fn an_encoder_that_gets_every_picture_is_left_alone() {
        assert_eq!(keys(30, all(0, 100), &[]), [(0, false), (30, false), (60, false), (90, false)]);
        assert_eq!(keys(30, all(0, 100), &[40]), [(0, false), (30, false), (40, true), (70, false)]);
    }

    #[test]
    fn at_half_the_rate_key_frames_come_as_often() {
        assert_eq!(keys(30, half(0, 100), &[]), [(0, false), (30, true), (60, true), (90, true)]);
        // An odd interval is not exceeded.
        assert_eq!(keys(15, half(0, 60), &[]), [(0, false), (14, true), (28, true), (42, true), (56, true)]);
        assert_eq!(keys(30, half(0, 100), &[44]), [(0, false), (30, true), (44, true), (74, true)]);
        assert_eq!(keys(1, half(0, 6), &[]).len(), 3);
    }

    #[test]
    fn where_pictures_are_dropped_the_first_after_the_interval_is_a_key_frame() {
        let third = || (0..100).step_by(3).map(|it| (it, 1));
        assert_eq!(keys(30, third(), &[]), [(0, false), (30, true), (60, true), (90, true)]);
        assert_eq!(keys(31, third(), &[]), [(0, false), (33, true), (66, true), (99, true)]);
        assert_eq!(keys(30, third(), &[45]), [(0, false), (30, true), (45, true), (75, true)]);
        // A tick now and then, and then none; and a time without any picture.
        let some = all(0, 10).chain(all(11, 50)).chain(all(170, 240));
        assert_eq!(keys(30, some, &[]), [(0, false), (30, true), (170, true), (200, false), (230, false)]);
        // And half of those that are left.
        let sixth = (0..100).step_by(6).map(|it| (it, 2));
        assert_eq!(keys(30, sixth, &[]), [(0, false), (30, true), (60, true), (90, true)]);
    }

    #[test]
    fn none_is_late_where_the_rate_changes_between_two() {
        let down = all(0, 40).chain(half(40, 100));
        assert_eq!(keys(30, down, &[]), [(0, false), (30, false), (60, true), (90, true)]);
        let up = half(0, 40).chain(all(40, 130));
        assert_eq!(keys(30, up, &[]), [(0, false), (30, true), (60, true), (90, false), (120, false)]);
    }
}
