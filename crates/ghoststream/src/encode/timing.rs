//! Between our nanoseconds and an encoder's ticks.
//!
//! An encoder counts time in pictures of its nominal rate, at a constant and at a variable rate
//! alike: several take their rate control's idea of the frame rate from the time base, and a
//! microsecond there would starve them. No precision is lost, for a packet gets back the very time
//! that its picture came in with: [`Book`] remembers it.

use std::collections::VecDeque;

use crate::{MediaTime, Timestamp};

/// Pictures a second as a fraction: the film and television rates exactly, others to a thousandth.
pub(super) fn rational(fps: f64) -> (i32, i32) {
    for nominal in [24, 30, 48, 60, 72, 120, 144, 240] {
        let exact = f64::from(nominal) * 1000.0 / 1001.0;
        // 23.98 and 59.94 are how people write 24000/1001 and 60000/1001.
        if (fps - exact).abs() < 0.006 {
            return (nominal * 1000, 1001);
        }
    }
    let (num, den) = ((fps * 1000.0).round().max(1.0) as i32, 1000);
    let divisor = gcd(num, den);
    (num / divisor, den / divisor)
}

const fn gcd(a: i32, b: i32) -> i32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Which ticks were given to which times.
#[derive(Debug)]
pub(super) struct Book {
    rate: (i32, i32),
    /// Strictly increasing in both, oldest first.
    entries: VecDeque<Entry>,
    /// Entries that were let go of.
    gone: usize,
    /// Packets that came out.
    left: usize,
    /// By how many pictures decoding runs ahead of showing, where the encoder's own decoding times cannot be
    /// relied on.
    delay: Option<usize>,
    last_dts: Option<MediaTime>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    ticks: i64,
    pts: MediaTime,
    arrived: Timestamp,
}

/// The times of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) pts: MediaTime,
    pub(super) dts: MediaTime,
    pub(super) arrived: Option<Timestamp>,
}

impl Book {
    /// More pictures than any encoder keeps: 250 of lookahead, and its threads.
    const MOST: usize = 1024;

    pub(super) const fn new(rate: (i32, i32)) -> Self {
        Self { rate, entries: VecDeque::new(), gone: 0, left: 0, delay: None, last_dts: None }
    }

    /// Makes decoding times of the times of pictures, so many pictures late, whatever the encoder says.
    ///
    /// NVENC's wrapper before FFmpeg 7 subtracts ticks instead: where ticks are left out, its decoding times
    /// come after the pictures' own.
    pub(super) const fn with_delay(mut self, pictures: usize) -> Self {
        self.delay = Some(pictures);
        self
    }

    /// One tick.
    pub(super) fn tick_nanos(&self) -> i64 {
        self.nanos(1)
    }

    /// Whether no picture came yet.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The ticks for a picture's time: the nearest, and later than the one before.
    pub(super) fn enter(&mut self, pts: MediaTime, arrived: Timestamp) -> i64 {
        let nearest = self.ticks(pts);
        let ticks = self.entries.back().map_or(nearest, |last| nearest.max(last.ticks + 1));
        if self.entries.len() == Self::MOST {
            self.entries.pop_front();
            self.gone += 1;
        }
        self.entries.push_back(Entry { ticks, pts, arrived });
        ticks
    }

    /// The times of a packet that came out with these ticks.
    ///
    /// Encoders make decoding times of the times of pictures, so these come back exactly too. Only
    /// the first of a stream with B-frames lie before every picture; they are as far before the
    /// first as the ticks say. A decoding time is always later than the one before and never after
    /// its picture's time, whatever rounding does.
    pub(super) fn leave(&mut self, pts_ticks: i64, dts_ticks: i64) -> Times {
        let entry = self.find(pts_ticks);
        let pts = entry.map_or_else(|| self.extrapolate(pts_ticks), |it| it.pts);
        let dts = match self.delay {
            Some(delay) => self.delayed(delay),
            None => self.find(dts_ticks).map_or_else(|| self.extrapolate(dts_ticks), |it| it.pts),
        };
        self.left += 1;
        let later = self.last_dts.map_or(dts, |last| dts.max(last.offset(1)));
        let dts = later.min(pts);
        self.last_dts = Some(dts);
        Times { pts, dts, arrived: entry.map(|it| it.arrived) }
    }

    /// The time of the picture that came `delay` pictures before the packet that leaves now.
    fn delayed(&self, delay: usize) -> MediaTime {
        let early = delay.saturating_sub(self.left);
        let index = self.left.saturating_sub(delay).saturating_sub(self.gone);
        let entry = self.entries.get(index).map_or(MediaTime::default(), |it| it.pts);
        entry.offset(-(early as i64) * self.tick_nanos())
    }

    fn find(&self, ticks: i64) -> Option<Entry> {
        let index = self.entries.binary_search_by_key(&ticks, |it| it.ticks).ok()?;
        self.entries.get(index).copied()
    }

