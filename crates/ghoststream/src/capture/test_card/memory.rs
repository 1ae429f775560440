//! Frames of the card in plain memory.

use std::sync::{Arc, Mutex, PoisonError};

use super::BUFFERS;
use crate::capture::{CpuBuffer, Lease, Memory, Plane};
use crate::idle::Idle;
use crate::test_card::{Card, Stamp};
use crate::{PixelFormat, Timestamp};

/// Draws a frame; nothing when every buffer is lent out.
pub(super) fn draw(card: &Card, pool: &Arc<Pool>, stamp: Stamp) -> Option<Memory> {
    let size = card.size();
    let stride = size.width as usize * 4;
    let mut bytes = pool.take(Timestamp::now())?;
    if bytes.is_empty() {
        bytes.resize(stride * size.height as usize, 0);
        card.paint(&mut bytes, stride, stamp).ok()?;
    } else {
        card.repaint(&mut bytes, stride, stamp).ok()?;
    }
    let lease = Arc::new(Lent { bytes, pool: Arc::clone(pool) });
    let plane = Plane { offset: 0, stride };
    CpuBuffer::new(lease, PixelFormat::Bgrx, size, &[plane]).ok().map(Memory::Cpu)
}

/// Buffers that were drawn before and are not lent out. A card's frame is in each. What has not been needed for a minute
/// is given back.
#[derive(Default)]
pub(super) struct Pool(Mutex<PoolState>);

#[derive(Default)]
struct PoolState {
    idle: Idle<Vec<u8>>,
    /// Those that are lent out, too.
    made: usize,
}

impl Pool {
    /// A buffer; an empty one, to be filled, where a further one may be made.
    fn take(&self, now: Timestamp) -> Option<Vec<u8>> {
        let mut state = self.lock();
        let taken = state.idle.take().or_else(|| {
            let further = state.made < BUFFERS;
            state.made += usize::from(further);
            further.then(Vec::new)
        });
        let unneeded = state.idle.unneeded(now);
        state.made -= usize::from(unneeded.is_some());
        // Who brings a buffer back does not wait until the other's memory is gone.
        drop(state);
        taken
    }

    fn put(&self, bytes: Vec<u8>, now: Timestamp) {
        self.lock().idle.put(bytes, now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PoolState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A drawn frame on loan; goes back into the pool.
struct Lent {
    bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl Lease for Lent {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.bytes), Timestamp::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_bounded_and_come_back() {
        let pool = Arc::new(Pool::default());
        let mut lent: Vec<_> = std::iter::from_fn(|| pool.take(Timestamp::now())).collect();
        assert_eq!(lent.len(), BUFFERS);
        drop(Lent { bytes: lent.pop().unwrap(), pool: Arc::clone(&pool) });
        assert!(pool.take(Timestamp::now()).is_some());
        assert!(pool.take(Timestamp::now()).is_none());
    }

    #[test]
    fn buffers_of_a_stall_are_given_back_after_a_minute_and_may_be_made_again() {
        let pool = Pool::default();
        let at = |frame: i64| Timestamp::from_nanos(frame * 1_000_000_000 / 60);
        // As drawn ones: those that are to be drawn for the first time are empty.
        let all: Vec<_> = std::iter::from_fn(|| pool.take(at(0))).map(|_| vec![0; 8]).collect();
        assert_eq!(all.len(), BUFFERS);
        all.into_iter().for_each(|it| pool.put(it, at(0)));
        // Each frame is out until the next is drawn.
        let mut shown = None;
        for frame in 1..60 * 120 {
            let drawn = pool.take(at(frame)).expect("most are idle");
            assert!(!drawn.is_empty(), "none is made while there are idle ones: frame {frame}");
            shown.replace(drawn).into_iter().for_each(|it| pool.put(it, at(frame)));
            let state = pool.lock();
            let kept = if frame <= 60 * 60 {
                BUFFERS
            } else {
                BUFFERS.saturating_sub((frame - 3600) as usize).max(2)
            };
            assert_eq!((state.made, state.idle.len()), (kept, kept - 1), "frame {frame}");
        }
        assert_eq!(std::iter::from_fn(|| pool.take(at(60 * 120))).count(), BUFFERS - 1);
    }
}
