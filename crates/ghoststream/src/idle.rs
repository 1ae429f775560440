//! What pools keep until it is used again, and for how long.
//!
//! A machine that stalls for a moment has more pictures under way than ever before. What was made for them would stay
//! as long as the recording does, though nothing needs it again. So who takes from a pool gives back what has been
//! of no use for [`KEPT`]: one thing at a time, so that no picture waits until the memory of many is given back.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Timestamp;

/// For so long it is kept: what is used now and then is not made again and again.
const KEPT: Duration = Duration::from_secs(60);

/// Whether what was last in use then is not needed.
pub(crate) fn is_unneeded(last_use: Timestamp, now: Timestamp) -> bool {
    now.since(last_use) > KEPT
}

/// What is not in use, in the order in which it came back. What came back last is used first, so that what is not
/// needed is left alone.
#[derive(Debug)]
pub(crate) struct Idle<T>(VecDeque<(Timestamp, T)>);

impl<T> Default for Idle<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Idle<T> {
    /// Keeps what was in use until now.
    pub(crate) fn put(&mut self, it: T, now: Timestamp) {
        self.0.push_back((now, it));
    }

    /// What came back last.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.pop_back().map(|it| it.1)
    }

    /// What came back first, if it is not needed. To be asked after [`take`](Self::take), and dropped where
    /// nobody waits for a lock.
    pub(crate) fn unneeded(&mut self, now: Timestamp) -> Option<T> {
        self.0.pop_front_if(|it| is_unneeded(it.0, now)).map(|it| it.1)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn what_nothing_has_needed_for_a_minute_is_given_back_one_at_a_time() {
        let mut idle = Idle::default();
        for number in 0..4 {
            idle.put(number, at(number));
        }
        for second in 1..=60 {
            assert_eq!(idle.take(), Some(3), "what came back last is used first");
            assert_eq!(idle.unneeded(at(second * 1000)), None);
            idle.put(3, at(second * 1000));
        }
        assert_eq!(idle.take(), Some(3));
        let given_back = std::iter::from_fn(|| idle.unneeded(at(60_002)));
        assert_eq!(given_back.collect::<Vec<_>>(), [0, 1], "2 came back a minute ago and no longer");
        idle.put(3, at(60_003));
        assert_eq!(idle.unneeded(at(60_003)), Some(2));
        assert_eq!((idle.unneeded(at(60_003)), idle.len()), (None, 1));
    }

    #[test]
    fn what_is_needed_once_a_second_is_kept() {
        let mut idle = Idle::default();
        (0..3).for_each(|number| idle.put(number, at(0)));
        for tick in 1..60 * 600 {
            // One at a time, and three together once a second.
            let needed = if tick % 60 == 0 { 3 } else { 1 };
            let taken: Vec<_> = (0..needed).map_while(|_| idle.take()).collect();
            assert_eq!((taken.len(), idle.unneeded(at(tick * 1000 / 60))), (needed, None), "tick {tick}");
            taken.into_iter().for_each(|it| idle.put(it, at(tick * 1000 / 60)));
        }
    }
}