    fn extrapolate(&self, ticks: i64) -> MediaTime {
        self.entries.front().map_or_else(
            || MediaTime::from_nanos(self.nanos(ticks)),
            |first| first.pts.offset(self.nanos(ticks - first.ticks)),
        )
    }

    fn ticks(&self, time: MediaTime) -> i64 {
        let (num, den) = (i128::from(self.rate.0), i128::from(self.rate.1) * 1_000_000_000);
        (i128::from(time.as_nanos()) * num + den / 2).div_euclid(den) as i64
    }

    fn nanos(&self, ticks: i64) -> i64 {
        let (num, den) = (i128::from(self.rate.0), i128::from(self.rate.1) * 1_000_000_000);
        (i128::from(ticks) * den + num / 2).div_euclid(num) as i64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_rates_are_exact() {
        let known = [
            (23.976, (24_000, 1001)),
            (23.98, (24_000, 1001)),
            (29.97, (30_000, 1001)),
            (59.94, (60_000, 1001)),
            (119.88, (120_000, 1001)),
            (60_000.0 / 1001.0, (60_000, 1001)),
            (60.0, (60, 1)),
            (24.0, (24, 1)),
            (12.5, (25, 2)),
            (1.0, (1, 1)),
            (240.0, (240, 1)),
            (143.9, (1439, 10)),
        ];
        for (fps, wanted) in known {
            assert_eq!(rational(fps), wanted, "{fps}");
        }
    }

    #[test]
    fn decoding_times_before_the_first_picture_lie_before_it() {
        let mut book = Book::new((30, 1));
        let start = MediaTime::from_nanos(5_000_000_000);
        let first = book.enter(start, Timestamp::default());
        let times = book.leave(first, first - 2);
        assert_eq!(times.pts, start);
        assert_eq!(times.dts, start.offset(-66_666_667));
    }

    proptest! {
        #[test]
        fn delayed_decoding_times_precede_pictures_whatever_is_left_out(
            gaps in proptest::collection::vec(1i64..20, 3000..3001),
            b_frames in 0usize..6,
        ) {
            let mut book = Book::new((60, 1)).with_delay(if b_frames > 0 { 2 } else { 0 });
            let (mut tick, mut last) = (0, None);
            // Groups as NVENC codes them: the closing picture, the middle one, the others.
            for group in gaps.chunks_exact(b_frames + 1) {
                let mut ticks = Vec::new();
                for gap in group {
                    ticks.push(book.enter(MediaTime::from_nanos(tick * 16_666_667), Timestamp::default()));
                    tick += gap;
                }
                let closing = ticks.pop().into_iter();
                let middle = (ticks.len() > 1).then(|| ticks.remove(ticks.len() / 2));
                for ticks in closing.chain(middle).chain(ticks) {
                    let times = book.leave(ticks, 0);
                    prop_assert!(last.is_none_or(|last| last < times.dts), "{:?} after {:?}", times, last);
                    prop_assert!(times.dts <= times.pts, "{times:?}");
                    last = Some(times.dts);
                }
            }
        }

        #[test]
        fn every_time_comes_back_whatever_the_rate(
            fps in 1.0f64..240.0,
            start in 0i64..10_000_000_000_000,
            gaps in proptest::collection::vec(1i64..3_000_000_000, 1..200),
        ) {
            let mut book = Book::new(rational(fps));
            let mut pts = start;
            let mut entered = vec![];
            for (index, gap) in gaps.iter().enumerate() {
                let time = MediaTime::from_nanos(pts);
                let arrived = Timestamp::from_nanos(index as i64);
                entered.push((book.enter(time, arrived), time, arrived));
                pts += gap;
            }
            prop_assert!(entered.windows(2).all(|two| two[0].0 < two[1].0), "ticks increase");
            for (ticks, time, arrived) in entered {
                let times = book.leave(ticks, ticks);
                prop_assert_eq!(times, Times { pts: time, dts: time, arrived: Some(arrived) });
            }
        }

        #[test]
        fn decoding_times_increase_and_precede_their_pictures(
            fps in 1.0f64..240.0,
            reorder in 1usize..16,
        ) {
            let mut book = Book::new(rational(fps));
            let nanos = |index: usize| (index as f64 * 1e9 / fps).round() as i64;
            let ticks: Vec<_> = (0..100)
                .map(|index| book.enter(MediaTime::from_nanos(nanos(index)), Timestamp::default()))
                .collect();
            // As encoders do it: decoding times are the pictures' own, `reorder` pictures late.
            let mut last = None;
            for index in 0..100 {
                let dts = if index < reorder { index as i64 - reorder as i64 } else { ticks[index - reorder] };
                let times = book.leave(ticks[index], dts);
                prop_assert!(last.is_none_or(|last| last < times.dts));
                prop_assert!(times.dts <= times.pts);
                last = Some(times.dts);
            }
        }
    }
}
