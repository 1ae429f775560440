//! When what a cycle brings is heard.
//!
//! A sink that drives the graph plays in each cycle what its streams gave it, after its delay. Its
//! monitor hands that on one cycle later, since the driver's own turn comes last. PipeWire's stream
//! time knows neither; the driver's clock does.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use pipewire::spa::sys::{SPA_IO_Position, spa_io_position};

/// Sinks that are known at most; more play, but are taken to have no delay.
const SINKS: usize = 32;
/// A delay beyond this, in seconds, is a mistake of the driver's.
const MOST: i64 = 1;

/// The position area of the driver, shared with the daemon.
struct Area(NonNull<spa_io_position>);

// SAFETY: the area is memory shared between processes; `Cycle` says when it may be read.
unsafe impl Send for Area {}

/// What is known of the driver of our stream.
#[derive(Default)]
pub(super) struct Cycle {
    /// Held while the area is read, so that it is not unmapped meanwhile.
    area: Mutex<Option<Area>>,
    /// The ids of all sinks, 0 for none.
    sinks: [AtomicU32; SINKS],
    /// The sink whose monitor is recorded, 0 for none.
    monitored: AtomicU32,
}

/// What the driver says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Clock {
    id: u32,
    /// Ticks of a cycle.
    duration: u64,
    /// Ticks between the cycle's beginning and the hardware.
    delay: i64,
    /// Ticks of a second.
    rate: u32,
}

impl Cycle {
    /// Takes what `io_changed` tells.
    pub(super) fn io_changed(&self, id: u32, data: *mut std::ffi::c_void, size: u32) {
        if id != SPA_IO_Position {
            return;
        }
        let fits = size as usize >= std::mem::size_of::<spa_io_position>();
        let area = NonNull::new(data.cast()).filter(|_| fits).map(Area);
        // Waits for the data thread, which holds it for a few instructions only.
        *self.area.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = area;
    }

    /// Says which nodes are sinks, and which of them is recorded.
    pub(super) fn set_sinks(&self, sinks: impl Iterator<Item = u32>, monitored: Option<u32>) {
        let ids = sinks.chain(std::iter::repeat(0));
        for (slot, id) in self.sinks.iter().zip(ids) {
            slot.store(id, Ordering::Relaxed);
        }
        self.monitored.store(monitored.unwrap_or(0), Ordering::Relaxed);
    }

    /// How much later than the cycle's beginning its sound is heard, in ticks; negative is before.
    /// Never blocks.
    pub(super) fn heard_after(&self) -> i64 {
        self.read().map_or(0, |clock| self.later(clock))
    }

    fn read(&self) -> Option<Clock> {
        let area = self.area.try_lock().ok()?;
        let area = area.as_ref()?;
        // SAFETY: PipeWire maps the area until `io_changed` has told of another, which waits for the
        // lock that we hold; the fields are plain numbers that the driver may be changing.
        unsafe {
            let clock = &raw const (*area.0.as_ptr()).clock;
            Some(Clock {
                id: (&raw const (*clock).id).read_volatile(),
                duration: (&raw const (*clock).duration).read_volatile(),
                delay: (&raw const (*clock).delay).read_volatile(),
                rate: (&raw const (*clock).rate.denom).read_volatile(),
            })
        }
    }

    fn later(&self, clock: Clock) -> i64 {
        let most = MOST * i64::from(clock.rate);
        let is = |slot: &AtomicU32| clock.id != 0 && slot.load(Ordering::Relaxed) == clock.id;
        if !self.sinks.iter().any(is) {
            return 0;
        }
        // Drivers differ in the sign that they give it.
        let delay = clock.delay.saturating_abs().min(most);
        let cycle = i64::try_from(clock.duration).unwrap_or(most).min(most);
        if is(&self.monitored) { delay - cycle } else { delay }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_comes_a_cycle_later_and_is_heard_after_the_delay() {
        let cycle = Cycle::default();
        cycle.set_sinks([7, 9].into_iter(), Some(7));
        let clock = Clock { id: 7, duration: 1024, delay: 1500, rate: 48_000 };
        assert_eq!(cycle.later(clock), 476);
        assert_eq!(cycle.later(Clock { delay: -1500, ..clock }), 476);
        assert_eq!(cycle.later(Clock { id: 9, ..clock }), 1500, "another sink drives: an application");
        assert_eq!(cycle.later(Clock { id: 3, ..clock }), 0, "a microphone drives");
        assert_eq!(cycle.later(Clock { id: 9, delay: i64::MIN, ..clock }), 48_000);
        assert_eq!(cycle.heard_after(), 0, "no area is known");
    }
}
