//! Time: one clock, one origin.
//!
//! A [`Timestamp`] is a reading of `CLOCK_MONOTONIC`; a [`MediaTime`] counts from the start of the
//! recording with the pauses taken out. A [`Timeline`] turns one into the other, and every track of
//! a pipeline uses the same one, so that pictures and sound cannot drift apart by bookkeeping.

use std::ops::{Add, Sub};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// Nanoseconds of `CLOCK_MONOTONIC`, the clock that PipeWire stamps its buffers with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Nanoseconds since the start of the recording, pauses taken out. Packets carry this.
///
/// Decoding times may be negative: B-frames are decoded before the first picture is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaTime(i64);

impl Timestamp {
    /// Reads the clock.
    pub fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Self(time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }

    /// A reading of the clock taken elsewhere, in nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The signed distance `self - earlier`, in nanoseconds.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The distance from `earlier`, zero if `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanos_since(earlier)).unwrap_or(0))
    }

    /// Moves by a signed number of nanoseconds.
    #[must_use]
    pub const fn offset(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl MediaTime {
    /// The start of the recording.
    pub const ZERO: Self = Self(0);

    /// A time in nanoseconds from the start.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds from the start.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds from the start.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Moves by a signed number of nanoseconds.
    #[must_use]
    pub const fn offset(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The signed distance `self - earlier`, in nanoseconds.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        self.offset(nanos(by))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        self.offset(-nanos(by))
    }
}

impl Add<Duration> for MediaTime {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        self.offset(nanos(by))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Maps capture time to media time, for every track of one pipeline.
///
/// It is empty until [`Timeline::start`] gives it an origin. A pause takes its span out: what was
/// captured within maps to nothing, and what comes after follows on without a gap.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    state: Arc<RwLock<State>>,
}

#[derive(Debug, Default)]
struct State {
    origin: Option<Timestamp>,
    /// Closed pauses, in order, none overlapping.
    pauses: Vec<(Timestamp, Timestamp)>,
    paused_at: Option<Timestamp>,
}

impl Timeline {
    /// A timeline without an origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the origin; the first call wins. Returns the origin in force.
    pub fn start(&self, at: Timestamp) -> Timestamp {
        *self.write().origin.get_or_insert(at)
    }

    /// The origin, once there is one.
    pub fn origin(&self) -> Option<Timestamp> {
        self.read().origin
    }

    /// Begins a pause. False when it was paused already.
    pub fn pause(&self, at: Timestamp) -> bool {
        let mut state = self.write();
        let fresh = state.paused_at.is_none();
        let after_last = state.pauses.last().map_or(at, |&(_, end)| at.max(end));
        state.paused_at.get_or_insert(after_last);
        fresh
    }

    /// Ends a pause. False when it was not paused.
    pub fn resume(&self, at: Timestamp) -> bool {
        let mut state = self.write();
        let Some(from) = state.paused_at.take() else {
            return false;
        };
        state.pauses.push((from, at.max(from)));
        true
    }

    /// Whether a pause is open.
    pub fn is_paused(&self) -> bool {
        self.read().paused_at.is_some()
    }

    /// Where in the recording `at` falls: nothing before the origin, within a pause, or while there
    /// is no origin.
    pub fn map(&self, at: Timestamp) -> Option<MediaTime> {
        let state = self.read();
        let origin = state.origin?;
        if at < origin || state.paused_at.is_some_and(|from| at >= from) {
            return None;
        }
        let mut nanos = at.nanos_since(origin);
        for &(from, to) in &state.pauses {
            if at >= to {
                nanos -= to.nanos_since(from.max(origin)).max(0);
            } else if at >= from {
                return None;
            }
        }
        Some(MediaTime(nanos))
    }

    /// How much of the recording lies before `at`, also within a pause; nothing while there is no
    /// origin.
    pub fn position(&self, at: Timestamp) -> Option<MediaTime> {
        let state = self.read();
        let origin = state.origin?;
        let at = state.paused_at.map_or(at, |from| at.min(from)).max(origin);
        let out = state.pauses.iter().map(|&(from, to)| at.min(to).nanos_since(from.max(origin)).max(0));
        Some(MediaTime(at.nanos_since(origin) - out.sum::<i64>()))
    }

    /// When `media` is captured, the inverse of [`Timeline::map`]: nothing while there is no origin,
    /// or while a pause is open before it.
    pub fn capture_time(&self, media: MediaTime) -> Option<Timestamp> {
        let state = self.read();
        let origin = state.origin?;
        let mut at = origin.offset(media.0);
        for &(from, to) in &state.pauses {
            if at >= from {
                at = at.offset(to.nanos_since(from.max(origin)).max(0));
            }
        }
        let open = state.paused_at.is_some_and(|from| at >= from);
        (!open).then_some(at)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn maps_nothing_before_there_is_an_origin() {
        let timeline = Timeline::new();
        assert_eq!(timeline.map(at(5)), None);
        timeline.start(at(10));
        assert_eq!(timeline.map(at(9)), None);
        assert_eq!(timeline.map(at(10)), Some(MediaTime::ZERO));
        assert_eq!(timeline.start(at(99)), at(10), "the first origin stays");
    }

    #[test]
    fn a_pause_leaves_no_gap() {
        let timeline = Timeline::new();
        timeline.start(at(100));
        assert!(timeline.pause(at(150)));
        assert!(!timeline.pause(at(160)));
        assert_eq!(timeline.map(at(149)), Some(MediaTime::from_nanos(49)));
        assert_eq!(timeline.map(at(170)), None);
        assert!(timeline.resume(at(200)));
        assert!(!timeline.resume(at(210)));
        assert_eq!(timeline.map(at(170)), None, "what was captured within the pause stays out");
        assert_eq!(timeline.map(at(200)), Some(MediaTime::from_nanos(50)));
    }

    #[test]
    fn a_position_stands_still_within_a_pause() {
        let timeline = Timeline::new();
        assert_eq!(timeline.position(at(5)), None);
        timeline.pause(at(20));
        timeline.resume(at(110));
        timeline.start(at(100));
        timeline.pause(at(150));
        timeline.resume(at(200));
        timeline.pause(at(300));
        let position = |it| timeline.position(at(it)).unwrap().as_nanos();
        assert_eq!([105, 110, 149, 150, 175, 200, 299].map(position), [0, 0, 39, 40, 40, 40, 139]);
        assert_eq!([300, 999].map(position), [140, 140], "the pause is open");
    }

    #[test]
    fn capture_time_undoes_map() {
        let timeline = Timeline::new();
        assert_eq!(timeline.capture_time(MediaTime::ZERO), None);
        timeline.pause(at(20));
        timeline.resume(at(110));
        timeline.start(at(100));
        timeline.pause(at(150));
        timeline.resume(at(200));
        timeline.pause(at(300));
        for captured in [110, 149, 200, 299] {
            let media = timeline.map(at(captured)).unwrap();
            assert_eq!(timeline.capture_time(media), Some(at(captured)));
        }
        assert_eq!(timeline.map(at(299)), Some(MediaTime::from_nanos(139)));
        assert_eq!(timeline.capture_time(MediaTime::from_nanos(140)), None, "the pause is open");
    }
}
