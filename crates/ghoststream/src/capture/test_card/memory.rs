//! Frames of the card in plain memory.

use std::sync::{Arc, Mutex, PoisonError};

use super::BUFFERS;
use crate::PixelFormat;
use crate::capture::{CpuBuffer, Lease, Memory, Plane};
use crate::test_card::{Card, Stamp};

/// Draws a frame; nothing when every buffer is lent out.
pub(super) fn draw(card: &Card, pool: &Arc<Pool>, stamp: Stamp) -> Option<Memory> {
    let size = card.size();
    let stride = size.width as usize * 4;
    let mut bytes = pool.take()?;
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

/// Buffers that were drawn before and are not lent out. A card's frame is in each.
#[derive(Default)]
pub(super) struct Pool(Mutex<PoolState>);

#[derive(Default)]
struct PoolState {
    idle: Vec<Vec<u8>>,
    made: usize,
}

impl Pool {
    /// A buffer; an empty one, to be filled, where a further one may be made.
    fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        state.idle.pop().or_else(|| {
            let further = state.made < BUFFERS;
            state.made += usize::from(further);
            further.then(Vec::new)
        })
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
        self.pool.lock().idle.push(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_bounded_and_come_back() {
        let pool = Arc::new(Pool::default());
        let mut lent: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
        assert_eq!(lent.len(), BUFFERS);
        drop(Lent { bytes: lent.pop().unwrap(), pool: Arc::clone(&pool) });
        assert!(pool.take().is_some());
        assert!(pool.take().is_none());
    }
}
